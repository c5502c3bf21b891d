/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What a thread of a server shares with the tracer: a history of what it has been working on.
 *
 * A thread adds a mark when it begins a request, enters another phase of it, or is done. It may set many
 * marks while nothing happens that a program sees, so it notes the time of each, and the programs catch up
 * with the history when the thread leaves the CPU. They add up in the same memory how far they have come.
 */
#ifndef REQTRACE_MARKS_H
#define REQTRACE_MARKS_H

#include <linux/types.h>

#define MARKS 64 /* a power of two; that many less one can be told apart between two switches */

struct mark {
	__u64 at;    /* ns of the monotonic clock */
	__u64 id;    /* of the request; 0: none */
	__u64 phase; /* its name: up to eight characters, the first one in the lowest byte */
	__u64 calls; /* system calls that began while this was the last mark: the program's */
};

/* The programs'; the server leaves it alone. */
struct progress {
	__u64 tracer; /* whose it is: a later one starts anew */
	__u64 at;     /* up to when all is accounted for, ns */
	__u64 id;     /* of the mark that is valid at that time */
	__u64 phase;
	__u64 calls;  /* of that mark, those that are accounted for */
	__u32 seen;   /* marks */
	__u32 kind;   /* what the thread does from then on: enum segment_kind */
};

struct marks {
	__u64 joined; /* when the server joined the tracer, ns: what lies before is not the tracer's */
	__u32 count;  /* marks set so far; the last one is history[count % MARKS] */
	__u32 quiet;  /* the server reads its clock, which may be a system call: not the request's */
	struct mark history[MARKS];
	struct progress progress;
};

#endif /* REQTRACE_MARKS_H */
