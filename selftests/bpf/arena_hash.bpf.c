/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Hash tables, from programs. */
#include <mem/bpf.h>
#include "arena_hash.h"

MEM_ARENA(arena, 32768);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table;
MEM_ARENA_VAR struct mem_hash wide_table;

__u64 first, count, step = 1; /* keys to work on */
__u64 found, sum, failed, torn;
__s64 error;

/* Set keys first, first + step, ... to ten times themselves. */
SEC("syscall")
int fill(void *ctx)
{
	__u64 i, key, value;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = first + i * step;
		value = key * 10;
		error = numbers_set(&heap, &table, &key, &value, MEM_HASH_ANY);
		if (error)
			return 1;
	}
	return 0;
}

/* Set a key as soon as there is a table. */
SEC("syscall")
int set_first(void *ctx)
{
	__u64 i, key = first, value = key * 10;

	error = -MEM_EINVAL;
	for (i = 0; i < count && error == -MEM_EINVAL && mem_can_loop; i++)
		error = numbers_set(&heap, &table, &key, &value, MEM_HASH_ANY);
	return 0;
}

SEC("syscall")
int search(void *ctx)
{
	__u64 i, key, value = 0, n = 0;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = first + i * step;
		if (!numbers_find(&heap, &table, &key, &value) && value == key * 10)
			n++;
	}
	found = n;
	return 0;
}

SEC("syscall")
int clear(void *ctx)
{
	__u64 i, key, n = 0;

	for (i = 0; i < count && mem_can_loop; i++) {
		key = first + i * step;
		if (!numbers_remove(&heap, &table, &key))
			n++;
	}
	found = n;
	return 0;
}

struct mem_hash_cursor cursor; /* the walks' */
__u8 seen[1024];

/* On with a walk of numbers 0 to 1023, by so many. */
SEC("syscall")
int walk(void *ctx)
{
	__u64 i, key, value;

	for (i = 0; i < count && mem_can_loop; i++) {
		error = numbers_next(&heap, &table, &cursor, &key, &value);
		if (error <= 0)
			return 1;
		failed += value != key * 10;
		seen[key % 1024]++;
	}
	return 0;
}

/* All of it at once: how often numbers 0 to 1023 are seen; others come and go. */
SEC("syscall")
int walk_all(void *ctx)
{
	struct mem_hash_cursor from = {};
	__u64 key, value;

	do {
		error = numbers_next(&heap, &table, &from, &key, &value);
		if (error == 1 && key < 1024)
			seen[key]++;
		if (error == 1)
			failed += value != key * 10;
	} while ((error == 1 || error == -MEM_EAGAIN) && mem_can_loop);
	return error;
}

SEC("syscall")
int walk_wide(void *ctx)
{
	struct mem_hash_cursor from = {};
	struct wide_value value;
	struct wide_key key;

	while (mem_can_loop && wide_next(&heap, &wide_table, &from, &key, &value) == 1)
		if (value.key_sum == key.a + key.b + key.c && value.copies[0] == value.copies[3])
			found++;
	return 0;
}

/* Change and read at random keys that others change too; every value says its key. */
static void change(__u32 random)
{
	struct wide_key key = { random % 64, random % 64 + 1, 7 };
	struct wide_value value;
	__u32 i;
	int err;

	if (random & 1024) {
		for (i = 0; i < 4; i++)
			value.copies[i] = random >> 11;
		value.key_sum = key.a + key.b + key.c;
		err = wide_set(&heap, &wide_table, &key, &value, MEM_HASH_ANY);
	} else if (random & 512) {
		err = wide_remove(&heap, &wide_table, &key);
	} else {
		err = wide_find(&heap, &wide_table, &key, &value);
		if (!err) {
			__sync_fetch_and_add(&found, 1);
			if (value.key_sum != key.a + key.b + key.c || value.copies[0] != value.copies[1] ||
			    value.copies[1] != value.copies[2] || value.copies[2] != value.copies[3])
				__sync_fetch_and_add(&torn, 1);
		}
	}
	if (err && err != -MEM_ENOENT)
		__sync_fetch_and_add(&failed, 1);
}

SEC("syscall")
int change_many(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		change(bpf_get_prandom_u32());
	return 0;
}

SEC("raw_tp/sys_enter")
int change_on_call(void *ctx)
{
	change(bpf_get_prandom_u32());
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
