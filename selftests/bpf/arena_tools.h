/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Tables of selftests/bpf/arena_tools.bpf.c, for both sides. */
#ifndef ARENA_TOOLS_H
#define ARENA_TOOLS_H

#include <mem/hash.h>

#ifndef MEM_TYPE_struct_flow
#define MEM_TYPE_struct_flow
struct flow {
	unsigned int from, to;
	unsigned short from_port, to_port;
	unsigned int protocol;
};
#endif

#ifndef MEM_TYPE_struct_traffic
#define MEM_TYPE_struct_traffic
struct traffic {
	unsigned long long packets, bytes;
};
#endif

#ifndef MEM_TYPE_struct_event
#define MEM_TYPE_struct_event
struct event {
	unsigned long long when, what[3];
};
#endif

#define FLOWS 100

MEM_HASH(flows, struct flow, struct traffic)
MEM_HASH(words, unsigned long long, unsigned long long)
MEM_HASH(halves, unsigned int, unsigned int)

#endif /* ARENA_TOOLS_H */
