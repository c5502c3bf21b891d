// SPDX-License-Identifier: BSD-2-Clause
/*
 * Arena structures beside what the kernel and the C library have, in rounds that take turns, without the
 * loop around them. Then what each costs the verifier.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.h"
#include "arena.skel.h"
#include "clock.h"
#include "table.h"

#define KEYS   100000
#define ROUNDS 15

enum row { LOOP, EMPTY, PAIR, BATCH, OBJ, APP, LIBC, HIT, AT, MISS, UPDATE, INSERT, REMOVE, KHIT, KMISS, KUPDATE,
	   KINSERT, KREMOVE, APPFIND, SYSFIND, WALK, BATCHWALK, ROWS };

static struct arena *skel;
static struct bench_series series[ROWS];

static void note(enum row row, double ns)
{
	bench_note(&series[row], ns);
}

static void run(enum row row, const struct mem_prog *prog, uint64_t count, uint64_t offset)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	long long start;

	skel->bss->count = count;
	skel->bss->offset = offset;
	start = clock_ns();
	if (mem_prog_run(prog, &opts)) {
		fprintf(stderr, "%s\n", mem_error_message());
		exit(1);
	}
	note(row, (double)(clock_ns() - start) / (double)count);
}

static void run_allocators(void)
{
	struct mem_heap *heap = &skel->arena->heap;
	const int count = 300000;
	void *volatile p;
	long long start;

	run(LOOP, skel->progs.loop_alone, count, 0);
	run(EMPTY, skel->progs.loop_empty, count, 0);
	run(PAIR, skel->progs.alloc_pair, count, 0);
	run(BATCH, skel->progs.alloc_batch, count, 0);
	run(OBJ, skel->progs.obj_new_pair, count, 0);
	start = clock_ns();
	for (int i = 0; i < count; i++) {
		p = mem_alloc(heap, 64);
		mem_free(heap, p);
	}
	note(APP, (double)(clock_ns() - start) / count);
	start = clock_ns();
	for (int i = 0; i < count; i++) {
		p = malloc(64);
		free(p);
	}
	note(LIBC, (double)(clock_ns() - start) / count);
}

static void run_application(void)
{
	static uint64_t keys[KEYS], values[KEYS];
	struct mem_hash_cursor cursor = {0};
	unsigned long long key, value;
	union bpf_attr attr;
	long long start = clock_ns();
	uint64_t sum = 0, token = 0;

	for (uint64_t i = 0; i < KEYS; i++) {
		key = i * 48271 % KEYS;
		sum += numbers_find(&skel->arena->heap, &skel->arena->table, &key, &value) == 0;
	}
	note(APPFIND, (double)(clock_ns() - start) / KEYS);
	start = clock_ns();
	for (uint64_t i = 0; i < KEYS; i += 10) {
		key = i * 48271 % KEYS;
		sum += mem_map_lookup(skel->maps.kernel_table, &key, &value, 0) == 0;
	}
	note(SYSFIND, (double)(clock_ns() - start) / (KEYS / 10));
	start = clock_ns();
	while (numbers_next(&skel->arena->heap, &skel->arena->table, &cursor, &key, &value) > 0)
		sum++;
	note(WALK, (double)(clock_ns() - start) / KEYS);
	memset(&attr, 0, sizeof(attr));
	attr.batch.map_fd = (uint32_t)mem_map_fd(skel->maps.kernel_table);
	attr.batch.out_batch = (uintptr_t)&token;
	attr.batch.keys = (uintptr_t)keys;
	attr.batch.values = (uintptr_t)values;
	attr.batch.count = KEYS;
	start = clock_ns();
	if (syscall(SYS_bpf, BPF_MAP_LOOKUP_BATCH, &attr, sizeof(attr)) && errno != ENOENT)
		perror("batch lookup");
	note(BATCHWALK, (double)(clock_ns() - start) / (attr.batch.count ?: 1));
	if (sum != KEYS * 2 + KEYS / 10)
		fprintf(stderr, "%llu found instead of %d\n", (unsigned long long)sum, KEYS * 2 + KEYS / 10);
}

static void run_tables(void)
{
	run(INSERT, skel->progs.hash_set, KEYS, 0);
	run(KINSERT, skel->progs.kernel_set, KEYS, 0);
	run(HIT, skel->progs.hash_find, KEYS, 0);
	run(KHIT, skel->progs.kernel_find, KEYS, 0);
	run(AT, skel->progs.hash_at, KEYS, 0);
	run(MISS, skel->progs.hash_find, KEYS, KEYS * 10);
	run(KMISS, skel->progs.kernel_find, KEYS, KEYS * 10);
	run(UPDATE, skel->progs.hash_set, KEYS, 0);
	run(KUPDATE, skel->progs.kernel_set, KEYS, 0);
	run_application();
	run(REMOVE, skel->progs.hash_remove, KEYS, 0);
	run(KREMOVE, skel->progs.kernel_remove, KEYS, 0);
}

static struct bench_stat stat_without(enum row row, double loop)
{
	struct bench_stat stat = bench_stat(series[row].samples, series[row].count);

	stat.median -= loop;
	stat.min -= loop;
	return stat;
}

/* around: the row of the loop around it, to be taken off; ROWS: none */
static void print(const char *what, enum row ours, const char *peer, enum row theirs, enum row around)
{
	double loop = around < ROWS ? stat_without(around, 0).min : 0;
	struct bench_row row = {.name = what, .stat = stat_without(ours, loop), .base = peer,
				.base_stat = stat_without(theirs, loop)};
	struct bench_column column = {"the peer", row.base_stat.median};

	row.columns = &column;
	row.column_count = 1;
	bench_print(&row);
}

static void print_tables(int load)
{
	const char *kernel = "BPF_MAP_TYPE_HASH";
	char title[40];

	snprintf(title, sizeof(title), "hash at %d %%", load);
	bench_table("arena", title, "ns", "the peer");
	print("program: find", HIT, kernel, KHIT, LOOP);
	print("program: at (pointer)", AT, kernel, KHIT, LOOP);
	print("program: find, not there", MISS, kernel, KMISS, LOOP);
	print("program: set, replacing", UPDATE, kernel, KUPDATE, LOOP);
	print("program: set, adding", INSERT, kernel, KINSERT, LOOP);
	print("program: remove", REMOVE, kernel, KREMOVE, LOOP);
	print("application: find", APPFIND, "lookup system call", SYSFIND, ROWS);
	print("application: walk, per element", WALK, "batch lookup", BATCHWALK, ROWS);
}

static void bench_tables(size_t elements, int load)
{
	if (numbers_create(&skel->arena->heap, &skel->arena->table, elements)) {
		fprintf(stderr, "%s\n", mem_error_message());
		exit(1);
	}
	for (enum row row = HIT; row < ROWS; row++)
		series[row].count = 0;
	for (int i = 0; i < ROUNDS; i++)
		run_tables();
	print_tables(load);
	numbers_destroy(&skel->arena->heap, &skel->arena->table);
}

static void print_verified(void)
{
	const struct mem_prog *progs[] = {
		skel->progs.loop_alone, skel->progs.alloc_pair, skel->progs.alloc_batch,
		skel->progs.hash_find,	skel->progs.hash_at,	skel->progs.hash_set,
		skel->progs.hash_remove, skel->progs.hash_walk,	skel->progs.list_ends,
		skel->progs.list_walk,	skel->progs.stack_pair, skel->progs.ring_push,
		skel->progs.ring_pop,	skel->progs.id_pair,	skel->progs.array_at,
		skel->progs.counters,
	};

	printf("\n%-34s %8s\n", "program, a loop around", "verified instructions");
	for (size_t i = 0; i < sizeof(progs) / sizeof(*progs); i++) {
		struct bpf_prog_info info;
		union bpf_attr attr;

		memset(&info, 0, sizeof(info));
		memset(&attr, 0, sizeof(attr));
		attr.info.bpf_fd = (uint32_t)mem_prog_fd(progs[i]);
		attr.info.info_len = sizeof(info);
		attr.info.info = (uintptr_t)&info;
		syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
		printf("%-34s %8u\n", mem_prog_name(progs[i]), info.verified_insns);
	}
}

int main(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 64 << 20};

	skel = arena__open();
	if (!skel || arena__load(skel) ||
	    mem_heap_create(mem_object_find_region(skel->obj, "arena"), &skel->arena->heap, &opts)) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	for (int i = 0; i < ROUNDS; i++)
		run_allocators();
	bench_table("arena", "allocate and free 64 bytes", "ns", "the peer");
	print("program", PAIR, "bpf_obj_new + drop", OBJ, EMPTY);
	print("program, in batches of 1,000", BATCH, "bpf_obj_new + drop", OBJ, EMPTY);
	print("application", APP, "glibc malloc + free", LIBC, ROWS);
	/* seven slots are meant for five elements */
	bench_tables(KEYS / 38 * 100 / 7 * 5, 38);
	bench_tables(KEYS / 76 * 100 / 7 * 5, 76);
	print_verified();
	arena__destroy(skel);
	return 0;
}
