/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Every structure, as tools use it: from programs of many types, in callbacks, in functions that are static and
 * such that are not, through pointers to heaps and tables, several operations in one loop. Also compiled with
 * each optimisation that people use.
 */
#include <mem/bpf.h>
#include <mem/array.h>
#include <mem/counter.h>
#include <mem/list.h>
#include <mem/ring.h>
#include "arena_tools.h"

struct session {
	struct mem_list_node link;
	struct mem_ref ref;
	__u32 id;
	__u64 flows;
};

#ifndef ARENA_FLAGS
#define ARENA_FLAGS 0
#endif

MEM_ARENA(arena, 20000, ARENA_FLAGS);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash tables[4];
MEM_ARENA_VAR struct mem_hash ticks, minutes;
MEM_ARENA_VAR struct mem_list lists[8];
MEM_ARENA_VAR struct mem_ring up, down;
MEM_ARENA_VAR struct mem_bitmap ids;
MEM_ARENA_VAR struct mem_array visits;
MEM_ARENA_VAR struct mem_counter packets;
MEM_ARENA_VAR struct mem_histogram sizes;
struct session __arena *MEM_ARENA_VAR latest;
struct mem_heap __arena *MEM_ARENA_VAR heap_of_tool;

struct alarm {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct alarm);
} alarms SEC(".maps");

__u64 from, to = 50; /* of loops: variables, which the verifier does not follow */
__u64 wrong;	     /* what must not be */
__u64 opened, closed, fired;

/* A flow has packets of 64 bytes. */
static int flow_seen(struct mem_heap __arena *h, struct mem_hash __arena *table, __u32 number)
{
	struct flow flow = {.from = number, .to = number * 7, .from_port = number, .to_port = 80, .protocol = 6};
	struct traffic first = {1, 64};
	struct traffic __arena *traffic = flows_at(h, table, &flow);

	if (!traffic)
		return flows_set(h, table, &flow, &first, MEM_HASH_NOEXIST);
	mem_add(&traffic->packets, 1ULL);
	mem_add(&traffic->bytes, 64ULL);
	return 0;
}

__noinline int flow_of_any(__u32 number)
{
	return flow_seen(&heap, &tables[number % 4], number % FLOWS);
}

static __noinline int flow_of_some(__u32 number)
{
	return flow_seen(&heap, &tables[number & 3], number % FLOWS);
}

static int tick(__u32 number, void *unused)
{
	unsigned long long key = number, value = number, found = 0;

	words_set(&heap, &ticks, &key, &value, MEM_HASH_ANY);
	if (!words_find(&heap, &ticks, &key, &found) && found != value)
		__sync_fetch_and_add(&wrong, 1);
	if (number & 1)
		words_remove(&heap, &ticks, &key);
	return 0;
}

static int session_open(void)
{
	struct session __arena *session = mem_new(&heap, struct session);
	int id;

	if (!session)
		return -1;
	session->link.next = 0; /* stores that a compiler likes to merge */
	session->link.prev = 0;
	session->id = 0;
	session->flows = 0;
	mem_ref_init(&session->ref);
	id = mem_id_take(&heap, &ids);
	if (id >= 0) {
		session->id = id;
		if (!mem_list_append(&heap, &lists[id & 7], &session->link)) {
			__sync_fetch_and_add(&opened, 1);
			latest = session;
			return id;
		}
		mem_id_give(&heap, &ids, id);
	}
	mem_free(&heap, session);
	return -1;
}

static int sessions_close(__u32 number)
{
	struct mem_list_node __arena *node;
	int count = 0;

	while (mem_can_loop && (node = mem_list_shift(&heap, &lists[number & 7]))) {
		struct session __arena *session = mem_entry(node, struct session, link);

		if (mem_id_give(&heap, &ids, session->id) != 1 || !mem_ref_put(&session->ref))
			__sync_fetch_and_add(&wrong, 1);
		mem_free(&heap, session);
		count++;
	}
	__sync_fetch_and_add(&closed, count);
	return count;
}

/* Pointers pass between functions as numbers. */
__noinline __u64 session_flows(__u64 address)
{
	struct session __arena *session = (struct session __arena *)address;

	return session ? ++session->flows : 0;
}

SEC("syscall")
int everything(void *ctx)
{
	struct event event = {0};
	__u64 __arena *visit;
	__u32 half;
	__u64 i;

	heap_of_tool = &heap;
	bpf_loop(to, tick, NULL, 0);
	for (i = from; i < to && mem_can_loop; i++) {
		flow_of_any(i);
		flow_of_some(i);
		session_open();
		mem_counter_add(&packets, 1);
		mem_histogram_add(&sizes, i * 100);
		event.when = i;
		mem_ring_push(&heap, &up, &event);
		mem_ring_pop(&heap, &down, &event);
		visit = mem_array_at(&heap, &visits, __u64, i * 37);
		if (visit)
			mem_add(visit, 1ULL);
		half = i;
		halves_set(&heap, &minutes, &half, &half, MEM_HASH_ANY);
		if (i % 16 == 15)
			sessions_close(i / 16);
	}
	session_flows((__u64)latest);
	return 0;
}

SEC("syscall")
int close_all(void *ctx)
{
	__u64 i;

	for (i = from; i < from + 8 && mem_can_loop; i++)
		sessions_close(i);
	return 0;
}

/* A heap that is only known by a pointer. */
SEC("syscall")
int by_pointer(void *ctx)
{
	struct mem_heap __arena *h = heap_of_tool;
	void __arena *p;

	if (!h)
		return 1;
	p = mem_alloc(h, 100);
	if (!p)
		return 2;
	mem_free(h, p);
	return flow_seen(h, &tables[from & 3], 0);
}

SEC("raw_tp/sys_enter")
int on_call(void *ctx)
{
	flow_seen(&heap, &tables[1], 5);
	session_open();
	sessions_close(bpf_get_prandom_u32());
	return 0;
}

SEC("tp/sched/sched_switch")
int on_switch(void *ctx)
{
	tick(bpf_ktime_get_ns() >> 10 & 1023, NULL);
	mem_counter_add(&packets, 1);
	return 0;
}

SEC("xdp")
int on_packet(struct xdp_md *ctx)
{
	flow_of_any(ctx->rx_queue_index);
	bpf_loop(8, tick, NULL, 0);
	return XDP_PASS;
}

SEC("tc")
int on_egress(struct __sk_buff *packet)
{
	return flow_of_some(packet->len);
}

static int ring_the_bell(void *map, int *key, struct alarm *alarm)
{
	bpf_loop(4, tick, NULL, 0);
	session_open();
	sessions_close(fired++);
	bpf_timer_start(&alarm->timer, 100000, 0);
	return 0;
}

SEC("syscall")
int set_alarm(void *ctx)
{
	int zero = 0;
	struct alarm *alarm = bpf_map_lookup_elem(&alarms, &zero);

	if (!alarm || bpf_timer_init(&alarm->timer, &alarms, 1) ||
	    bpf_timer_set_callback(&alarm->timer, ring_the_bell))
		return 1;
	return bpf_timer_start(&alarm->timer, 0, 0);
}

SEC("syscall")
int stop_alarm(void *ctx)
{
	int zero = 0;
	struct alarm *alarm = bpf_map_lookup_elem(&alarms, &zero);

	return alarm ? bpf_timer_cancel(&alarm->timer) < 0 : 1;
}

struct bpf_iter__task {
	void *meta;
	void *task;
};

SEC("iter/task")
int each_task(struct bpf_iter__task *ctx)
{
	if (ctx->task)
		tick((__u32)(__u64)ctx->task, NULL);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
