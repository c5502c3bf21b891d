/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The code of programs and applications on the host alone: no kernel, no privilege, all sanitizers. A
 * program's CPU is a number here, so several threads on one number are programs that interrupt each
 * other at every instruction.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#include <mem/array.h>
#include <mem/counter.h>
#include <mem/hash.h>
#include <mem/list.h>
#include <mem/mem.h>
#include <mem/ring.h>

MEM_HASH(numbers, unsigned long long, unsigned long long)

#define SIZE (32UL << 20)

/* What would be arena variables. */
struct shared {
	struct mem_heap heap;
	struct mem_hash table;
	unsigned long long mailbox[64];
	unsigned long long wrong;
	int stop;
};

static struct shared *shared;
static char *memory;

static int crosses_4_gib(const char *start, size_t size)
{
	return (uintptr_t)start >> 32 != ((uintptr_t)start + size - 1) >> 32;
}

static char *map_shared(size_t size)
{
	char *start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(start, MAP_FAILED);
	return start;
}

/* An arena's addresses share their upper half. Of twice the size, one half does not cross a boundary. */
static void setup(void)
{
	size_t all = SIZE + (1 << 20);
	char *both = map_shared(2 * all);
	size_t other = crosses_4_gib(both, all) ? 0 : all;

	ck_assert_int_eq(munmap(both + other, all), 0);
	memory = both + (all - other);
	shared = (struct shared *)(memory + SIZE);
}

static void teardown(void)
{
	mem_heap_leave(&shared->heap);
	munmap(memory, SIZE + (1 << 20));
}

FIXTURE(setup, teardown)

static void make(unsigned int checks)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 16 << 20, .checks = checks, .cpus = 2};

	assert_ok(mem_heap_init(&shared->heap, memory, SIZE, &opts));
}

static struct mem_heap_usage usage(void)
{
	struct mem_heap_usage u;

	assert_ok(mem_heap_usage(&shared->heap, &u));
	return u;
}

static void assert_valid(void)
{
	ck_assert_msg(mem_heap_is_valid(&shared->heap), "%s", test_message());
}

TEST(a_heap_knows_what_it_can_be_made_of)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .checks = 9};

	assert_err(mem_heap_init(&shared->heap, memory + 1, SIZE, NULL), -EINVAL);
	assert_err(mem_heap_init(&shared->heap, memory, 0, NULL), -EINVAL);
	assert_err(mem_heap_init(&shared->heap, memory, 3 * 4096, NULL), -ENOSPC);
	assert_err(mem_heap_init(&shared->heap, memory, SIZE, &opts), -EINVAL);
	opts.checks = 0;
	opts.threads = 5000;
	assert_err(mem_heap_init(&shared->heap, memory, SIZE, &opts), -EINVAL);
	ck_assert_ptr_eq(mem_alloc(&shared->heap, 1), NULL);
	assert_ok(mem_heap_init(&shared->heap, memory, 40 * 4096, NULL));
	ck_assert_ptr_nonnull(mem_alloc(&shared->heap, 1));
}
END_TEST

TEST(a_heap_that_claims_what_is_not_there_is_none)
{
	struct mem_heap_usage u;

	make(0);
	shared->heap.total += 1 << 19; /* 2 GiB, which its books would fit into */
	assert_err(mem_heap_usage(&shared->heap, &u), -EINVAL);
	assert_err(mem_heap_refill(&shared->heap, 1), -EINVAL);
	ck_assert_ptr_eq(mem_alloc(&shared->heap, 64), NULL);
	shared->heap.total -= 1 << 19;
	ck_assert_ptr_nonnull(mem_alloc(&shared->heap, 64));
}
END_TEST

TEST(what_is_not_there_is_an_error)
{
	struct mem_hash_type none = {.sz = sizeof(none)};
	unsigned long long key = 1, value = 1;
	struct mem_hash_cursor cursor = {0};
	char text[10];

	make(0);
	assert_err(mem_heap_init(NULL, memory, SIZE, NULL), -EINVAL);
	assert_err(mem_heap_init((struct mem_heap *)(memory + 64), memory, SIZE, NULL), -EINVAL);
	assert_err(mem_heap_create(NULL, &shared->heap, NULL), -EINVAL);
	assert_err(mem_arena_populate(NULL, 0, 4096), -EINVAL);
	assert_err(mem_arena_usage(NULL, NULL), -EINVAL);
	assert_err(mem_heap_refill(NULL, 1), -EINVAL);
	ck_assert_int_gt(mem_heap_refill(&shared->heap, SIZE_MAX), 0); /* all there is */
	assert_err(mem_heap_usage(NULL, NULL), -EINVAL);
	assert_err(mem_heap_usage(&shared->heap, NULL), -EINVAL);
	assert_err(mem_heap_recover(NULL), -EINVAL);
	assert_err(mem_heap_report(NULL, 0, text, sizeof(text)), -EINVAL);
	assert_err(mem_heap_report(&shared->heap, 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(mem_heap_is_valid(NULL), 0);
	ck_assert_ptr_eq(mem_heap_keep(NULL, 1), NULL);
	ck_assert_ptr_eq(mem_heap_view(NULL), NULL);
	ck_assert_ptr_eq(mem_alloc(NULL, 1), NULL);
	mem_heap_leave(NULL);
	mem_free(NULL, memory);
	assert_err(numbers_create(NULL, &shared->table, 1), -EINVAL);
	assert_err(numbers_create(&shared->heap, NULL, 1), -EINVAL);
	assert_err(numbers_create(&shared->heap, (struct mem_hash *)((char *)&shared->table + 4), 1), -EINVAL);
	assert_err(mem_hash_create(&shared->heap, &shared->table, NULL, 1), -EINVAL);
	assert_err(mem_hash_create(&shared->heap, &shared->table, &none, 1), -EINVAL);
	assert_err(numbers_check(NULL, NULL), -EINVAL);
	assert_err(numbers_check(&shared->heap, NULL), -EINVAL);
	assert_err(numbers_grow(&shared->heap, NULL), -EINVAL);
	assert_err(numbers_next(&shared->heap, NULL, &cursor, &key, &value), -EINVAL);
	assert_err(numbers_next(&shared->heap, &shared->table, NULL, NULL, NULL), -EINVAL);
	numbers_destroy(&shared->heap, NULL);
	numbers_destroy(NULL, &shared->table);
	ck_assert_int_eq(numbers_find(&shared->heap, NULL, &key, &value), -EINVAL);
	ck_assert_int_eq(numbers_set(&shared->heap, NULL, &key, &value, 0), -EINVAL);
	ck_assert_int_eq(numbers_set(&shared->heap, &shared->table, NULL, &value, 0), -EINVAL);
	ck_assert_int_eq(numbers_remove(NULL, &shared->table, &key), -EINVAL);
	ck_assert_ptr_eq(numbers_at(&shared->heap, NULL, &key), NULL);
}
END_TEST

struct port {
	unsigned int address;
	unsigned short from, to;
	unsigned int zone;
};

struct counts {
	unsigned long long packets, bytes;
};

MEM_HASH(ids, unsigned int, unsigned long long)
MEM_HASH(ports, struct port, struct counts)

/* Where keys are of 4-byte words and values of larger ones. */
TEST(values_are_aligned_whatever_their_keys)
{
	struct mem_hash *other = (struct mem_hash *)shared->mailbox;
	struct counts counts = {1, 2}, found;
	unsigned long long value;

	make(0);
	assert_ok(ids_create(&shared->heap, &shared->table, 20));
	assert_ok(ports_create(&shared->heap, other, 20));
	for (unsigned int id = 0; id < 100; id++) {
		struct port port = {id, 1, 2, 3};

		value = id * 5;
		assert_ok(ids_set(&shared->heap, &shared->table, &id, &value, MEM_HASH_NOEXIST));
		assert_ok(ports_set(&shared->heap, other, &port, &counts, MEM_HASH_ANY));
		if (id == 50)
			assert_ok(ids_grow(&shared->heap, &shared->table));
		if (id == 60)
			assert_ok(ports_grow(&shared->heap, other));
	}
	for (unsigned int id = 0; id < 100; id++) {
		struct port port = {id, 1, 2, 3};
		struct counts *at = ports_at(&shared->heap, other, &port);

		ck_assert_uint_eq((uintptr_t)at % 8, 0);
		mem_add(&at->packets, id);
		ck_assert_uint_eq((uintptr_t)ids_at(&shared->heap, &shared->table, &id) % 8, 0);
		assert_ok(ids_find(&shared->heap, &shared->table, &id, &value));
		ck_assert_uint_eq(value, id * 5);
		assert_ok(ports_find(&shared->heap, other, &port, &found));
		ck_assert_uint_eq(found.packets, 1 + id);
		ck_assert_uint_eq(found.bytes, 2);
		assert_ok(ports_remove(&shared->heap, other, &port));
	}
	ids_destroy(&shared->heap, &shared->table);
	ports_destroy(&shared->heap, other);
	mem_heap_leave(&shared->heap);
	ck_assert_uint_eq(usage().used, 0);
}
END_TEST

TEST(structures_that_are_not_there_are_errors)
{
	struct mem_stack_node *node = NULL;
	struct mem_bitmap *bitmap = NULL;
	struct mem_stack *stack = NULL;
	struct mem_array *array = NULL;
	struct mem_list *list = NULL;
	struct mem_ring *ring = NULL;
	unsigned long long value = 1;
	struct mem_heap *heaps[] = {&shared->heap, NULL};

	make(0);
	for (int i = 0; i < 2; i++) {
		struct mem_heap *heap = heaps[i];

		ck_assert_int_eq(mem_list_push(heap, list, (struct mem_list_node *)memory), -EINVAL);
		ck_assert_int_eq(mem_list_append(heap, (struct mem_list *)shared->mailbox, NULL), -EINVAL);
		ck_assert_int_eq(mem_list_remove(heap, (struct mem_list *)shared->mailbox, NULL), -EINVAL);
		ck_assert_ptr_eq(mem_list_shift(heap, list), NULL);
		ck_assert_ptr_eq(mem_list_first(heap, list), NULL);
		ck_assert_ptr_eq(mem_list_next(heap, NULL), NULL);
		ck_assert_int_eq(mem_stack_push(stack, node), -EINVAL);
		ck_assert_ptr_eq(mem_stack_pop(heap, stack), NULL);
		ck_assert_int_eq(mem_ring_create(heap, ring, 8, 8), -EINVAL);
		ck_assert_int_eq(mem_ring_push(heap, ring, &value), -EINVAL);
		ck_assert_int_eq(mem_ring_pop(heap, ring, &value), -EINVAL);
		ck_assert_int_eq(mem_ring_wait(ring, 1), 0);
		mem_ring_destroy(heap, ring);
		ck_assert_int_eq(mem_bitmap_create(heap, bitmap, 8), -EINVAL);
		ck_assert_int_eq(mem_bitmap_set(heap, bitmap, 0), -EINVAL);
		ck_assert_int_eq(mem_bitmap_test(heap, bitmap, 0), 0);
		ck_assert_int_eq(mem_id_take(heap, bitmap), -EINVAL);
		mem_bitmap_destroy(heap, bitmap);
		ck_assert_int_eq(mem_array_create(heap, array, 8, 8), -EINVAL);
		ck_assert_ptr_eq(mem_array_at(heap, array, unsigned long long, 0), NULL);
		mem_array_destroy(heap, array);
	}
	ck_assert_uint_eq(mem_histogram_quantile(NULL, 0.5), 0);
}
END_TEST

/* What create() would do to a structure that is in use. */
TEST(what_is_there_is_not_made_again)
{
	struct mem_ring *ring = (struct mem_ring *)(shared->mailbox);
	struct mem_bitmap *bitmap = (struct mem_bitmap *)(shared->mailbox + 20);
	struct mem_array *array = (struct mem_array *)(shared->mailbox + 30);

	make(0);
	assert_ok(mem_ring_create(&shared->heap, ring, 8, 8));
	assert_ok(mem_bitmap_create(&shared->heap, bitmap, 8));
	assert_ok(mem_array_create(&shared->heap, array, 8, 8));
	ck_assert_int_eq(mem_ring_create(&shared->heap, ring, 8, 8), -EBUSY);
	ck_assert_int_eq(mem_bitmap_create(&shared->heap, bitmap, 8), -EBUSY);
	ck_assert_int_eq(mem_array_create(&shared->heap, array, 8, 8), -EBUSY);
	mem_ring_destroy(&shared->heap, ring);
	assert_ok(mem_ring_create(&shared->heap, ring, 8, 8));
	ck_assert_int_eq(mem_ring_create(NULL, (struct mem_ring *)(shared->mailbox + 40), 8, 8), -EINVAL);
}
END_TEST

static pthread_barrier_t all_have_one, all_may_go;

static void *has_a_cache(void *arg)
{
	void *block = mem_alloc(&shared->heap, 64);

	(void)arg;
	pthread_barrier_wait(&all_have_one);
	pthread_barrier_wait(&all_may_go);
	mem_free(&shared->heap, block);
	return block;
}

TEST(a_thread_too_many_is_told_and_has_its_turn)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 1 << 20, .cpus = 2, .threads = 2};
	pthread_t threads[2];
	void *block;

	assert_ok(mem_heap_init(&shared->heap, memory, SIZE, &opts));
	pthread_barrier_init(&all_have_one, NULL, 3);
	pthread_barrier_init(&all_may_go, NULL, 3);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, has_a_cache, NULL), 0);
	pthread_barrier_wait(&all_have_one);
	ck_assert_ptr_null(mem_alloc(&shared->heap, 64));
	ck_assert_int_eq(errno, EUSERS);
	assert_says("all 2 caches for threads are taken");
	pthread_barrier_wait(&all_may_go);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &block);
		ck_assert_ptr_nonnull(block);
	}
	ck_assert_ptr_nonnull(mem_alloc(&shared->heap, 64));
	assert_valid();
	pthread_barrier_destroy(&all_have_one);
	pthread_barrier_destroy(&all_may_go);
}
END_TEST

TEST(a_thread_has_a_cache_of_each_heap)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 1 << 20, .cpus = 2};
	struct mem_heap *heaps[3];
	char *blocks[3];

	for (int h = 0; h < 3; h++) {
		heaps[h] = h ? (struct mem_heap *)(memory + SIZE + h * (256 << 10)) : &shared->heap;
		assert_ok(mem_heap_init(heaps[h], memory + h * (8 << 20), 8 << 20, &opts));
	}
	for (int round = 0; round < 300; round++) {
		for (int h = 0; h < 3; h++) {
			blocks[h] = mem_alloc(heaps[h], 100);
			ck_assert_ptr_nonnull(blocks[h]);
			ck_assert_int_eq((blocks[h] - memory) >> 23, h);
		}
		for (int h = 2; h >= 0; h--)
			mem_free(heaps[h], blocks[h]);
	}
	for (int h = 1; h < 3; h++) {
		struct mem_heap_usage u;

		mem_heap_leave(heaps[h]);
		assert_ok(mem_heap_usage(heaps[h], &u));
		ck_assert_uint_eq(u.used, 0);
		ck_assert_uint_eq(u.cached, 0);
	}
	ck_assert_ptr_nonnull(mem_alloc(&shared->heap, 100)); /* the others were left, not this one */
	assert_valid();
}
END_TEST

/* A program's lock that is never released: programs do not die, but memory may say anything. */
TEST(nobody_waits_for_a_lock_for_ever)
{
	struct mem_lock lock = {7ULL << 32 | MEM_LOCK_PROGRAM};

	ck_assert_int_eq(mem_lock(&lock), -ETIMEDOUT);
	lock.word = 7ULL << 32 | (unsigned int)getppid();
	ck_assert_int_eq(mem_lock(&lock), -ETIMEDOUT);
	lock.word = 7ULL << 32 | mem_thread_id();
	ck_assert_int_eq(mem_lock(&lock), -EDEADLK);
	lock.word = 7ULL << 32 | 0x7ffffff0; /* no pid is that high */
	ck_assert_int_eq(mem_lock(&lock), 1);
	ck_assert_uint_eq(lock.word, 8ULL << 32 | mem_thread_id());
}
END_TEST

TEST(a_lock_is_tried_without_waiting)
{
	struct mem_lock lock = {0};

	ck_assert_int_eq(mem_trylock(&lock), 0);
	ck_assert_int_eq(mem_trylock(&lock), -EBUSY);
	mem_unlock(&lock);
	ck_assert_int_eq(mem_trylock(&lock), 0);
	mem_unlock(&lock);
	lock.word = 7ULL << 32 | 0x7ffffff0; /* nor does it look whether the owner lives: no pid is that high */
	ck_assert_int_eq(mem_trylock(&lock), -EBUSY);
}
END_TEST

TEST(classes_fit_their_sizes)
{
	ck_assert_uint_eq(sizeof(struct mem_cache), 768);
	for (unsigned long size = 1; size <= 1UL << 30; size += size / 7 + 1) {
		unsigned int c = mem_class(size);

		ck_assert_uint_lt(c, MEM_HEAP_CLASSES);
		ck_assert_uint_ge(mem_class_size(c), size);
		ck_assert(c == 0 || size <= 32 || mem_class_size(c) * 4 <= size * 5 + 64);
		ck_assert_uint_eq(mem_class_size(c) * mem_class_blocks(c),
				  mem_class_pages(c) * MEM_HEAP_PAGE);
	}
	ck_assert_uint_ge(mem_class((1UL << 30) + 1), MEM_HEAP_CLASSES);
}
END_TEST

/* Random sizes against what they must be: disjoint, and as they were written. */
TEST(blocks_never_overlap)
{
	static struct { unsigned char *p; size_t size; } kept[1000];
	unsigned int seed = 11, wrong = 0;

	for (unsigned int checks = 0; checks <= MEM_HEAP_GUARDS; checks++) {
		memset(shared, 0, sizeof(*shared));
		memset(memory, 0, SIZE);
		make(checks);
		for (int i = 0; i < 20000; i++) {
			int k = rand_r(&seed) % 1000;
			size_t size = 1 + (size_t)rand_r(&seed) % (rand_r(&seed) % 50 ? 300 : 20000);

			for (size_t b = 0; kept[k].p && b < kept[k].size; b += 7)
				wrong += kept[k].p[b] != (unsigned char)(k + b);
			mem_free(&shared->heap, kept[k].p);
			kept[k].p = mem_alloc(&shared->heap, size);
			kept[k].size = size;
			for (size_t b = 0; kept[k].p && b < size; b++)
				kept[k].p[b] = (unsigned char)(k + b);
		}
		assert_valid();
		for (int k = 0; k < 1000; k++) {
			mem_free(&shared->heap, kept[k].p);
			kept[k].p = NULL;
		}
		ck_assert_uint_eq(usage().used, 0);
		ck_assert_uint_eq(usage().reports, 0);
		ck_assert_uint_eq(wrong, 0);
		mem_heap_leave(&shared->heap);
		assert_valid();
	}
}
END_TEST

/* A block goes through the mailbox from one to another, its words saying whose it was. */
static void exchange(unsigned long long *mine, unsigned int *seed, unsigned long long **theirs)
{
	static unsigned long long number;

	if (mine)
		for (int i = 1; i < 8; i++)
			mine[i] = __atomic_load_n(&number, __ATOMIC_RELAXED) + (unsigned long long)(uintptr_t)mine;
	__atomic_fetch_add(&number, 1, __ATOMIC_RELAXED);
	*theirs = (unsigned long long *)(uintptr_t)mem_xchg(&shared->mailbox[rand_r(seed) % 64],
							    (unsigned long long)(uintptr_t)mine);
}

static void *as_program(void *cpu)
{
	const struct mem_heap_view *view = mem_heap_view(&shared->heap);
	unsigned int seed = (unsigned int)(uintptr_t)cpu, c = mem_class(64), unit;
	unsigned long long *theirs;

	while (!mem_load(&shared->stop)) {
		unit = mem__alloc_program(view, c, (unsigned int)(uintptr_t)cpu % 2);
		exchange(unit ? mem_at(unsigned long long, view->heap, unit << 4) : NULL, &seed, &theirs);
		if (theirs)
			mem__free_program(view, c, (unsigned int)(uintptr_t)cpu % 2, mem_low(theirs) >> 4);
	}
	return NULL;
}

static void *as_application(void *number)
{
	unsigned int seed = (unsigned int)(uintptr_t)number;
	unsigned long long *theirs;

	while (!mem_load(&shared->stop)) {
		exchange(mem_alloc(&shared->heap, 64), &seed, &theirs);
		mem_free(&shared->heap, theirs);
	}
	return NULL;
}

static int together(double length, int kill_some)
{
	struct timespec pause = {0, 1500000};
	pthread_t threads[6];
	int victims = 0;

	make(0);
	for (uintptr_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, i < 4 ? as_program : as_application, (void *)i);
	for (double end = test_now() + length; test_now() < end; victims++) {
		pid_t pid = kill_some ? fork() : 0;

		if (!pid && kill_some)
			as_application((void *)7);
		nanosleep(&pause, NULL);
		if (pid) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
	}
	mem_store(&shared->stop, 1);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 64; i++)
		mem_free(&shared->heap, (void *)(uintptr_t)shared->mailbox[i]);
	return victims;
}

TEST(programs_that_interrupt_each_other_and_threads, .timeout = 60)
{
	together(test_seconds(2), 0);
	assert_valid();
	ck_assert_uint_eq(usage().used, 0);
	ck_assert_uint_eq(usage().failed, 0);
}
END_TEST

TEST(of_a_killed_process_nothing_is_lost_but_what_it_held, .timeout = 60)
{
	int victims;

#ifdef __SANITIZE_THREAD__
	test_skip("ThreadSanitizer does not see what another process has ordered");
#endif
	victims = together(test_seconds(4), 1);
	ck_assert_int_ge(mem_heap_recover(&shared->heap), 0);
	ck_assert_uint_eq(usage().caches_dead, 0);
	assert_valid();
	ck_assert_uint_le(usage().used, (size_t)victims * 2 * 64);
	ck_assert_uint_eq(usage().failed, 0);
	/* and all of it can be had again */
	for (size_t left = usage().depots + usage().cached; left >= 64; left -= 64)
		ck_assert_ptr_nonnull(mem_alloc(&shared->heap, 64));
}
END_TEST

/* One history per key: a writer counts up, readers never see it go back. */
static void *count_up(void *first)
{
	unsigned long long key = (uintptr_t)first, value = 1;

	for (; !mem_load(&shared->stop); value++) {
		if (numbers_set(&shared->heap, &shared->table, &key, &value, 0))
			mem_add(&shared->wrong, 1ULL);
		if (value % 16 == 0)
			numbers_remove(&shared->heap, &shared->table, &key);
	}
	return NULL;
}

static void *watch(void *unused)
{
	unsigned long long seen[4] = {0}, value;
	unsigned int seed = 1;

	(void)unused;
	while (!mem_load(&shared->stop)) {
		unsigned long long key = (unsigned int)rand_r(&seed) % 4;

		if (numbers_find(&shared->heap, &shared->table, &key, &value))
			continue;
		if (value < seen[key])
			mem_add(&shared->wrong, 1ULL);
		seen[key] = value;
	}
	return NULL;
}

TEST(what_a_reader_saw_is_never_unseen, .timeout = 60)
{
	pthread_t threads[6];

	make(0);
	assert_ok(numbers_create(&shared->heap, &shared->table, 8));
	for (uintptr_t i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, i < 4 ? count_up : watch, (void *)i);
	for (int i = 0; i < 6; i++) {
		struct timespec pause = {0, 300000000};

		nanosleep(&pause, NULL);
		assert_ok(numbers_grow(&shared->heap, &shared->table));
	}
	mem_store(&shared->stop, 1);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(shared->wrong, 0);
}
END_TEST
