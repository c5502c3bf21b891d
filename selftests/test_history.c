/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables and rings that programs on all CPUs and threads change at once give results that fit to one order
 * of all operations; and what checks that (linear.h) knows histories that don't.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arena_history.skel.h"
#include "bpf/arena_history.h"
#include "harness.h"
#include "linear.h"

/* --- the checker --- */

#define HISTORY(...) (struct linear_op[]){__VA_ARGS__}, sizeof((struct linear_op[]){__VA_ARGS__}) / sizeof(struct linear_op)
#define RIGHT(...) ck_assert_msg(!linear_register(HISTORY(__VA_ARGS__)), "a right history is refused")
#define WRONG(...) ck_assert_ptr_nonnull(linear_register(HISTORY(__VA_ARGS__)))
#define QUEUE_RIGHT(...) ck_assert_msg(!linear_queue(HISTORY(__VA_ARGS__), 2), "a right history is refused")
#define QUEUE_WRONG(...) ck_assert_ptr_nonnull(linear_queue(HISTORY(__VA_ARGS__), 2))

TEST(a_key_has_the_value_that_was_set_last)
{
	RIGHT({1, 2, 7, LINEAR_SET, 0}, {3, 4, 7, LINEAR_FIND, 0}, {5, 6, 0, LINEAR_REMOVE, 0},
	      {7, 8, 0, LINEAR_FIND, -ENOENT}, {9, 10, 0, LINEAR_REMOVE, -ENOENT},
	      {11, 12, 3, LINEAR_CHANGE, -ENOENT}, {13, 14, 4, LINEAR_ADD, 0},
	      {15, 16, 5, LINEAR_ADD, -EEXIST}, {17, 18, 6, LINEAR_CHANGE, 0}, {19, 20, 6, LINEAR_FIND, 0});
	WRONG({1, 2, 7, LINEAR_SET, 0}, {3, 4, 8, LINEAR_SET, 0}, {5, 6, 7, LINEAR_FIND, 0});
	WRONG({1, 2, 7, LINEAR_SET, 0}, {3, 4, 0, LINEAR_FIND, -ENOENT});
	WRONG({1, 2, 7, LINEAR_FIND, 0});
	WRONG({1, 2, 7, LINEAR_ADD, 0}, {3, 4, 8, LINEAR_ADD, 0});
	WRONG({1, 2, 7, LINEAR_SET, 0}, {3, 4, 0, LINEAR_REMOVE, 0}, {5, 6, 0, LINEAR_REMOVE, 0});
}
END_TEST

TEST(operations_at_one_time_may_have_either_order)
{
	RIGHT({1, 4, 7, LINEAR_SET, 0}, {2, 5, 8, LINEAR_SET, 0}, {6, 7, 7, LINEAR_FIND, 0});
	RIGHT({1, 4, 7, LINEAR_SET, 0}, {2, 5, 8, LINEAR_SET, 0}, {6, 7, 8, LINEAR_FIND, 0});
	WRONG({1, 4, 7, LINEAR_SET, 0}, {2, 5, 8, LINEAR_SET, 0}, {6, 7, 8, LINEAR_FIND, 0},
	      {8, 9, 7, LINEAR_FIND, 0});
	/* seen while it is set, and then not any more */
	WRONG({1, 10, 7, LINEAR_SET, 0}, {2, 3, 7, LINEAR_FIND, 0}, {4, 5, 0, LINEAR_FIND, -ENOENT});
	/* of two that add at one time, one does */
	RIGHT({1, 4, 7, LINEAR_ADD, 0}, {2, 5, 8, LINEAR_ADD, -EEXIST});
	WRONG({1, 4, 7, LINEAR_ADD, 0}, {2, 5, 8, LINEAR_ADD, 0});
	RIGHT({1, 4, 7, LINEAR_ADD, 0}, {2, 5, 8, LINEAR_ADD, 0}, {3, 6, 0, LINEAR_REMOVE, 0});
}
END_TEST

TEST(a_queue_gives_each_value_once_and_in_order)
{
	QUEUE_RIGHT({1, 2, 7, LINEAR_PUSH, 0}, {3, 4, 8, LINEAR_PUSH, 0}, {5, 6, 9, LINEAR_PUSH, -ENOSPC},
		    {7, 8, 7, LINEAR_POP, 0}, {9, 10, 8, LINEAR_POP, 0}, {11, 12, 0, LINEAR_POP, -ENOENT});
	QUEUE_RIGHT({1, 4, 7, LINEAR_PUSH, 0}, {2, 3, 8, LINEAR_PUSH, 0}, {5, 6, 8, LINEAR_POP, 0});
	QUEUE_WRONG({1, 2, 7, LINEAR_PUSH, 0}, {3, 4, 8, LINEAR_PUSH, 0}, {5, 6, 8, LINEAR_POP, 0});
	QUEUE_WRONG({1, 2, 7, LINEAR_PUSH, 0}, {3, 4, 8, LINEAR_PUSH, 0}, {5, 6, 8, LINEAR_POP, 0},
		    {7, 8, 7, LINEAR_POP, 0});
	QUEUE_WRONG({1, 2, 7, LINEAR_PUSH, 0}, {3, 4, 7, LINEAR_POP, 0}, {5, 6, 7, LINEAR_POP, 0});
	QUEUE_WRONG({1, 2, 7, LINEAR_POP, 0});
	QUEUE_WRONG({1, 2, 7, LINEAR_POP, 0}, {3, 4, 7, LINEAR_PUSH, 0});
	QUEUE_WRONG({1, 2, 7, LINEAR_PUSH, 0}, {3, 4, 0, LINEAR_POP, -ENOENT});
	QUEUE_WRONG({1, 2, 7, LINEAR_PUSH, 0}, {3, 4, 8, LINEAR_PUSH, -ENOSPC});
}
END_TEST

/* --- what really happens --- */

static struct arena_history *skel;
static struct history *h;
static int stop;

static void make(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 12 << 20};
	void *log;

	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
	skel = assert_ptr(arena_history__open());
	assert_ok(arena_history__load(skel));
	h = &skel->arena->history;
	assert_ok(mem_heap_create(assert_ptr(mem_object_find_region(skel->obj, "arena")), &h->heap, &opts));
	log = assert_ptr(mem_alloc(&h->heap, NOTES * sizeof(struct note)));
	memset(log, 0, NOTES * sizeof(struct note));
	h->log = mem_low(log);
	assert_ok(numbers_create(&h->heap, &h->table, 2));
	assert_ok(pairs_create(&h->heap, &h->pairs, 2));
	assert_ok(mem_ring_create(&h->heap, &h->up, RING_SIZE, 8));
	assert_ok(mem_ring_create(&h->heap, &h->down, RING_SIZE, 8));
	skel->data->count = 300;
	skel->bss->pid = (uint32_t)getpid();
}

static void use_cpu(unsigned int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *thread_work(void *number)
{
	unsigned int seed = (unsigned int)(uintptr_t)number;

	use_cpu(seed);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		unsigned int random = (unsigned int)rand_r(&seed) ^ (unsigned int)rand_r(&seed) << 9;

		if (history_do(h, random, &h->down, RING_DOWN))
			break;
	}
	return NULL;
}

static void *program_work(void *number)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	use_cpu((unsigned int)(uintptr_t)number);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		assert_ok(mem_prog_run(skel->progs.work_many, &opts));
		if (opts.retval)
			break;
	}
	return NULL;
}

/* A timer's interrupt, which comes in the middle of programs; an NMI where there are counters. */
static struct mem_link *attach_event(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE, .size = sizeof(attr),
				       .config = PERF_COUNT_HW_CPU_CYCLES, .sample_period = 50000};
	struct mem_link *link;
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);

	if (fd < 0) {
		attr.type = PERF_TYPE_SOFTWARE;
		attr.config = PERF_COUNT_SW_CPU_CLOCK;
		fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, 0);
	}
	ck_assert_int_ge(fd, 0);
	link = assert_ptr(mem_prog_attach_perf_event(skel->progs.work_on_event, fd));
	close(fd);
	return link;
}

/* Of how many operations: finding their order takes most of the time. */
static unsigned int wanted(void)
{
	return test_rounds(NOTES) < (int)NOTES ? NOTES / 4 : NOTES;
}

/* All at once, until there are as many as wanted; the table grows, and programs come and go meanwhile. */
static void record(void)
{
	struct timespec pause = {0, 1000000};
	struct mem_link *calls, *event;
	pthread_t threads[4];

	stop = 0;
	for (uintptr_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, i < 2 ? thread_work : program_work, (void *)i);
	for (int i = 0; i < 20000 && mem_load(&h->notes) < wanted(); i++) {
		calls = assert_ptr(mem_prog_attach(skel->progs.work_on_call));
		event = attach_event();
		nanosleep(&pause, NULL);
		mem_link_destroy(event);
		mem_link_destroy(calls);
		if (i % 4 == 1 && i < 16)
			assert_ok(numbers_grow(&h->heap, &h->table));
	}
	stop = 1;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

/* A result that says what the structure was like; the others (-ETIMEDOUT, -EDEADLK, -EAGAIN) changed nothing. */
static int tells(const struct note *note)
{
	return !note->result || note->result == -ENOENT || note->result == -EEXIST ||
	       (note->kind == LINEAR_PUSH && note->result == -ENOSPC);
}

/* What was noted about a key or a ring. */
static size_t collect(unsigned int about, struct linear_op *ops)
{
	const struct note *log = mem_at(struct note, h, h->log);
	size_t n = 0;

	for (size_t i = 0; i < NOTES && i < h->notes; i++) {
		ck_assert_msg(log[i].end, "note %zu was never finished", i);
		if (log[i].about == about && tells(&log[i]))
			ops[n++] = (struct linear_op){log[i].start, log[i].end, log[i].value, log[i].kind,
						      log[i].result};
	}
	return n;
}

static const char *check(unsigned int about, struct linear_op *ops, size_t n)
{
	return about < KEYS ? linear_register(ops, n) : linear_queue(ops, n, RING_SIZE);
}

/*
 * Whether nobody can have been given the value of the first operation by the one at i, which may have begun long before
 * it ended: something else was put in its place before, or somebody else has taken it out of the ring.
 */
static int is_gone(unsigned int about, const struct linear_op *ops, size_t n, size_t i)
{
	for (size_t j = 0; j < n; j++) {
		if (ops[j].result || j == i)
			continue;
		if (about < KEYS ? ops[j].kind <= LINEAR_REMOVE && ops[j].start > ops[0].end &&
					   ops[j].end < ops[i].start
				 : ops[j].kind == LINEAR_POP && ops[j].value == ops[0].value)
			return 1;
	}
	return 0;
}

/* The same history with one result changed is noticed. How many such there were, of three. */
static unsigned int break_it(unsigned int about, const struct linear_op *ops, size_t n,
			     struct linear_op *broken)
{
	unsigned int tried = 0;

	for (size_t i = n / 4; i < n && tried < 3; i++) {
		if (ops[i].result || (ops[i].kind != LINEAR_FIND && ops[i].kind != LINEAR_POP) ||
		    ops[0].value == ops[i].value || !is_gone(about, ops, n, i))
			continue;
		memcpy(broken, ops, n * sizeof(*ops));
		broken[i].value = ops[0].value; /* from long ago */
		ck_assert_msg(check(about, broken, n) != NULL, "a wrong result was not noticed");
		tried++;
	}
	return tried;
}

TEST(there_is_an_order_in_which_all_results_are_right, .timeout = 90)
{
	struct linear_op *ops = malloc(NOTES * sizeof(*ops)), *broken = malloc(NOTES * sizeof(*ops));
	unsigned int broke = 0;
	size_t all = 0, n;

	make();
	record();
	for (unsigned int about = 0; about <= RING_DOWN; about++) {
		n = collect(about, ops);
		ck_assert_msg(!check(about, ops, n), "%s %u: %s", about < KEYS ? "key" : "ring", about,
			      check(about, ops, n));
		broke += break_it(about, ops, n, broken);
		all += n;
	}
	ck_assert_uint_gt(all, wanted() / 2);
	ck_assert_uint_ge(broke, KEYS);
	free(broken);
	free(ops);
	arena_history__destroy(skel);
}
END_TEST
