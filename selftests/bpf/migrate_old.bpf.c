/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a tool shared in its first version; migrate_new is the second. */
#include <mem/bpf.h>
#include <stdbool.h>

enum migrate_state { MIGRATE_IDLE, MIGRATE_RUNNING, MIGRATE_BROKEN };

struct migrate_limit {
	__u32 max;
	__u16 kind;
};

struct migrate_conf {
	__s16 delta;
	bool on;
	__u8 flag : 3;
	__s8 twist : 5;
	float ratio;
	enum migrate_state state;
	struct migrate_limit limits[2];
	char name[8];
	struct {
		__u32 inner;
	};
	union {
		__u32 word;
		__u8 bytes[4];
	} whole;
};

/* .bss */
__u32 hits;
__s32 balance;
__u64 replies;
__u8 removed;
__u64 wide;
__u32 shrunk[4];
struct migrate_conf conf;
__s64 to_smaller;
void *where;

/* .data */
__u32 kept = 40;
__u32 initial = 7;

struct migrate_row {
	__u64 sum;
	__u32 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 100);
	__type(key, __u32);
	__type(value, struct migrate_row);
} table SEC(".maps");

SEC("syscall")
int count(void *ctx)
{
	__u32 key = 1;
	struct migrate_row *element = bpf_map_lookup_elem(&table, &key);

	hits++;
	kept++;
	if (element)
		element->count++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
