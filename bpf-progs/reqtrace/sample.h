/* SPDX-License-Identifier: BSD-2-Clause */
/* What the segments add up to: requests, their phases, and the phases of all requests. */
#ifndef REQTRACE_SAMPLE_H
#define REQTRACE_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "segment.h"

#define MAX_PHASES 16	   /* of a request, and of all; what comes later is added to the last one */
#define MAX_REQUESTS 16384 /* kept one by one; of more, the quicker half is folded */
#define PHASE_SIZE 9	   /* bytes of a phase's name as text */

struct times {
	uint64_t ns[KINDS]; /* by enum segment_kind */
	uint64_t calls;	    /* system calls */
};

struct phase {
	uint64_t name; /* as in struct mark */
	struct times times;
	uint64_t requests; /* that were in it */
};

struct phases {
	struct phase phase[MAX_PHASES];
	unsigned int count;
};

struct request {
	uint64_t id;
	uint32_t tgid;
	uint64_t first, last; /* seen from ... to, ns of the monotonic clock */
	struct times sum;
	struct phases phases; /* in order of appearance */
};

struct sample {
	struct request *requests; /* in no order */
	size_t count, capacity;
	uint32_t *index; /* into requests, by hash; MAX_REQUESTS * 2 of them; 0: none, else number + 1 */
	struct phases phases;
	uint64_t folded; /* requests that are in `phases` only */
	bool failed;	 /* memory ran out */
};

/* Account for one more segment. */
void sample_add(struct sample *sample, const struct segment *segment);
void sample_free(struct sample *sample);

uint64_t times_total(const struct times *times);

enum sort_key { SORT_TOTAL, SORT_CPU, SORT_WAIT, SORT_READY, SORT_CALLS, SORT_LAST, SORT_KEYS };

const char *sort_key_name(enum sort_key key);

/* The first `count` requests by a key, the largest first. Returns how many there are. */
size_t sample_top(const struct sample *sample, enum sort_key key, const struct request **top,
		  size_t count);

/* A phase's name as printable text. */
const char *phase_text(char text[PHASE_SIZE], uint64_t name);

#endif /* REQTRACE_SAMPLE_H */
