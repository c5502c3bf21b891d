/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A later version of region_data that calls things by other names, and says which they had. */
#include <mem/bpf.h>

struct renamed {
	__u64 total MEM_WAS("sum");
	__u32 count;
};

__u64 seen MEM_WAS("hits");
__u64 last[4];

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 2000);
	__type(key, __u32);
	__type(value, struct renamed);
} table SEC(".maps");

SEC("syscall")
int change(void *ctx)
{
	__u32 key = 1;
	struct renamed *element = bpf_map_lookup_elem(&table, &key);

	last[seen & 3] = key; /* in the order of the older version, which the compiler goes by */
	seen++;
	if (element)
		element->total++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
