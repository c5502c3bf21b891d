/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps whose names are alike in their first 15 characters, which is what the kernel keeps. */
#include <mem/bpf.h>

struct counts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct counts connections_by_pid SEC(".maps");
struct counts connections_by_port SEC(".maps");
struct counts connections_by_first_thing SEC(".maps");
struct counts connections_by_other_thing SEC(".maps");

/* Its prototype is in the kernel for a moment only, and takes no name from it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct counts);
} tables_of_connections SEC(".maps");

__u64 incoming SEC(".data.counters_in") = 1;
__u64 outgoing SEC(".data.counters_out") = 2;

SEC("syscall")
int add(void *ctx)
{
	incoming++;
	outgoing++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
