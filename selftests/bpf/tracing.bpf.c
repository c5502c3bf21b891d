/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs at kernel functions and security hooks; the kernel has functions of its own to try them on. */
#include <mem/bpf.h>

#define EXDEV 18

int of_process; /* programs at hooks act on this process alone */
int refuse; /* 1: the hook says no, the function something else */
__u64 entries, exits, sessions, last_argument, last_result, last_cookie, hooks, sockets;

static __always_inline int is_ours(void)
{
	return (int)(bpf_get_current_pid_tgid() >> 32) == of_process;
}

/* int bpf_fentry_test2(int a, u64 b) gives a + b; BPF_PROG_TEST_RUN calls it with 2 and 3. */
SEC("?fentry/bpf_fentry_test2")
int on_entry(unsigned long long *ctx)
{
	entries++;
	last_argument = ctx[1];
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?fexit/bpf_fentry_test2")
int on_exit(unsigned long long *ctx)
{
	exits++;
	last_argument = ctx[1];
	last_result = (__u32)ctx[2];
	return 0;
}

SEC("?fexit.s/bpf_fentry_test2")
int on_exit_sleepable(unsigned long long *ctx)
{
	exits++;
	return 0;
}

/* At the entry and at the return. */
SEC("?fsession/bpf_fentry_test2")
int on_session(unsigned long long *ctx)
{
	sessions++;
	return 0;
}

/* The kernel has bpf_fentry_test1() to test9() or more. */
SEC("?fentry.multi/bpf_fentry_test[1-5]")
int on_entries(unsigned long long *ctx)
{
	entries++;
	last_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?fexit.multi/bpf_fentry_test[1-3]")
int on_exits(unsigned long long *ctx)
{
	exits++;
	return 0;
}

SEC("?fsession.multi/bpf_fentry_test[1-3]")
int on_sessions(unsigned long long *ctx)
{
	sessions++;
	return 0;
}

/* int bpf_modify_return_test(int a, int *b) */
SEC("?fmod_ret/bpf_modify_return_test")
int on_modify(unsigned long long *ctx)
{
	entries++;
	return refuse;
}

SEC("?lsm/file_open")
int on_file_open(unsigned long long *ctx)
{
	if (!is_ours())
		return 0;
	hooks++;
	return refuse ? -EXDEV : 0;
}

SEC("?lsm.s/file_open")
int on_file_open_sleepable(unsigned long long *ctx)
{
	if (!is_ours())
		return 0;
	hooks++;
	return refuse ? -EXDEV : 0;
}

/* 0 refuses, 1 lets it be. */
SEC("?lsm_cgroup/socket_create")
int on_socket(unsigned long long *ctx)
{
	sockets++;
	return !refuse;
}

char LICENSE[] SEC("license") = "GPL";
