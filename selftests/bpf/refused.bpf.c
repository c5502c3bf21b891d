/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs that a kernel refuses, each for another reason; the tests load one at a time. */
#include <mem/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} unsized SEC(".maps");

extern int libmem_no_such_kfunc(void) __attribute__((section(".ksyms")));
extern int libmem_no_such_weak_kfunc(void) __attribute__((section(".ksyms"), weak));

static __attribute__((noinline)) __u64 unchecked(__u32 key)
{
	__u64 *value = bpf_map_lookup_elem(&map, &key);

	return *value; /* may be NULL */
}

SEC("syscall")
int null_dereference(void *ctx)
{
	return (int)unchecked(1);
}

SEC("syscall")
int strong_kfunc(void *ctx)
{
	return libmem_no_such_kfunc();
}

SEC("syscall")
int weak_kfunc(void *ctx)
{
	if (libmem_no_such_weak_kfunc)
		return libmem_no_such_weak_kfunc();
	return 12;
}

SEC("no/such/section")
int unknown_section(void *ctx)
{
	return 0;
}

SEC("tp_btf/libmem_no_such_tracepoint")
int unknown_target(void *ctx)
{
	return 0;
}

SEC("syscall")
int uses_unsized(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&unsized, &key) != 0;
}

char LICENSE[] SEC("license") = "GPL";
