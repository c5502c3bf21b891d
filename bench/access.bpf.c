/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What bench/access.c measures: the same elements in each kind of memory, and loops that count in them. */
#include <mem/bpf.h>

#define ELEMENTS 512

struct element {
	__u64 words[8];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ELEMENTS);
	__type(key, __u32);
	__type(value, struct element);
} mapped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, ELEMENTS);
	__type(key, __u32);
	__type(value, struct element);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ELEMENTS);
	__type(key, __u32);
	__type(value, struct element);
} hashed SEC(".maps");

MEM_ARENA(arena, 1000);
MEM_ARENA_VAR struct element in_arena[ELEMENTS];

struct element elements[ELEMENTS];
__u64 single;
__u64 rounds = 100000; /* not a constant, which the verifier would count up to */

__u64 start;            /* 0, which the verifier doesn't know: it would count elements as well */

#define LOOP(i) for (i = start; i < rounds && mem_can_loop; i++)

/* The loop alone, with as much arithmetic as the others have. */
SEC("syscall")
int nothing(void *ctx)
{
	__u64 i;

	LOOP(i)
	{
		__u32 key = i & (ELEMENTS - 1);

		barrier_var(key);
	}
	return i == rounds;
}

SEC("syscall")
int count_single(void *ctx)
{
	__u64 i;

	LOOP(i)
	{
		__u32 key = i & (ELEMENTS - 1);

		barrier_var(key);
		*(volatile __u64 *)&single += 1;
	}
	return i == rounds;
}

SEC("syscall")
int count_atomic(void *ctx)
{
	__u64 i;

	LOOP(i)
	{
		__u32 key = i & (ELEMENTS - 1);

		barrier_var(key);
		__sync_fetch_and_add(&single, 1);
	}
	return i == rounds;
}

SEC("syscall")
int count_global(void *ctx)
{
	__u64 i;

	LOOP(i)
	{
		__u32 key = i & (ELEMENTS - 1);

		barrier_var(key);
		elements[key & (ELEMENTS - 1)].words[0]++;
	}
	return i == rounds;
}

SEC("syscall")
int count_arena(void *ctx)
{
	__u64 i;

	LOOP(i)
	{
		__u32 key = i & (ELEMENTS - 1);

		barrier_var(key);
		in_arena[key & (ELEMENTS - 1)].words[0]++;
	}
	return i == rounds;
}

#define COUNT_IN(map)                                                                              \
	SEC("syscall")                                                                             \
	int count_##map(void *ctx)                                                                 \
	{                                                                                          \
		__u64 i;                                                                           \
                                                                                                   \
		LOOP(i)                                                                            \
		{                                                                                  \
			__u32 key = i & (ELEMENTS - 1);                                            \
			struct element *e = bpf_map_lookup_elem(&map, &key);                       \
                                                                                                   \
			if (e)                                                                     \
				e->words[0]++;                                                     \
		}                                                                                  \
		return i == rounds;                                                                \
	}

COUNT_IN(mapped)
COUNT_IN(percpu)
COUNT_IN(hashed)

SEC("syscall")
int update_mapped(void *ctx)
{
	struct element value = {{1}};
	__u64 i;

	LOOP(i)
	{
		__u32 key = i & (ELEMENTS - 1);

		bpf_map_update_elem(&mapped, &key, &value, BPF_ANY);
	}
	return i == rounds;
}

char LICENSE[] SEC("license") = "GPL";
