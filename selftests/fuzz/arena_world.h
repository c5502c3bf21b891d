/* SPDX-License-Identifier: BSD-2-Clause */
/* One of each structure of include/mem/, in memory that is the host's alone. For fuzz_arena.c and fuzz_damage.c. */
#ifndef FUZZ_ARENA_WORLD_H
#define FUZZ_ARENA_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include <mem/array.h>
#include <mem/counter.h>
#include <mem/hash.h>
#include <mem/list.h>
#include <mem/mem.h>
#include <mem/ring.h>

#include "bpf/arena_hash.h"
#include "bpf/arena_structs.h"

#define WORLD_SIZE (512UL << 10) /* bytes of the heap */
#define WORLD_BITS 70
#define WORLD_LENGTH 100

/* What would be arena variables. */
struct world {
	struct mem_heap heap;
	struct mem_hash numbers, wide;
	struct mem_list list;
	struct mem_stack stack;
	struct mem_ring ring;
	struct mem_bitmap ids;
	struct mem_array array;
	struct mem_histogram histogram;
};

/* An input, taken byte by byte; 0 after its end. */
struct input {
	const uint8_t *at, *end;
};

static inline uint8_t next8(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static inline uint32_t next32(struct input *in)
{
	uint32_t value = next8(in);

	for (int i = 0; i < 3; i++)
		value = value << 8 | next8(in);
	return value;
}

/*
 * Everything new: a heap that checks as much as that, and structures in it. What lies before and after
 * is not mapped. The same address each time, in every run.
 */
struct world *world_make(unsigned int checks);

/* The calling thread's cache goes back, and the memory. */
void world_leave(struct world *w);

/* Whether some bytes are memory of the heap. */
int world_has(const struct world *w, const void *p, size_t size);

#endif /* FUZZ_ARENA_WORLD_H */
