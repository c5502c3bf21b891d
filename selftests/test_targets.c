/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs whose type or target the application chooses, and targets in modules and programs. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>

#include "harness.h"
#include "refused.skel.h"
#include "replace.skel.h"

FIXTURE(need_bpf, NULL)

static uint32_t run(const struct mem_prog *prog)
{
	char packet[64] = { 0 };
	struct mem_run_opts opts = { .sz = sizeof(opts), .data_in = packet,
				     .data_size_in = sizeof(packet) };

	if (mem_prog_type(prog) == BPF_PROG_TYPE_SYSCALL)
		opts = (struct mem_run_opts){ .sz = sizeof(opts) };
	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

TEST(function_of_another_program_is_replaced)
{
	struct replace *target = assert_ptr(replace__open_and_load());
	struct replace *skel = assert_ptr(replace__open());
	struct mem_link *link;
	int fd = mem_prog_fd(target->progs.original);

	assert_ok(mem_prog_autoload_set(skel->progs.original, 0));
	assert_ok(mem_prog_autoload_set(skel->progs.replacement, 1));
	assert_err(mem_prog_target_set(skel->progs.replacement, "no_such_function", fd), -ENOENT);
	assert_ok(mem_prog_target_set(skel->progs.replacement, "answer", fd));
	if (replace__load(skel) == -EPERM)
		test_skip("this kernel refuses programs that replace functions");
	ck_assert_uint_eq(run(target->progs.original), 1);
	link = assert_ptr(mem_prog_attach(skel->progs.replacement));
	ck_assert_uint_eq(run(target->progs.original), 42);
	mem_link_destroy(link);
	ck_assert_uint_eq(run(target->progs.original), 1);
	replace__destroy(skel);
	replace__destroy(target);
}
END_TEST

TEST(replacement_without_a_target_says_what_to_call)
{
	struct replace *skel = assert_ptr(replace__open());

	assert_ok(mem_prog_autoload_set(skel->progs.replacement, 1));
	assert_err(replace__load(skel), -EINVAL);
	assert_says("mem_prog_target_set()");
	replace__destroy(skel);
}
END_TEST

TEST(function_of_a_module_is_found)
{
	struct replace *skel = assert_ptr(replace__open());
	int err;

	assert_ok(mem_prog_autoload_set(skel->progs.on_module_function, 1));
	err = replace__load(skel);
	if (err == -ENOENT)
		test_skip("the veth module is not loaded, or has no types");
	if (err == -EPERM || err == -EINVAL)
		test_skip("this kernel refuses fentry programs");
	assert_ok(err);
	replace__destroy(skel);
}
END_TEST

TEST(type_is_the_applications_choice)
{
	struct replace *skel = assert_ptr(replace__open());

	assert_ok(mem_prog_autoload_set(skel->progs.untyped, 1));
	assert_ok(mem_prog_type_set(skel->progs.untyped, BPF_PROG_TYPE_SCHED_CLS, 0));
	ck_assert_uint_eq(mem_prog_type(skel->progs.untyped), BPF_PROG_TYPE_SCHED_CLS);
	assert_ok(replace__load(skel));
	ck_assert_uint_eq(run(skel->progs.untyped), 7);
	assert_err(mem_prog_type_set(skel->progs.untyped, BPF_PROG_TYPE_XDP, 0), -EBUSY);
	assert_err(mem_prog_target_set(skel->progs.untyped, "x", -1), -EBUSY);
	replace__destroy(skel);
}
END_TEST

TEST(lenient_load_leaves_out_what_can_not_be_loaded)
{
	struct mem_open_opts opts = { .sz = sizeof(opts), .flags = MEM_OPEN_LENIENT };
	struct refused *skel = assert_ptr(refused__open_opts(&opts));

	assert_ok(mem_map_max_entries_set(skel->maps.unsized, 1));
	assert_ok(refused__load(skel));
	ck_assert_str_eq(mem_prog_error(skel->progs.weak_kfunc), "");
	ck_assert_uint_eq(run(skel->progs.weak_kfunc), 12);
	ck_assert_int_ge(mem_prog_fd(skel->progs.uses_unsized), 0);
	ck_assert_int_eq(mem_prog_fd(skel->progs.strong_kfunc), -EBADF);
	ck_assert_ptr_nonnull(strstr(mem_prog_error(skel->progs.strong_kfunc), "libmem_no_such_kfunc"));
	ck_assert_ptr_nonnull(strstr(mem_prog_error(skel->progs.null_dereference), "invalid mem access"));
	ck_assert_ptr_nonnull(strstr(mem_prog_error(skel->progs.unknown_section), "no/such/section"));
	ck_assert_ptr_nonnull(strstr(mem_prog_error(skel->progs.unknown_target),
				     "libmem_no_such_tracepoint"));
	assert_ok(refused__attach(skel));
	refused__destroy(skel);
}
END_TEST

TEST(lenient_load_of_nothing_is_an_error)
{
	struct mem_open_opts opts = { .sz = sizeof(opts), .flags = MEM_OPEN_LENIENT };
	struct refused *skel = assert_ptr(refused__open_opts(&opts));

	assert_ok(mem_map_max_entries_set(skel->maps.unsized, 1));
	assert_ok(mem_prog_autoload_set(skel->progs.weak_kfunc, 0));
	assert_ok(mem_prog_autoload_set(skel->progs.uses_unsized, 0));
	assert_err(refused__load(skel), -EACCES);
	assert_says("none of its programs");
	refused__destroy(skel);
}
END_TEST
