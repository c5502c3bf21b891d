/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Global functions that programs of several types give their contexts to: nothing but a tag says what it is. */
#include <mem/bpf.h>

#define CONTEXT __attribute__((btf_decl_tag("arg:ctx")))

__u64 calls, depth;

__attribute__((noinline)) int note_stack(void *ctx CONTEXT, __u32 weight)
{
	__u64 frames[4] = {0};

	__sync_fetch_and_add(&calls, weight);
	depth = (__u64)bpf_get_stack(ctx, frames, sizeof(frames), 0);
	return (int)frames[0];
}

/* Two of them, and something else between. */
__attribute__((noinline)) int sum_of_lengths(void *one CONTEXT, __u64 *sum, void *other CONTEXT)
{
	if (!sum)
		return -1;
	*sum += bpf_xdp_get_buff_len(one);
	*sum += bpf_xdp_get_buff_len(other);
	return 0;
}

SEC("raw_tp/sys_enter")
int on_call(void *ctx)
{
	note_stack(ctx, 1);
	return 0;
}

SEC("perf_event")
int on_event(void *ctx)
{
	note_stack(ctx, 1000);
	return 0;
}

SEC("kprobe")
int on_function(void *ctx)
{
	note_stack(ctx, 1000);
	return 0;
}

SEC("xdp")
int on_packet(struct xdp_md *ctx)
{
	__u64 sum = 0;

	return sum_of_lengths(ctx, &sum, ctx) ? -1 : (int)sum;
}

char LICENSE[] SEC("license") = "GPL";
