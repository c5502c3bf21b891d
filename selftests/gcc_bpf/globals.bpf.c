/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables, maps and functions as gcc lays them out: the tests compile this with bpf-gcc. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	int a;
	signed char b;
	char name[11];
	long c;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct pair);
} pairs SEC(".maps");

static volatile int first = 10; /* or gcc would take it for a constant */
int second = 20;
static int third = 30;
struct pair fourth = { 1, -2, "four", 40 };
static const int factors[4] = { 2, 3, 5, 7 };
static int none[3];
int sum, calls;
int empty[0];
int left[4], right[4]; /* one of them is not the first in its section */

static __attribute__((noinline)) int twice(int x)
{
	calls++;
	return 2 * x + none[x & 1];
}

__attribute__((noinline)) int plus_factor(int x)
{
	return twice(x) + factors[x & 3];
}

/* A place in front of a variable, which is not to be put together with the index. */
static inline void set(int *array, int index, int value)
{
	int *in_front = (int *)((long)array - sizeof(int));

	asm volatile("" : "+r"(in_front));
	in_front[index + 1] = value;
}

SEC("syscall") int add_up(void *ctx)
{
	static int local_to_it;
	__u32 key = 1;
	struct pair *pair = bpf_map_lookup_elem(&pairs, &key);

	if (!pair)
		return -1;
	local_to_it++;
	third++;
	pair->a = plus_factor(second);
	pair->b = fourth.b;
	pair->c = fourth.c + first;
	none[2] = local_to_it;
	set(left, 3, 50);
	set(right, 3, 60);
	sum = first + second + third;
	return sum;
}

SEC("xdp") int two(struct xdp_md *ctx)
{
	return plus_factor(0);
}

char LICENSE[] SEC("license") = "GPL";
