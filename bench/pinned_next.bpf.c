/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The next version: counters are larger, in another order, and there is one more. */
#include <mem/bpf.h>

struct next_row {
	__u64 count;
	__u64 errors;
	__u64 sum;
	__u64 latest;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 100000);
	__type(key, __u32);
	__type(value, struct next_row);
} rows SEC(".maps");

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	__u32 key = 1;
	struct next_row *row = bpf_map_lookup_elem(&rows, &key);

	if (row)
		__sync_fetch_and_add(&row->sum, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
