/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A later version of region_data: the same variables and one more, and a table that has changed. */
#include <mem/bpf.h>

struct record {
	__u64 sum;
	__u64 count; /* was 32 bits */
	char name[16];
};

struct pair {
	__u32 key;
	struct record *value;
};

__u64 hits;
__u64 last[4];
struct pair pairs[3];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
	__type(key, __u32);
	__type(value, struct record);
} table SEC(".maps");

SEC("syscall")
int change(void *ctx)
{
	__u32 key = 1;
	struct record *element = bpf_map_lookup_elem(&table, &key);

	last[hits & 3] = key; /* in the order of the older version, which the compiler goes by */
	hits++;
	pairs[0].key++;
	if (element)
		element->count++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
