/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps that say themselves that they are shared by name. */
#include <mem/bpf.h>

__u64 own;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} common SEC(".maps");

SEC("syscall")
int bump(void *ctx)
{
	__u32 key = 3;
	__u64 *element = bpf_map_lookup_elem(&common, &key);

	own++;
	if (!element)
		return -1;
	return (int)__sync_add_and_fetch(element, 1);
}

char LICENSE[] SEC("license") = "GPL";
