/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Shares types with types_structs.bpf.c: an application includes both headers. Its arena has no
 * variables, and its arena pointers no tags, as in objects that don't use libmem's headers. Never
 * loaded: test_memgen.c reads it.
 */
#include <mem/bpf.h>

#undef __arena
#define __arena __attribute__((address_space(1)))

struct point {
	int x, y;
};

struct line {
	struct point from, to;
	struct line *next;
};

typedef struct {
	int generation;
	struct point at;
} anonymous_t;

struct bits_only_here {
	enum { NESTED_ONE = 1, NESTED_TWO } which;
};

struct element {
	struct element __arena *next;
	struct point at;
};

MEM_ARENA(pages, 16);

struct line line;
anonymous_t anonymous;
struct bits_only_here here;
struct element __arena *head;

SEC("syscall")
int walk(void *ctx)
{
	MEM_ARENA_USE(pages);
	return head ? head->at.x : 0;
}

char _license[] SEC("license") = "GPL";
