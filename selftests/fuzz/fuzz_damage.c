/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An arena that others write into: whatever they write, the application neither crashes nor loops nor
 * touches what is not the arena's. An input is the heap's checks, then writes and operations.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/arena_world.h"
#include "fuzz/fuzz.h"

#define KEPT 16

static struct world *w;
static void *kept[KEPT];     /* blocks */
static struct item *item[KEPT]; /* in list and stack, or not */

/* A word that is likely to matter somewhere. */
static uint64_t tempting(struct input *in)
{
	uint8_t what = next8(in);
	uint32_t value = next32(in);

	switch (what % 8) {
	case 0: return 0;
	case 1: return ~0ULL;
	case 2: return mem_low(w) - WORLD_SIZE + value % WORLD_SIZE; /* an address */
	case 3: return mem_low(w) - WORLD_SIZE + (value % WORLD_SIZE & ~15U);
	case 4: return (mem_low(w) - WORLD_SIZE + value % WORLD_SIZE) >> 4 | (uint64_t)what << 25; /* a unit */
	case 5: return mem_low(w) - 16 * (value % 4); /* the heap's end */
	case 6: return (uint64_t)value << 32 | value;
	default: return value;
	}
}

/* Somebody writes: into the variables, the books, or a block. */
static void op_write(struct input *in)
{
	uint32_t at = next32(in), size = 1U << (at >> 30);
	uint64_t value = tempting(in);
	size_t where;

	if (at >> 28 & 1)
		where = WORLD_SIZE + (at & 0xfffffff) % (sizeof(*w) - 8);
	else if (at >> 29 & 1)
		where = at & 0x1ffff; /* what is in use first */
	else
		where = (at & 0xfffffff) % (WORLD_SIZE - 8);
	if (where > WORLD_SIZE + sizeof(*w) - 8)
		return;
	where &= size > 1 ? ~(size_t)(size - 1) : ~(size_t)0;
	memcpy((char *)w - WORLD_SIZE + where, &value, size);
}

/* Somebody writes where a structure begins. */
static void op_write_part(struct input *in)
{
	const struct mem_hash_table *table = mem_at(struct mem_hash_table, w, w->numbers.table);
	uint8_t what = next8(in), at = next8(in);
	uint64_t value = tempting(in);
	uint32_t low;

	switch (what % 8) {
	case 0: low = w->numbers.table; break;
	case 1: low = world_has(w, table, sizeof(*table)) ? table->buckets : 0; break;
	case 2: low = w->list.first; break;
	case 3: low = (uint32_t)w->stack.top; break;
	case 4: low = w->ring.slots; break;
	case 5: low = w->array.chunks; break;
	case 6: low = w->heap.caches; break;
	default: low = w->wide.table; break;
	}
	low += at / 8 * 8;
	if (world_has(w, mem_at(char, w, low), 8))
		memcpy(mem_at(char, w, low), &value, what & 128 ? 8 : what & 64 ? 4 : 1);
}

static void op_block(struct input *in)
{
	unsigned int k = next8(in) % KEPT;
	size_t size = (size_t)next8(in) * 32 + 1;

	if (kept[k]) {
		mem_free(&w->heap, kept[k]);
		kept[k] = NULL;
		return;
	}
	kept[k] = mem_alloc(&w->heap, size);
	if (!kept[k])
		return;
	FUZZ_REQUIRE(world_has(w, kept[k], size), "%p, %zu bytes", kept[k], size);
	memset(kept[k], 0, size);
}

static void op_numbers(struct input *in)
{
	unsigned long long key = next8(in), value = next8(in), *at;

	switch (next8(in) % 4) {
	case 0: numbers_find(&w->heap, &w->numbers, &key, &value); break;
	case 1: numbers_set(&w->heap, &w->numbers, &key, &value, 0); break;
	case 2: numbers_remove(&w->heap, &w->numbers, &key); break;
	default:
		at = numbers_at(&w->heap, &w->numbers, &key);
		FUZZ_REQUIRE(!at || world_has(w, at, sizeof(*at)), "%p", (void *)at);
		if (at)
			mem_add(at, 1ULL);
	}
}

static void op_wide(struct input *in)
{
	struct wide_key key = {next8(in), 1, 2};
	struct wide_value value = {key.a, {3, 3, 3, 3}};

	switch (next8(in) % 3) {
	case 0: wide_find(&w->heap, &w->wide, &key, &value); break;
	case 1: wide_set(&w->heap, &w->wide, &key, &value, 0); break;
	default: wide_remove(&w->heap, &w->wide, &key); break;
	}
}

static void op_grow(struct input *in)
{
	if (next8(in) & 1)
		numbers_grow(&w->heap, &w->numbers);
	else
		wide_grow(&w->heap, &w->wide);
}

/* A walk gives no more elements than the heap has room for. */
static void op_walk(struct input *in)
{
	struct mem_hash_cursor cursor = {0}, wide = {0};
	unsigned long long key, value;
	struct wide_value wide_value;
	struct wide_key wide_key;
	size_t n = 0;

	(void)in;
	while (numbers_next(&w->heap, &w->numbers, &cursor, &key, &value) > 0)
		FUZZ_REQUIRE(n++ < WORLD_SIZE * 32, "a walk without an end");
	while (wide_next(&w->heap, &w->wide, &wide, &wide_key, &wide_value) > 0)
		FUZZ_REQUIRE(n++ < WORLD_SIZE * 64, "a walk without an end");
}

static void op_list(struct input *in)
{
	struct mem_list_node *node;
	uint8_t what = next8(in);
	unsigned int k = next8(in) % KEPT, n = 0;

	if (!item[k])
		item[k] = mem_new(&w->heap, struct item);
	if (item[k] && what % 4 == 0)
		mem_list_push(&w->heap, &w->list, &item[k]->link);
	else if (item[k] && what % 4 == 1)
		mem_list_append(&w->heap, &w->list, &item[k]->link);
	else if (item[k] && what % 4 == 2)
		mem_list_remove(&w->heap, &w->list, &item[k]->link);
	else
		mem_list_shift(&w->heap, &w->list);
	for (node = mem_list_first(&w->heap, &w->list); node && n < 1000; n++) {
		FUZZ_REQUIRE(world_has(w, node, sizeof(*node)), "%p", (void *)node);
		node = mem_list_next(&w->heap, node);
	}
}

static void op_stack(struct input *in)
{
	struct mem_stack_node *node;
	unsigned int k = next8(in) % KEPT;

	if (!item[k])
		item[k] = mem_new(&w->heap, struct item);
	if (item[k] && next8(in) & 1)
		mem_stack_push(&w->stack, &item[k]->stacked);
	node = mem_stack_pop(&w->heap, &w->stack);
	FUZZ_REQUIRE(!node || world_has(w, node, sizeof(*node)), "%p", (void *)node);
}

static void op_ring(struct input *in)
{
	struct event event = {next8(in), 2, 3};

	if (event.producer & 1)
		mem_ring_push(&w->heap, &w->ring, &event);
	else
		mem_ring_pop(&w->heap, &w->ring, &event);
	mem_ring_wait(&w->ring, 0);
}

static void op_array(struct input *in)
{
	unsigned int i = next32(in) % 200;
	unsigned long long *at = mem_array_at(&w->heap, &w->array, unsigned long long, i);
	int id = mem_id_take(&w->heap, &w->ids);

	FUZZ_REQUIRE(!at || world_has(w, at, 8), "%p", (void *)at);
	if (at)
		*at = i;
	mem_bitmap_test(&w->heap, &w->ids, i);
	mem_bitmap_set(&w->heap, &w->ids, i);
	mem_id_give(&w->heap, &w->ids, id);
}

static void op_books(struct input *in)
{
	struct mem_heap_usage usage;
	char line[200];

	switch (next8(in) % 7) {
	case 0: mem_heap_usage(&w->heap, &usage); break;
	case 1: mem_heap_is_valid(&w->heap); break;
	case 2: mem_heap_recover(&w->heap); break;
	case 3: mem_heap_refill(&w->heap, next32(in)); break;
	case 4: mem_heap_leave(&w->heap); break;
	case 5: mem_heap_report(&w->heap, next8(in), line, sizeof(line)); break;
	default: mem_histogram_quantile(&w->histogram, 0.5); break;
	}
}

static void op_destroy(struct input *in)
{
	switch (next8(in) % 4) {
	case 0: numbers_destroy(&w->heap, &w->numbers); break;
	case 1: wide_destroy(&w->heap, &w->wide); break;
	case 2: mem_array_destroy(&w->heap, &w->array); break;
	default: mem_bitmap_destroy(&w->heap, &w->ids); break;
	}
}

static void (*const ops[])(struct input *) = {
	op_write, op_write_part, op_block, op_numbers, op_wide, op_grow, op_walk, op_list, op_stack,
	op_ring, op_array, op_books, op_numbers, op_wide, op_write, op_destroy,
};

void fuzz_damage(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};

	memset(kept, 0, sizeof(kept));
	memset(item, 0, sizeof(item));
	w = world_make(next8(&in) % (MEM_HEAP_GUARDS + 1));
	for (int n = 0; in.at < in.end && n < 500; n++)
		ops[next8(&in) % (sizeof(ops) / sizeof(*ops))](&in);
	world_leave(w);
}
