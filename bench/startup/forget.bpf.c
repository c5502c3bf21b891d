/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Asks for so many types that don't exist that the kernel's small cache of types for CO-RE forgets all
 * others: what is loaded next is as after a boot.
 */
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>

#define ASK(n)                                                                                     \
	{                                                                                          \
		struct no_such_type_##n;                                                           \
		struct no_such_type_##n {                                                          \
			int x;                                                                     \
		} __attribute__((preserve_access_index));                                          \
		sum += bpf_core_type_exists(struct no_such_type_##n);                              \
	}
#define ASK10(n)                                                                                   \
	ASK(n##0) ASK(n##1) ASK(n##2) ASK(n##3) ASK(n##4) ASK(n##5) ASK(n##6) ASK(n##7)            \
	ASK(n##8) ASK(n##9)

__u64 sum;

SEC("raw_tp/sys_enter")
int ask(void *ctx)
{
	ASK10(1) ASK10(2) ASK10(3) ASK10(4) ASK10(5) ASK10(6) ASK10(7) ASK10(8) ASK10(9)
	ASK10(10) ASK10(11) ASK10(12) ASK10(13) ASK10(14) ASK10(15) ASK10(16)
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
