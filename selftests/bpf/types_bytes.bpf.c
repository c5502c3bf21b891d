/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Members that only the BPF side can declare where they are: test_type_access.c reaches them. */
#include <mem/bpf.h>

/* C compilers disagree on bit-fields of 16 bytes, so that the header has bytes for this one. */
struct wide {
	__int128 number : 100;
	unsigned __int128 flags : 28;
	int plain;
	short words[2][3];
	struct {
		char name[6];
		long value;
	} parts[2];
};

struct wide wide;
struct wide rows[2];

/* what the application has written, as this side sees it */
__u64 low, flags;
int plain;
short word;
long value;

SEC("syscall")
int fill(void *ctx)
{
	wide.number = -3;
	wide.flags = 0xabcdef1;
	wide.plain = -7;
	wide.words[1][2] = -12;
	wide.parts[1].value = 1L << 40;
	__builtin_memcpy(wide.parts[1].name, "bpf", 4);
	rows[1].flags = 5;
	return 0;
}

SEC("syscall")
int look(void *ctx)
{
	low = wide.number;
	flags = wide.flags;
	plain = rows[1].plain;
	word = wide.words[0][1];
	value = wide.parts[0].value;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
