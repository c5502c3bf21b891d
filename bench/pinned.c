/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a restarted tool spares by taking over what is pinned, and what it costs to carry its memory
 * into the next version's layout, beside doing that by hand.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <mem/migrate.h>

#include "clock.h"
#include "pinned.skel.h"
#include "pinned_next.skel.h"
#include "table.h"

#define DIR "/sys/fs/bpf/bench"
#define ROWS 100000

static void check(int failed, const char *what)
{
	if (!failed)
		return;
	fprintf(stderr, "bench-pinned: %s: %s\n", what, mem_error_message());
	exit(1);
}

static struct pinned *start(void)
{
	struct pinned *skel = pinned__open_and_load();

	check(!skel || pinned__attach(skel), "start");
	return skel;
}

static void time_restarts(void)
{
	static struct bench_series anew = {.name = "open, load and attach"},
				   over = {.name = "open_and_attach_pinned"};
	struct pinned *skel = start();

	check(pinned__pin(skel, DIR), "pin");
	pinned__destroy(skel);
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		long long from = clock_ns(), between;

		skel = start();
		bench_note(&anew, (double)(clock_ns() - from) / 1e3);
		pinned__destroy(skel);
		between = clock_ns();
		skel = pinned__open_and_attach_pinned(DIR);
		bench_note(&over, (double)(clock_ns() - between) / 1e3);
		check(!skel, "open_and_attach_pinned");
		pinned__destroy(skel);
	}
	check(pinned__unpin(DIR), "unpin");
	bench_table("pinned", "Restart of a tool with two programs: until it is attached and has its memory",
		    "us", anew.name);
	bench_print_series(&anew, NULL, 0);
	bench_print_series(&over, &anew, 0);
}

/* As an application would that knows both layouts. */
static void by_hand(const struct first_row *from, struct next_row *to)
{
	for (int i = 0; i < ROWS; i++) {
		to[i].count = from[i].count;
		to[i].errors = from[i].errors;
		to[i].sum = from[i].sum;
	}
}

static void time_migration(void)
{
	static struct bench_series hand = {.name = "by hand"}, moved = {.name = "mem_region_migrate"},
				   same = {.name = "mem_region_migrate, the same layout"};
	struct pinned *from = pinned__open(), *twin = pinned__open();
	struct pinned_next *to = pinned_next__open();
	struct mem_region *region, *other;
	struct mem_source source;

	check(!from || !to || !twin || pinned__prepare(from) || pinned_next__prepare(to) ||
		      pinned__prepare(twin), "prepare");
	for (uint32_t i = 0; i < ROWS; i++)
		from->arrays.rows[i] = (struct first_row){.sum = i * 3ULL, .count = i, .errors = i / 2};
	source = mem_source_fd(mem_map_fd(from->maps.rows));
	region = mem_object_find_region(to->obj, "rows");
	other = mem_object_find_region(twin->obj, "rows");
	for (int i = 0; i < BENCH_ROUNDS; i++) {
		long long at = clock_ns();

		by_hand(from->arrays.rows, to->arrays.rows);
		bench_note(&hand, (double)(clock_ns() - at) / ROWS);
		memset(to->arrays.rows, 0, ROWS * sizeof(*to->arrays.rows));
		at = clock_ns();
		check(mem_region_migrate(region, source, NULL), "migrate");
		bench_note(&moved, (double)(clock_ns() - at) / ROWS);
		check(to->arrays.rows[ROWS - 1].sum != (ROWS - 1) * 3ULL, "compare");
		at = clock_ns();
		check(mem_region_migrate(other, source, NULL), "copy");
		bench_note(&same, (double)(clock_ns() - at) / ROWS);
	}
	bench_table("pinned", "An array of 100,000 elements, each of three fields that grow and change places",
		    "ns", hand.name);
	bench_print_series(&hand, NULL, 0);
	bench_print_series(&moved, &hand, 0);
	bench_print_series(&same, &hand, 0);
	pinned__destroy(from);
	pinned__destroy(twin);
	pinned_next__destroy(to);
}

int main(void)
{
	/* a BPF file system of its own */
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL)) {
		perror("bench-pinned: can't mount a BPF file system");
		return 1;
	}
	time_restarts();
	time_migration();
	return 0;
}
