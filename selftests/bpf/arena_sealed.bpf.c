/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables in an arena where only programs make pages. */
#include <mem/bpf.h>

MEM_ARENA(arena, 64, MEM_ARENA_SEGV_ON_FAULT);

MEM_ARENA_VAR __u64 value = 5;

SEC("syscall")
int add(void *ctx)
{
	value += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
