/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables that each CPU has its own of. Kernels that have no such thing refuse on_cpu() alone. */
#include <mem/bpf.h>

struct load {
	__u64 runs;
	__u32 last;
};

struct load load SEC(".percpu") = { 0, 7 };
int limit SEC(".percpu") = 100;
__u8 tail[3] SEC(".percpu");
__u64 all;

SEC("?syscall")
int on_cpu(void *ctx)
{
	load.runs++;
	load.last = limit;
	return 0;
}

SEC("syscall")
int plain(void *ctx)
{
	__sync_fetch_and_add(&all, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
