/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps that the kernel does not take, or not share, just as they are written. */
#include <mem/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1000);
} ring SEC(".maps");

/* A lock of the kernel's: this section can't be mapped, but starts out as written. */
struct bpf_spin_lock lock SEC(".data.locked");
unsigned long total SEC(".data.locked") = 1000;

/* The same with nothing to start with. */
struct bpf_spin_lock other_lock SEC(".bss.locked");
unsigned long others SEC(".bss.locked");

/* Which way the kernel's mappings and descriptors go is the flags' business. */
#define NUMBERS(name, flags)                                                                       \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE | (flags));                                       \
		__uint(max_entries, 600);                                                          \
		__type(key, __u32);                                                                \
		__type(value, __u64);                                                              \
	} name SEC(".maps")

NUMBERS(given, BPF_F_RDONLY_PROG);
NUMBERS(results, BPF_F_WRONLY_PROG);
NUMBERS(looked_up, BPF_F_RDONLY);
NUMBERS(updated, BPF_F_WRONLY);

SEC("syscall")
int copy(void *ctx)
{
	__u32 key = 500;
	__u64 *from = bpf_map_lookup_elem(&given, &key);

	if (!from)
		return 1;
	return bpf_map_update_elem(&results, &key, from, BPF_ANY) != 0;
}

unsigned long seen;

SEC("tc")
int add(struct __sk_buff *skb)
{
	bpf_spin_lock(&lock);
	total += 1;
	bpf_spin_unlock(&lock);
	bpf_spin_lock(&other_lock);
	others += 1;
	bpf_spin_unlock(&other_lock);
	seen = total + others;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
