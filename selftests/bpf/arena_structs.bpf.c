/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Lists, stacks, rings, counters, histograms, reference counts and bits, from programs. */
#include <mem/bpf.h>
#include <mem/array.h>
#include <mem/counter.h>
#include <mem/list.h>
#include <mem/lock.h>
#include <mem/ring.h>
#include "arena_structs.h"

MEM_ARENA(arena, 4096);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_list list;
MEM_ARENA_VAR struct mem_stack stack;
MEM_ARENA_VAR struct mem_ring up, down; /* to and from the application */
MEM_ARENA_VAR struct mem_counter counter;
MEM_ARENA_VAR struct mem_histogram histogram;
MEM_ARENA_VAR struct mem_bitmap ids;
MEM_ARENA_VAR struct mem_array array;
MEM_ARENA_VAR struct mem_ref ref;
MEM_ARENA_VAR __u64 released;
MEM_ARENA_VAR __u64 bits;

__u64 count = 1;
__u64 sum, failed, wrong, popped, pushed;
__s64 error;

/* Append items of value 1 to count. */
SEC("syscall")
int append(void *ctx)
{
	__u64 i;

	for (i = 1; i <= count && mem_can_loop; i++) {
		struct item __arena *item = mem_new(&heap, struct item);

		if (!item)
			return 1;
		item->value = i;
		error = i & 1 ? mem_list_append(&heap, &list, &item->link)
			      : mem_list_push(&heap, &list, &item->link);
		if (error)
			return 2;
	}
	return 0;
}

/* Add up the list, without its lock. */
SEC("syscall")
int walk(void *ctx)
{
	struct mem_list_node __arena *node;
	__u64 begun = mem_seq_begin(&list.lock);

	sum = 0;
	for (node = mem_list_first(&heap, &list); node && mem_can_loop;
	     node = mem_list_next(&heap, node))
		sum += mem_entry(node, struct item, link)->value;
	return mem_seq_changed(&list.lock, begun);
}

/* Take the odd values out of the list, and put them on the stack. */
SEC("syscall")
int odd_to_stack(void *ctx)
{
	struct mem_list_node __arena *node, *next;

	for (node = mem_list_first(&heap, &list); node && mem_can_loop; node = next) {
		struct item __arena *item = mem_entry(node, struct item, link);

		next = mem_list_next(&heap, node);
		if (!(item->value & 1))
			continue;
		error = mem_list_remove(&heap, &list, node);
		if (error)
			return 1;
		if (mem_stack_push(&stack, &item->stacked))
			return 2;
	}
	return 0;
}

/* From the stack and the list into the list and onto the stack: what others do, too. */
static void shuffle(void)
{
	struct mem_stack_node __arena *top = mem_stack_pop(&heap, &stack);
	struct mem_list_node __arena *first;
	struct item __arena *item;

	if (top) {
		item = mem_entry(top, struct item, stacked);
		if (mem_list_append(&heap, &list, &item->link) && mem_stack_push(&stack, top))
			__sync_fetch_and_add(&failed, 1);
	}
	first = mem_list_shift(&heap, &list);
	if (first && mem_stack_push(&stack, &mem_entry(first, struct item, link)->stacked))
		__sync_fetch_and_add(&failed, 1);
}

SEC("syscall")
int shuffle_many(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		shuffle();
	return 0;
}

SEC("raw_tp/sys_enter")
int shuffle_on_call(void *ctx)
{
	shuffle();
	return 0;
}

/* Push events of which each says who pushed it and which it is. */
SEC("syscall")
int produce(void *ctx)
{
	struct event event;
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		event.producer = bpf_get_smp_processor_id();
		event.number = bpf_ktime_get_ns();
		event.check = event.producer ^ event.number;
		if (!mem_ring_push(&heap, &up, &event))
			__sync_fetch_and_add(&pushed, 1);
	}
	return 0;
}

SEC("syscall")
int consume(void *ctx)
{
	struct event event;
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		if (mem_ring_pop(&heap, &down, &event))
			break;
		__sync_fetch_and_add(&popped, 1);
		__sync_fetch_and_add(&sum, event.number);
		if (event.check != (event.producer ^ event.number))
			__sync_fetch_and_add(&wrong, 1);
	}
	return 0;
}

SEC("raw_tp/sys_enter")
int count_call(void *ctx)
{
	mem_counter_add(&counter, 1);
	mem_histogram_add(&histogram, 1000);
	return 0;
}

/* Take numbers; count each in the element of its number. */
SEC("syscall")
int take_ids(void *ctx)
{
	__u64 __arena *element;
	__u64 i;
	int id;

	for (i = 0; i < count && mem_can_loop; i++) {
		id = mem_id_take(&heap, &ids);
		if (id < 0)
			return -id;
		element = mem_array_at(&heap, &array, __u64, id);
		if (!element)
			return 1;
		mem_add(element, 1ULL);
	}
	return 0;
}

/* Own what ref counts for a moment. A function of its own is verified once, not in each round of a loop. */
__attribute__((noinline, weak)) int own_once(__u64 round)
{
	if (!mem_ref_get(&ref))
		return 0;
	if (mem_load(&released))
		__sync_fetch_and_add(&wrong, 1);
	if (mem_ref_put(&ref))
		mem_add(&released, 1ULL);
	return 1;
}

SEC("syscall")
int own(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		own_once(i);
	return 0;
}

/* Set and clear one bit of a word whose others are somebody else's. */
SEC("syscall")
int toggle(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		mem_or(&bits, TOGGLED_BY_PROGRAM);
		if (!(mem_load(&bits) & TOGGLED_BY_PROGRAM))
			__sync_fetch_and_add(&wrong, 1);
		mem_and(&bits, ~TOGGLED_BY_PROGRAM);
		if (mem_load(&bits) & TOGGLED_BY_PROGRAM)
			__sync_fetch_and_add(&wrong, 1);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
