/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs that count what one process does, in every kind of memory, also when their loader is gone. */
#include <mem/bpf.h>

const volatile __u32 pid;     /* whose calls are counted */
const volatile __u64 call_nr; /* the number of the system call */

__u64 entered;
__u64 traced = 1000;

struct row {
	__u64 hits;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct row);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} last SEC(".maps");

static int is_wanted(void)
{
	return (__u32)(bpf_get_current_pid_tgid() >> 32) == pid;
}

SEC("raw_tp/sys_enter")
int on_enter(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 key = 7;
	struct row *row;

	if (!is_wanted() || ctx->args[1] != call_nr)
		return 0;
	__sync_fetch_and_add(&entered, 1);
	row = bpf_map_lookup_elem(&rows, &key);
	if (row)
		__sync_fetch_and_add(&row->hits, 1);
	return 0;
}

struct exit_args {
	__u64 common;
	long nr;
	long ret;
};

/* by another kind of link */
SEC("tracepoint/raw_syscalls/sys_exit")
int on_exit(struct exit_args *ctx)
{
	__u32 key = 1;
	__u64 value;

	if (!is_wanted() || ctx->nr != (long)call_nr)
		return 0;
	value = __sync_fetch_and_add(&traced, 1);
	bpf_map_update_elem(&last, &key, &value, 0);
	return 0;
}

/* left out by the loader */
SEC("?syscall")
int spare(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
