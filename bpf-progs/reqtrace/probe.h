/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs: loaded, shared with servers, and read. */
#ifndef REQTRACE_PROBE_H
#define REQTRACE_PROBE_H

#include <stdint.h>
#include "options.h"
#include "segment.h"

struct probe;

/* NULL after a message. */
struct probe *probe_open(const struct options *options);

/* Hand out the segments that are there. Returns 0, or -errno. */
int probe_read(struct probe *probe, void (*take)(void *ctx, const struct segment *segment), void *ctx);

/* What is missing in the segments. */
struct losses {
	uint64_t segments; /* the buffer was full */
	uint64_t marks;	   /* a thread set too many between two switches */
	uint64_t runs;	   /* of the programs, which the kernel left out */
};
struct losses probe_losses(const struct probe *probe);

/* No more segments come, and servers can't join any more. */
void probe_stop(struct probe *probe);
void probe_close(struct probe *probe);

#endif /* REQTRACE_PROBE_H */
