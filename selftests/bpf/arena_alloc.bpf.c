/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The allocator, from programs: alone, interrupted, and while an application uses it too. */
#include <mem/bpf.h>
#include <mem/alloc.h>

#define HELD 1024

struct block {
	__u64 owner;
	__u64 words[7];
};

MEM_ARENA(arena, 4096);
MEM_ARENA_VAR struct mem_heap heap;

__u64 size = 64;   /* bytes to allocate; set by the application */
__u32 count = 1;   /* how many */
__u64 taken, got;  /* counters */
__u64 wrong;       /* a block that somebody else wrote to while it was ours */
struct block __arena *MEM_ARENA_VAR held[HELD];
struct block __arena *MEM_ARENA_VAR mailbox[64]; /* blocks on their way to the other side */

/* Allocate and free one block, count times. */
SEC("syscall")
int pairs(void *ctx)
{
	__u32 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		struct block __arena *b = mem_alloc(&heap, size);

		if (!b)
			return 1;
		b->owner = i;
		mem_free(&heap, b);
	}
	return i == count ? 0 : 2;
}

/* Allocate count blocks and keep them. Returns how many there were. */
SEC("syscall")
int take(void *ctx)
{
	__u32 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		held[i % HELD] = mem_alloc(&heap, size);
		if (!held[i % HELD])
			break;
		held[i % HELD]->owner = i;
	}
	return i;
}

/* Free what take() kept, or the application put there. */
SEC("syscall")
int give(void *ctx)
{
	__u32 i;

	for (i = 0; i < count && mem_can_loop; i++) {
		if (held[i % HELD]) {
			mem_free(&heap, held[i % HELD]);
			held[i % HELD] = NULL;
		}
	}
	return i;
}

/* Exchange a block with whoever uses the same slot of the mailbox, and check that it was alone. */
static void exchange(__u32 slot, __u64 self)
{
	struct block __arena *mine = mem_alloc(&heap, size), *theirs;
	int i;

	__sync_fetch_and_add(&taken, 1);
	if (mine) {
		__sync_fetch_and_add(&got, 1);
		mine->owner = self;
		for (i = 0; i < 7; i++)
			mem_store(&mine->words[i], self);
	}
	theirs = (struct block __arena *)mem_xchg((unsigned long long __arena *)&mailbox[slot % 64],
						  (unsigned long long)mine);
	if (!theirs)
		return;
	for (i = 0; i < 7; i++)
		if (mem_load(&theirs->words[i]) != theirs->owner)
			__sync_fetch_and_add(&wrong, 1);
	theirs->owner = 0;
	mem_free(&heap, theirs);
}

SEC("syscall")
int exchange_many(void *ctx)
{
	__u32 i;

	for (i = 0; i < count && mem_can_loop; i++)
		exchange(bpf_get_prandom_u32(), bpf_ktime_get_ns() | 1);
	return 0;
}

/* The same from whatever context the events come in: system calls, interrupts, NMIs. */
SEC("raw_tp/sys_enter")
int exchange_on_call(void *ctx)
{
	exchange(bpf_get_prandom_u32(), bpf_ktime_get_ns() | 1);
	return 0;
}

SEC("perf_event")
int exchange_on_event(void *ctx)
{
	__u32 i;

	for (i = 0; i < 4; i++)
		exchange(bpf_get_prandom_u32(), bpf_ktime_get_ns() | 1);
	return 0;
}

/* Errors for checked heaps to notice. */
SEC("syscall")
int misuse(void *ctx)
{
	struct block __arena *b = mem_new(&heap, struct block);

	if (!b)
		return 1;
	mem_free(&heap, b);
	mem_free(&heap, b);
	mem_free(&heap, (struct block __arena *)((unsigned long)b + 8));
	b = mem_new(&heap, struct block);
	if (!b)
		return 1;
	mem_store((__u64 __arena *)b + 8, 1ULL);
	mem_free(&heap, b);
	return 0;
}

__u32 reserved; /* low address of a page */

/* Reserve the page; 1000: and it can be had nevertheless. */
SEC("syscall")
int reserve(void *ctx)
{
	void __arena *page = mem_at(void, &heap, reserved);
	int err;

	if (!bpf_arena_reserve_pages___mem)
		return 95;
	err = bpf_arena_reserve_pages___mem(&arena, page, 1);
	if (!err && mem_arena_alloc_pages(arena, page, 1))
		return 1000;
	return -err;
}

/* Take pages for the heap, and some for ourselves. */
SEC("syscall")
int extend(void *ctx)
{
	int err = mem_heap_extend(arena, &heap, count);
	__u32 __arena *own;

	if (err)
		return -err;
	own = mem_arena_alloc_pages(arena, NULL, 2);
	if (!own)
		return 1;
	*own = 77;
	size = *own;
	mem_arena_free_pages(arena, own, 2);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
