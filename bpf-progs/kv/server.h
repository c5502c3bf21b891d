/* SPDX-License-Identifier: BSD-2-Clause */
/* The sockets: requests in, answers out, one thread. */
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include "cache.h"
#include "options.h"

struct server;

/* Listen. Returns NULL with a message on stderr. */
struct server *server_open(const struct options *options, struct cache *cache);

/* Serve until SIGINT, SIGTERM or SIGHUP, which server_open() has blocked. 0 or -errno. */
int server_run(struct server *server);

/* NULL does nothing. */
void server_close(struct server *server);

#endif /* KV_SERVER_H */
