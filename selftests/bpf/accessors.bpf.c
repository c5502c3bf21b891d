/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables that both sides write, and structs that are copied while they are written. */
#include <mem/bpf.h>
#include <mem/lock.h>
#include <mem/seq.h>

enum mode { MODE_OFF, MODE_ON };

struct sample {
	__u32 sequence MEM_SEQ;
	__u8 odd;
	__u64 value[7];
	__u8 last;
};

struct wide_sample {
	__u64 value[3];
	__u64 sequence MEM_SEQ;
};

struct no_sample {
	__u16 sequence MEM_SEQ; /* too small to be one */
	__u16 value;
};

struct locked {
	__u64 left;
	struct mem_lock lock;
	__u64 right;
};

struct locked locked;
__u64 total;
__s32 level;
enum mode mode;
_Bool flag;
__u16 small;
double unused;
struct sample *nowhere;
struct sample sample;
struct wide_sample wide;
struct no_sample none;
__u64 published;

/* Write both structs some times, every member the same. */
SEC("syscall")
int write_samples(void *ctx)
{
	for (__u32 i = 0; i < 200; i++) {
		__u64 value = sample.value[0] + 1;

		mem_seq_write_begin(&sample.sequence);
		sample.odd = value;
		for (__u32 n = 0; n < 7; n++)
			*(volatile __u64 *)&sample.value[n] = value;
		sample.last = value;
		mem_seq_write_end(&sample.sequence);
		mem_seq_write_begin(&wide.sequence);
		wide.value[0] = wide.value[1] = wide.value[2] = value;
		mem_seq_write_end(&wide.sequence);
	}
	return 0;
}

SEC("syscall")
int count(void *ctx)
{
	for (__u32 i = 0; i < 1000; i++) {
		__sync_fetch_and_add(&total, 1);
		__sync_fetch_and_add(&level, -1);
	}
	none.value++;
	locked.left = locked.right = 0;
	mode = MODE_ON;
	flag = 1;
	small = 7;
	nowhere = 0;
	mem_store_release(&published, published + 1);
	return *(__u64 *)&unused != 0;
}

char LICENSE[] SEC("license") = "GPL";
