/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A record from the programs to the tool: a stretch of time of one thread. */
#ifndef REQTRACE_SEGMENT_H
#define REQTRACE_SEGMENT_H

#include <linux/types.h>

enum segment_kind {
	ON_CPU = 0,
	WAITS = 1, /* it sleeps, or waits for something */
	READY = 2, /* it could run, and another thread does */
	KINDS = 3,
};

struct segment {
	__u64 start, end; /* ns of the monotonic clock */
	__u64 id, phase;  /* as in struct mark; id is not 0 */
	__u64 calls;      /* system calls that began in this time */
	__u32 tgid, tid;  /* in the initial pid namespace */
	__u32 kind;       /* enum segment_kind */
	__u32 unused;
};

#endif /* REQTRACE_SEGMENT_H */
