/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An arena of which the larger part is behind its variables, and these fill their pages to the last byte. */
#include <mem/bpf.h>
#include <mem/alloc.h>

MEM_ARENA(arena, 300000);

MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR char rest[(4096 - sizeof(struct mem_heap) % 4096) % 4096];

SEC("syscall")
int touch(void *ctx)
{
	rest[0] = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
