/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A small tool's object: three sections of variables, two maps, two programs, no arena. */
#include <mem/bpf.h>

struct event {
	__u64 count;
	__u64 total;
};

const volatile __u32 min_pid = 1;
__u64 seen;
__u32 limit = 100;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct event);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} histogram SEC(".maps");

static __attribute__((noinline)) void bump(__u32 slot)
{
	__u64 *value = bpf_map_lookup_elem(&histogram, &slot);

	if (value)
		(*value)++;
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct event *event = bpf_map_lookup_elem(&events, &pid);

	if (event && pid >= min_pid && event->count < limit)
		event->count++;
	bump(pid & 63);
	return 0;
}

SEC("raw_tp/sys_exit")
int on_exit(void *ctx)
{
	__sync_fetch_and_add(&seen, 1);
	bump(1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
