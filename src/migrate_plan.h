/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How to carry the contents of one layout into another: a list of steps, made once from the BTF of
 * both and then run on memory.
 *
 * A loop over the elements of an array is followed by its steps, whose places are those of element 0.
 */
#ifndef LIBMEM_MIGRATE_PLAN_H
#define LIBMEM_MIGRATE_PLAN_H

#include <mem/migrate.h>

#include "migrate_value.h"

enum { PLAN_LOOPS_MAX = 8 }; /* arrays inside arrays */

enum plan_kind {
	PLAN_COPY = 1, /* the same on both sides */
	PLAN_NUMBER,   /* an integer becomes another */
	PLAN_ENUM,     /* an enum, by the names of its values */
	PLAN_FLOAT,    /* becomes floating point */
	PLAN_GONE,     /* has no place any more: must be 0 */
	PLAN_ASK,      /* no rule: the application's to decide */
	PLAN_LOOP,     /* the next steps for each element */
};

struct plan_step {
	enum plan_kind kind;
	struct place from;
	struct place to;
	char *path;           /* as in a schema: "table[].key" */
	const char *problem;  /* of PLAN_ASK and PLAN_GONE */
	uint32_t steps;       /* of a loop: steps that belong to it */
	uint64_t count;       /* of a loop: elements */
	uint64_t from_stride; /* of a loop: bits */
	uint64_t to_stride;   /* of a loop: bits */
};

struct plan {
	struct plan_step *steps;
	uint32_t count;
	uint32_t capacity;
	bool renumbers; /* has enums whose names have other numbers: no layout shows that */
	uint64_t from_size; /* bytes of a section or element */
	uint64_t to_size;   /* bytes of a section or element */
	struct btf_walk from; /* valid as long as the BTF it was made of */
	struct btf_walk to;
};

/* What a side of a plan is. */
struct plan_side {
	const void *btf;
	size_t btf_size;  /* bytes */
	uint32_t type;    /* id of a section, or of an array's element */
	uint64_t size;    /* bytes of the section or element */
	uint64_t count;   /* elements; 1 for a section */
	uint64_t stride;  /* bytes between elements */
};

/* 0, or -EINVAL the BTF is bad, -E2BIG, -ENOMEM; without a message. plan_free() in any case. */
int plan_make(struct plan *plan, const struct plan_side *from, const struct plan_side *to);
/* A plan that asks for all of it, for a side whose types are not known. */
int plan_make_unknown(struct plan *plan, const struct plan_side *from, const struct plan_side *to);
void plan_free(struct plan *plan);

/* migrate_run.c */

struct plan_run {
	const struct plan *plan;
	const char *from;
	char *to;
	const char *region;                 /* name */
	const struct mem_migrate_opts *opts;
	uint32_t refused;                   /* fields that would be lost */
	char first[640];                    /* what the first of them is */
	uint64_t index[PLAN_LOOPS_MAX];     /* of the elements that it is at */
	uint32_t depth;
};

/* 0, or -EDOM with first and refused filled in, or what the application answered. */
int plan_run(struct plan_run *run);

#endif /* LIBMEM_MIGRATE_PLAN_H */
