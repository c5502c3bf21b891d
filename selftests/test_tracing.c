/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs at kernel functions and security hooks, seen to act. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_group.h"
#include "harness.h"
#include "tracing.skel.h"

static struct tracing *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(tracing__open());
	skel->bss->of_process = (int)getpid();
}

static void teardown(void)
{
	tracing__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

/* Load one program; 0, or -EINVAL. */
static int load(struct mem_prog *prog)
{
	int err;

	assert_ok(mem_prog_autoload_set(prog, 1));
	err = tracing__load(skel);
	if (err == -EPERM)
		test_skip("this kernel refuses programs at its functions");
	if (err != -EINVAL)
		assert_ok(err);
	return err;
}

static struct mem_link *attach(struct mem_prog *prog)
{
	struct mem_link *link;

	assert_ok(load(prog));
	link = mem_prog_attach(prog);
	if (!link && errno == ENOTSUP)
		test_skip("this kernel has no trampolines");
	return assert_ptr(link);
}

/* The kernel calls its test functions; the function's own result if it is one that changes it. */
TEST(entry_of_a_function)
{
	struct mem_link *link = attach(skel->progs.on_entry);

	run_program(skel->progs.on_entry);
	ck_assert_uint_eq(skel->bss->entries, 1);
	ck_assert_uint_eq(skel->bss->last_argument, 3);
	mem_link_destroy(link);
	run_program(skel->progs.on_entry);
	ck_assert_uint_eq(skel->bss->entries, 1);
}
END_TEST

TEST(entry_knows_its_cookie)
{
	struct mem_link *link;

	mem_prog_cookie_set(skel->progs.on_entry, 5);
	link = attach(skel->progs.on_entry);
	run_program(skel->progs.on_entry);
	ck_assert_uint_eq(skel->bss->last_cookie, 5);
	mem_link_destroy(link);
}
END_TEST

TEST(return_of_a_function)
{
	struct mem_link *link = attach(skel->progs.on_exit);

	run_program(skel->progs.on_exit);
	ck_assert_uint_eq(skel->bss->exits, 1);
	ck_assert_uint_eq(skel->bss->last_argument, 3);
	ck_assert_uint_eq(skel->bss->last_result, 5);
	mem_link_destroy(link);
}
END_TEST

TEST(sleepable_form)
{
	struct mem_link *link;

	if (load(skel->progs.on_exit_sleepable))
		test_skip("this kernel lets no program sleep at its test functions");
	link = assert_ptr(mem_prog_attach(skel->progs.on_exit_sleepable));
	run_program(skel->progs.on_exit_sleepable);
	ck_assert_uint_eq(skel->bss->exits, 1);
	mem_link_destroy(link);
}
END_TEST

TEST(session_runs_at_entry_and_return)
{
	struct mem_link *link;

	need_linux(7, 0, "fsession programs");
	link = attach(skel->progs.on_session);
	run_program(skel->progs.on_session);
	ck_assert_uint_eq(skel->bss->sessions, 2);
	mem_link_destroy(link);
}
END_TEST

TEST(entries_of_many_functions)
{
	struct mem_probe_opts opts = { .sz = sizeof(opts), .cookie = 0xc00c1e };
	struct mem_link *link;

	if (linux_version() < 7002) {
		assert_ok(mem_prog_autoload_set(skel->progs.on_entries, 1));
		if (tracing__load(skel) != -EPERM) {
			assert_says("lacks fentry.multi");
			assert_says("7.2");
		}
		return;
	}
	link = attach(skel->progs.on_entries);
	run_program(skel->progs.on_entries);
	ck_assert_uint_eq(skel->bss->entries, 5);
	ck_assert_uint_eq(skel->bss->last_cookie, 0);
	mem_link_destroy(link);

	link = assert_ptr(mem_prog_attach_trace_multi(skel->progs.on_entries, "bpf_fentry_test[12]", &opts));
	run_program(skel->progs.on_entries);
	ck_assert_uint_eq(skel->bss->entries, 7);
	ck_assert_uint_eq(skel->bss->last_cookie, opts.cookie);
	mem_link_destroy(link);
	run_program(skel->progs.on_entries);
	ck_assert_uint_eq(skel->bss->entries, 7);
	ck_assert_ptr_null(mem_prog_attach_trace_multi(skel->progs.on_entries, "libmem_no_such_*", NULL));
	ck_assert_int_eq(errno, ENOENT);
	assert_says("libmem_no_such_*");
}
END_TEST

TEST(returns_of_many_functions)
{
	struct mem_link *link;

	need_linux(7, 2, "fexit.multi");
	link = attach(skel->progs.on_exits);
	run_program(skel->progs.on_exits);
	ck_assert_uint_eq(skel->bss->exits, 3);
	mem_link_destroy(link);
}
END_TEST

TEST(sessions_of_many_functions)
{
	struct mem_link *link;

	need_linux(7, 2, "fsession.multi");
	link = attach(skel->progs.on_sessions);
	run_program(skel->progs.on_sessions);
	ck_assert_uint_eq(skel->bss->sessions, 6);
	mem_link_destroy(link);
}
END_TEST

TEST(result_of_a_function_is_changed)
{
	struct mem_link *link;
	uint32_t result;

	if (load(skel->progs.on_modify))
		test_skip("this kernel lets no program change the result of its test functions");
	link = assert_ptr(mem_prog_attach(skel->progs.on_modify));
	result = run_program(skel->progs.on_modify);
	ck_assert_uint_eq(skel->bss->entries, 1);
	skel->bss->refuse = 1;
	ck_assert_uint_ne(run_program(skel->progs.on_modify), result);
	mem_link_destroy(link);
	ck_assert_uint_eq(run_program(skel->progs.on_modify), result);
}
END_TEST

/* The hook of opening a file, by either of its programs. */
static void refuse_to_open(struct mem_prog *prog)
{
	struct mem_link *link = attach(prog);
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	close(fd);
	ck_assert_int_ge(fd, 0);
	if (!skel->bss->hooks) {
		mem_link_destroy(link);
		test_skip("this kernel does not ask BPF programs: there is no bpf in its lsm=");
	}
	skel->bss->refuse = 1;
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(errno, EXDEV);
	skel->bss->refuse = 0;
	mem_link_destroy(link);
}

TEST(security_hook_refuses)
{
	refuse_to_open(skel->progs.on_file_open);
}
END_TEST

TEST(security_hook_that_may_sleep_refuses)
{
	refuse_to_open(skel->progs.on_file_open_sleepable);
}
END_TEST

TEST(security_hook_of_a_control_group)
{
	struct mem_link *link;
	int fd, sock, error;

	assert_ok(load(skel->progs.on_socket));
	fd = control_group_make();
	link = assert_ptr(mem_prog_attach_cgroup(skel->progs.on_socket, fd));
	close(fd);
	skel->bss->refuse = 1;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); /* not in the group */
	ck_assert_int_ge(sock, 0);
	close(sock);
	control_group_enter();
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	error = errno;
	control_group_leave();
	mem_link_destroy(link);
	control_group_remove();
	if (!skel->bss->sockets) {
		close(sock);
		test_skip("this kernel does not ask BPF programs: there is no bpf in its lsm=");
	}
	ck_assert_int_eq(sock, -1);
	ck_assert_int_eq(error, EPERM);
}
END_TEST

TEST(function_that_is_not_there)
{
	assert_ok(mem_prog_target_set(skel->progs.on_entry, "libmem_no_such_function", -1));
	assert_ok(mem_prog_autoload_set(skel->progs.on_entry, 1));
	assert_err(tracing__load(skel), -ENOENT);
	assert_says("'libmem_no_such_function'");
}
END_TEST
