/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A scheduler that threads tell what they want, and that tells them what they got. */
#include <mem/task.h>

#define GLOBAL_QUEUE ((1ULL << 63) | 1) /* SCX_DSQ_GLOBAL */
#define SLICE	     20000000ULL	/* SCX_SLICE_DFL, ns */

/* Linux 6.13 gave it this name; 6.12 has it as scx_bpf_dispatch(). */
void scx_bpf_dsq_insert(struct task_struct *p, __u64 queue, __u64 slice, __u64 flags) __ksym __weak;
void scx_bpf_dispatch(struct task_struct *p, __u64 queue, __u64 slice, __u64 flags) __ksym __weak;

struct sched_ext_ops {
	int (*select_cpu)(struct task_struct *p, int prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 flags);
	void (*running)(struct task_struct *p);
	__u32 timeout_ms;
	char name[128];
};

struct share {
	__u64 slice; /* ns that the thread wants at a time; 0: the usual */
	__u64 given; /* the sum of slices that it has had */
	__u64 runs;
};

MEM_TASK(struct share, share);

/* Or the kernel puts who wakes up on an idle CPU without asking. */
SEC("struct_ops/by_wish_select_cpu")
int by_wish_select_cpu(unsigned long long *ctx)
{
	return (int)ctx[1];
}

SEC("struct_ops/by_wish_enqueue")
void by_wish_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];
	struct share *share = mem_task_get_of(share, p);
	__u64 slice = SLICE;

	if (share) {
		if (share->slice)
			slice = share->slice;
		share->given += slice;
	}
	if (scx_bpf_dsq_insert)
		scx_bpf_dsq_insert(p, GLOBAL_QUEUE, slice, ctx[1]);
	else
		scx_bpf_dispatch(p, GLOBAL_QUEUE, slice, ctx[1]);
}

SEC("struct_ops/by_wish_running")
void by_wish_running(unsigned long long *ctx)
{
	struct share *share = mem_task_get_of(share, (struct task_struct *)ctx[0]);

	if (share)
		share->runs++;
}

SEC("?.struct_ops.link")
struct sched_ext_ops by_wish = {
	.select_cpu = (void *)by_wish_select_cpu,
	.enqueue = (void *)by_wish_enqueue,
	.running = (void *)by_wish_running,
	.timeout_ms = 20000,
	.name = "libmem_by_wish",
};

char LICENSE[] SEC("license") = "GPL";
