/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Another object that uses region_arena's arena; it has no variables in it. */
#include <mem/bpf.h>

struct node {
	struct node __arena *next;
	__u64 value;
};

MEM_ARENA(arena, 100);

struct node __arena *start;

SEC("syscall")
int visit(void *ctx)
{
	struct node __arena *node;
	__u64 total = 0;

	MEM_ARENA_USE(arena);
	for (node = start; node && mem_can_loop; node = node->next)
		total += node->value;
	return (int)total;
}

char LICENSE[] SEC("license") = "GPL";
