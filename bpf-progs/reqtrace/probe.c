/* SPDX-License-Identifier: BSD-2-Clause */
#include <mem/ringbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "probe.h"
#include "reqtrace.skel.h"

struct probe {
	struct reqtrace *skel;
	struct mem_ringbuf *records;
	char *folder; /* that is shared, or NULL */
};

/* Tells this tracer from those before it, and when it began. */
static uint64_t own_number(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int start(struct probe *probe, const struct options *options)
{
	const struct mem_task_opts slots = {.sz = sizeof(slots), .threads = 1024};
	int err = mem_task_setup(&slots);

	if (err)
		return err;
	probe->skel = reqtrace__open();
	if (!probe->skel)
		return -1;
	probe->skel->rodata->tracer = own_number();
	err = reqtrace__load(probe->skel);
	if (err)
		return err;
	probe->records = mem_ringbuf_new(probe->skel->maps.segments, NULL, NULL);
	if (!probe->records)
		return -1;
	err = reqtrace__attach(probe->skel);
	/* last: who finds the folder finds everything at work */
	return err ?: mem_task_share(options->folder, options->mode);
}

/* Messages about the object begin with its name, which is the tool's. */
static void complain(const char *message)
{
	const char *name = strncmp(message, "reqtrace: ", 10) ? "reqtrace: " : "";

	fprintf(stderr, "%s%s\n", name, *message ? message : "out of memory");
}

struct probe *probe_open(const struct options *options)
{
	struct probe *probe = calloc(1, sizeof(*probe));

	mem_log_set(options->verbose ? MEM_LOG_INFO : MEM_LOG_SILENT, NULL, NULL);
	if (probe && !start(probe, options)) {
		probe->folder = strdup(options->folder);
		if (probe->folder)
			return probe;
	}
	complain(probe ? mem_error_message() : "");
	probe_close(probe);
	return NULL;
}

int probe_read(struct probe *probe, void (*take)(void *ctx, const struct segment *segment), void *ctx)
{
	const struct segment *segment;
	size_t size;

	while ((segment = mem_ringbuf_next(probe->records, &size))) {
		if (size == sizeof(*segment))
			take(ctx, segment);
		mem_ringbuf_release(probe->records);
	}
	return 0;
}

static uint64_t misses(const struct mem_prog *prog)
{
	struct mem_prog_stats stats = {.sz = sizeof(stats)};

	return mem_prog_stats(prog, &stats) ? 0 : stats.misses;
}

struct losses probe_losses(const struct probe *probe)
{
	return (struct losses){
		.segments = __atomic_load_n(&probe->skel->bss->lost_segments, __ATOMIC_RELAXED),
		.marks = __atomic_load_n(&probe->skel->bss->lost_marks, __ATOMIC_RELAXED),
		.runs = misses(probe->skel->progs.on_switch) + misses(probe->skel->progs.on_call),
	};
}

void probe_stop(struct probe *probe)
{
	if (probe->folder)
		mem_task_unshare(probe->folder);
	free(probe->folder);
	probe->folder = NULL;
	reqtrace__detach(probe->skel);
}

void probe_close(struct probe *probe)
{
	if (!probe)
		return;
	if (probe->folder)
		probe_stop(probe);
	mem_ringbuf_free(probe->records);
	reqtrace__destroy(probe->skel);
	free(probe);
}
