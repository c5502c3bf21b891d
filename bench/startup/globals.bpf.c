/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables only: one section of each kind, one program. */
#include <mem/bpf.h>

const volatile __u32 min_pid = 1;
__u32 limit = 100;
__u64 seen;

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	if (pid >= min_pid && seen < limit)
		__sync_fetch_and_add(&seen, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
