/* SPDX-License-Identifier: BSD-2-Clause */
/* Running a program by system call, without attaching it. */
#include <errno.h>
#include <string.h>

#include "object.h"
#include "opts.h"
#include "sys.h"

static void run_attr(const struct mem_prog *prog, const struct mem_run_opts *opts,
		     union bpf_attr *attr)
{
	attr->test.prog_fd = (uint32_t)prog->fd;
	attr->test.ctx_in = sys_pointer(OPTS_GET(opts, ctx_in, NULL));
	attr->test.ctx_size_in = OPTS_GET(opts, ctx_size_in, 0);
	attr->test.ctx_out = sys_pointer(OPTS_GET(opts, ctx_out, NULL));
	attr->test.ctx_size_out = OPTS_GET(opts, ctx_size_out, 0);
	attr->test.data_in = sys_pointer(OPTS_GET(opts, data_in, NULL));
	attr->test.data_size_in = OPTS_GET(opts, data_size_in, 0);
	attr->test.data_out = sys_pointer(OPTS_GET(opts, data_out, NULL));
	attr->test.data_size_out = OPTS_GET(opts, data_size_out, 0);
	attr->test.repeat = OPTS_GET(opts, repeat, 0);
	attr->test.flags = OPTS_GET(opts, flags, 0);
	attr->test.cpu = OPTS_GET(opts, cpu, 0);
	attr->test.batch_size = OPTS_GET(opts, batch_size, 0);
}

static void run_results(struct mem_run_opts *opts, const union bpf_attr *attr)
{
	OPTS_SET(opts, ctx_size_out, attr->test.ctx_size_out);
	OPTS_SET(opts, data_size_out, attr->test.data_size_out);
	OPTS_SET(opts, retval, attr->test.retval);
	OPTS_SET(opts, duration, attr->test.duration);
}

int mem_prog_run(const struct mem_prog *prog, struct mem_run_opts *opts)
{
	struct mem_object *obj = prog->obj;
	int err;
	BPF_ATTR(attr);

	if (!OPTS_VALID(opts, mem_run_opts))
		return object_result(obj, -errno);
	if (prog->fd < 0)
		return object_result(obj, mem__error(EBADF, "%s: program '%s' is not loaded", obj->name,
						     prog->image->name));
	run_attr(prog, opts, &attr);
	err = sys_bpf(BPF_PROG_TEST_RUN, &attr, sizeof(attr));
	if (!err || err == -ENOSPC)
		run_results(opts, &attr);
	if (err == -ENOTSUPP_KERNEL)
		err = -ENOTSUP;
	if (!err)
		return 0;
	mem__error(-err, "%s: can't run program '%s' (section %s): %s", obj->name, prog->image->name,
		   prog->image->section,
		   err == -ENOTSUP ? "this kernel can't run programs of its type on request"
				   : strerror(-err));
	return object_result(obj, err);
}
