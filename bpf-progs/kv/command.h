/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached's text protocol: from bytes that came in to calls of the cache, and to bytes that go out.
 * Knows nothing of sockets.
 */
#ifndef KV_COMMAND_H
#define KV_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "cache.h"
#include "../common/bytes.h"

#define LINE_MAX_SIZE 65536 /* bytes of a command's line: a get of many keys */

/* What was asked for since the start, of this process. */
struct command_counts {
	uint64_t get, get_hits, get_misses, set, touch, touch_hits, flush;
	uint64_t delete_hits, delete_misses, incr_hits, incr_misses, decr_hits, decr_misses;
	uint64_t cas_hits, cas_misses, cas_badval;
	uint64_t connections, connections_total; /* the server counts these */
	uint64_t start; /* nanoseconds of the monotonic clock */
};

/* One client's state. */
struct client {
	struct cache *cache;
	struct command_counts *counts;
	struct bytes *reply; /* where answers go */
	size_t skip;	     /* bytes of data to come that nobody wants */
	bool quit;	     /* the client, or an error that nothing can follow, ends it */
};

/*
 * Run the first command of `size` bytes: how many bytes it was, or 0 if it isn't all there.
 */
size_t command_run(struct client *client, const char *in, size_t size);

#endif /* KV_COMMAND_H */
