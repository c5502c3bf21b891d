/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel says of a descriptor that may be that of a map. Failures are left to the caller to explain. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "live_map.h"
#include "sys.h"

/*
 * bpf(BPF_OBJ_GET_INFO_BY_FD) describes programs, links and BTF in the same breath, and nothing in
 * the answer says which. Where /proc is not mounted the comparison of sizes has to do.
 */
static bool is_map(int fd)
{
	char link[40], target[40] = "";
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	return len < 0 || !strcmp(target, "anon_inode:bpf-map");
}

int live_map_peek(int fd, struct bpf_map_info *info)
{
	int err;

	memset(info, 0, sizeof(*info));
	err = sys_info(fd, info, sizeof(*info));
	return err ? err : is_map(fd) ? 0 : -EINVAL;
}

bool live_map_same(int fd, int other)
{
	struct bpf_map_info one, two;

	return !live_map_peek(fd, &one) && !live_map_peek(other, &two) && one.id == two.id;
}

bool live_map_fd_is_read_only(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY;
}
