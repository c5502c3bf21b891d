/* SPDX-License-Identifier: BSD-2-Clause */
/* What was measured, copied out of shared memory: it no longer changes while it is sorted. */
#ifndef SYSLAT_SAMPLE_H
#define SYSLAT_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "syslat.h"

/* How long some calls took. */
struct latency_sum {
	uint64_t calls; /* the sum of the buckets */
	uint64_t total; /* nanoseconds */
	uint64_t max;	/* nanoseconds */
	uint64_t buckets[LAT_BUCKETS];
};

/* One process, or one system call. */
struct row {
	uint64_t id;		  /* tells rows apart, also across samples */
	uint32_t number;	  /* pid or system call number; 0 for the row of folded processes */
	bool ended;		  /* the process is gone */
	char name[NAME_SIZE * 2]; /* as the kernel has it, any bytes; ends with NUL */
	uint64_t p50, p99;	  /* nanoseconds */
	struct latency_sum sum;
};

struct rows {
	struct row *row;
	size_t count;
	size_t capacity; /* rows allocated */
};

/* The id of the row that stands for processes that ended too long ago to be listed. */
#define ROW_FOLDED UINT64_MAX

struct sample {
	double seconds; /* covered */
	struct rows processes;
	struct rows calls;
	struct latency_sum all; /* of every call */
	uint64_t unattributed;	/* calls in `all` that no process has */
	uint64_t unmeasured;	/* calls that nothing has */
	uint64_t folded;	/* processes in the row ROW_FOLDED */
};

enum sort_key {
	SORT_TIME,
	SORT_CALLS,
	SORT_AVG,
	SORT_P50,
	SORT_P99,
	SORT_MAX,
	SORT_PID,
	SORT_NAME,
	SORT_KEYS
};

/* Add `add` to `sum`. */
void latency_sum_add(struct latency_sum *sum, const struct latency_sum *add);

/* The time within which a share of the calls ended, in nanoseconds; 0 if there were none. */
uint64_t latency_quantile(const struct latency_sum *sum, double share);

/* Mean time of a call in nanoseconds; 0 if there were none. */
uint64_t latency_average(const struct latency_sum *sum);

/* A new zeroed row at the end, or NULL without memory. */
struct row *rows_append(struct rows *rows);

/* Make one row of those with the same id; leaves them sorted by id. */
void rows_merge(struct rows *rows);

/* Largest first; names and pids smallest first. Computes the quantiles that it sorts by. */
void rows_sort(struct rows *rows, enum sort_key key);

/*
 * What happened between two samples: `later` minus `earlier`, without the rows in which nothing
 * did. Leaves both sorted by id. Returns 0 or -ENOMEM.
 */
int sample_difference(struct sample *out, struct sample *later, struct sample *earlier);

/* Forget the rows; the memory stays for the next sample. */
void sample_clear(struct sample *sample);
void sample_free(struct sample *sample);

#endif /* SYSLAT_SAMPLE_H */
