/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs in several contexts that do what arena_history.h says. */
#include <mem/bpf.h>
#include "arena_history.h"

MEM_ARENA(arena, 8192);
MEM_ARENA_VAR struct history history;

__u64 count = 1;
__u32 pid; /* of the process whose system calls count */

/* Not static: the verifier looks at it once, and not in each round of a loop. */
__attribute__((noinline)) int work(__u32 random)
{
	return history_do(&history, random, &history.up, RING_UP);
}

SEC("syscall")
int work_many(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		if (work(bpf_get_prandom_u32()))
			return 1;
	return 0;
}

SEC("raw_tp/sys_enter")
int work_on_call(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == pid)
		work(bpf_get_prandom_u32());
	return 0;
}

SEC("perf_event")
int work_on_event(void *ctx)
{
	work(bpf_get_prandom_u32());
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
