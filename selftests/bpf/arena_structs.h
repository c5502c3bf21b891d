/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The elements of arena_structs.bpf.c, for both sides. */
#ifndef ARENA_STRUCTS_H
#define ARENA_STRUCTS_H

#include <mem/list.h>

#ifndef MEM_TYPE_struct_item
#define MEM_TYPE_struct_item
struct item {
	struct mem_list_node link;
	struct mem_stack_node stacked;
	unsigned int pad;
	unsigned long long value;
};
#endif

#ifndef MEM_TYPE_struct_event
#define MEM_TYPE_struct_event
struct event {
	unsigned long long producer, number, check;
};
#endif

/* Each has a bit of one word. */
#define TOGGLED_BY_PROGRAM 1ULL
#define TOGGLED_BY_THREAD(i) (1ULL << (32 + (i)))

#endif /* ARENA_STRUCTS_H */
