/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Two arenas, each used by a program of its own, one of them with variables. */
#include <mem/bpf.h>

struct node {
	struct node __arena *next;
	__u64 value;
};

struct list {
	struct node __arena *head;
};

MEM_ARENA(arena, 100);
MEM_ARENA(second, 10);

MEM_ARENA_VAR struct list list;
MEM_ARENA_VAR __u64 pushed = 1000;
MEM_ARENA_VAR struct node spare[4];

struct node __arena *elsewhere; /* in the second arena */

/* Put a node of the arena's own in front of the list; the application fills spare. */
SEC("syscall")
int push(void *ctx)
{
	struct node __arena *node;

	MEM_ARENA_USE(arena);
	node = &spare[pushed & 3];
	node->value = ++pushed;
	node->next = list.head;
	list.head = node;
	return (int)pushed;
}

SEC("syscall")
int sum(void *ctx)
{
	struct node __arena *node;
	__u64 total = 0;

	MEM_ARENA_USE(arena);
	for (node = list.head; node && mem_can_loop; node = node->next)
		total += node->value;
	return (int)total;
}

SEC("syscall")
int sum_second(void *ctx)
{
	struct node __arena *node;
	__u64 total = 0;

	MEM_ARENA_USE(second);
	for (node = elsewhere; node && mem_can_loop; node = node->next)
		total += node->value;
	return (int)total;
}

char LICENSE[] SEC("license") = "GPL";
