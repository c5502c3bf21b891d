/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Arena memory and the pointers in it. Never loaded: test_memgen.c reads it. */
#include <mem/bpf.h>

struct task_struct; /* the kernel's */

struct node {
	struct node __arena *next;
	struct node __arena *__arena *previous;
	struct payload __arena *payload;
	__u64 key;
};

struct payload {
	int length;
	char data[];
};

struct root {
	struct node __arena *first;
	struct task_struct *owner;
};

typedef struct {
	int a;
	struct node __arena *node;
} record_t;

MEM_ARENA(heap, 1024);

MEM_ARENA_VAR int generation;
MEM_ARENA_VAR struct root root;
MEM_ARENA_VAR int table[3][4] = {{1}};

/* pointers from ordinary variables */
struct node __arena *current_node;
struct payload __arena *current_payload;
record_t __arena *records;
struct task_struct *task;

SEC("syscall")
int walk(void *ctx)
{
	generation += table[1][2];
	root.first = current_node;
	return records ? records->a : 0;
}

char _license[] SEC("license") = "GPL";
