/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "calls.h"
#include "probe.h"
#include "table.h"
#include "syslat.skel.h"

#define MIN_SLOTS  4096
#define MAX_SHARDS 16 /* CPUs that share a shard take turns, but 16 shards are 9 MB */

/* Ended processes are listed one by one up to this number, then half of them are folded. */
#define MAX_ENDED 4096

/* One in so many probe_reap() asks the kernel which processes are there. */
#define SWEEP_EVERY 40

struct probe {
	struct syslat *skel;
	struct mem_heap *heap; /* in the arena: records of processes */
	struct mem_hash *table; /* from a process's id to its record */
	char *base;	       /* of the arena */
	size_t size;	       /* of the arena, bytes */
	uint32_t slots;	       /* records that there may be */
	uint32_t shards;       /* copies of skel->arrays.calls */
	struct rows ended;     /* processes that have no slot any more */
	struct row folded;     /* the sum of those that are not even in `ended` */
	uint64_t folded_count; /* processes in it */
	unsigned int reaps;    /* calls of probe_reap() */
	bool own_pids;	       /* pids mean the same here as in the kernel */
};

/* Twice the processes that there are, as a power of two: at most half full, probing is short. */
static uint32_t slots_for_now(void)
{
	FILE *file = fopen("/proc/loadavg", "re");
	unsigned int tasks = 0;
	uint32_t slots = MIN_SLOTS;

	if (file) {
		if (fscanf(file, "%*s %*s %*s %*u/%u", &tasks) != 1)
			tasks = 0;
		fclose(file);
	}
	while (slots < 2 * tasks && slots < 1U << 20)
		slots *= 2;
	return slots;
}

/* In a container pids are others than those that the kernel itself uses. */
static bool pids_are_the_kernels(void)
{
	char target[64];
	ssize_t length = readlink("/proc/self/ns/pid", target, sizeof(target) - 1);

	if (length < 0)
		return true;
	target[length] = 0;
	return !strcmp(target, "pid:[4026531836]"); /* PROC_PID_INIT_INO */
}

static int set_filters(struct probe *probe, const struct options *options)
{
	probe->own_pids = pids_are_the_kernels();
	if (options->pid && !probe->own_pids) {
		fprintf(stderr, "syslat: -p: this container has process ids of its own; run syslat "
				"outside of it, or use -n\n");
		return -EINVAL;
	}
	probe->skel->rodata->own_pid = probe->own_pids ? (uint32_t)getpid() : 0;
	probe->skel->rodata->only_pid = (uint32_t)options->pid;
	if (options->name)
		strncpy((char *)probe->skel->rodata->only_name, options->name, NAME_SIZE - 1);
	return 0;
}

/* Bytes for so many records and their table, with what the heap needs for itself. */
static size_t heap_size(uint32_t slots)
{
	/* Spans have whole pages, each CPU's cache some blocks. */
	return (size_t)slots * (mem_class_size(mem_class(sizeof(struct process))) + 64) + (1 << 20) +
	       (size_t)sysconf(_SC_NPROCESSORS_CONF) * 32768;
}

static int size_arena(struct probe *probe)
{
	struct mem_region *region = mem_object_find_region(probe->skel->obj, "arena");
	size_t page = (size_t)sysconf(_SC_PAGESIZE), variables;

	mem_region_variables(region, &variables);
	probe->skel->rodata->slots = probe->slots;
	return mem_map_max_entries_set(probe->skel->maps.arena,
				       (uint32_t)((heap_size(probe->slots) + variables) / page + 2));
}

/* One copy of the per-call histograms for each CPU, within reason. */
static int size_shards(struct probe *probe)
{
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	probe->shards = cpus < 1 ? 1 : cpus > MAX_SHARDS ? MAX_SHARDS : (uint32_t)cpus;
	probe->skel->rodata->shards = probe->shards;
	return mem_map_max_entries_set(probe->skel->maps.calls, CALL_NUMBERS * probe->shards);
}

/* All of it is made present now: a program's store to an absent page would be lost. */
static int make_table(struct probe *probe)
{
	struct mem_region *region = mem_object_find_region(probe->skel->obj, "arena");
	struct mem_heap_opts opts = {.sz = sizeof(opts), .threads = 1};
	int err;

	probe->base = mem_region_data(region, &probe->size);
	opts.present = probe->size;
	probe->heap = &probe->skel->arena->heap;
	probe->table = &probe->skel->arena->table;
	err = mem_heap_create(region, probe->heap, &opts);
	return err ?: processes_create(probe->heap, probe->table, probe->slots);
}

struct probe *probe_open(const struct options *options)
{
	struct probe *probe = calloc(1, sizeof(*probe));
	int err;

	if (!probe) {
		fprintf(stderr, "syslat: out of memory\n");
		return NULL;
	}
	if (options->verbose)
		mem_log_set(MEM_LOG_INFO, NULL, NULL);
	probe->slots = options->slots ? options->slots : slots_for_now();
	probe->skel = syslat__open();
	if (!probe->skel)
		goto fail;
	if (set_filters(probe, options))
		goto quiet;
	err = size_arena(probe);
	err = err ?: size_shards(probe);
	err = err ?: syslat__load(probe->skel);
	err = err ?: make_table(probe);
	err = err ?: syslat__attach(probe->skel);
	if (!err)
		return probe;
fail:
	fprintf(stderr, "%s\n", mem_error_message()); /* begins with the object's name, syslat */
quiet:
	probe_close(probe);
	return NULL;
}

/* Programs add to what is being read, so each word is read once and in one piece. */
#define read_once(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)

static void add_latency(struct latency_sum *sum, const struct latency *latency)
{
	uint64_t max = read_once(latency->max), calls;

	for (int i = 0; i < LAT_BUCKETS; i++) {
		calls = read_once(latency->buckets[i]);
		sum->buckets[i] += calls;
		sum->calls += calls;
	}
	sum->total += read_once(latency->total);
	if (max > sum->max)
		sum->max = max;
}

static void read_process(struct row *row, const struct process *process, uint64_t id)
{
	uint64_t name[NAME_SIZE / 8];

	for (int i = 0; i < NAME_SIZE / 8; i++)
		name[i] = read_once(process->name[i]);
	row->id = id;
	row->number = (uint32_t)id;
	row->ended = read_once(process->ended);
	memcpy(row->name, name, NAME_SIZE); /* the row is zeroed and longer, so it ends with NUL */
	add_latency(&row->sum, &process->latency);
}

/* A record's place, if it is in the arena. */
static struct process *record_at(const struct probe *probe, uint64_t low)
{
	struct process *process = mem_at(struct process, probe->heap, low);
	size_t at = (size_t)((char *)process - probe->base);

	return at < probe->size && probe->size - at >= sizeof(*process) ? process : NULL;
}

/* Threads that remember it find another id there. */
static void take_away(struct probe *probe, uint64_t id, struct process *process)
{
	unsigned long long key = id;

	if (processes_remove(probe->heap, probe->table, &key))
		return;
	mem_store(&process->id, 0);
	mem_free(probe->heap, process);
	mem_sub(&probe->skel->arena->in_use, 1U);
}

/* Keep the half of the ended processes that took longest; the others become one row. */
static void fold_ended(struct probe *probe)
{
	struct rows *ended = &probe->ended;
	size_t kept = MAX_ENDED / 2;

	if (ended->count <= MAX_ENDED)
		return;
	rows_sort(ended, SORT_TIME);
	for (size_t i = kept; i < ended->count; i++)
		latency_sum_add(&probe->folded.sum, &ended->row[i].sum);
	probe->folded_count += ended->count - kept;
	ended->count = kept;
}

/* The programs tell when a process ends, but a tracepoint can be missed: ask now and then. */
static bool is_gone(const struct probe *probe, uint64_t id)
{
	return probe->own_pids && probe->reaps % SWEEP_EVERY == 0 && kill((pid_t)(uint32_t)id, 0) &&
	       errno == ESRCH;
}

int probe_reap(struct probe *probe)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long id, low;
	struct process *process;
	struct row *row;

	probe->reaps++;
	while (processes_next(probe->heap, probe->table, &cursor, &id, &low) > 0) {
		process = record_at(probe, low);
		if (!process || (!read_once(process->ended) && !is_gone(probe, id)))
			continue;
		row = rows_append(&probe->ended);
		if (!row)
			return -ENOMEM;
		read_process(row, process, id);
		row->ended = true;
		take_away(probe, id, process);
	}
	fold_ended(probe);
	return 0;
}

static int read_processes(struct probe *probe, struct sample *sample)
{
	struct rows *rows = &sample->processes;
	struct mem_hash_cursor cursor = {0};
	unsigned long long id, low;
	struct process *process;
	struct row *row;

	while (processes_next(probe->heap, probe->table, &cursor, &id, &low) > 0) {
		process = record_at(probe, low);
		if (!process)
			continue;
		row = rows_append(rows);
		if (!row)
			return -ENOMEM;
		read_process(row, process, id);
		if (!row->sum.calls) /* claimed this instant */
			rows->count--;
	}
	for (size_t i = 0; i < probe->ended.count; i++) {
		row = rows_append(rows);
		if (!row)
			return -ENOMEM;
		*row = probe->ended.row[i];
	}
	if (!probe->folded_count)
		return 0;
	row = rows_append(rows);
	if (!row)
		return -ENOMEM;
	*row = probe->folded;
	row->id = ROW_FOLDED;
	row->ended = true;
	snprintf(row->name, sizeof(row->name), "%llu ended",
		 (unsigned long long)probe->folded_count);
	sample->folded = probe->folded_count;
	return 0;
}

static int read_calls(struct probe *probe, struct sample *sample)
{
	struct row *row;

	for (unsigned int call = 0; call < CALL_NUMBERS; call++) {
		struct latency_sum sum = {0};

		for (uint32_t i = 0; i < probe->shards; i++)
			add_latency(&sum, &probe->skel->arrays.calls[i * CALL_NUMBERS + call]);
		if (!sum.calls)
			continue;
		row = rows_append(&sample->calls);
		if (!row)
			return -ENOMEM;
		row->id = call + 1; /* 0 is no id */
		row->number = call;
		row->sum = sum;
		call_name(row->name, sizeof(row->name), call);
		latency_sum_add(&sample->all, &sum);
	}
	return 0;
}

/* Times that the kernel skipped a program because another one was at work on the same CPU. */
static uint64_t times_skipped(const struct mem_prog *prog)
{
	char line[128], path[64];
	unsigned long long skipped = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", mem_prog_fd(prog));
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "recursion_misses: %llu", &skipped) == 1)
			break;
	if (file)
		fclose(file);
	return skipped;
}

int probe_read(struct probe *probe, struct sample *sample)
{
	int err;

	sample_clear(sample);
	/* in this order no process has more than all calls together */
	err = read_processes(probe, sample);
	err = err ?: read_calls(probe, sample);
	rows_merge(&sample->processes);
	sample->unattributed = read_once(probe->skel->bss->unattributed);
	sample->unmeasured = read_once(probe->skel->bss->unmeasured) +
			     times_skipped(probe->skel->progs.call_starts) +
			     times_skipped(probe->skel->progs.call_ends);
	return err;
}

void probe_pause(struct probe *probe, bool pause)
{
	probe->skel->bss->paused = pause;
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	syslat__destroy(probe->skel);
	free(probe->ended.row);
	free(probe);
}
