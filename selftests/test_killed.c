/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that are killed while they make a structure in shared memory, free it or let it grow: after each store
 * that they do there is a whole structure, or none, and never one whose memory somebody else can be given. The
 * same memory as in an arena, without the kernel's part.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "victims.h"

#include <mem/array.h>
#include <mem/hash.h>
#include <mem/ring.h>

struct value {
	unsigned long long number, twice;
};

MEM_HASH(values, unsigned long long, struct value)

/* What would be arena variables; the heap is behind them. */
struct shared {
	struct mem_heap heap;
	struct mem_ring ring;
	struct mem_bitmap bitmap;
	struct mem_array array;
	struct mem_hash table;
};

#define SIZE (64 * 4096U)
#define HEAP_AT (8 * 4096U)
#define FULL 30 /* elements: more than the table's first size takes without slots behind its buckets */

static char *both, *memory;
static struct shared *shared;
static struct mem_heap *heap;

/* An arena's addresses share their upper half. Of twice the size, one half does not cross a boundary. */
static void setup(void)
{
	_Static_assert(sizeof(struct shared) <= HEAP_AT, "the variables reach into the heap");
	both = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(both, MAP_FAILED);
	memory = both;
	if ((uintptr_t)memory >> 32 != (uintptr_t)(memory + SIZE - 1) >> 32)
		memory += SIZE;
	shared = (struct shared *)(memory + 64); /* no variable is at an address that ends in 0 */
	heap = &shared->heap;
}

static void teardown(void)
{
	mem_heap_leave(heap);
	munmap(both, 2 * SIZE);
}

FIXTURE(setup, teardown)

/* Be given all memory that there is, and write to it. */
static void use_up(void)
{
	void *block;

	for (int c = (int)mem_class(16384); c >= 0; c--)
		while ((block = mem_alloc(heap, mem_class_size((unsigned)c))))
			memset(block, 0xff, mem_class_size((unsigned)c));
}

/* What a structure has zero is zero because somebody saw to that. */
static void new_heap(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = SIZE, .threads = 4, .cpus = 1};
	size_t fresh;

	memset(memory, 0, SIZE);
	assert_ok(mem_heap_init(heap, memory + HEAP_AT, SIZE - HEAP_AT, &opts));
	fresh = heap->base + heap->fresh * 4096 - mem_low(memory);
	memset(memory + fresh, 0xff, SIZE - fresh);
}

static size_t used(void)
{
	struct mem_heap_usage u;

	assert_ok(mem_heap_usage(heap, &u));
	return u.used;
}

/* --- a structure: what there is to know of it --- */

struct kind {
	int (*make)(void);
	void (*fill)(void);
	void (*free)(void);
	int (*is_there)(void);   /* to programs and threads: they would use it */
	void (*is_full)(void);   /* it has what fill() put in */
	void (*is_empty)(void);
};

static const struct kind *kind;

static int ring_make(void)
{
	return mem_ring_create(heap, &shared->ring, 32, sizeof(struct value));
}

static void ring_fill(void)
{
	for (unsigned long long i = 0; i < FULL; i++)
		assert_ok(mem_ring_push(heap, &shared->ring, (&(struct value){i, 2 * i})));
}

static void ring_free(void)
{
	mem_ring_destroy(heap, &shared->ring);
}

static int ring_is_there(void)
{
	return shared->ring.size != 0;
}

static void ring_is_full(void)
{
	struct value got;

	for (unsigned long long i = 0; i < FULL; i++) {
		assert_ok(mem_ring_pop(heap, &shared->ring, &got));
		ck_assert_uint_eq(got.number, i);
		ck_assert_uint_eq(got.twice, 2 * i);
	}
}

static void ring_is_empty(void)
{
	struct value got;

	ck_assert_int_eq(mem_ring_pop(heap, &shared->ring, &got), -ENOENT);
}

static const struct kind ring = {ring_make, ring_fill, ring_free, ring_is_there, ring_is_full, ring_is_empty};

static int bitmap_make(void)
{
	return mem_bitmap_create(heap, &shared->bitmap, 1000);
}

static void bitmap_fill(void)
{
	for (int i = 0; i < FULL; i++)
		ck_assert_int_eq(mem_id_take(heap, &shared->bitmap), i);
}

static void bitmap_free(void)
{
	mem_bitmap_destroy(heap, &shared->bitmap);
}

static int bitmap_is_there(void)
{
	return shared->bitmap.bits != 0;
}

static void bitmap_has(int taken)
{
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(mem_bitmap_test(heap, &shared->bitmap, (unsigned)i), i < taken);
}

static void bitmap_is_full(void)
{
	bitmap_has(FULL);
}

static void bitmap_is_empty(void)
{
	bitmap_has(0);
}

static const struct kind bitmap = {bitmap_make, bitmap_fill, bitmap_free, bitmap_is_there, bitmap_is_full,
				   bitmap_is_empty};

static int array_make(void)
{
	return mem_array_create(heap, &shared->array, 200, sizeof(struct value));
}

/* In four chunks of seven. */
static void array_fill(void)
{
	for (unsigned int i = 0; i < FULL * 4; i += 4)
		*assert_ptr(mem_array_at(heap, &shared->array, struct value, i)) = (struct value){i, 2 * i};
}

static void array_free(void)
{
	mem_array_destroy(heap, &shared->array);
}

static int array_is_there(void)
{
	return shared->array.length != 0;
}

static void array_is_full(void)
{
	const struct value *got;

	for (unsigned int i = 0; i < 200; i++) {
		got = mem_array_find(heap, &shared->array, struct value, i);
		ck_assert(!got == (i / 32 > (FULL * 4 - 1) / 32));
		ck_assert(!got || got->number == (i % 4 || i >= FULL * 4 ? 0 : i));
		ck_assert(!got || got->twice == 2 * got->number);
	}
}

static void array_is_empty(void)
{
	for (unsigned int i = 0; i < 200; i++)
		ck_assert_ptr_eq(mem_array_find(heap, &shared->array, struct value, i), NULL);
	ck_assert_ptr_eq(mem_array_find(heap, &shared->array, struct value, 200), NULL);
}

static const struct kind array = {array_make, array_fill, array_free, array_is_there, array_is_full, array_is_empty};

static int table_make(void)
{
	return values_create(heap, &shared->table, 5);
}

static void table_set(unsigned long long first, unsigned long long end)
{
	for (; first < end; first++)
		assert_ok(values_set(heap, &shared->table, &first, &(struct value){first, 2 * first}, 0));
}

/* Two buckets grow to four, with slots behind them. */
static void table_fill(void)
{
	table_set(0, FULL / 2);
	assert_ok(values_grow(heap, &shared->table));
	table_set(FULL / 2, FULL);
	ck_assert_uint_gt(shared->table.overflows, 0);
}

static void table_free(void)
{
	values_destroy(heap, &shared->table);
}

static int table_is_there(void)
{
	return shared->table.shape != 0;
}

static void table_has(unsigned int elements)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long key;
	struct value got;
	unsigned int n = 0;

	for (key = 0; key < FULL; key++) {
		ck_assert_int_eq(values_find(heap, &shared->table, &key, &got), key < elements ? 0 : -ENOENT);
		ck_assert(key >= elements || (got.number == key && got.twice == 2 * key));
	}
	while (values_next(heap, &shared->table, &cursor, &key, &got) > 0)
		n++;
	ck_assert_uint_eq(n, elements);
}

static void table_is_full(void)
{
	table_has(FULL);
}

static void table_is_empty(void)
{
	assert_ok(values_check(heap, &shared->table));
	table_has(0);
}

static const struct kind table = {table_make, table_fill, table_free, table_is_there, table_is_full, table_is_empty};

/* --- */

/* With a cache, which a thread has from its first use of the heap on. */
static void make_in_child(void)
{
	mem_free(heap, mem_alloc(heap, 16));
	raise(SIGSTOP);
	if (kind->make())
		_exit(1);
}

static void free_in_child(void)
{
	mem_free(heap, mem_alloc(heap, 16));
	raise(SIGSTOP);
	kind->free();
}

/* Who died is cleared up after. */
static void recover(size_t state)
{
	ck_assert_int_ge(mem_heap_recover(heap), 0);
	ck_assert_msg(mem_heap_is_valid(heap), "after %zu stores: %s", state, test_message());
}

/* What is not there can be freed once more, made, and used; nobody else has its memory. */
static void make_again(void)
{
	kind->free();
	assert_ok(kind->make());
	kind->is_empty();
	kind->fill();
	use_up();
	kind->is_full();
}

static void killed_while_made(const struct kind *of)
{
	struct victim_log log;
	size_t none = 0, there = 0;

	kind = of;
	new_heap();
	log = victim_watch(make_in_child, memory, SIZE);
	for (size_t state = 0; victim_state(&log, memory, state); state++) {
		recover(state);
		if (!kind->is_there()) {
			none++;
			make_again();
			continue;
		}
		there++;
		ck_assert_int_eq(kind->make(), -EBUSY);
		kind->is_empty();
		kind->fill();
		use_up();
		kind->is_full();
	}
	ck_assert_uint_gt(none, 1);
	ck_assert_uint_gt(there, 0);
}

static void killed_while_freed(const struct kind *of)
{
	struct victim_log log;
	size_t whole = 0, none = 0;

	kind = of;
	new_heap();
	assert_ok(kind->make());
	kind->fill();
	log = victim_watch(free_in_child, memory, SIZE);
	for (size_t state = 0; victim_state(&log, memory, state); state++) {
		recover(state);
		if (kind->is_there()) {
			whole++;
			use_up();
			kind->is_full();
		} else {
			none++;
			make_again();
		}
	}
	ck_assert_uint_gt(whole, 0);
	ck_assert_uint_gt(none, 1);
}

/* The sanitizer makes ten instructions of one, each of which would be looked at. */
#define STEPPED .unsanitized = "is run instruction by instruction"

TEST(a_ring_is_whole_or_none, STEPPED)
{
	killed_while_made(&ring);
	killed_while_freed(&ring);
}
END_TEST

TEST(a_bitmap_is_whole_or_none, STEPPED)
{
	killed_while_made(&bitmap);
	killed_while_freed(&bitmap);
}
END_TEST

TEST(an_array_is_whole_or_none, STEPPED)
{
	killed_while_made(&array);
	killed_while_freed(&array);
}
END_TEST

TEST(a_table_is_whole_or_none, STEPPED)
{
	killed_while_made(&table);
	killed_while_freed(&table);
}
END_TEST

static void grow_in_child(void)
{
	mem_free(heap, mem_alloc(heap, 16));
	raise(SIGSTOP);
	if (values_grow(heap, &shared->table))
		_exit(1);
}

/* Elements that are there stay; the next one goes on; and all memory comes back but for what the dead had just taken. */
TEST(a_table_that_grows_keeps_what_it_has, STEPPED)
{
	struct victim_log log;
	size_t lost = 0;

	kind = &table;
	new_heap();
	assert_ok(table_make());
	table_set(0, FULL / 2);
	log = victim_watch(grow_in_child, memory, SIZE);
	for (size_t state = 0; victim_state(&log, memory, state); state++) {
		recover(state);
		table_has(FULL / 2);
		if (state % 2)
			assert_ok(values_grow(heap, &shared->table));
		table_set(FULL / 2, FULL);
		table_is_full();
		table_free();
		lost = used() > lost ? used() : lost;
	}
	ck_assert_uint_eq(used(), 0);
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_le(lost, 2048);
}
END_TEST
