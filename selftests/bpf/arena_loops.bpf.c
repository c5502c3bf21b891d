/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Operations in loops whose counter starts from a constant, which the verifier follows round by round: what it
 * looks at for each round must be little. arena_loops_o1.bpf.c is this at -O1.
 */
#include <mem/bpf.h>
#include <mem/array.h>
#include <mem/counter.h>
#include <mem/hash.h>
#include <mem/list.h>
#include <mem/ring.h>

struct three {
	unsigned int a, b, c;
};

MEM_HASH(numbers, unsigned long long, unsigned long long)
MEM_HASH(narrow, struct three, struct three)

MEM_ARENA(arena, 1024);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table, narrow_table;
MEM_ARENA_VAR struct mem_list list;
MEM_ARENA_VAR struct mem_stack stack;
MEM_ARENA_VAR struct mem_ring ring;
MEM_ARENA_VAR struct mem_bitmap bitmap;
MEM_ARENA_VAR struct mem_array array;
MEM_ARENA_VAR struct mem_counter counter;
MEM_ARENA_VAR struct mem_histogram histogram;
MEM_ARENA_VAR struct mem_lock lock;

struct mem_histogram own_histogram;
struct mem_counter own_counter;
struct mem_hash_cursor cursor;
__u64 bound = 100, out;

/* Each in a loop of 32 rounds, in one that ends at a variable and calls a function, and unrolled. */
#define LOOPS(name, ...)                                                                           \
	static __attribute__((noinline)) int name##_once(int i)                                    \
	{                                                                                          \
		__VA_ARGS__                                                                        \
		return i;                                                                          \
	}                                                                                          \
	SEC("?syscall") int name##_const(void *ctx)                                                \
	{                                                                                          \
		for (int i = 0; i < 32 && mem_can_loop; i++)                                      \
			__VA_ARGS__                                                                \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?syscall") int name##_long(void *ctx)                                                 \
	{                                                                                          \
		for (int i = 0; i < (int)bound && mem_can_loop; i++)                               \
			name##_once(i);                                                            \
		return 0;                                                                          \
	}                                                                                          \
	SEC("?syscall") int name##_unrolled(void *ctx)                                             \
	{                                                                                          \
		_Pragma("clang loop unroll(full)") for (int i = 0; i < 8; i++)                     \
			__VA_ARGS__                                                                \
		return 0;                                                                          \
	}

LOOPS(find, {
	__u64 key = i, value = 0;

	out += numbers_find(&heap, &table, &key, &value) + value;
})

LOOPS(find_narrow, {
	struct three key = {i, 1, 2}, value = {};

	out += narrow_find(&heap, &narrow_table, &key, &value) + value.a;
})

LOOPS(remove, {
	__u64 key = i;

	out += numbers_remove(&heap, &table, &key);
})

LOOPS(walk, {
	__u64 key, value;

	out += numbers_next(&heap, &table, &cursor, &key, &value);
})

LOOPS(shift, {
	struct mem_list_node __arena *node = mem_list_shift(&heap, &list);

	if (node)
		mem_list_append(&heap, &list, node);
})

LOOPS(stack, {
	struct mem_stack_node __arena *node = mem_stack_pop(&heap, &stack);

	if (node)
		mem_stack_push(&stack, node);
})

LOOPS(push, {
	__u64 value = i;

	out += mem_ring_push(&heap, &ring, &value);
})

LOOPS(pop, {
	__u64 value = 0;

	out += mem_ring_pop(&heap, &ring, &value) + value;
})

LOOPS(bits, {
	mem_bitmap_set(&heap, &bitmap, i);
	out += mem_bitmap_test(&heap, &bitmap, i);
	mem_bitmap_clear(&heap, &bitmap, i);
})

LOOPS(element, {
	__u64 __arena *p = mem_array_find(&heap, &array, __u64, i);

	if (p)
		mem_add(p, 1ULL);
})

LOOPS(count, {
	mem_counter_add(&counter, i);
	mem_counter_add(&own_counter, i);
})

LOOPS(sort, {
	mem_histogram_add(&histogram, i);
	mem_histogram_add(&own_histogram, (__u64)i * i * 1000);
})

LOOPS(locked, {
	if (!mem_lock(&lock))
		mem_unlock(&lock);
})

char LICENSE[] SEC("license") = "GPL";
