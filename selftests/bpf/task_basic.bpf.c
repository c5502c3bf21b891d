/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Two per-thread structs, looked at by every kind of program that the tests can run. */
#include <mem/task.h>

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct request {
	__u64 id;
	__u64 seen;
	__u32 phase;
	char name[12];
};

struct counters {
	__u64 calls;
	struct {
		__u32 low, high;
	} range;
};

MEM_TASK(struct request, request);
MEM_TASK(struct counters, counters);

/* The current thread's request id, plus one; 0 if it has none. The program answers in the struct. */
SEC("syscall")
int echo(void *ctx)
{
	struct request *r = mem_task_get(request);

	if (!r)
		return 0;
	r->seen = r->id;
	r->name[0] = 'x';
	return (int)r->id + 1;
}

__u64 strangers, matched;

static __always_inline int call(void)
{
	struct request *r = mem_task_get(request);
	struct counters *c = mem_task_get(counters);

	if (!r || !c) {
		__sync_fetch_and_add(&strangers, 1);
		return 0;
	}
	__sync_fetch_and_add(&matched, 1);
	c->calls++;
	r->seen = r->id;
	return 1;
}

/* Kernels skip a tracepoint's program now and then, when another one is at work on the same CPU. */
SEC("tracepoint/syscalls/sys_enter_getppid")
int on_getppid(void *ctx)
{
	call();
	return 0;
}

/* Never skipped. */
SEC("syscall")
int on_call(void *ctx)
{
	return call();
}

SEC("xdp")
int on_packet(struct xdp_md *ctx)
{
	return mem_task_get(request) ? XDP_DROP : XDP_PASS;
}

/* Every thread that has one: a line for each. */
SEC("iter/task")
int dump(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct request *r;
	__u64 id;

	if (!task)
		return 0;
	r = mem_task_get_of(request, task);
	if (!r)
		return 0;
	id = r->id;
	bpf_seq_write(ctx->meta->seq, &id, sizeof(id));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
