/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Each kind of region but arenas. Never loaded: test_memgen.c reads it. */
#include <mem/bpf.h>

struct bucket {
	__u64 count;
	__u32 min, max;
};

struct odd {
	__u32 a;
	__u8 b;
} __attribute__((packed));

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct bucket);
} buckets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct odd);
} odds SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} words SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64[16]);
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct { long a; long b; });
} unnamed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__uint(value_size, 20);
} untyped SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} not_shared SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

const volatile int limit = 10;
int setting SEC(".data.settings") = 3;
long counters[4] SEC(".bss.counters");
const volatile char banner[8] SEC(".rodata.banner") = "hi";
struct bucket total;
int started = 1;

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF_JIT __kconfig __weak;

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	bpf_printk("a string in a section without a name in BTF %d", LINUX_KERNEL_VERSION);
	total.count += CONFIG_BPF_JIT + limit + setting + counters[0] + banner[0];
	return 0;
}

SEC("?xdp")
int on_packet(void *ctx)
{
	return started;
}

char _license[] SEC("license") = "GPL";
