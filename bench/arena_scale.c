// SPDX-License-Identifier: BSD-2-Clause
/*
 * An arena's allocator and hash table when all CPUs use them at once, beside one CPU alone, and when the heap
 * has grown to 4 GiB, beside its first part. Best of several rounds: others use the machine too.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "arena.h"
#include "arena_scale.skel.h"
#include "clock.h"

#define KEYS   100000
#define ROUNDS 15
#define SLICE  20000
#define STEP   (256UL << 20) /* bytes by which the heap grows */
#define BLOCK  3072	     /* bytes: 12 KiB spans, so that all of the table is written */

static struct arena_scale *skel;
static pthread_barrier_t ready;

static void fail(void)
{
	fprintf(stderr, "%s\n", mem_error_message());
	exit(1);
}

static uint32_t run(const struct mem_prog *prog)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	if (mem_prog_run(prog, &opts))
		fail();
	return opts.retval;
}

/* One of those at work, slice by slice. */
struct worker {
	const struct mem_prog *prog; /* NULL: an application's thread */
	int cpu, hash, slices; /* hash: -1 no application's part */
	long long start, end;
	pthread_t thread;
};

static void app_pairs(void)
{
	static __thread void *held[1000];
	int batch = (int)skel->data->batch;

	for (int n = 0; n < SLICE / batch; n++) {
		for (int i = 0; i < batch; i++)
			held[i] = mem_alloc(&skel->arena->heap, 64);
		for (int i = 0; i < batch; i++)
			mem_free(&skel->arena->heap, held[i]);
	}
}

static void app_mixed(void)
{
	unsigned long long seed = (unsigned long long)clock_ns(), key, value;

	for (unsigned long long i = 0; i < SLICE; i++) {
		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		key = (seed >> 33) % KEYS;
		if (seed >> 62)
			numbers_find(&skel->arena->heap, &skel->arena->table, &key, &value);
		else
			numbers_set(&skel->arena->heap, &skel->arena->table, &key, &i, MEM_HASH_ANY);
	}
}

/* Before all ordinary work of this CPU, for some milliseconds: others would be measured too. */
static void *work(void *arg)
{
	struct sched_param first = {.sched_priority = 1};
	struct worker *w = arg;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	sched_setscheduler(0, SCHED_FIFO, &first);
	pthread_barrier_wait(&ready);
	w->start = clock_ns();
	for (int i = 0; i < w->slices; i++) {
		if (w->prog)
			run(w->prog);
		else if (w->hash)
			app_mixed();
		else
			app_pairs();
		sched_yield(); /* to another one on this CPU */
	}
	w->end = clock_ns();
	return NULL;
}

/* Operations per microsecond of all together, the best of the rounds. */
static double together(struct worker *workers, unsigned int count)
{
	double best = 0;

	skel->bss->count = SLICE;
	for (int round = 0; round < ROUNDS; round++) {
		long long start = 0, end = 0;
		double rate = 0;

		pthread_barrier_init(&ready, NULL, count);
		for (unsigned int i = 0; i < count; i++)
			pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		for (unsigned int i = 0; i < count; i++) {
			pthread_join(workers[i].thread, NULL);
			start = !start || workers[i].start < start ? workers[i].start : start;
			end = workers[i].end > end ? workers[i].end : end;
			rate += workers[i].slices * (double)SLICE;
		}
		pthread_barrier_destroy(&ready);
		rate = rate * 1000 / (double)(end - start);
		best = rate > best ? rate : best;
	}
	return best;
}

static void scale(const char *what, const struct mem_prog *prog, int hash)
{
	struct worker workers[3] = {
		{prog, 0, hash, 20, 0, 0, 0},
		{prog, 1, hash, 20, 0, 0, 0},
		{NULL, 1, hash, 20, 0, 0, 0},
	};
	double one, two, three;

	one = together(workers, 1);
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		printf("%-40s %8.1f     one CPU: nothing to compare\n", what, one);
		return;
	}
	two = together(workers, 2);
	if (hash < 0) {
		printf("%-40s %8.1f %8.1f %6.2f\n", what, one, two, two / one);
		return;
	}
	workers[0].slices = 40; /* the others share a CPU */
	three = together(workers, 3);
	printf("%-40s %8.1f %8.1f %6.2f %8.1f %6.2f\n", what, one, two, two / one, three, three / one);
}

/* Of this thread alone: what it waits for others is not its own. */
static long long cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* Nanoseconds for each block of one step, which is populated first, and for each page of that. */
static int grow(double *block, double *page)
{
	uint32_t blocks = STEP / BLOCK / 16 * 15, taken = 0;
	long long start = cpu_ns();
	int pages = mem_heap_refill(&skel->arena->heap, STEP);

	if (pages <= 0)
		return 0;
	*page = (double)(cpu_ns() - start) / pages;
	skel->bss->count = blocks;
	start = cpu_ns();
	taken = run(skel->progs.take);
	*block = (double)(cpu_ns() - start) / (taken ?: 1);
	return taken == blocks;
}

static void grow_all(void)
{
	double block, page, first_block = 0, first_page = 0, last_block = 0, last_page = 0;
	struct mem_heap_usage usage;
	int steps = 0;

	skel->data->size = BLOCK;
	for (; grow(&block, &page); steps++) {
		if (!steps || (steps < 3 && block < first_block))
			first_block = block;
		if (!steps || (steps < 3 && page < first_page))
			first_page = page;
		last_block = steps % 3 && last_block < block ? last_block : block;
		last_page = steps % 3 && last_page < page ? last_page : page;
	}
	mem_heap_usage(&skel->arena->heap, &usage);
	printf("\n%-40s %8s %8s %6s\n", "heap, nanoseconds", "first", "at 4 GiB", "ratio");
	printf("%-40s %8.1f %8.1f %6.2f\n", "program: allocate 3 KiB", first_block, last_block,
	       last_block / first_block);
	printf("%-40s %8.1f %8.1f %6.2f\n", "application: populate a page", first_page, last_page,
	       last_page / first_page);
	printf("%-40s %8.2f %%\n", "heap's own books, of 4 GiB", 100.0 * (double)usage.books / (double)usage.size);
}

/* What a heap takes besides the objects, when full of those of 64 bytes. */
static void overhead(void)
{
	struct mem_heap_usage before, after;

	mem_heap_usage(&skel->arena->heap, &before);
	skel->bss->count = 1000000;
	skel->data->size = 64;
	run(skel->progs.take);
	mem_heap_usage(&skel->arena->heap, &after);
	printf("%-40s %8.2f %%\n", "not used, with a million of 64 bytes",
	       100.0 * ((double)(after.spans - before.spans) / 64e6 - 1));
}

int main(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 160 << 20};

	skel = arena_scale__open();
	if (!skel || arena_scale__load(skel) ||
	    mem_heap_create(mem_object_find_region(skel->obj, "arena"), &skel->arena->heap, &opts) ||
	    numbers_create(&skel->arena->heap, &skel->arena->table, KEYS))
		fail();
	skel->data->keys = KEYS;
	skel->bss->count = SLICE * 20;
	run(skel->progs.mixed);
	run(skel->progs.kernel_mixed);
	printf("%-40s %8s %8s %6s %8s %6s\n", "operations per microsecond", "1 CPU", "2 CPUs", "ratio", "+ app",
	       "ratio");
	scale("nothing that is shared", skel->progs.loop_alone, -1);
	scale("allocate + free 64 bytes, 100 at a time", skel->progs.pairs, 0);
	skel->data->batch = 1000;
	scale("                        1,000 at a time", skel->progs.pairs, 0);
	scale("hash: 3 find, 1 set, 100,000 keys", skel->progs.mixed, 1);
	scale("BPF_MAP_TYPE_HASH", skel->progs.kernel_mixed, -1);
	overhead();
	grow_all();
	arena_scale__destroy(skel);
	return 0;
}
