/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Every kind of region but an arena, for tests that share them between objects and processes. */
#include <mem/bpf.h>

struct sample {
	__u64 sum;
	__u32 count;
};

const volatile __u32 factor = 3;
__u64 hits;
__u64 last[4];
__u64 counter = 40;
struct sample total = { 5, 6 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
	__type(key, __u32);
	__type(value, struct sample);
} table SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

SEC("syscall")
int change(void *ctx)
{
	__u32 key = 1999;
	struct sample *element;

	counter += factor;
	last[hits & 3] = counter;
	hits++;
	total.count++;
	element = bpf_map_lookup_elem(&table, &key);
	if (!element)
		return -1;
	element->sum = counter;
	element->count++;
	return (int)hits;
}

char LICENSE[] SEC("license") = "GPL";
