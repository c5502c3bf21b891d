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

struct tight {
	__u8 lead[8];
	__u64 sequence MEM_SEQ;
	__u8 odd;
	__u64 value;
} __attribute__((packed));

struct tight_apart {
	__u8 lead;
	__u32 sequence MEM_SEQ; /* where no program could write it at once */
} __attribute__((packed));

/* structs without a name: variables, members, elements */
struct {
	__u32 sequence MEM_SEQ;
	__u64 value;
} nameless;

struct outer {
	int before;
	struct {
		__u64 value;
		__u64 sequence MEM_SEQ;
	} parts[2];
	struct {
		__u32 sequence_of_nothing MEM_SEQ;
	};
} outer;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct { __u32 sequence MEM_SEQ; __u32 values[3]; });
} cells SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct { __u32 sequence MEM_SEQ; __u32 values[2]; });
} odd_cells SEC(".maps");

struct tight tight __attribute__((aligned(8)));
struct tight_apart tight_apart;
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

/* Every value in them is the same. */
SEC("syscall")
int write_nameless(void *ctx)
{
	__u32 slot = 2;
	typeof(nameless) *seen = &nameless;
	__u64 value = seen->value + 1;
	__u32 *cell = bpf_map_lookup_elem(&cells, &slot), *odd = bpf_map_lookup_elem(&odd_cells, &slot);

	mem_seq_write_begin(&seen->sequence);
	seen->value = value;
	mem_seq_write_end(&seen->sequence);
	mem_seq_write_begin(&outer.parts[1].sequence);
	outer.parts[1].value = value;
	mem_seq_write_end(&outer.parts[1].sequence);
	mem_seq_write_begin((__u64 *)((char *)&tight + 8));
	tight.odd = value;
	tight.value = value;
	mem_seq_write_end((__u64 *)((char *)&tight + 8));
	if (!cell || !odd)
		return 1;
	mem_seq_write_begin(cell);
	cell[1] = cell[2] = cell[3] = value;
	mem_seq_write_end(cell);
	mem_seq_write_begin(odd);
	odd[1] = odd[2] = value;
	mem_seq_write_end(odd);
	return tight_apart.sequence;
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
