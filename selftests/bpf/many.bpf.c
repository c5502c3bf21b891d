/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* So many programs, and so long ones, that threads load them. */
#include <mem/bpf.h>

const volatile __u32 bad = 100; /* number of the program that the verifier is to refuse */
__u64 runs[64];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

static __always_inline int run(__u32 number)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&values, &key);

	if (number == bad) /* the verifier knows the constant */
		return *(volatile int *)(long)number;
	if (!value)
		return number;
#pragma unroll
	for (int i = 0; i < 100; i++)
		*(volatile __u64 *)value += i;
	runs[number]++;
	return number;
}

#define PROG(n)                                                                                    \
	SEC("syscall") int prog_##n(void *ctx) { return run(n); }
#define PROGS(n) PROG(n##0) PROG(n##1) PROG(n##2) PROG(n##3) PROG(n##4) PROG(n##5) PROG(n##6) PROG(n##7)

PROGS(1)
PROGS(2)
PROGS(3)
PROGS(4)
PROGS(5)

char LICENSE[] SEC("license") = "GPL";
