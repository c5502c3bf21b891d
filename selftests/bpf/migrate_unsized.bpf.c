/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* migrate_new's table, and an arena, which leave their size to what they find. */
#include <mem/bpf.h>

struct migrate_row {
	__u64 count;
	__u64 sum;
	__u64 last;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct migrate_row);
} table SEC(".maps");

MEM_ARENA(arena, 0);

MEM_ARENA_VAR __u64 pushed = 7;

SEC("syscall")
int count(void *ctx)
{
	__u32 key = 1;
	struct migrate_row *element = bpf_map_lookup_elem(&table, &key);

	MEM_ARENA_USE(arena);
	pushed++;
	return element ? (int)++element->count : -1;
}

char LICENSE[] SEC("license") = "GPL";
