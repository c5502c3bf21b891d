/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A version of region_data whose table has elements of the same size and another order. */
#include <mem/bpf.h>

struct moved {
	__u32 count;
	__u64 sum;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
	__type(key, __u32);
	__type(value, struct moved);
} table SEC(".maps");

SEC("syscall")
int change(void *ctx)
{
	__u32 key = 1;
	struct moved *element = bpf_map_lookup_elem(&table, &key);

	if (element)
		element->count++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
