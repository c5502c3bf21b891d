/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* One variable or element of every kind, written by one side and read by the other. */
#include <mem/bpf.h>

struct point {
	int x;
	__u64 y;
	char tag[5];
};

struct node {
	struct node __arena *next;
	__u64 value;
};

/* settings: .rodata */
const volatile __u32 factor = 3;
const volatile struct point origin = { 1, 2, "abcd" };

/* .data and .bss */
__u32 counter = 40;
struct point corner = { 7, 8, "home" };
struct point points[4];
__s64 sum;
static volatile __u32 calls;

/* a section of its own */
__u64 limits[3] SEC(".data.limits") = { 10, 20, 30 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1000);
	__type(key, __u32);
	__type(value, struct point);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

MEM_ARENA(arena, 64);

struct node __arena *head;
MEM_ARENA_VAR __u64 walked;
MEM_ARENA_VAR struct node pool[8] = { { 0, 11 }, { 0, 12 } };

/* Change one of everything; the application checks. */
SEC("syscall")
int change(void *ctx)
{
	__u32 key = 999;
	struct point *element;

	counter += factor;
	corner.x += origin.x;
	points[2].y = corner.y * 2;
	sum -= 5;
	limits[1]++;
	calls++;
	element = bpf_map_lookup_elem(&table, &key);
	if (!element)
		return -1;
	element->x = counter;
	element->y++;
	return (int)calls;
}

/* Add up the list that the application built, then put a node in front of it. */
SEC("syscall")
int walk(void *ctx)
{
	struct node __arena *node;
	__u64 total = 0;

	MEM_ARENA_USE(arena);
	for (node = head; node && mem_can_loop; node = node->next) {
		total += node->value;
		node->value += 100;
	}
	walked = total;
	pool[7].value = 1000;
	pool[7].next = head;
	head = &pool[7];
	return (int)total;
}

char LICENSE[] SEC("license") = "GPL";
