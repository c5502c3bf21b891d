// SPDX-License-Identifier: BSD-2-Clause
/*
 * What it takes to reach one element of 64 bytes: from the application by memory and by system call, and
 * from a program in each kind of memory. In rounds in one process, which take turns.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "access.skel.h"
#include "clock.h"
#include "table.h"

#define ELEMENTS 512
#define PASSES 200 /* over all elements, in a round */

static struct access *skel;
static struct element *from_malloc;

static void fail(const char *what)
{
	fprintf(stderr, "access: %s: %s; %s\n", what, strerror(errno), mem_error_message());
	exit(1);
}

/* The compiler is to reach for memory each time, as where other code runs in between. */
#define FORGET() __asm__ volatile("" ::: "memory")

/* Not inlined: the same code for every kind of memory. */
__attribute__((noinline)) static void load(struct element *at)
{
	uint64_t sum = 0;

	for (int i = 0; i < ELEMENTS; i++) {
		sum += at[i].words[0];
		FORGET();
	}
	__asm__ volatile("" ::"r"(sum));
}

__attribute__((noinline)) static void store(struct element *at)
{
	for (int i = 0; i < ELEMENTS; i++) {
		at[i].words[0] = (uint64_t)i;
		FORGET();
	}
}

__attribute__((noinline)) static void copy(struct element *at)
{
	struct element here;

	for (int i = 0; i < ELEMENTS; i++) {
		here = at[i];
		__asm__ volatile("" ::"r"(&here) : "memory");
	}
}

typedef void access_fn(struct element *at);

static void run_access(struct bench_series *series, access_fn *fn, struct element *at)
{
	long long start = clock_ns();

	for (int pass = 0; pass < PASSES; pass++)
		fn(at);
	bench_note(series, (double)(clock_ns() - start) / (PASSES * ELEMENTS));
}

static void bench_memory(const char *title, access_fn *fn)
{
	enum { MALLOC, MAPPED, BSS, ARENA, ROWS };
	struct bench_series rows[ROWS] = {
		[MALLOC] = {.name = "malloc"}, [MAPPED] = {.name = "mapped array"},
		[BSS] = {.name = "global of a program"}, [ARENA] = {.name = "arena"},
	};
	struct element *at[ROWS] = {from_malloc, skel->arrays.mapped, skel->bss->elements,
				    skel->arena->in_arena};

	for (int round = 0; round < BENCH_ROUNDS; round++)
		for (int i = 0; i < ROWS; i++)
			run_access(&rows[i], fn, at[i]);
	bench_table("access", title, "ns", "malloc");
	for (int i = 0; i < ROWS; i++)
		bench_print_series(&rows[i], &rows[MALLOC], 0);
}

/* ---- system calls */

static void run_lookup(struct bench_series *series, const struct mem_map *map)
{
	long long start = clock_ns();
	struct element value;

	for (uint32_t key = 0; key < ELEMENTS; key++)
		if (mem_map_lookup(map, &key, &value, 0))
			fail("lookup");
	bench_note(series, (double)(clock_ns() - start) / ELEMENTS);
}

static void run_update(struct bench_series *series, const struct mem_map *map)
{
	struct element value = {{1}};
	long long start = clock_ns();

	for (uint32_t key = 0; key < ELEMENTS; key++)
		if (mem_map_update(map, &key, &value, 0))
			fail("update");
	bench_note(series, (double)(clock_ns() - start) / ELEMENTS);
}

static void run_batch(struct bench_series *series, const struct mem_map *map, int cmd)
{
	static struct element values[ELEMENTS];
	static uint32_t keys[ELEMENTS];
	union bpf_attr attr;
	uint64_t token = 0;
	long long start;

	for (uint32_t i = 0; i < ELEMENTS; i++)
		keys[i] = i;
	memset(&attr, 0, sizeof(attr));
	attr.batch.map_fd = (uint32_t)mem_map_fd(map);
	if (cmd == BPF_MAP_LOOKUP_BATCH)
		attr.batch.out_batch = (uintptr_t)&token;
	attr.batch.keys = (uintptr_t)keys;
	attr.batch.values = (uintptr_t)values;
	attr.batch.count = ELEMENTS;
	start = clock_ns();
	if (syscall(SYS_bpf, cmd, &attr, sizeof(attr)) && errno != ENOENT)
		fail("batch");
	bench_note(series, (double)(clock_ns() - start) / ELEMENTS);
}

static void bench_calls(void)
{
	enum { COPY, LOOKUP, UPDATE, BATCH, BATCH_UPDATE, HASH, HASH_BATCH, ROWS };
	struct bench_series rows[ROWS] = {
		[COPY] = {.name = "copy from the mapped array"}, [LOOKUP] = {.name = "array: lookup"},
		[UPDATE] = {.name = "array: update"}, [BATCH] = {.name = "array: batch lookup"},
		[BATCH_UPDATE] = {.name = "array: batch update"}, [HASH] = {.name = "hash: lookup"},
		[HASH_BATCH] = {.name = "hash: batch lookup"},
	};
	struct bench_series filled = {0};

	run_update(&filled, skel->maps.hashed);
	for (int round = 0; round < BENCH_ROUNDS; round++) {
		run_access(&rows[COPY], copy, skel->arrays.mapped);
		run_lookup(&rows[LOOKUP], skel->maps.mapped);
		run_update(&rows[UPDATE], skel->maps.mapped);
		run_batch(&rows[BATCH], skel->maps.mapped, BPF_MAP_LOOKUP_BATCH);
		run_batch(&rows[BATCH_UPDATE], skel->maps.mapped, BPF_MAP_UPDATE_BATCH);
		run_lookup(&rows[HASH], skel->maps.hashed);
		run_batch(&rows[HASH_BATCH], skel->maps.hashed, BPF_MAP_LOOKUP_BATCH);
	}
	bench_table("access", "application: an element by system call", "ns", "copy");
	for (int i = 0; i < ROWS; i++)
		bench_print_series(&rows[i], &rows[COPY], 0);
}

/* ---- programs */

static void run_prog(struct bench_series *series, const struct mem_prog *prog)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	long long start = clock_ns();

	if (mem_prog_run(prog, &opts) || opts.retval != 1)
		fail(mem_prog_name(prog));
	bench_note(series, (double)(clock_ns() - start) / (double)skel->data->rounds);
}

static void bench_programs(void)
{
	enum { LOOP, SINGLE, ATOMIC, GLOBAL, MAPPED, ARENA, PERCPU, HASH, UPDATE, ROWS };
	struct bench_series rows[ROWS] = {
		[LOOP] = {.name = "the loop alone"}, [SINGLE] = {.name = "global variable"},
		[ATOMIC] = {.name = "global variable, atomic"}, [GLOBAL] = {.name = "element of a global"},
		[MAPPED] = {.name = "element of a mapped array"}, [ARENA] = {.name = "element of an arena"},
		[PERCPU] = {.name = "element of a per-CPU array"}, [HASH] = {.name = "element of a hash"},
		[UPDATE] = {.name = "array update by helper, 64 bytes"},
	};
	const struct mem_prog *progs[ROWS] = {
		skel->progs.nothing, skel->progs.count_single, skel->progs.count_atomic,
		skel->progs.count_global, skel->progs.count_mapped, skel->progs.count_arena,
		skel->progs.count_percpu, skel->progs.count_hashed, skel->progs.update_mapped,
	};

	for (int round = 0; round < BENCH_ROUNDS; round++)
		for (int i = 0; i < ROWS; i++)
			run_prog(&rows[i], progs[i]);
	bench_table("access", "program: a loop that counts in elements", "ns", "global");
	for (int i = 0; i < ROWS; i++)
		bench_print_series(&rows[i], &rows[GLOBAL], 0);
}

int main(void)
{
	from_malloc = calloc(ELEMENTS, sizeof(*from_malloc));
	skel = access__open_and_load();
	if (!skel || !from_malloc)
		fail("load");
	bench_memory("application: load 8 bytes", load);
	bench_memory("application: store 8 bytes", store);
	bench_memory("application: copy 64 bytes", copy);
	bench_calls();
	bench_programs();
	access__destroy(skel);
	free(from_malloc);
	return 0;
}
