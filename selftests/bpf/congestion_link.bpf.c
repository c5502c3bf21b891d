/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A congestion control with a link: two objects of this image are two of the same name. */
#include <mem/bpf.h>

struct sock;

__u64 inits;

struct tcp_congestion_ops {
	__u32 (*ssthresh)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*init)(struct sock *sk);
	char name[16];
};

SEC("struct_ops/init")
void cc_init(unsigned long long *ctx)
{
	__sync_fetch_and_add(&inits, 1);
}

SEC("struct_ops/cong_avoid")
void cc_avoid(unsigned long long *ctx)
{
}

SEC("struct_ops/ssthresh")
__u32 cc_ssthresh(unsigned long long *ctx)
{
	return 10;
}

SEC("struct_ops/undo_cwnd")
__u32 cc_undo(unsigned long long *ctx)
{
	return 10;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops updated_cc = {
	.init = (void *)cc_init,
	.ssthresh = (void *)cc_ssthresh,
	.cong_avoid = (void *)cc_avoid,
	.undo_cwnd = (void *)cc_undo,
	.name = "libmem_updated",
};

char LICENSE[] SEC("license") = "GPL";
