/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A program written for libbpf, without a word of libmem: it counts the system calls of one process,
 * by number, and reports those of one number. test_dropin.sh makes both generators' headers of it.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "calls.h"

#define SLOTS 512

/* settings */
const volatile int target_pid;
const volatile int reported_call;
const volatile struct limits limits = {1000, {1, 2}};

/* results */
__u64 hits;
struct event last;
__u64 per_slot[4];
enum state state = STATE_IDLE;
int weight = 2;
int threshold SEC(".data.tuning") = 5;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event);
} by_number SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

static void report(const struct event *event)
{
	struct event *out = bpf_ringbuf_reserve(&events, sizeof(*out), 0);

	if (!out)
		return;
	*out = *event;
	bpf_ringbuf_submit(out, 0);
}

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	struct event event = {};
	__u32 number = ctx->args[1];
	__u64 *slot;

	if (target_pid != (int)(bpf_get_current_pid_tgid() >> 32) || hits >= limits.calls)
		return 0;
	state = STATE_SEEN;
	event.number = number;
	event.sequence = __sync_fetch_and_add(&hits, 1);
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	last = event;
	per_slot[number & 3] += weight;
	bpf_map_update_elem(&by_number, &number, &event, BPF_ANY);
	slot = bpf_map_lookup_elem(&slots, &number);
	if (slot)
		*slot += 1;
	if ((int)number == reported_call)
		report(&event);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_exit(void *ctx)
{
	__sync_fetch_and_add(&per_slot[3], 1000000);
	return 0;
}

SEC("syscall")
int evaluate(void *ctx)
{
	return hits * weight > (__u64)threshold ? 1 : 2;
}

/* names a kernel function that there is not: it can't be loaded */
SEC("fentry/libmem_no_such_function")
int never(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
