/* SPDX-License-Identifier: BSD-2-Clause */
/* The allocator in an arena, with programs and threads and processes that die at work. */
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arena_alloc.skel.h"
#include "arena_large.skel.h"
#include "harness.h"
#include "victims.h"

#include <mem/alloc.h>

static struct arena_alloc *skel;
static struct mem_heap *heap;

static struct mem_region *arena(void)
{
	return assert_ptr(mem_object_find_region(skel->obj, "arena"));
}

static void setup(void)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
	skel = assert_ptr(arena_alloc__open());
}

static void teardown(void)
{
	arena_alloc__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static void load_skel(void)
{
	assert_ok(arena_alloc__load(skel));
	heap = &skel->arena->heap;
}

/* The verifier takes long for each: a test loads the programs that it runs. */
#define load(...) (keep_programs(skel->obj, PROGRAMS(__VA_ARGS__)), load_skel())

static void make_heap(size_t present, unsigned int checks)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = present, .checks = checks};

	assert_ok(mem_heap_create(arena(), heap, &opts));
}

static uint32_t run(const struct mem_prog *prog, uint64_t size, uint32_t count)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	skel->data->size = size;
	skel->data->count = count;
	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

static struct mem_heap_usage usage(void)
{
	struct mem_heap_usage u;

	assert_ok(mem_heap_usage(heap, &u));
	return u;
}

static void assert_valid(void)
{
	ck_assert_msg(mem_heap_is_valid(heap), "%s", test_message());
}

TEST(a_heap_that_is_not_there_gives_nothing)
{
	load(skel->progs.pairs);
	ck_assert_uint_eq(run(skel->progs.pairs, 64, 1), 1);
	ck_assert_ptr_eq(mem_alloc(heap, 64), NULL);
	ck_assert_int_eq(errno, EINVAL);
	assert_err(mem_heap_refill(heap, 1), -EINVAL);
}
END_TEST

TEST(a_heap_is_made_once_and_in_its_arena)
{
	struct mem_heap other;

	load();
	assert_err(mem_heap_create(arena(), &other, NULL), -EINVAL);
	assert_err(mem_heap_create(assert_ptr(mem_object_find_region(skel->obj, "bss")), heap, NULL),
		   -EINVAL);
	make_heap(0, 0);
	assert_err(mem_heap_create(arena(), heap, NULL), -EBUSY);
	assert_valid();
}
END_TEST

TEST(each_side_frees_what_the_other_allocated)
{
	load(skel->progs.take, skel->progs.give);
	make_heap(8 << 20, 0);
	for (uint64_t size = 1; size <= 8192; size = size * 3 / 2 + 1) {
		ck_assert_uint_eq(run(skel->progs.take, size, 50), 50);
		for (int i = 0; i < 50; i++) {
			struct block *b = skel->arena->held[i];

			ck_assert_uint_eq(b->owner, i);
			mem_free(heap, b);
			skel->arena->held[i] = mem_alloc(heap, size);
			ck_assert_ptr_nonnull(skel->arena->held[i]);
		}
		ck_assert_uint_eq(run(skel->progs.give, size, 50), 50);
		assert_valid();
		ck_assert_uint_eq(usage().used, 0);
	}
	ck_assert_uint_eq(usage().failed, 0);
}
END_TEST

TEST(out_of_memory_is_counted_and_cured_by_a_refill)
{
	uint32_t first;

	load(skel->progs.take, skel->progs.give);
	make_heap(1, 0);
	first = run(skel->progs.take, 256, 1024);
	ck_assert_uint_gt(first, 0);
	ck_assert_uint_lt(first, 1024);
	ck_assert_uint_gt(usage().failed, 0);
	ck_assert_uint_eq(run(skel->progs.give, 256, 1024), 1024);
	assert_ok(mem_heap_refill(heap, 1 << 20));
	ck_assert_int_eq(mem_heap_refill(heap, 1 << 20), 0);
	ck_assert_uint_eq(run(skel->progs.take, 256, 1024), 1024);
	ck_assert_uint_eq(run(skel->progs.give, 256, 1024), 1024);
	ck_assert_uint_eq(usage().used, 0);
	ck_assert_int_gt(mem_heap_refill(heap, 1 << 30), 0);
	assert_err(mem_heap_refill(heap, 1 << 30), -ENOSPC);
	assert_valid();
}
END_TEST

TEST(a_keeper_fills_up_what_programs_take, .timeout = 60)
{
	struct timespec pause = {0, 50000000};
	struct mem_heap_keeper *keeper;
	uint32_t taken = 0, present;

	load(skel->progs.take);
	make_heap(1, 0);
	ck_assert_ptr_eq(mem_heap_keep(heap, 0), NULL);
	keeper = assert_ptr(mem_heap_keep(heap, 1 << 20));
	ck_assert_uint_ge(usage().fresh, 1 << 20);
	for (int i = 0; i < 8; i++) { /* 4 MiB in all, half a MiB at a time */
		taken += run(skel->progs.take, 1024, 512);
		for (int wait = 0; wait < 600 && usage().fresh < 1 << 20; wait++)
			nanosleep(&pause, NULL);
		ck_assert_uint_ge(usage().fresh, 1 << 20);
	}
	ck_assert_uint_eq(taken, 8 * 512);
	ck_assert_uint_eq(usage().failed, 0);
	mem_heap_keep_stop(keeper);
	present = heap->present;
	run(skel->progs.take, 1024, 1024);
	nanosleep(&pause, NULL);
	ck_assert_uint_eq(heap->present, present);
	mem_heap_keep_stop(NULL);
}
END_TEST

TEST(a_program_takes_pages_by_itself)
{
	uint32_t present;

	load(skel->progs.take, skel->progs.extend);
	ck_assert_uint_eq(run(skel->progs.extend, 0, 1), EINVAL);
	make_heap(1, 0);
	present = heap->present;
	ck_assert_uint_eq(run(skel->progs.extend, 0, 100), 0);
	ck_assert_uint_eq(skel->data->size, 77);
	ck_assert_uint_eq(heap->present, present + 100);
	ck_assert_uint_eq(run(skel->progs.extend, 0, 1 << 20), ENOSPC);
	ck_assert_uint_eq(run(skel->progs.take, 256, 1024), 1024);
	assert_valid();
}
END_TEST

/* Why there are no guard pages behind heaps: reserved pages are kept from the kfunc, not from a write. */
TEST(a_reserved_page_is_for_applications_only)
{
	char *last;

	load(skel->progs.reserve);
	make_heap(1, 0);
	last = mem_at(char, heap, heap->base + (heap->total - 1) * 4096);
	skel->bss->reserved = mem_low(last);
	if (linux_version() < 6017) {
		ck_assert_uint_eq(run(skel->progs.reserve, 0, 1), ENOTSUP);
		return;
	}
	ck_assert_uint_eq(run(skel->progs.reserve, 0, 1), 0);
	*last = 5;
	ck_assert_int_eq(*last, 5);
	ck_assert_uint_eq(run(skel->progs.reserve, 0, 1), EBUSY);
}
END_TEST

TEST(large_blocks_too)
{
	load(skel->progs.pairs);
	make_heap(15 << 20, 0);
	for (size_t size = 4096; size <= 1 << 20; size *= 2) {
		char *p = mem_alloc(heap, size), *q = mem_alloc(heap, size - 1);

		ck_assert_ptr_nonnull(p);
		ck_assert_ptr_nonnull(q);
		memset(p, 1, size);
		memset(q, 2, size - 1);
		ck_assert_int_eq(p[size - 1], 1);
		mem_free(heap, p);
		ck_assert_uint_eq(run(skel->progs.pairs, size, 10), 0);
		mem_free(heap, q);
	}
	assert_valid();
	ck_assert_uint_eq(usage().used, 0);
	ck_assert_ptr_eq(mem_alloc(heap, (1UL << 30) + 1), NULL);
	ck_assert_ptr_eq(mem_alloc(heap, SIZE_MAX), NULL);
	ck_assert_uint_eq(usage().failed, 2);
}
END_TEST

TEST(misuse_is_noticed_and_survived)
{
	char text[200];

	load(skel->progs.misuse);
	make_heap(1 << 20, MEM_HEAP_GUARDS);
	ck_assert_uint_eq(run(skel->progs.misuse, 0, 0), 0);
	ck_assert_uint_eq(usage().reports, 3);
	ck_assert_uint_eq(usage().bad_frees, 2);
	ck_assert_uint_eq(heap->report[0].kind, MEM_HEAP_DOUBLE_FREE);
	ck_assert_uint_eq(heap->report[1].kind, MEM_HEAP_WILD_FREE);
	ck_assert_uint_eq(heap->report[2].kind, MEM_HEAP_OVERRUN);
	assert_ok(mem_heap_report(heap, 2, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "a program on CPU"));
	assert_err(mem_heap_report(heap, 3, text, sizeof(text)), -ENOENT);

	struct block *b = mem_new(heap, struct block);
	mem_free(heap, b);
	b->words[3] = 1;
	for (int i = 0; i < 100; i++)
		ck_assert_ptr_nonnull(mem_new(heap, struct block));
	ck_assert_uint_eq(usage().reports, 4);
	ck_assert_uint_eq(heap->report[3].kind, MEM_HEAP_USED_FREED);
	assert_valid();
}
END_TEST

/* The application's part of exchange(). */
static void exchange(unsigned int *seed, unsigned long self)
{
	struct block *mine = mem_alloc(heap, 64), *theirs;

	if (mine) {
		mine->owner = self;
		for (int i = 0; i < 7; i++)
			mine->words[i] = self;
	}
	theirs = __atomic_exchange_n(&skel->arena->mailbox[rand_r(seed) % 64], mine, __ATOMIC_SEQ_CST);
	if (!theirs)
		return;
	for (int i = 0; i < 7; i++)
		if (theirs->words[i] != theirs->owner)
			__atomic_fetch_add(&skel->bss->wrong, 1, __ATOMIC_RELAXED);
	mem_free(heap, theirs);
}

static int stop;

static void *exchange_thread(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	for (unsigned long i = 1; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++)
		exchange(&seed, i);
	return NULL;
}

static void *run_thread(void *arg)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	(void)arg;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		assert_ok(mem_prog_run(skel->progs.exchange_many, &opts));
	return NULL;
}

static struct mem_link *attach_event(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_HW_CPU_CYCLES,
		.sample_period = 20000,
	};
	struct mem_link *link;
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);

	if (fd < 0) { /* no counters in a virtual machine: a timer's interrupt instead of an NMI */
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_CPU_CLOCK;
		fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
	}
	ck_assert_int_ge(fd, 0);
	link = assert_ptr(mem_prog_attach_perf_event(skel->progs.exchange_on_event, fd));
	close(fd);
	return link;
}

static void drain(void)
{
	for (int i = 0; i < 64; i++) {
		if (skel->arena->mailbox[i])
			mem_free(heap, skel->arena->mailbox[i]);
		skel->arena->mailbox[i] = NULL;
	}
}

static void stress(double length, int kill_some)
{
	struct mem_link *calls, *event;
	struct timespec pause = {0, 3000000};
	pthread_t threads[4];
	double end;

	make_heap(4 << 20, 0);
	skel->data->size = 64;
	skel->data->count = 2000;
	stop = 0;
	calls = assert_ptr(mem_prog_attach(skel->progs.exchange_on_call));
	event = attach_event();
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i < 2 ? exchange_thread : run_thread, (void *)i);
	end = test_now() + length;
	while (test_now() < end || skel->bss->got < 1000) {
		nanosleep(&pause, NULL);
		if (kill_some) {
			pid_t pid = fork();

			if (!pid) {
				victim_map_arena(skel->obj);
				exchange_thread((void *)7);
			}
			nanosleep(&pause, NULL);
			victim_kill(pid);
		}
	}
	stop = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	mem_link_destroy(calls);
	mem_link_destroy(event);
}

TEST(programs_in_every_context_and_threads_at_once, .timeout = 60)
{
	struct mem_heap_usage u;

	load_skel();
	stress(test_seconds(3), 0);
	drain();
	u = usage();
	ck_assert_uint_eq(skel->bss->wrong, 0);
	assert_valid();
	ck_assert_uint_eq(u.used, 0);
	ck_assert_uint_eq(u.failed, 0);
	ck_assert_uint_eq(u.busy, 0);
}
END_TEST

TEST(killed_processes_lose_what_they_were_about_to_hand_over, .timeout = 60)
{
	struct mem_heap_usage u;

	load(skel->progs.exchange_many, skel->progs.exchange_on_call, skel->progs.exchange_on_event);
	stress(test_seconds(3), 1);
	drain();
	assert_ok(mem_heap_recover(heap));
	u = usage();
	ck_assert_uint_eq(skel->bss->wrong, 0);
	ck_assert_uint_eq(u.caches_dead, 0);
	assert_valid();
	/* one block that a victim had in its registers, for each of some 500 at most */
	ck_assert_uint_lt(u.used, 500 * 2 * 64);
	ck_assert_uint_eq(u.failed, 0);
}
END_TEST

TEST(a_thread_that_ends_leaves_its_cache_to_others)
{
	pthread_t thread;

	load();
	make_heap(1 << 20, 0);
	for (int i = 0; i < 100; i++) {
		stop = 0;
		pthread_create(&thread, NULL, exchange_thread, NULL);
		sched_yield();
		stop = 1;
		pthread_join(thread, NULL);
	}
	drain();
	mem_heap_leave(heap);
	ck_assert_uint_eq(usage().cached, 0);
	ck_assert_uint_eq(usage().used, 0);
	assert_valid();
}
END_TEST

/* Behind the variables there is the arena's record, here in a page of its own: the heap begins behind that. */
TEST(a_heap_leaves_the_record_of_its_arena_alone)
{
	struct arena_large *large = assert_ptr(arena_large__open_and_load());
	struct mem_region *region = assert_ptr(mem_object_find_region(large->obj, "arena"));
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const char *variables;
	size_t size;

	variables = assert_ptr(mem_region_variables(region, &size));
	ck_assert_uint_eq(size % 4096, 0);
	assert_ok(mem_heap_create(region, &large->arena->heap, NULL));
	ck_assert_uint_ge(large->arena->heap.base, mem_low(variables) + (size + page) / page * page);
	arena_large__destroy(large);
}
END_TEST

TEST(a_heap_does_not_reach_out_of_its_arena)
{
	struct mem_heap_usage u;
	size_t size;

	load();
	make_heap(1 << 20, 0);
	mem_region_data(arena(), &size);
	mem_heap_leave(heap);
	heap->total = (uint32_t)(size / 4096) + 1; /* what is there may be mapped, but is not the arena's */
	assert_err(mem_heap_usage(heap, &u), -EINVAL);
	ck_assert_ptr_eq(mem_alloc(heap, 64), NULL);
}
END_TEST

/* Whatever is written into the heap: no crash, no endless loop. */
TEST(a_damaged_heap_does_not_take_the_application_along, .timeout = 60)
{
	unsigned int seed = 1;

	load();
	for (int round = 0; round < test_rounds(100); round++) {
		void *kept[50] = {NULL};
		char *memory, *at = (char *)skel->arrays.arena;

		memset(heap, 0, sizeof(*heap)); /* one that is whole again */
		make_heap(4 << 20, 0);
		memory = mem_alloc(heap, 16);
		for (int i = 0; i < 2000; i++) {
			unsigned int page = 1 + (unsigned int)rand_r(&seed) % 1000;

			at[page * 4096 + (unsigned int)rand_r(&seed) % 4096] = (char)rand_r(&seed);
		}
		for (unsigned int i = 0; i < sizeof(heap->depot) / 8; i++)
			if (rand_r(&seed) % 4 == 0)
				heap->depot[i] = (unsigned long long)rand_r(&seed) << 17 ^ rand_r(&seed);
		for (int i = 0; i < 500; i++) {
			int k = rand_r(&seed) % 50;

			mem_free(heap, kept[k]);
			kept[k] = mem_alloc(heap, 1 + rand_r(&seed) % 5000);
		}
		mem_free(heap, memory);
		mem_heap_recover(heap);
		mem_heap_usage(heap, &(struct mem_heap_usage){0});
		mem_heap_is_valid(heap);
		mem_heap_leave(heap);
	}
}
END_TEST
