/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Fifty programs with twenty maps: each program uses two of them and a function that all share. */
#include <mem/bpf.h>

struct event {
	__u64 count;
	__u64 total;
};

#define MAP(n)                                                                                     \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_HASH);                                                   \
		__uint(max_entries, 256);                                                          \
		__type(key, __u32);                                                                \
		__type(value, struct event);                                                       \
	} map_##n SEC(".maps");

MAP(0) MAP(1) MAP(2) MAP(3) MAP(4) MAP(5) MAP(6) MAP(7) MAP(8) MAP(9)
MAP(10) MAP(11) MAP(12) MAP(13) MAP(14) MAP(15) MAP(16) MAP(17) MAP(18) MAP(19)

__u64 calls[64];

static __attribute__((noinline)) void account(struct event *event, __u32 slot)
{
	if (event) {
		event->count++;
		event->total += slot;
	}
	calls[slot & 63]++;
}

#define PROG(n, one, other)                                                                        \
	SEC("raw_tp/sys_enter")                                                                    \
	int prog_##n(void *ctx)                                                                    \
	{                                                                                          \
		__u32 pid = bpf_get_current_pid_tgid() >> 32, i;                                   \
                                                                                                   \
		for (i = 0; i < 8; i++)                                                            \
			pid += i * pid;                                                            \
		account(bpf_map_lookup_elem(&map_##one, &pid), n);                                 \
		pid++;                                                                             \
		account(bpf_map_lookup_elem(&map_##other, &pid), n);                               \
		return 0;                                                                          \
	}

PROG(0, 0, 1) PROG(1, 1, 2) PROG(2, 2, 3) PROG(3, 3, 4) PROG(4, 4, 5)
PROG(5, 5, 6) PROG(6, 6, 7) PROG(7, 7, 8) PROG(8, 8, 9) PROG(9, 9, 10)
PROG(10, 10, 11) PROG(11, 11, 12) PROG(12, 12, 13) PROG(13, 13, 14) PROG(14, 14, 15)
PROG(15, 15, 16) PROG(16, 16, 17) PROG(17, 17, 18) PROG(18, 18, 19) PROG(19, 19, 0)
PROG(20, 0, 2) PROG(21, 1, 3) PROG(22, 2, 4) PROG(23, 3, 5) PROG(24, 4, 6)
PROG(25, 5, 7) PROG(26, 6, 8) PROG(27, 7, 9) PROG(28, 8, 10) PROG(29, 9, 11)
PROG(30, 10, 12) PROG(31, 11, 13) PROG(32, 12, 14) PROG(33, 13, 15) PROG(34, 14, 16)
PROG(35, 15, 17) PROG(36, 16, 18) PROG(37, 17, 19) PROG(38, 18, 0) PROG(39, 19, 1)
PROG(40, 0, 3) PROG(41, 1, 4) PROG(42, 2, 5) PROG(43, 3, 6) PROG(44, 4, 7)
PROG(45, 5, 8) PROG(46, 6, 9) PROG(47, 7, 10) PROG(48, 8, 11) PROG(49, 9, 12)

char LICENSE[] SEC("license") = "GPL";
