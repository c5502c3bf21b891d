/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Two congestion controls of which one is for the asking. */
#include <mem/bpf.h>

struct sock;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
};

SEC("struct_ops/cong_avoid")
void avoid_usual(unsigned long long *ctx)
{
}

SEC("struct_ops/cong_avoid")
void avoid_special(unsigned long long *ctx)
{
}

SEC("struct_ops/ssthresh")
__u32 any_ssthresh(unsigned long long *ctx)
{
	return 10;
}

SEC("struct_ops/ssthresh")
__u32 special_ssthresh(unsigned long long *ctx)
{
	return 20;
}

SEC("?struct_ops/undo_cwnd")
__u32 usual_undo(unsigned long long *ctx)
{
	return 10;
}

SEC("?struct_ops/undo_cwnd")
__u32 special_undo(unsigned long long *ctx)
{
	return 20;
}

SEC(".struct_ops")
struct tcp_congestion_ops usual = {
	.ssthresh = (void *)any_ssthresh,
	.cong_avoid = (void *)avoid_usual,
	.undo_cwnd = (void *)usual_undo,
	.name = "libmem_usual",
};

SEC("?.struct_ops")
struct tcp_congestion_ops special = {
	.ssthresh = (void *)special_ssthresh,
	.cong_avoid = (void *)avoid_special,
	.undo_cwnd = (void *)special_undo,
	.name = "libmem_special",
};

char LICENSE[] SEC("license") = "GPL";
