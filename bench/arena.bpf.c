/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What bench/arena.c measures on the BPF side: libmem's structures and the kernel's, in equal loops. */
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>
#include <mem/array.h>
#include <mem/counter.h>
#include <mem/list.h>
#include <mem/ring.h>
#include "arena.h"

#define KEYS 100000

struct object {
	__u64 words[8];
};

MEM_ARENA(arena, 65536);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table;
MEM_ARENA_VAR struct mem_list list;
MEM_ARENA_VAR struct mem_stack stack;
MEM_ARENA_VAR struct mem_ring ring;
MEM_ARENA_VAR struct mem_bitmap ids;
MEM_ARENA_VAR struct mem_array array;
MEM_ARENA_VAR struct mem_counter counter;
MEM_ARENA_VAR struct mem_histogram histogram;
struct object __arena *MEM_ARENA_VAR held[1024];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, KEYS);
	__type(key, __u64);
	__type(value, __u64);
} kernel_table SEC(".maps");

extern void *bpf_obj_new_impl(__u64 type, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *object, void *meta) __ksym;

__u64 count, offset; /* rounds; what is added to keys */
__u64 batch = 1000; /* a variable: the verifier would follow each round of a constant */
__u64 hits;

/* Keys in an order that no cache foresees. */
static __u64 key_of(__u64 i)
{
	return (i * 48271) % KEYS + offset;
}

SEC("syscall")
int loop_alone(void *ctx)
{
	__u64 i, sum = 0;

	for (i = 0; i < count && mem_can_loop; i++)
		sum += key_of(i);
	hits = sum;
	return 0;
}

SEC("syscall")
int loop_empty(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		*(volatile __u64 *)&hits = i;
	return 0;
}

SEC("syscall")
int alloc_pair(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		struct object __arena *o = mem_new(&heap, struct object);

		if (o) {
			o->words[1] = i;
			mem_free(&heap, o);
		}
	}
	return 0;
}

/* All of a batch are allocated before the first is freed. */
SEC("syscall")
int alloc_batch(void *ctx)
{
	__u64 i, rounds;

	for (rounds = count / batch; rounds && mem_can_loop; rounds--) {
		for (i = 0; i < batch && mem_can_loop; i++)
			held[i % 1024] = mem_new(&heap, struct object);
		for (i = 0; i < batch && mem_can_loop; i++)
			mem_free(&heap, held[i % 1024]);
	}
	return 0;
}

SEC("syscall")
int obj_new_pair(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		struct object *o = bpf_obj_new_impl(bpf_core_type_id_local(struct object), NULL);

		if (o) {
			o->words[1] = i;
			bpf_obj_drop_impl(o, NULL);
		}
	}
	return 0;
}

SEC("syscall")
int hash_find(void *ctx)
{
	__u64 i, key, value, n = 0;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		n += !numbers_find(&heap, &table, &key, &value);
	}
	hits = n;
	return 0;
}

SEC("syscall")
int hash_at(void *ctx)
{
	__u64 i, key, n = 0;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		n += numbers_at(&heap, &table, &key) != NULL;
	}
	hits = n;
	return 0;
}

SEC("syscall")
int hash_set(void *ctx)
{
	__u64 i, key;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		numbers_set(&heap, &table, &key, &i, MEM_HASH_ANY);
	}
	return 0;
}

SEC("syscall")
int hash_remove(void *ctx)
{
	__u64 i, key;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		numbers_remove(&heap, &table, &key);
	}
	return 0;
}

SEC("syscall")
int hash_walk(void *ctx)
{
	struct mem_hash_cursor cursor = {};
	__u64 key, value, n = 0;

	while (mem_can_loop && numbers_next(&heap, &table, &cursor, &key, &value) == 1)
		n++;
	hits = n;
	return 0;
}

SEC("syscall")
int kernel_find(void *ctx)
{
	__u64 i, key, n = 0, *value;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		value = bpf_map_lookup_elem(&kernel_table, &key);
		n += value && *value != ~0ULL;
	}
	hits = n;
	return 0;
}

SEC("syscall")
int kernel_set(void *ctx)
{
	__u64 i, key;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		bpf_map_update_elem(&kernel_table, &key, &i, BPF_ANY);
	}
	return 0;
}

SEC("syscall")
int kernel_remove(void *ctx)
{
	__u64 i, key;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = key_of(i);
		bpf_map_delete_elem(&kernel_table, &key);
	}
	return 0;
}

/* For what they cost the verifier. */

SEC("syscall")
int list_ends(void *ctx)
{
	struct mem_list_node __arena *node;
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		node = mem_list_shift(&heap, &list);
		if (node && mem_list_append(&heap, &list, node))
			return 1;
	}
	return 0;
}

SEC("syscall")
int list_walk(void *ctx)
{
	struct mem_list_node __arena *node;
	__u64 n = 0;

	for (node = mem_list_first(&heap, &list); node && mem_can_loop; node = mem_list_next(&heap, node))
		n++;
	hits = n;
	return 0;
}

SEC("syscall")
int stack_pair(void *ctx)
{
	struct mem_stack_node __arena *node;
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		node = mem_stack_pop(&heap, &stack);
		if (node)
			mem_stack_push(&stack, node);
	}
	return 0;
}

SEC("syscall")
int ring_push(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		mem_ring_push(&heap, &ring, &i);
	return 0;
}

SEC("syscall")
int ring_pop(void *ctx)
{
	__u64 i, value;

	for (i = 0; i < count && mem_can_loop; i++)
		mem_ring_pop(&heap, &ring, &value);
	return 0;
}

SEC("syscall")
int id_pair(void *ctx)
{
	__u64 i;
	int id;

	for (i = 0; i < count && mem_can_loop; i++) {
		id = mem_id_take(&heap, &ids);
		if (id >= 0)
			mem_id_give(&heap, &ids, id);
	}
	return 0;
}

SEC("syscall")
int array_at(void *ctx)
{
	__u64 __arena *element;
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		element = mem_array_at(&heap, &array, __u64, i);
		if (element)
			mem_add(element, 1ULL);
	}
	return 0;
}

SEC("syscall")
int counters(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		mem_counter_add(&counter, 1);
		mem_histogram_add(&histogram, i);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
