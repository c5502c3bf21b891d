/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memcached over UDP. A datagram has a frame of 8 bytes in front, in network byte order:
 *
 *     request id (the client's)   number of this datagram   count of datagrams   0
 *
 * A request is one datagram; an answer may be several.
 */
#ifndef KV_UDP_H
#define KV_UDP_H

#include "command.h"

struct udp;

/* Buffers. Returns NULL with a message on stderr. */
struct udp *udp_open(void);

/* Answer what has come in. */
void udp_serve(struct udp *udp, int fd, struct cache *cache, struct command_counts *counts);

/* NULL does nothing. */
void udp_close(struct udp *udp);

#endif /* KV_UDP_H */
