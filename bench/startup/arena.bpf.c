/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An arena with variables, three sections of others, two programs, a function of the kernel's. */
#include <mem/bpf.h>

struct node {
	struct node __arena *next;
	__u64 value;
};

MEM_ARENA(arena, 1000);
struct node __arena *MEM_ARENA_VAR head;
MEM_ARENA_VAR __u64 total = 7;

const volatile __u32 min_pid = 1;
__u32 limit = 100;
__u64 seen;

void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 page_cnt, int node_id,
				    __u64 flags) __ksym;

SEC("syscall")
int grow(void *ctx)
{
	struct node __arena *node = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);

	if (!node)
		return 1;
	node->value = limit;
	node->next = head;
	head = node;
	return 0;
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	struct node __arena *node = head;

	if (node && (bpf_get_current_pid_tgid() >> 32) >= min_pid)
		total += node->value;
	seen++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
