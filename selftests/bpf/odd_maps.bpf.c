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
