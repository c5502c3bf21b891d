/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel counts of a program. */
#include <errno.h>
#include <string.h>

#include "object.h"
#include "opts.h"
#include "sys.h"

int mem_prog_stats(const struct mem_prog *prog, struct mem_prog_stats *stats)
{
	struct bpf_prog_info info;
	int err;

	if (!stats || !OPTS_VALID(stats, mem_prog_stats))
		return object_result(prog->obj, stats ? -errno : mem__error(EINVAL, "no place for counts"));
	memset(&info, 0, sizeof(info));
	err = prog->fd < 0 ? -EBADF : sys_info(prog->fd, &info, sizeof(info));
	if (err)
		return object_result(prog->obj, mem__error(-err, "%s: program '%s': can't read its counts: %s",
							   prog->obj->name, prog->image->name,
							   prog->fd < 0 ? "it is not loaded" : strerror(-err)));
	OPTS_SET(stats, runs, info.run_cnt);
	OPTS_SET(stats, run_ns, info.run_time_ns);
	OPTS_SET(stats, misses, info.recursion_misses);
	return 0;
}
