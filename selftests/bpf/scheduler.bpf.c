/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A scheduler: first come, first served, over all CPUs. It sees what it schedules and why it ended. */
#include <mem/bpf.h>

#define GLOBAL_QUEUE ((1ULL << 63) | 1) /* SCX_DSQ_GLOBAL */
#define SLICE	     20000000ULL	/* SCX_SLICE_DFL, ns */

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

enum scx_exit_kind {
	SCX_EXIT_UNREG = 64,
};

struct scx_exit_info {
	enum scx_exit_kind kind;
} __attribute__((preserve_access_index));

/* Linux 6.13 gave it this name; 6.12 has it as scx_bpf_dispatch(). */
void scx_bpf_dsq_insert(struct task_struct *p, __u64 queue, __u64 slice, __u64 flags) __ksym __weak;
void scx_bpf_dispatch(struct task_struct *p, __u64 queue, __u64 slice, __u64 flags) __ksym __weak;

struct sched_ext_ops {
	void (*enqueue)(struct task_struct *p, __u64 flags);
	void (*running)(struct task_struct *p);
	void (*exit)(struct scx_exit_info *info);
	__u32 timeout_ms;
	char name[128];
};

int of_process;
__u64 enqueued, ran_ours;
int exit_kind;

SEC("struct_ops/libmem_enqueue")
void libmem_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	__sync_fetch_and_add(&enqueued, 1);
	if (scx_bpf_dsq_insert)
		scx_bpf_dsq_insert(p, GLOBAL_QUEUE, SLICE, ctx[1]);
	else
		scx_bpf_dispatch(p, GLOBAL_QUEUE, SLICE, ctx[1]);
}

SEC("struct_ops/libmem_running")
void libmem_running(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	if (p->tgid == of_process)
		__sync_fetch_and_add(&ran_ours, 1);
}

SEC("struct_ops/libmem_exit")
void libmem_exit(unsigned long long *ctx)
{
	struct scx_exit_info *info = (void *)ctx[0];

	exit_kind = info->kind;
}

SEC(".struct_ops.link")
struct sched_ext_ops first_come = {
	.enqueue = (void *)libmem_enqueue,
	.running = (void *)libmem_running,
	.exit = (void *)libmem_exit,
	.timeout_ms = 20000,
	.name = "libmem_first_come",
};

char LICENSE[] SEC("license") = "GPL";
