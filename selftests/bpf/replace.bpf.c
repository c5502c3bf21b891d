/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A program with a function that others replace or trace, and those others. */
#include <mem/bpf.h>

__u64 entered;

__attribute__((noinline)) int answer(struct __sk_buff *skb)
{
	volatile int value = 1;

	return value + skb->len * 0;
}

SEC("tc")
int original(struct __sk_buff *skb)
{
	return answer(skb);
}

SEC("?freplace")
int replacement(struct __sk_buff *skb)
{
	return 42;
}

SEC("?fentry/veth_xmit")
int on_module_function(void *ctx)
{
	__sync_fetch_and_add(&entered, 1);
	return 0;
}

/* The section says nothing; the application does. */
SEC("?libmem/unknown")
int untyped(void *ctx)
{
	return 7;
}

char LICENSE[] SEC("license") = "GPL";
