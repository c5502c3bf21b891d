/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What migrate_old became: everything is larger, elsewhere, called something else, or gone. */
#include <mem/bpf.h>
#include <stdbool.h>

enum migrate_state { MIGRATE_IDLE, MIGRATE_PAUSED, MIGRATE_RUNNING };

struct migrate_limit {
	__u64 min;
	__u64 max;
	__s32 kind;
};

struct migrate_conf {
	__u64 since;
	char name[12];
	struct migrate_limit limits[3];
	enum migrate_state state;
	double ratio;
	__s32 twist : 9;
	__u32 flag : 6;
	__s64 delta;
	__u64 inner;
	union {
		__u32 word;
		__u8 bytes[4];
	} whole;
	__u32 active MEM_WAS("enabled") MEM_WAS("on");
};

/* .bss */
__u64 added_first;
struct migrate_conf conf;
__u64 answers MEM_WAS("replies");
__u64 hits;
__s64 balance;
__u64 wide;
__u32 shrunk[2];
__s16 to_smaller;
void *where;

/* .data */
__u64 initial = 8;
__u64 kept = 50;
__u64 fresh = 99;

struct migrate_row {
	__u64 count;
	__u64 sum;
	__u64 last;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 150);
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
