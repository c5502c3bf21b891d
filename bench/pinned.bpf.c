/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A tool that is restarted, and the first version of what it keeps. */
#include <mem/bpf.h>

struct first_row {
	__u64 sum;
	__u32 count;
	__u32 errors;
};

__u64 calls;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 100000);
	__type(key, __u32);
	__type(value, struct first_row);
} rows SEC(".maps");

static int count(__u32 key)
{
	struct first_row *row = bpf_map_lookup_elem(&rows, &key);

	__sync_fetch_and_add(&calls, 1);
	if (row)
		__sync_fetch_and_add(&row->sum, 1);
	return 0;
}

/* of a call that nobody makes: the benchmark is of coming and going */
SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	return count(1);
}

SEC("raw_tp/sched_process_exit")
int on_exit(void *ctx)
{
	return count(2);
}

char LICENSE[] SEC("license") = "GPL";
