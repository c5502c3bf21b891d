/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A program made with headers whose layouts are one further than those of the application. */
#define MEM_HEAP_LAYOUT	 2
#define MEM_HASH_LAYOUT	 2
#define MEM_RING_LAYOUT	 2
#define MEM_ARRAY_LAYOUT 2
#include <mem/bpf.h>
#include <mem/array.h>
#include <mem/hash.h>
#include <mem/ring.h>

MEM_HASH(numbers, unsigned long long, unsigned long long)

MEM_ARENA(arena, 1024);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table;
MEM_ARENA_VAR struct mem_ring ring;
MEM_ARENA_VAR struct mem_bitmap bitmap;
MEM_ARENA_VAR struct mem_array array;

enum mem_heap_checks checks; /* types that the generated header defines before mem/check.h does */
enum mem_heap_error problem;
int find, set, removed, next, push, pop, take, clear; /* what they answered */
int allocated, element, at; /* what there was */
void __arena *MEM_ARENA_VAR block; /* to be freed */

SEC("syscall")
int use(void *ctx)
{
	struct mem_hash_cursor cursor = {};
	unsigned long long key = 1, value = 1;

	find = numbers_find(&heap, &table, &key, &value);
	set = numbers_set(&heap, &table, &key, &value, MEM_HASH_ANY);
	removed = numbers_remove(&heap, &table, &key);
	next = numbers_next(&heap, &table, &cursor, &key, &value);
	at = !!numbers_at(&heap, &table, &key);
	push = mem_ring_push(&heap, &ring, &value);
	pop = mem_ring_pop(&heap, &ring, &value);
	take = mem_id_take(&heap, &bitmap);
	clear = mem_bitmap_clear(&heap, &bitmap, 3);
	element = !!mem_array_at(&heap, &array, unsigned long long, 1);
	allocated = !!mem_alloc(&heap, 64);
	mem_free(&heap, block);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
