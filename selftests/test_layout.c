/* SPDX-License-Identifier: BSD-2-Clause */
/* Structures in an arena that were made with headers of another layout, or for other types, are refused by either side. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "arena_layout.skel.h"
#include "harness.h"

#include <mem/array.h>
#include <mem/hash.h>
#include <mem/ring.h>

struct grown {
	unsigned long long value, more;
};

MEM_HASH(numbers, unsigned long long, unsigned long long)
MEM_HASH(grown, unsigned long long, struct grown)

static struct arena_layout *skel;
static struct mem_heap *heap;
static struct mem_hash *table;

/* With its program, or without, where the application alone has to do with it. */
static void make(bool program)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
	skel = assert_ptr(arena_layout__open());
	if (!program)
		keep_programs(skel->obj, PROGRAMS());
	assert_ok(arena_layout__load(skel));
	heap = &skel->arena->heap;
	table = &skel->arena->table;
	assert_ok(mem_heap_create(assert_ptr(mem_object_find_region(skel->obj, "arena")), heap, NULL));
}

static void teardown(void)
{
	arena_layout__destroy(skel);
	skel = NULL;
}

FIXTURE(NULL, teardown)

TEST(a_program_leaves_what_it_does_not_know_alone)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	unsigned long long key = 1, value = 10;
	struct mem_heap_usage before, after;

	make(true);
	assert_ok(numbers_create(heap, table, 100));
	assert_ok(numbers_set(heap, table, &key, &value, MEM_HASH_ANY));
	skel->arena->block = mem_alloc(heap, 64);
	mem_heap_leave(heap);
	assert_ok(mem_heap_usage(heap, &before));
	assert_ok(mem_prog_run(skel->progs.use, &opts));
	assert_ok(mem_heap_usage(heap, &after));
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_int_eq(skel->bss->find, -ESTALE);
	ck_assert_int_eq(skel->bss->set, -ESTALE);
	ck_assert_int_eq(skel->bss->removed, -ESTALE);
	ck_assert_int_eq(skel->bss->next, -ESTALE);
	ck_assert_int_eq(skel->bss->at, 0);
	ck_assert_int_eq(skel->bss->allocated, 0);
	value = 0;
	assert_ok(numbers_find(heap, table, &key, &value));
	ck_assert_uint_eq(value, 10);
	numbers_destroy(heap, table);
	assert_ok(mem_prog_run(skel->progs.use, &opts));
	ck_assert_int_eq(skel->bss->find, -EINVAL);
	ck_assert_int_eq(skel->bss->set, -EINVAL);
}
END_TEST

TEST(rings_numbers_and_arrays_too)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	unsigned long long value = 1;

	make(true);
	assert_ok(mem_ring_create(heap, &skel->arena->ring, 8, 8));
	assert_ok(mem_bitmap_create(heap, &skel->arena->bitmap, 100));
	assert_ok(mem_array_create(heap, &skel->arena->array, 100, 8));
	ck_assert_ptr_ne(mem_array_at(heap, &skel->arena->array, unsigned long long, 0), NULL);
	assert_ok(mem_prog_run(skel->progs.use, &opts));
	ck_assert_int_eq(skel->bss->push, -ESTALE);
	ck_assert_int_eq(skel->bss->pop, -ESTALE);
	ck_assert_int_eq(skel->bss->take, -ESTALE);
	ck_assert_int_eq(skel->bss->clear, -ESTALE);
	ck_assert_int_eq(skel->bss->element, 0);
	/* 1 becomes 2, the program's */
	skel->arena->ring.bytes ^= 3U << 24;
	skel->arena->bitmap.layout ^= 3;
	skel->arena->array.size ^= 3U << 16;
	assert_ok(mem_prog_run(skel->progs.use, &opts));
	ck_assert_int_eq(skel->bss->push, 0);
	ck_assert_int_eq(skel->bss->pop, 0);
	ck_assert_int_eq(skel->bss->take, 0);
	ck_assert_int_eq(skel->bss->clear, 0);
	ck_assert_int_eq(skel->bss->element, 1);
	ck_assert_int_eq(mem_ring_push(heap, &skel->arena->ring, &value), -ESTALE);
	ck_assert_int_eq(mem_ring_pop(heap, &skel->arena->ring, &value), -ESTALE);
	ck_assert_int_eq(mem_id_take(heap, &skel->arena->bitmap), -ESTALE);
	ck_assert_int_eq(mem_bitmap_test(heap, &skel->arena->bitmap, 0), 0);
	ck_assert_ptr_eq(mem_array_at(heap, &skel->arena->array, unsigned long long, 0), NULL);
	/* not ours: left alone */
	mem_ring_destroy(heap, &skel->arena->ring);
	mem_bitmap_destroy(heap, &skel->arena->bitmap);
	mem_array_destroy(heap, &skel->arena->array);
	ck_assert_uint_eq(skel->arena->ring.size, 8);
	ck_assert_uint_eq(skel->arena->bitmap.bits, 100);
	ck_assert_uint_eq(skel->arena->array.length, 100);
}
END_TEST

TEST(a_heap_of_another_layout_is_refused)
{
	struct mem_heap_usage usage;

	make(false);
	heap->checks += 6 << 8;
	ck_assert_ptr_eq(mem_alloc(heap, 64), NULL);
	ck_assert_int_eq(errno, ESTALE);
	assert_says("layout 7");
	ck_assert_int_eq(mem_heap_refill(heap, 1), -ESTALE);
	ck_assert_int_eq(mem_heap_usage(heap, &usage), -ESTALE);
	ck_assert_int_eq(mem_heap_recover(heap), -ESTALE);
	ck_assert_int_eq(mem_heap_is_valid(heap), 0);
	ck_assert_ptr_eq(mem_heap_keep(heap, 4096), NULL);
	ck_assert_int_eq(errno, ESTALE);
	ck_assert_int_eq(numbers_create(heap, table, 10), -ESTALE);
}
END_TEST

TEST(a_table_of_another_layout_or_other_types_is_refused)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long key = 1, value = 2;
	struct grown more = {1, 2};

	make(false);
	ck_assert_int_eq(numbers_check(heap, table), -EINVAL);
	assert_ok(numbers_create(heap, table, 10));
	assert_ok(numbers_check(heap, table));
	ck_assert_int_eq(grown_check(heap, table), -ESTALE);
	assert_says("of keys of 8 bytes and values of 8, or of other alignment, not of 8 and 16");
	ck_assert_int_eq(grown_find(heap, table, &key, &more), -ESTALE);
	ck_assert_int_eq(grown_set(heap, table, &key, &more, MEM_HASH_ANY), -ESTALE);
	ck_assert_int_eq(grown_remove(heap, table, &key), -ESTALE);
	ck_assert_int_eq(grown_next(heap, table, &cursor, &key, &more), -ESTALE);
	ck_assert_int_eq(grown_grow(heap, table), -ESTALE);
	ck_assert_int_eq(grown_create(heap, table, 10), -EBUSY);
	ck_assert_ptr_eq(grown_at(heap, table, &key), NULL);
	grown_destroy(heap, table);
	assert_ok(numbers_check(heap, table));
	assert_ok(numbers_set(heap, table, &key, &value, MEM_HASH_ANY));
	table->shape += 4U << 24;
	ck_assert_int_eq(numbers_find(heap, table, &key, &value), -ESTALE);
	ck_assert_int_eq(numbers_next(heap, table, &cursor, &key, &value), -ESTALE);
	assert_says("layout 5");
	ck_assert_int_eq(numbers_grow(heap, table), -ESTALE);
}
END_TEST

TEST(a_type_of_older_headers_is_refused)
{
	struct mem_hash_type older = {offsetof(struct mem_hash_type, at), 8, 8, 1, 8};
	unsigned long long key = 1, value = 2;
	struct mem_hash_cursor cursor = {0};

	make(false);
	ck_assert_int_eq(mem_hash_create(heap, table, &older, 10), -EINVAL);
	assert_says("headers that are older");
	assert_ok(numbers_create(heap, table, 10));
	ck_assert_int_eq(mem_hash_check(heap, table, &older), -EINVAL);
	ck_assert_int_eq(mem_hash_next(heap, table, &older, &cursor, &key, &value), -EINVAL);
	assert_says("headers that are older");
}
END_TEST

TEST(who_died_while_it_made_a_table_leaves_none)
{
	unsigned long long key = 1, value = 2, found = 0;

	make(false);
	table->table = 4096; /* its last step but one */
	table->key_size = table->value_size = 8;
	ck_assert_int_eq(numbers_check(heap, table), -EINVAL);
	assert_ok(numbers_create(heap, table, 10));
	assert_ok(numbers_set(heap, table, &key, &value, MEM_HASH_ANY));
	assert_ok(numbers_find(heap, table, &key, &found));
	ck_assert_uint_eq(found, value);
	numbers_destroy(heap, table);
	ck_assert_int_eq(table->table, 0);
	errno = 0;
	numbers_destroy(heap, table); /* there is none, which is no error */
	ck_assert_int_eq(errno, 0);
}
END_TEST

TEST(growing_tells_what_there_is_no_memory_for)
{
	struct mem__key k = {NULL, 0, sizeof(unsigned long long), sizeof(unsigned long long), 1, 8};
	unsigned long long key = 0, value = 1, got;
	void *grown_table, *buckets;

	make(false);
	grown_table = mem_alloc(heap, sizeof(struct mem_hash_table));
	buckets = mem_alloc(heap, 2 * (mem__bucket_size(&k) + sizeof(int)));
	assert_ok(numbers_create(heap, table, 1));
	for (int count = 0; count < MEM__PARTS * MEM__SLOTS; count++) {
		do /* a key that stays with the others when it grows */
			key++;
		while (mem__hash(&key, sizeof(key), 1) >> 63);
		assert_ok(numbers_set(heap, table, &key, &value, MEM_HASH_ANY));
	}
	for (size_t size = 1 << 20; size >= 16; size -= (size + 15) / 16)
		while (mem_alloc(heap, size))
			;
	mem_free(heap, assert_ptr(grown_table));
	mem_free(heap, assert_ptr(buckets));
	ck_assert_int_eq(numbers_grow(heap, table), -ENOMEM);
	assert_says("no room for another bucket");
	assert_ok(numbers_find(heap, table, &key, &got));
}
END_TEST
