/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps that the kernel refuses, each for another reason; the tests let one be created at a time. */
#include <mem/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} long_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(key_size, 8);
	__uint(value_size, 8);
} trie_of_flags SEC(".maps");

struct {
	__uint(type, 9999);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} from_the_future SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 10);
	__type(key, int);
	__type(value, __u64);
} sized_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} without_model SEC(".maps");

struct timed {
	int value;
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct timed);
} timed_storage SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, 1 << 30);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} unknown_flag SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
