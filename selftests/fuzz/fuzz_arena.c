/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The structures of include/mem/ against the simplest thing that does the same. An input is the heap's
 * checks, then operations of a byte and what they want.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/arena_world.h"
#include "fuzz/fuzz.h"

#define KEYS   96
#define BLOCKS 48
#define ITEMS  32

/* What should be there. */
struct model {
	unsigned long long number[KEYS]; /* 0: not there */
	unsigned int wide[KEYS];	 /* value_key_sum's base + 1, 0: not there */
	struct item *list[ITEMS];	 /* first to last */
	struct item *stack[ITEMS];	 /* bottom to top */
	unsigned int listed, stacked;
	unsigned long long ring[8], pushed, popped;
	unsigned char id[WORLD_BITS];
	unsigned long long element[WORLD_LENGTH];
	struct { unsigned char *p; size_t size; unsigned char fill; } block[BLOCKS];
};

static struct world *w;
static struct model m;

/* --- the heap --- */

static void block_check(unsigned int k)
{
	for (size_t i = 0; i < m.block[k].size; i++)
		FUZZ_REQUIRE(m.block[k].p[i] == m.block[k].fill, "block %u, byte %zu of %zu", k, i,
			     m.block[k].size);
}

static void block_free(unsigned int k, int as_program)
{
	const struct mem_heap_view *view = mem_heap_view(&w->heap);
	unsigned int low = mem_low(m.block[k].p);
	unsigned int c = MEM__PAGE_CLASS(view->pages[(low - view->base) / MEM_HEAP_PAGE]);

	block_check(k);
	if (as_program && c < MEM_HEAP_CACHED && !mem__checks(view))
		mem__free_program(view, c, 0, low >> 4);
	else
		mem_free(&w->heap, m.block[k].p);
	m.block[k].p = NULL;
	m.block[k].size = 0;
}

static void op_block(struct input *in)
{
	const struct mem_heap_view *view = mem_heap_view(&w->heap);
	unsigned int k = next8(in), as_program = k & 128, c, unit;
	size_t size = next8(in);

	k %= BLOCKS;
	size = size < 200 ? size + 1 : (size - 199) * 500;
	if (m.block[k].p) {
		block_free(k, (int)as_program);
		return;
	}
	c = mem_class(size);
	if (as_program && c < MEM_HEAP_CACHED && !mem__checks(view)) {
		unit = mem__alloc_program(view, c, 0);
		m.block[k].p = unit ? mem_at(unsigned char, view->heap, unit << 4) : NULL;
	} else {
		m.block[k].p = mem_alloc(&w->heap, size);
	}
	if (!m.block[k].p)
		return;
	FUZZ_REQUIRE(world_has(w, m.block[k].p, size), "%p, %zu bytes", (void *)m.block[k].p, size);
	m.block[k].size = size;
	m.block[k].fill = (unsigned char)(k * 5 + 1);
	memset(m.block[k].p, m.block[k].fill, size);
}

static void op_refill(struct input *in)
{
	int added = mem_heap_refill(&w->heap, (size_t)next8(in) << 10);

	FUZZ_REQUIRE(added >= 0 || added == -ENOSPC, "refill: %d", added);
}

/* Another cache, and the old one's blocks to the depots. */
static void op_leave(struct input *in)
{
	(void)in;
	mem_heap_leave(&w->heap);
}

/* --- hash tables --- */

static void op_number_set(struct input *in)
{
	unsigned long long key = next8(in), value = next32(in) | 1, flags = key >> 7;
	int err, there;

	flags = flags ? 1 + (value >> 8 & 1) : 0;
	key %= KEYS;
	there = m.number[key] != 0;
	err = numbers_set(&w->heap, &w->numbers, &key, &value, (unsigned int)flags);
	if (flags == MEM_HASH_NOEXIST && there)
		FUZZ_REQUIRE(err == -EEXIST, "set: %d", err);
	else if (flags == MEM_HASH_EXIST && !there)
		FUZZ_REQUIRE(err == -ENOENT, "set: %d", err);
	else
		FUZZ_REQUIRE(!err || (!there && (err == -ENOSPC || err == -ENOMEM)), "set: %d", err);
	if (!err)
		m.number[key] = value;
}

static void op_number_find(struct input *in)
{
	unsigned long long key = next8(in) % KEYS, value = 0, *at;
	int err = numbers_find(&w->heap, &w->numbers, &key, &value);

	FUZZ_REQUIRE(err == (m.number[key] ? 0 : -ENOENT) && value == m.number[key],
		     "find %llu: %d, %llu", key, err, value);
	at = numbers_at(&w->heap, &w->numbers, &key);
	FUZZ_REQUIRE(at ? *at == m.number[key] : !m.number[key], "at %llu", key);
	if (at)
		m.number[key] = mem_add(at, 2ULL) + 2;
}

static void op_number_remove(struct input *in)
{
	unsigned long long key = next8(in) % KEYS;
	int err = numbers_remove(&w->heap, &w->numbers, &key);

	FUZZ_REQUIRE(err == (m.number[key] ? 0 : -ENOENT), "remove %llu: %d", key, err);
	m.number[key] = 0;
}

static struct wide_key wide_key(unsigned int k)
{
	return (struct wide_key){k, ~k, 5};
}

static void op_wide_set(struct input *in)
{
	unsigned int k = next8(in) % KEYS, base = next32(in) >> 1;
	struct wide_value value = {base, {base + 1, base + 2, base + 3, base + 4}};
	struct wide_key key = wide_key(k);
	int err = wide_set(&w->heap, &w->wide, &key, &value, MEM_HASH_ANY);

	/* a longer value is replaced by a new one, which takes room as well */
	FUZZ_REQUIRE(!err || err == -ENOSPC || err == -ENOMEM, "set: %d", err);
	if (!err)
		m.wide[k] = base + 1;
}

static void wide_compare(unsigned int k, const struct wide_value *value)
{
	for (unsigned int i = 0; i < 4; i++)
		FUZZ_REQUIRE(value->copies[i] == m.wide[k] + i && value->key_sum + 1 == m.wide[k],
			     "wide %u, word %u", k, i);
}

static void op_wide_find(struct input *in)
{
	unsigned int k = next8(in) % KEYS;
	struct wide_key key = wide_key(k);
	struct wide_value value;
	int err = wide_find(&w->heap, &w->wide, &key, &value);

	FUZZ_REQUIRE(err == (m.wide[k] ? 0 : -ENOENT), "find %u: %d", k, err);
	if (!err)
		wide_compare(k, &value);
}

static void op_wide_remove(struct input *in)
{
	unsigned int k = next8(in) % KEYS;
	struct wide_key key = wide_key(k);
	int err = wide_remove(&w->heap, &w->wide, &key);

	FUZZ_REQUIRE(err == (m.wide[k] ? 0 : -ENOENT), "remove %u: %d", k, err);
	m.wide[k] = 0;
}

static void op_grow(struct input *in)
{
	int err = next8(in) & 1 ? numbers_grow(&w->heap, &w->numbers) : wide_grow(&w->heap, &w->wide);

	FUZZ_REQUIRE(!err || err == -ENOMEM, "grow: %d", err);
}

/* Each element once; and again when the table grows on the way. */
static void op_walk(struct input *in)
{
	unsigned int grow = next8(in), seen = 0, there = 0;
	struct mem_hash_cursor cursor = {0};
	unsigned char times[KEYS] = {0};
	unsigned long long key, value;
	int more;

	while ((more = numbers_next(&w->heap, &w->numbers, &cursor, &key, &value)) > 0) {
		FUZZ_REQUIRE(key < KEYS && value == m.number[key] && !times[key]++, "walk: %llu", key);
		if (seen++ == grow)
			numbers_grow(&w->heap, &w->numbers);
	}
	for (key = 0; key < KEYS; key++)
		there += m.number[key] != 0;
	FUZZ_REQUIRE(!more && seen == there, "walk: %u of %u, %d", seen, there, more);
}

/* --- list and stack --- */

static void op_list_add(struct input *in)
{
	unsigned int last = next8(in) & 1;
	struct item *item = m.listed < ITEMS ? mem_new(&w->heap, struct item) : NULL;

	if (!item)
		return;
	if (last) {
		FUZZ_REQUIRE(!mem_list_append(&w->heap, &w->list, &item->link), "append");
		m.list[m.listed++] = item;
		return;
	}
	FUZZ_REQUIRE(!mem_list_push(&w->heap, &w->list, &item->link), "push");
	memmove(m.list + 1, m.list, m.listed++ * sizeof(*m.list));
	m.list[0] = item;
}

static void op_list_take(struct input *in)
{
	unsigned int k = next8(in);
	struct mem_list_node *node;

	if (k & 128 || !m.listed) {
		node = mem_list_shift(&w->heap, &w->list);
		FUZZ_REQUIRE(node == (m.listed ? &m.list[0]->link : NULL), "shift");
		if (!node)
			return;
		k = 0;
	} else {
		k %= m.listed;
		FUZZ_REQUIRE(!mem_list_remove(&w->heap, &w->list, &m.list[k]->link), "remove");
	}
	mem_free(&w->heap, m.list[k]);
	memmove(m.list + k, m.list + k + 1, (--m.listed - k) * sizeof(*m.list));
}

static void op_list_walk(struct input *in)
{
	struct mem_list_node *node = mem_list_first(&w->heap, &w->list);
	unsigned int prev = 0;

	(void)in;
	for (unsigned int i = 0; i < m.listed; i++) {
		FUZZ_REQUIRE(node == &m.list[i]->link && node->prev == prev, "element %u of the list", i);
		prev = mem_low(node);
		node = mem_list_next(&w->heap, node);
	}
	FUZZ_REQUIRE(!node && w->list.last == prev, "the list's end");
}

static void op_stack(struct input *in)
{
	struct mem_stack_node *node;
	struct item *item;

	if (next8(in) & 1 && m.stacked < ITEMS) {
		item = mem_new(&w->heap, struct item);
		if (!item)
			return;
		FUZZ_REQUIRE(!mem_stack_push(&w->stack, &item->stacked), "push");
		m.stack[m.stacked++] = item;
		return;
	}
	node = mem_stack_pop(&w->heap, &w->stack);
	FUZZ_REQUIRE(node == (m.stacked ? &m.stack[m.stacked - 1]->stacked : NULL), "pop");
	if (node)
		mem_free(&w->heap, m.stack[--m.stacked]);
}

/* --- ring, numbers, array --- */

static void op_ring_push(struct input *in)
{
	struct event event = {1, next32(in), 0};
	int err;

	event.check = ~event.number;
	err = mem_ring_push(&w->heap, &w->ring, &event);
	FUZZ_REQUIRE(err == (m.pushed - m.popped < 8 ? 0 : -ENOSPC), "push: %d", err);
	if (!err)
		m.ring[m.pushed++ % 8] = event.number;
}

static void op_ring_pop(struct input *in)
{
	struct event event = {0};
	int err = mem_ring_pop(&w->heap, &w->ring, &event);

	(void)in;
	FUZZ_REQUIRE(mem_ring_wait(&w->ring, 0) == (m.pushed - m.popped > !err), "wait");
	FUZZ_REQUIRE(err == (m.pushed > m.popped ? 0 : -ENOENT), "pop: %d", err);
	if (!err)
		FUZZ_REQUIRE(event.number == m.ring[m.popped++ % 8] && event.check == ~event.number, "pop");
}

static void op_id_take(struct input *in)
{
	int id = mem_id_take(&w->heap, &w->ids);

	(void)in;
	FUZZ_REQUIRE(id < 0 ? id == -ENOSPC && !memchr(m.id, 0, WORLD_BITS)
			    : id < WORLD_BITS && !m.id[id]++, "id %d", id);
}

static void op_id_change(struct input *in)
{
	unsigned int id = next8(in), set = id >> 7;
	int changed;

	id &= 127;
	changed = set ? mem_bitmap_set(&w->heap, &w->ids, id) : mem_id_give(&w->heap, &w->ids, id);
	FUZZ_REQUIRE(changed == (id < WORLD_BITS ? m.id[id] != set : -EINVAL), "bit %u: %d", id, changed);
	if (id < WORLD_BITS)
		m.id[id] = (unsigned char)set;
	FUZZ_REQUIRE(mem_bitmap_test(&w->heap, &w->ids, id) == (int)(id < WORLD_BITS && set), "bit %u", id);
}

static void op_array(struct input *in)
{
	unsigned int i = next8(in) % (WORLD_LENGTH + 4);
	unsigned long long *find = mem_array_find(&w->heap, &w->array, unsigned long long, i);
	unsigned long long *at = mem_array_at(&w->heap, &w->array, unsigned long long, i);

	FUZZ_REQUIRE(i < WORLD_LENGTH ? !find || find == at : !at, "element %u", i);
	if (!at) /* beyond the end, or no memory; then it never was there */
		return;
	FUZZ_REQUIRE(*at == m.element[i], "element %u is %llu", i, *at);
	*at = m.element[i] = next32(in);
}

/* --- all of it --- */

static void (*const ops[])(struct input *) = {
	op_block, op_number_set, op_wide_set, op_list_add, op_list_take, op_stack, op_number_find,
	op_number_remove, op_wide_find, op_wide_remove, op_grow, op_walk, op_list_walk, op_ring_push,
	op_ring_pop, op_id_take, op_id_change, op_array, op_refill, op_leave,
};

/* Nothing is lost: all that was taken can be given back, and then nothing is in use. */
static void give_all_back(void)
{
	struct mem_heap_usage usage;

	for (unsigned int k = 0; k < BLOCKS; k++)
		if (m.block[k].p)
			block_free(k, 0);
	while (m.stacked)
		op_stack(&(struct input){0});
	while (m.listed)
		op_list_take(&(struct input){0});
	numbers_destroy(&w->heap, &w->numbers);
	wide_destroy(&w->heap, &w->wide);
	mem_ring_destroy(&w->heap, &w->ring);
	mem_bitmap_destroy(&w->heap, &w->ids);
	mem_array_destroy(&w->heap, &w->array);
	FUZZ_REQUIRE(mem_heap_is_valid(&w->heap), "%s", mem_error_message());
	FUZZ_REQUIRE(!mem_heap_usage(&w->heap, &usage), "%s", mem_error_message());
	FUZZ_REQUIRE(!usage.used && !usage.reports && !usage.bad_frees, "%zu bytes in use, %u reports",
		     usage.used, usage.reports);
}

void fuzz_arena(const uint8_t *data, size_t size)
{
	struct input in = {data, data + size};

	memset(&m, 0, sizeof(m));
	w = world_make(next8(&in) % (MEM_HEAP_GUARDS + 1));
	while (in.at < in.end)
		ops[next8(&in) % (sizeof(ops) / sizeof(*ops))](&in);
	give_all_back();
	world_leave(w);
}
