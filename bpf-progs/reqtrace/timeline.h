/* SPDX-License-Identifier: BSD-2-Clause */
/* The timeline: a picture of what each thread did when, for which request. */
#ifndef REQTRACE_TIMELINE_H
#define REQTRACE_TIMELINE_H

#include <stddef.h>
#include <stdio.h>
#include "segment.h"

#define MAX_SEGMENTS 50000 /* the last ones are kept: a picture with more is of no use to a browser */

struct timeline {
	struct segment *segments; /* a ring: MAX_SEGMENTS of them, made when the first one comes */
	uint64_t count;		  /* that came so far */
};

/* 0, or -ENOMEM. */
int timeline_add(struct timeline *timeline, const struct segment *segment);

/* Write an SVG picture. `name_of` gives a process' name. Returns 0, or -ENOMEM. Errors of writing stay in `file`. */
int timeline_write(const struct timeline *timeline, FILE *file, const char *(*name_of)(uint32_t tgid));
void timeline_free(struct timeline *timeline);

#endif /* REQTRACE_TIMELINE_H */
