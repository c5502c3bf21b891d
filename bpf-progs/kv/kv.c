/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kv: a cache that speaks memcached's protocol, and answers most requests before they reach it.
 *
 *     options -> cache_open(): arena, table, XDP program -> server_open(): sockets -> server_run()
 *
 * The server changes the cache; kv.bpf.c reads the same memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cache.h"
#include "options.h"
#include "server.h"

int main(int argc, char **argv)
{
	struct options options;
	struct cache *cache;
	struct server *server = NULL;
	int err = -EIO;

	options_parse(&options, argc, argv);
	cache = cache_open(&options);
	if (cache)
		server = server_open(&options, cache);
	if (server)
		err = server_run(server);
	if (server && err)
		fprintf(stderr, "kv: %s\n", strerror(-err));
	server_close(server);
	cache_close(cache);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
