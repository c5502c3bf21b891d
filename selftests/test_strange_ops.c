/* SPDX-License-Identifier: BSD-2-Clause */
/* Implementations of interfaces that the running kernel does not have. */
#include <errno.h>
#include <string.h>

#include "harness.h"
#include "strange_ops.skel.h"

FIXTURE(need_bpf, NULL)

static void message_has(const char *message, const char *part)
{
	ck_assert_msg(strstr(message, part), "no '%s' in: %s", part, message);
}

TEST(interface_that_the_kernel_lacks)
{
	struct strange_ops *skel = assert_ptr(strange_ops__open());

	assert_err(strange_ops__load(skel), -ENOENT);
	message_has(mem_error_message(), "struct_ops map 'strange'");
	message_has(mem_error_message(), "libmem_no_such_ops");
	strange_ops__destroy(skel);
}
END_TEST

TEST(lenient_load_leaves_it_out)
{
	struct mem_open_opts opts = { .sz = sizeof(opts), .flags = MEM_OPEN_LENIENT };
	struct strange_ops *skel = assert_ptr(strange_ops__open_opts(&opts));
	struct mem_run_opts run = { .sz = sizeof(run) };

	assert_ok(strange_ops__load(skel));
	assert_ok(mem_prog_run(skel->progs.others, &run));
	ck_assert_uint_eq(run.retval, 77);
	message_has(mem_prog_error(skel->progs.begin), "libmem_no_such_ops");
	message_has(mem_prog_error(skel->progs.end), "libmem_no_such_ops");
	message_has(mem_prog_error(skel->progs.no_such_member), "libmem_no_such_member");
	ck_assert_int_eq(mem_prog_fd(skel->progs.begin), -EBADF);
	ck_assert_int_eq(mem_map_fd(skel->maps.strange), -EBADF);
	ck_assert_int_eq(mem_map_fd(skel->maps.bad), -EBADF);
	ck_assert_ptr_null(mem_map_attach_struct_ops(skel->maps.strange));
	message_has(mem_error_message(), "strange");
	/* programs of two variables are there for the one that is left */
	ck_assert_int_ge(mem_prog_fd(skel->progs.ssthresh), 0);
	ck_assert_int_ge(mem_prog_fd(skel->progs.cong_avoid), 0);
	ck_assert_int_ge(mem_map_fd(skel->maps.good), 0);
	ck_assert_str_eq(mem_prog_error(skel->progs.ssthresh), "");
	strange_ops__destroy(skel);
}
END_TEST
