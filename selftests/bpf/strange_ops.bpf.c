/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An interface that no kernel has, beside one that most have and a program that needs neither. */
#include <mem/bpf.h>

struct libmem_no_such_ops {
	int (*begin)(void);
	int (*end)(void);
};

struct tcp_congestion_ops {
	__u32 (*ssthresh)(void *sk);
	__u32 (*undo_cwnd)(void *sk);
	void (*cong_avoid)(void *sk, __u32 ack, __u32 acked);
	void (*libmem_no_such_member)(void *sk);
	char name[16];
};

SEC("struct_ops")
int begin(void *ctx)
{
	return 1;
}

SEC("struct_ops")
int end(void *ctx)
{
	return 2;
}

SEC("struct_ops")
int ssthresh(void *ctx)
{
	return 10;
}

SEC("struct_ops")
int undo_cwnd(void *ctx)
{
	return 10;
}

SEC("struct_ops")
int cong_avoid(void *ctx)
{
	return 0;
}

SEC("struct_ops")
int no_such_member(void *ctx)
{
	return 0;
}

SEC("syscall")
int others(void *ctx)
{
	return 77;
}

SEC(".struct_ops")
struct libmem_no_such_ops strange = { .begin = (void *)begin, .end = (void *)end };

SEC(".struct_ops")
struct tcp_congestion_ops good = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.name = "libmem_good",
};

SEC(".struct_ops")
struct tcp_congestion_ops bad = {
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.cong_avoid = (void *)cong_avoid,
	.libmem_no_such_member = (void *)no_such_member,
	.name = "libmem_bad",
};

char LICENSE[] SEC("license") = "GPL";
