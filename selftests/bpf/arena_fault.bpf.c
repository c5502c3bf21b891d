/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Accesses to pages of an arena that are not there, and pages that a program takes. */
#include <stddef.h>
#include <mem/bpf.h>

MEM_ARENA(arena, 64, MEM_ARENA_SEGV_ON_FAULT);

__u64 base;	/* of the arena, for programs: set by the application */
__u32 page;	/* to access */
__u64 value;	/* read */
__u32 taken;	/* pages */

extern int bpf_stream_vprintk_impl(int stream, const char *fmt, const void *args, __u32 size, void *aux)
	__attribute__((section(".ksyms"), weak));

int said = 1; /* what the kernel answered; 1: not asked */

/* Write "hello" into the program's own stream. From Linux 7.0 the function is another. */
SEC("?syscall")
int say(void *ctx)
{
	static const char text[] = "hello";
	__u64 none = 0;

	said = bpf_stream_vprintk_impl ? bpf_stream_vprintk_impl(1, text, &none, 0, NULL) : said;
	return 0;
}

static volatile __u64 __arena *place(void)
{
	MEM_ARENA_USE(arena);
	return (volatile __u64 __arena *)(base + (__u64)page * 4096);
}

SEC("syscall")
int read_page(void *ctx)
{
	value = *place();
	return 0;
}

SEC("syscall")
int write_page(void *ctx)
{
	*place() = 7;
	return 0;
}

SEC("syscall")
int take_pages(void *ctx)
{
	return mem_arena_alloc_pages(arena, NULL, taken) ? 0 : 1;
}

char LICENSE[] SEC("license") = "GPL";
