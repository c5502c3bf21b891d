/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who writes what: fields and variables that the source marks with MEM_WRITER_APP or
 * MEM_WRITER_BPF, and the cache lines that both sides write. Each write there takes the line from
 * the other side's CPU, so that two counters that nobody shares are as slow as a shared one.
 */
#ifndef MEMGEN_WRITERS_H
#define MEMGEN_WRITERS_H

#include "types.h"

#define CACHE_LINE 64 /* bytes */

enum side { SIDE_NONE = 0, SIDE_APP = 1, SIDE_BPF = 2 };

struct writers {
	const struct types *types;
	struct rows marks;  /* what decl tags say; sorted by type and component */
	struct rows writes; /* marked fields of what writers_look_at() sees */
	struct rows warned; /* const char *: pairs of fields that there was a warning of */
	uint32_t seen;      /* fields looked at */
	bool failed;        /* no memory */
};

/* 0 or -ENOMEM. */
int writers_find(struct writers *writers, const struct types *types);

/* The mark of a member of a struct, or of a variable (component -1). */
enum side writers_side(const struct writers *writers, uint32_t type, int32_t component);

/*
 * Forget what was looked at, look at something that is written to by a side, and warn in front of
 * w's next line for the first line that two fields of different sides have in common.
 */
void writers_start(struct writers *writers);
void writers_look_at(struct writers *writers, uint32_t type, const char *name, uint64_t offset,
		     enum side side);
void writers_warn(struct writers *writers, struct writer *w);

#endif /* MEMGEN_WRITERS_H */
