/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What bench/arena_scale.c measures: several CPUs at once, and a heap of 4 GiB. */
#include <mem/bpf.h>
#include "arena.h"

#define HELD 1024

struct object {
	__u64 words[8];
};

MEM_ARENA(arena, 1048576);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table;
struct object __arena *MEM_ARENA_VAR held[8 * HELD];

__u64 count, batch = 100, size = 64;
__u64 keys = 100000;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 100000);
	__type(key, __u64);
	__type(value, __u64);
} kernel_table SEC(".maps");

/* Nothing that is shared. */
SEC("syscall")
int loop_alone(void *ctx)
{
	__u64 i, seed = 1;

	for (i = 0; i < count && mem_can_loop; i++)
		seed = (seed ^ seed >> 7) * 6364136223846793005ULL;
	return seed >> 60;
}

/* Batches of blocks, on as many CPUs as run this. */
SEC("syscall")
int pairs(void *ctx)
{
	__u64 i, rounds, at = bpf_get_smp_processor_id() % 8 * HELD;

	for (rounds = count / batch; rounds && mem_can_loop; rounds--) {
		for (i = 0; i < batch && mem_can_loop; i++)
			held[at + i % HELD] = mem_alloc(&heap, size);
		for (i = 0; i < batch && mem_can_loop; i++)
			mem_free(&heap, held[at + i % HELD]);
	}
	return 0;
}

/* Allocate and keep. Returns how many there were. */
SEC("syscall")
int take(void *ctx)
{
	__u64 i;

	for (i = 0; i < count && mem_can_loop; i++)
		if (!mem_alloc(&heap, size))
			break;
	return i;
}

/* Three of four look up, the fourth changes, at random keys. */
SEC("syscall")
int mixed(void *ctx)
{
	__u64 i, key, value, seed = bpf_ktime_get_ns();

	for (i = 0; i < count && mem_can_loop; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		key = (seed >> 33) % keys;
		if (seed >> 62)
			numbers_find(&heap, &table, &key, &value);
		else
			numbers_set(&heap, &table, &key, &i, MEM_HASH_ANY);
	}
	return 0;
}

SEC("syscall")
int kernel_mixed(void *ctx)
{
	__u64 i, key, seed = bpf_ktime_get_ns();

	for (i = 0; i < count && mem_can_loop; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		key = (seed >> 33) % keys;
		if (seed >> 62)
			bpf_map_lookup_elem(&kernel_table, &key);
		else
			bpf_map_update_elem(&kernel_table, &key, &i, BPF_ANY);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
