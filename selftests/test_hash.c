/* SPDX-License-Identifier: BSD-2-Clause */
/* Hash tables in an arena: against a model, from both sides at once, with writers that are killed. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arena_hash.skel.h"
#include "bpf/arena_hash.h"
#include "harness.h"
#include "victims.h"

static struct arena_hash *skel;
static struct mem_heap *heap;
static struct mem_hash *table, *wide;

static void setup(void)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
	skel = assert_ptr(arena_hash__open());
}

static void teardown(void)
{
	arena_hash__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static void load_skel(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 100 << 20};

	assert_ok(arena_hash__load(skel));
	heap = &skel->arena->heap;
	table = &skel->arena->table;
	wide = &skel->arena->wide_table;
	assert_ok(mem_heap_create(assert_ptr(mem_object_find_region(skel->obj, "arena")), heap, &opts));
}

/* The verifier takes long for each: a test loads the programs that it runs. */
#define load(...) (keep_programs(skel->obj, PROGRAMS(__VA_ARGS__)), load_skel())

static uint32_t run(const struct mem_prog *prog, uint64_t first, uint64_t count)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	skel->bss->first = first;
	skel->bss->count = count;
	skel->bss->found = 0;
	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

static uint64_t walk(void)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long key, value;
	uint64_t n = 0;
	int more;

	while ((more = numbers_next(heap, table, &cursor, &key, &value)) > 0) {
		ck_assert_uint_eq(value, key * 10);
		n++;
	}
	ck_assert_int_eq(more, 0);
	return n;
}

static size_t used(void)
{
	struct mem_heap_usage u;

	assert_ok(mem_heap_usage(heap, &u));
	return u.used;
}

TEST(one_side_finds_what_the_other_set)
{
	unsigned long long n = (unsigned long long)test_rounds(10000), key, value;

	load_skel();
	assert_ok(numbers_create(heap, table, 2 * n));
	ck_assert_uint_eq(run(skel->progs.fill, 1, n), 0);
	for (key = 1; key <= n; key++) {
		assert_ok(numbers_find(heap, table, &key, &value));
		ck_assert_uint_eq(value, key * 10);
	}
	ck_assert_int_eq(numbers_find(heap, table, &key, &value), -ENOENT);
	for (key = n + 1; key <= 2 * n; key++) {
		value = key * 10;
		assert_ok(numbers_set(heap, table, &key, &value, MEM_HASH_NOEXIST));
		ck_assert_int_eq(numbers_set(heap, table, &key, &value, MEM_HASH_NOEXIST), -EEXIST);
	}
	ck_assert_int_eq(numbers_set(heap, table, &key, &value, MEM_HASH_EXIST), -ENOENT);
	run(skel->progs.search, 0, 2 * n + 5);
	ck_assert_uint_eq(skel->bss->found, 2 * n);
	ck_assert_uint_eq(walk(), 2 * n);
	key = 77;
	ck_assert_uint_eq(*numbers_at(heap, table, &key), 770);
	run(skel->progs.clear, 1, n + n / 2);
	ck_assert_uint_eq(skel->bss->found, n + n / 2);
	ck_assert_uint_eq(walk(), n / 2);
	for (key = n + n / 2 + 1; key <= 2 * n; key++)
		assert_ok(numbers_remove(heap, table, &key));
	ck_assert_int_eq(numbers_remove(heap, table, &key), -ENOENT);
	ck_assert_uint_eq(walk(), 0);
	numbers_destroy(heap, table);
	ck_assert_uint_eq(used(), 0);
	ck_assert_int_eq(numbers_find(heap, table, &key, &value), -EINVAL);
}
END_TEST

/* A program's walk, which goes on when the table has grown, twice in its middle. */
TEST(programs_walk_it_while_it_grows)
{
	struct wide_value value = {8, {3, 3, 3, 3}};
	struct wide_key key = {0, 1, 7};

	load(skel->progs.fill, skel->progs.walk, skel->progs.walk_wide);
	assert_ok(numbers_create(heap, table, 400)); /* less than there will be: slots behind the buckets */
	ck_assert_uint_eq(run(skel->progs.fill, 0, 1000), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(run(skel->progs.walk, 0, 300), 0);
		if (i < 2)
			assert_ok(numbers_grow(heap, table));
	}
	ck_assert_uint_eq(run(skel->progs.walk, 0, 1000), 1);
	ck_assert_int_eq(skel->bss->error, 0);
	ck_assert_uint_eq(skel->bss->failed, 0);
	for (int i = 0; i < 1024; i++)
		ck_assert_int_eq(skel->bss->seen[i], i < 1000);
	for (; key.a < 50; key.a++, value.key_sum++) {
		if (key.a == 0)
			assert_ok(wide_create(heap, wide, 30));
		assert_ok(wide_set(heap, wide, &key, &value, 0));
	}
	run(skel->progs.walk_wide, 0, 0);
	ck_assert_uint_eq(skel->bss->found, 50);
	memset(&skel->bss->cursor, 0, sizeof(skel->bss->cursor));
	numbers_destroy(heap, table);
	ck_assert_uint_eq(run(skel->progs.walk, 0, 1), 1);
	ck_assert_int_eq(skel->bss->error, -EINVAL);
}
END_TEST

/* --- walks, while the table grows and others come and go --- */

#define STAY 1024

static int walks_end;
static uint64_t walks_begun; /* by either side */

static void all_once(const unsigned char *times, const char *who)
{
	for (int i = 0; i < STAY; i++)
		ck_assert_msg(times[i] == 1, "%s: key %d was seen %d times", who, i, times[i]);
}

static void *walk_here(void *unused)
{
	unsigned long long key, value;

	while (!__atomic_load_n(&walks_end, __ATOMIC_ACQUIRE)) {
		struct mem_hash_cursor cursor = {0};
		unsigned char times[STAY] = {0};
		int more;

		__atomic_add_fetch(&walks_begun, 1, __ATOMIC_RELAXED);
		while ((more = numbers_next(heap, table, &cursor, &key, &value)) > 0) {
			ck_assert_uint_eq(value, key * 10);
			if (key < STAY)
				times[key]++;
		}
		ck_assert_int_eq(more, 0);
		all_once(times, "application");
	}
	return unused;
}

static void *walk_there(void *unused)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	while (!__atomic_load_n(&walks_end, __ATOMIC_ACQUIRE)) {
		memset(skel->bss->seen, 0, sizeof(skel->bss->seen));
		__atomic_add_fetch(&walks_begun, 1, __ATOMIC_RELAXED);
		assert_ok(mem_prog_run(skel->progs.walk_all, &opts));
		ck_assert_int_eq((int)opts.retval, 0);
		all_once(skel->bss->seen, "program");
		ck_assert_uint_eq(skel->bss->failed, 0);
	}
	return unused;
}

static void *come_and_go(void *unused)
{
	unsigned int seed = 5;

	while (!__atomic_load_n(&walks_end, __ATOMIC_ACQUIRE)) {
		unsigned long long key = STAY + (unsigned)rand_r(&seed) % 4096, value = key * 10;
		int err = rand_r(&seed) & 64 ? numbers_set(heap, table, &key, &value, MEM_HASH_ANY)
					     : numbers_remove(heap, table, &key);

		ck_assert_msg(!err || err == -ENOENT || err == -ENOSPC, "%d", err);
	}
	return unused;
}

TEST(a_walk_sees_all_that_stay_once, .timeout = 60)
{
	void *(*const work[])(void *) = {walk_here, walk_there, come_and_go};
	pthread_t thread[3];

	load(skel->progs.fill, skel->progs.walk_all);
	for (int round = 0; round < test_rounds(12); round++) {
		uint64_t begun = walks_begun;

		walks_end = 0;
		assert_ok(numbers_create(heap, table, 600)); /* slots behind buckets from the beginning */
		ck_assert_uint_eq(run(skel->progs.fill, 0, STAY), 0);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(pthread_create(&thread[i], NULL, work[i], NULL), 0);
		for (int i = 0; i < 5; i++) {
			assert_ok(numbers_grow(heap, table));
			for (int pause = 0; pause < 1000 && walks_begun < begun + 8 * (i + 1U); pause++)
				nanosleep(&(struct timespec){0, 1000000}, NULL);
		}
		__atomic_store_n(&walks_end, 1, __ATOMIC_RELEASE);
		for (int i = 0; i < 3; i++)
			ck_assert_int_eq(pthread_join(thread[i], NULL), 0);
		numbers_destroy(heap, table);
	}
}
END_TEST

static void *sets_first(void *arg)
{
	do
		run(skel->progs.set_first, 1, 1000);
	while (skel->bss->error == -EINVAL);
	return arg;
}

/* There is no table, or all of it: what is set then stays. */
TEST(who_waits_for_a_table_finds_it_whole)
{
	pthread_t program;

	load(skel->progs.set_first);
	for (int round = test_rounds(50); round; round--) {
		ck_assert_int_eq(pthread_create(&program, NULL, sets_first, NULL), 0);
		if (round % 2) /* it may not have begun yet; or have for long */
			sched_yield();
		assert_ok(numbers_create(heap, table, 1));
		ck_assert_int_eq(pthread_join(program, NULL), 0);
		ck_assert_int_eq(skel->bss->error, 0);
		ck_assert_uint_eq(walk(), 1);
		numbers_destroy(heap, table);
	}
}
END_TEST

TEST(it_grows_and_is_full_when_it_must_be)
{
	unsigned long long key, value;
	int err = 0;

	load(skel->progs.search);
	assert_ok(numbers_create(heap, table, 100));
	assert_err(numbers_create(heap, table, 100), -EBUSY);
	for (key = 1; key <= 50000 && !err; key++) {
		value = key * 10;
		err = numbers_set(heap, table, &key, &value, 0);
	}
	ck_assert_int_eq(err, -ENOSPC);
	for (key--; key <= 50000; key++) {
		value = key * 10;
		while ((err = numbers_set(heap, table, &key, &value, 0)) == -ENOSPC)
			assert_ok(numbers_grow(heap, table));
		assert_ok(err);
	}
	run(skel->progs.search, 1, 50000);
	ck_assert_uint_eq(skel->bss->found, 50000);
	ck_assert_uint_eq(walk(), 50000);
	numbers_destroy(heap, table);
	ck_assert_uint_eq(used(), 0);
}
END_TEST

/* The table does what an array of the same keys does. */
TEST(it_agrees_with_a_model)
{
	unsigned long long model[512] = {0}, value;
	unsigned int seed = 5;

	load();
	assert_ok(numbers_create(heap, table, 100));
	for (int i = 0; i < 300000; i++) {
		unsigned long long key = (unsigned)rand_r(&seed) % 512, now = (unsigned)rand_r(&seed) + 1;
		int err;

		switch (rand_r(&seed) % 4) {
		case 0:
			err = numbers_set(heap, table, &key, &now, 0);
			while (err == -ENOSPC) {
				assert_ok(numbers_grow(heap, table));
				err = numbers_set(heap, table, &key, &now, 0);
			}
			ck_assert_int_eq(err, 0);
			model[key] = now;
			break;
		case 1:
			err = numbers_remove(heap, table, &key);
			ck_assert_int_eq(err, model[key] ? 0 : -ENOENT);
			model[key] = 0;
			break;
		default:
			err = numbers_find(heap, table, &key, &value);
			ck_assert_int_eq(err, model[key] ? 0 : -ENOENT);
			ck_assert(err || value == model[key]);
		}
	}
}
END_TEST

static int stop;

/* What the programs do, too: change and read at random keys; every value says its key. */
static void change(unsigned int random, unsigned int *torn)
{
	struct wide_key key = {random % 64, random % 64 + 1, 7};
	struct wide_value value;

	if (random & 1024) {
		for (int i = 0; i < 4; i++)
			value.copies[i] = random >> 11;
		value.key_sum = key.a + key.b + key.c;
		wide_set(heap, wide, &key, &value, 0);
	} else if (random & 512) {
		wide_remove(heap, wide, &key);
	} else if (!wide_find(heap, wide, &key, &value)) {
		*torn += value.key_sum != key.a + key.b + key.c || value.copies[0] != value.copies[1] ||
			 value.copies[1] != value.copies[2] || value.copies[2] != value.copies[3];
	}
}

static void *change_thread(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg, torn = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		change((unsigned int)rand_r(&seed) ^ (unsigned int)rand_r(&seed) << 7, &torn);
	return (void *)(uintptr_t)torn;
}

static void *run_thread(void *arg)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		assert_ok(mem_prog_run(skel->progs.change_many, &opts));
	return NULL;
}

/* Elements of a table nobody changes: each key once, with its own value. */
static unsigned int check_wide(void)
{
	struct mem_hash_cursor cursor = {0};
	struct wide_value value;
	struct wide_key key;
	unsigned int n = 0, seen[64] = {0};

	while (wide_next(heap, wide, &cursor, &key, &value) > 0) {
		ck_assert_uint_lt(key.a, 64);
		ck_assert_uint_eq(seen[key.a]++, 0);
		ck_assert_uint_eq(value.key_sum, 2 * key.a + 8);
		ck_assert_uint_eq(value.copies[0], value.copies[3]);
		n++;
	}
	return n;
}

static void stress(double length, int kill_some, int grow)
{
	struct timespec pause = {0, 2000000};
	struct mem_link *calls;
	pthread_t threads[4];
	void *torn;
	double end = test_now() + length;

	assert_ok(wide_create(heap, wide, 32));
	skel->bss->count = 5000;
	stop = 0;
	calls = assert_ptr(mem_prog_attach(skel->progs.change_on_call));
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i < 2 ? change_thread : run_thread, (void *)(i + 1));
	for (int i = 0; test_now() < end || skel->bss->found < 100; i++) {
		nanosleep(&pause, NULL);
		if (grow && i % 100 == 50 && i < 800)
			assert_ok(wide_grow(heap, wide));
		if (kill_some) {
			pid_t pid = fork();

			if (!pid) {
				victim_map_arena(skel->obj);
				change_thread((void *)(uintptr_t)(i + 10));
			}
			nanosleep(&pause, NULL);
			victim_kill(pid);
		}
	}
	stop = 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &torn);
		ck_assert_ptr_eq(torn, NULL);
	}
	mem_link_destroy(calls);
	ck_assert_uint_eq(skel->bss->torn, 0);
}

/* With seven elements in its one bucket, each set of a long value moves it behind the bucket or back. */
static void *move_thread(void *arg)
{
	struct wide_key key = {0, 1, 7};
	struct wide_value value = {8, {0, 0, 0, 0}};

	(void)arg;
	for (int i = 0; i < test_rounds(500000); i++)
		assert_ok(wide_set(heap, wide, &key, &value, MEM_HASH_EXIST));
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST(what_moves_inside_a_bucket_is_never_missing)
{
	struct wide_key key = {0, 1, 7};
	struct wide_value value = {8, {0, 0, 0, 0}};
	unsigned int missing = 0;
	pthread_t thread;

	load();
	assert_ok(wide_create(heap, wide, 1));
	for (key.a = 7; key.a--;)
		assert_ok(wide_set(heap, wide, &key, &value, MEM_HASH_NOEXIST));
	key.a = 0;
	stop = 0;
	pthread_create(&thread, NULL, move_thread, NULL);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		missing += wide_find(heap, wide, &key, &value) == -ENOENT;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(missing, 0);
}
END_TEST

TEST(programs_and_threads_at_once, .timeout = 60)
{
	load(skel->progs.change_many, skel->progs.change_on_call);
	stress(test_seconds(3), 0, 0);
	ck_assert_uint_gt(check_wide(), 10);
}
END_TEST

TEST(it_grows_while_others_use_it, .timeout = 60)
{
	load(skel->progs.change_many, skel->progs.change_on_call);
	stress(test_seconds(3), 0, 1);
	ck_assert_uint_gt(check_wide(), 10);
}
END_TEST

TEST(writers_that_are_killed_leave_it_whole, .timeout = 60)
{
	load(skel->progs.change_many, skel->progs.change_on_call);
	stress(test_seconds(3), 1, 0);
	/* whoever comes next puts in order what the dead left */
	for (unsigned int i = 0; i < 64; i++) {
		struct wide_key key = {i, i + 1, 7};
		struct wide_value value = {2 * i + 8, {i, i, i, i}};

		assert_ok(wide_set(heap, wide, &key, &value, 0));
	}
	ck_assert_uint_eq(check_wide(), 64);
	ck_assert_int_ge(mem_heap_recover(heap), 0);
	ck_assert_msg(mem_heap_is_valid(heap), "%s", test_message());
}
END_TEST

TEST(a_damaged_table_does_not_take_the_application_along, .timeout = 60)
{
	unsigned int seed = 3;

	load(skel->progs.fill);
	for (int round = 0; round < test_rounds(50); round++) {
		struct mem_hash_cursor cursor = {0};
		unsigned long long key, value = 1;
		struct mem_hash_table *t;

		memset(table, 0, sizeof(*table));
		assert_ok(numbers_create(heap, table, 1000));
		run(skel->progs.fill, 1, 1000);
		t = mem_at(struct mem_hash_table, heap, table->table);
		for (unsigned int i = 0; i < 100; i++)
			*(mem_at(char, heap, t->buckets) + (unsigned)rand_r(&seed) % 8192) = (char)rand_r(&seed);
		for (unsigned int i = 0; i < 8192 / 128; i++) /* a living owner would be waited for */
			*mem_at(unsigned int, heap, t->buckets + i * 128) = 0;
		if (round % 3 == 0)
			((unsigned int *)t)[rand_r(&seed) % 4] ^= 1U << rand_r(&seed) % 32;
		for (key = 1; key < 1000; key++) {
			numbers_find(heap, table, &key, &value);
			if (round % 3) {
				numbers_set(heap, table, &key, &value, 0);
				numbers_remove(heap, table, &key);
			}
		}
		for (int i = 0; i < 20000 && numbers_next(heap, table, &cursor, &key, &value) > 0; i++)
			;
	}
}
END_TEST
