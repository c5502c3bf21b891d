/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * reqtrace, kernel side: what threads that say what they work on do with their time.
 *
 *     sys_enter     counts in the thread's last mark
 *     sched_switch  who leaves the CPU: a segment for each mark since the last one, to the ring buffer;
 *                   who gets it: one for the time that it was away
 *
 * All state is in the threads' own structs, next to their marks. A thread's history is looked at by
 * sched_switch only, which nothing interrupts that could look at the same one. sys_enter's program is
 * of the tracepoint type: a kernel that preempts a raw tracepoint's skips it for other threads.
 *
 * A server can write anything to its struct: numbers are taken from it, and times are put in order.
 */
#include <mem/task.h>
#include "marks.h"
#include "segment.h"

#define RUNNING 0 /* state of a thread that was taken off the CPU */

MEM_TASK(struct marks, marks);

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 << 20);
} segments SEC(".maps");

const volatile __u64 tracer; /* this one: when it started, ns */
__u64 lost_segments;	     /* the ring buffer was full */
__u64 lost_marks;	     /* a thread set more than it has room for */

static __always_inline void add_segment(struct progress *p, struct task_struct *task, __u64 end,
					__u64 calls)
{
	struct task_struct___mem_task *t = (struct task_struct___mem_task *)task;
	struct segment *segment;

	if (!p->id || (end <= p->at && !calls))
		return;
	segment = bpf_ringbuf_reserve(&segments, sizeof(*segment), 0);
	if (!segment) {
		__sync_fetch_and_add(&lost_segments, 1);
		return;
	}
	segment->start = p->at;
	segment->end = end;
	segment->id = p->id;
	segment->phase = p->phase;
	segment->calls = calls;
	segment->tgid = (__u32)t->tgid;
	segment->tid = (__u32)t->pid;
	segment->kind = p->kind;
	segment->unused = 0;
	/* the tool looks often enough: waking it from here would be another switch */
	bpf_ringbuf_submit(segment, BPF_RB_NO_WAKEUP);
}

static __always_inline struct mark *mark_number(struct marks *m, __u32 number)
{
	return &m->history[number % MARKS];
}

/* The mark that p is at was the thread's last one until now. */
static __always_inline void close_segment(struct marks *m, struct progress *p,
					  struct task_struct *task, __u64 now)
{
	__u64 calls = mark_number(m, p->seen)->calls;

	add_segment(p, task, now, calls - p->calls);
	p->calls = calls;
	p->at = now;
}

static __always_inline void go_to_mark(struct marks *m, struct progress *p, __u32 number)
{
	struct mark *mark = mark_number(m, number);

	p->seen = number;
	p->id = mark->at < m->joined ? 0 : mark->id;
	p->phase = mark->phase;
	p->calls = 0;
}

/* What came before the first mark that is still there is nobody's. */
static __always_inline void skip_overwritten(struct progress *p, __u32 count)
{
	__u32 pending = count - p->seen;

	if (pending < MARKS)
		return;
	__sync_fetch_and_add(&lost_marks, pending - (MARKS - 1));
	p->seen = count - (MARKS - 1);
	p->id = 0;
}

/*
 * A thread that this tracer has not met, and that has this CPU, has become visible since it got it, or it had
 * been met then. So all that it did after its process joined was on this CPU.
 */
static __always_inline void begin_before(struct marks *m, struct progress *p)
{
	p->seen = m->count < MARKS ? 0 : m->count - (MARKS - 1);
	p->id = 0;
	p->at = 0;
	p->kind = ON_CPU;
}

/* What it did before is not known, or not this tracer's. */
static __always_inline void begin_here(struct marks *m, struct progress *p, __u64 now)
{
	struct mark *last = mark_number(m, m->count);

	p->seen = m->count;
	p->id = last->id;
	p->phase = last->phase;
	p->calls = last->calls;
	p->at = now;
}

static __always_inline void leaves(struct task_struct *task, __u32 kind, __u64 now)
{
	struct marks *m = mem_task_get_of(marks, task);
	struct progress *p;
	__u32 count;

	if (!m)
		return;
	p = &m->progress;
	if (p->tracer != tracer && m->joined > tracer)
		begin_before(m, p);
	else if (p->tracer != tracer) /* it has set no mark since its process joined */
		begin_here(m, p, now);
	p->tracer = tracer;
	count = *(volatile __u32 *)&m->count;
	skip_overwritten(p, count);
	for (int i = 0; i < MARKS && p->seen != count; i++) {
		__u64 at = mark_number(m, p->seen + 1)->at;

		at = at < p->at ? p->at : at;
		close_segment(m, p, task, at < now ? at : now);
		go_to_mark(m, p, p->seen + 1);
	}
	close_segment(m, p, task, now);
	p->kind = kind;
}

static __always_inline void comes(struct task_struct *task, __u64 now)
{
	struct marks *m = mem_task_get_of(marks, task);
	struct progress *p;

	if (!m)
		return;
	p = &m->progress;
	if (p->tracer == tracer)
		add_segment(p, task, now, 0);
	else
		begin_here(m, p, now);
	p->tracer = tracer;
	p->at = now;
	p->kind = ON_CPU;
}

SEC("tp_btf/sched_switch")
int on_switch(__u64 *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	struct task_struct *next = (struct task_struct *)ctx[2];
	int preempted = (int)ctx[0], runs = (__u32)ctx[3] == RUNNING;
	__u64 now = bpf_ktime_get_ns();

	leaves(prev, preempted || runs ? READY : WAITS, now);
	comes(next, now);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int on_call(void *ctx)
{
	struct marks *m = mem_task_get(marks);

	if (m && !m->quiet)
		mark_number(m, m->count)->calls++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
