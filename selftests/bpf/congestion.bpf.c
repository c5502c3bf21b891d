/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A TCP congestion control of our own, as a struct_ops program. */
#include <mem/bpf.h>

struct sock;
struct ack_sample;

/* What the kernel has of these, and a member that no kernel has. */
struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	__u64 libmem_no_such_member;
	char name[16];
};

__u64 inits, avoids;

SEC("struct_ops/init")
void libmem_init(unsigned long long *ctx)
{
	__sync_fetch_and_add(&inits, 1);
}

SEC("struct_ops/cong_avoid")
void libmem_cong_avoid(unsigned long long *ctx)
{
	__sync_fetch_and_add(&avoids, 1);
}

SEC("struct_ops/ssthresh")
__u32 libmem_ssthresh(unsigned long long *ctx)
{
	return 10;
}

SEC("struct_ops/undo_cwnd")
__u32 libmem_undo_cwnd(unsigned long long *ctx)
{
	return 10;
}

SEC(".struct_ops")
struct tcp_congestion_ops libmem_cc = {
	.init = (void *)libmem_init,
	.ssthresh = (void *)libmem_ssthresh,
	.cong_avoid = (void *)libmem_cong_avoid,
	.undo_cwnd = (void *)libmem_undo_cwnd,
	.name = "libmem_cc",
};

char LICENSE[] SEC("license") = "GPL";
