/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a recorded history linearizable? Threads and programs note when each of their operations on a
 * shared structure began and ended, and what came of it. The history is right if the operations can be put
 * in one order, each at an instant between its beginning and its end, in which a structure that only
 * one thread uses gives the same results.
 */
#ifndef SELFTESTS_LINEAR_H
#define SELFTESTS_LINEAR_H

#include <stddef.h>
#include <stdint.h>

enum linear_kind {
	LINEAR_SET,    /* 0 */
	LINEAR_ADD,    /* 0, or -EEXIST if there is a value */
	LINEAR_CHANGE, /* 0, or -ENOENT if there is none */
	LINEAR_REMOVE, /* 0, or -ENOENT */
	LINEAR_FIND,   /* 0 and the value, or -ENOENT */
	LINEAR_PUSH,   /* 0, or -ENOSPC */
	LINEAR_POP     /* 0 and the value, or -ENOENT */
};

struct linear_op {
	uint64_t start, end; /* ticks of one clock; no two are equal */
	uint64_t value;	     /* stored or found; not 0 */
	uint32_t kind;	     /* enum linear_kind */
	int32_t result;	     /* 0 or a negative errno */
};

/*
 * Operations on one key of a table: all orders are tried (Wing and Gong), none twice. The history is
 * sorted. NULL: it is linearizable; else what is wrong, in static memory.
 */
const char *linear_register(struct linear_op *ops, size_t count);

/*
 * Operations on one ring of so many values, none of which is pushed twice. Not by search: a queue's
 * history is wrong exactly if a value comes from nowhere, twice, before it was pushed, or before one that
 * was pushed before it, or if a ring is called empty or full while it can't be (Henzinger, Sezgin,
 * Vafeiadis). A ring may be called empty while a push is under way: it is behind values
 * whose producer has not finished.
 */
const char *linear_queue(struct linear_op *ops, size_t count, uint64_t capacity);

#endif /* SELFTESTS_LINEAR_H */
