/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls that opening and loading take, counted from outside: one bpf() call for each
 * map, program and BTF, one freeze for constants, nothing for what the kernel need not be told.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <mem/elf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "made.h"
#include "hooks.skel.h"
#include "plain.skel.h"
#include "shared.skel.h"

FIXTURE(need_bpf, NULL)

#define COMMANDS 64

/* What a child did until it ended. */
struct calls {
	int bpf[COMMANDS];
	int bpf_total;
	bool kernel_btf; /* it opened /sys/kernel/btf/vmlinux */
	int status;      /* as waitpid() has it */
};

static void note_path(struct calls *calls, pid_t child, uint64_t address)
{
	char path[32] = "";
	struct iovec to = { path, sizeof(path) - 1 }, from = { (void *)(uintptr_t)address, 31 };

	if (process_vm_readv(child, &to, 1, &from, 1, 0) > 0)
		calls->kernel_btf |= !strcmp(path, "/sys/kernel/btf/vmlinux");
}

static void note_call(struct calls *calls, pid_t child)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	if (info.entry.nr == SYS_openat)
		note_path(calls, child, info.entry.args[1]);
	if (info.entry.nr != SYS_bpf)
		return;
	calls->bpf_total++;
	if (info.entry.args[0] < COMMANDS)
		calls->bpf[info.entry.args[0]]++;
}

/* Run body in a child and watch it. */
static struct calls watch(int (*body)(void))
{
	struct calls calls = { .status = 0 };
	pid_t child = fork();

	ck_assert_int_ge(child, 0);
	if (!child) {
		made_stop();
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(body());
	}
	ck_assert_int_eq(waitpid(child, &calls.status, 0), child);
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, child, NULL,
				PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	while (!ptrace(PTRACE_SYSCALL, child, NULL, NULL)) {
		ck_assert_int_eq(waitpid(child, &calls.status, 0), child);
		if (!WIFSTOPPED(calls.status))
			break;
		if (WSTOPSIG(calls.status) == (SIGTRAP | 0x80))
			note_call(&calls, child);
	}
	ck_assert_msg(WIFEXITED(calls.status) && !WEXITSTATUS(calls.status), "the child failed: %#x",
		      calls.status);
	return calls;
}

static int load_plain(void)
{
	struct plain *skel = plain__open_and_load();

	if (!skel)
		return 1;
	plain__destroy(skel);
	return 0;
}

static int load_shared(void)
{
	struct shared *skel = shared__open_and_load();

	if (!skel)
		return 1;
	shared__destroy(skel);
	return 0;
}

static int load_hooks(void)
{
	struct hooks *skel = hooks__open_and_load();

	if (!skel)
		return 1;
	hooks__destroy(skel);
	return 0;
}

static int load_plain_file(void)
{
	struct mem_object *obj = mem_object_open_file(build_path("selftests/plain.bpf.o"), NULL);
	int err = obj ? mem_object_load(obj) : 1;

	mem_object_close(obj);
	return err != 0;
}

static void check_plain(const struct calls *calls)
{
	/* nine maps and the prototype of the inner ones */
	ck_assert_int_eq(calls->bpf[BPF_MAP_CREATE], 10);
	/* one element of each map that the source fills; constants of two sections */
	ck_assert_int_eq(calls->bpf[BPF_MAP_UPDATE_ELEM], 2 + calls->bpf[BPF_MAP_FREEZE]);
	ck_assert_int_eq(calls->bpf[BPF_BTF_LOAD], 1);
	ck_assert_int_eq(calls->bpf[BPF_PROG_LOAD], 6);
	ck_assert_int_eq(calls->bpf_total, 10 + 2 + 2 * calls->bpf[BPF_MAP_FREEZE] + 1 + 6);
	ck_assert(!calls->kernel_btf);
}

TEST(one_call_for_each_thing)
{
	struct calls calls = watch(load_plain);

	check_plain(&calls);
}
END_TEST

TEST(a_file_takes_no_more_than_a_header)
{
	struct calls calls = watch(load_plain_file);

	check_plain(&calls);
}
END_TEST

TEST(an_arena_takes_one_call)
{
	struct calls calls;

	need_linux(6, 9, "arenas");
	calls = watch(load_shared);
	ck_assert_int_eq(calls.bpf[BPF_MAP_CREATE], 7);
	ck_assert_int_eq(calls.bpf[BPF_MAP_FREEZE], 1);
	ck_assert_int_eq(calls.bpf[BPF_MAP_UPDATE_ELEM], 1);
	ck_assert_int_eq(calls.bpf[BPF_PROG_LOAD], 2);
	ck_assert_int_eq(calls.bpf_total, 7 + 1 + 1 + 1 + 2);
}
END_TEST

TEST(kernel_types_are_read_only_when_wanted)
{
	struct calls calls = watch(load_hooks);

	ck_assert(calls.kernel_btf);
	ck_assert_int_eq(calls.bpf[BPF_PROG_LOAD], 10);
	ck_assert_int_eq(calls.bpf[BPF_BTF_LOAD], 1);
}
END_TEST
