/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Counts system calls, for whoever may look. */
#include <mem/bpf.h>

__u64 calls;
__u32 last_pid;

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	__sync_fetch_and_add(&calls, 1);
	last_pid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
