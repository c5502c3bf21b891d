/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An object that every supported kernel takes: no arena, nothing newer than Linux 5.17. */
#include <mem/bpf.h>

const volatile __u32 step = 1;
__u64 hits;
__u64 large[1 << 21]; /* 16 MiB that nobody touches */
__u64 start = 7;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32); /* 4 bytes at a stride of 8 */
} small SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} lru SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} inner_one SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [2] = &inner_one },
};

int target(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [3] = (void *)&target },
};

static __attribute__((noinline)) __u64 add(__u64 n)
{
	return hits += n;
}

__attribute__((noinline)) int add_global(__u32 n)
{
	return (int)add(n * step);
}

static int add_index(__u32 i, void *ctx)
{
	*(__u64 *)ctx += i;
	return 0;
}

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	add(1);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int on_exit(void *ctx)
{
	__sync_fetch_and_add(&hits, step);
	return 0;
}

/* static and global sub-programs, a callback, a string */
SEC("syscall")
int calls(void *ctx)
{
	__u32 key = 1;
	__u32 *element = bpf_map_lookup_elem(&small, &key);
	__u64 sum = 0;

	bpf_loop(5, add_index, &sum, 0);
	if (element)
		*element += 1;
	add_global(10);
	bpf_printk("libmem selftest %d", key);
	return (int)sum;
}

SEC("xdp")
int target(void *ctx)
{
	return 77;
}

SEC("xdp")
int jump(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &jumps, 3);
	return 1;
}

SEC("xdp")
int inner_lookup(struct xdp_md *ctx)
{
	__u32 slot = 2, zero = 0;
	void *inner = bpf_map_lookup_elem(&outer, &slot);
	__u32 *value = inner ? bpf_map_lookup_elem(inner, &zero) : 0;

	return value ? (int)*value : -1;
}

SEC("?raw_tp/sched_switch")
int switched_off(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
