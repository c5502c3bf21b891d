/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The table of processes, for both sides: from a process's id to the low address of its record. */
#ifndef SYSLAT_TABLE_H
#define SYSLAT_TABLE_H

#include <mem/hash.h>

#include "syslat.h"

#ifndef MEM_TYPE_struct_latency
#define MEM_TYPE_struct_latency
/* How long calls took. The number of calls is the sum of the buckets. */
struct latency {
	unsigned long long total; /* nanoseconds */
	unsigned long long max;	  /* nanoseconds */
	unsigned long long buckets[LAT_BUCKETS];
};
#endif

/* One process. The first 16 bytes of freed memory are the heap's: the id is behind them. */
struct process {
	unsigned long long name[NAME_SIZE / 8]; /* text: written in two stores, for a reader can't wait */
	unsigned long long id;	  /* pid, and when it started; 0: taken away */
	unsigned long long ended; /* not 0: there will be no more calls; the application may take it away */
	struct latency latency;
};

MEM_HASH(processes, unsigned long long, unsigned long long)

#endif /* SYSLAT_TABLE_H */
