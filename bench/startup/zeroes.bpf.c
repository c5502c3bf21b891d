/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* 256 MiB of variables that are all zero. */
#include <mem/bpf.h>

__u64 table[32 << 20];

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	table[pid & 0xfffff]++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
