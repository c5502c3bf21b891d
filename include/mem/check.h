/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Heaps that check their users. For mem/alloc.h.
 *
 * Chosen when a heap is made, for both sides; costs one bit per 16 bytes, and with guards 16 bytes
 * per block.
 *
 *     MEM_HEAP_TRUST   what is freed is not in a span: noticed. Anything else: not
 *     MEM_HEAP_BITS    a bit for each allocated block: double and wild frees
 *     MEM_HEAP_GUARDS  also, a guard behind each block: writes beyond its end; freed memory is
 *                      filled with MEM_HEAP_POISON: writes after the free
 *
 *     | size bytes | rounded up to 8 | guard words | size, site | MEM_HEAP_CANARY |    end of block
 *
 * What is found is counted (`reports`) and described in the heap's `report`, a ring of the last 16:
 * what, where, by whom, and the lines of allocation and free. A block with a broken guard or that was
 * not allocated is never handed out again. mem_heap_report() prints them.
 */
#ifndef MEM_CHECK_H
#define MEM_CHECK_H

#include <mem/heap.h>

#ifndef MEM_TYPE_enum_mem_heap_checks
#define MEM_TYPE_enum_mem_heap_checks
/** How much a heap checks. */
enum mem_heap_checks {
	MEM_HEAP_TRUST = 0,  /**< nothing that costs */
	MEM_HEAP_BITS = 1,   /**< double and wild frees */
	MEM_HEAP_GUARDS = 2  /**< and writes outside of what is allocated */
};
#endif

#ifndef MEM_TYPE_enum_mem_heap_error
#define MEM_TYPE_enum_mem_heap_error
/** What struct mem_heap_report is about. */
enum mem_heap_error {
	MEM_HEAP_WILD_FREE = 1,   /**< free of what is no block */
	MEM_HEAP_DOUBLE_FREE = 2, /**< free of a block that is not allocated */
	MEM_HEAP_OVERRUN = 3,     /**< written beyond the end */
	MEM_HEAP_USED_FREED = 4   /**< written after the free */
};
#endif

/** Tells source files apart in reports: define it, up to 4095, before including mem/alloc.h. */
#ifndef MEM_FILE_NUMBER
#define MEM_FILE_NUMBER 0
#endif
/** Where a call is: the line, and MEM_FILE_NUMBER << 20. */
#define MEM_SITE ((unsigned int)(MEM_FILE_NUMBER) << 20 | (unsigned int)__LINE__)

/** Guard of an allocated block. */
#define MEM_HEAP_CANARY 0x5afe5afe5afe5afeULL
/** Guard of a freed one. */
#define MEM_HEAP_FREED 0xdeaddeaddeaddeadULL
/** What freed memory and the room behind a block are filled with. */
#define MEM_HEAP_POISON 0xddddddddddddddddULL
/** Words of a block that are filled and looked at. */
#define MEM_HEAP_POISONED 64

/** @cond */
#ifndef MEM_TYPE_struct_mem_guard
#define MEM_TYPE_struct_mem_guard
/* The last 16 bytes of a block of a heap with MEM_HEAP_GUARDS. */
struct mem_guard {
	unsigned int size; /* bytes that were asked for */
	unsigned int site; /* of the allocation; of the free, once freed */
	unsigned long long canary;
};
#endif

#define mem__guard(v, unit, c)                                                                     \
	mem_at(struct mem_guard, mem__heap(v), ((unit) << 4) + mem_class_size(c) - 16)

MEM__PROGRAM int mem__report(mem__handle handle, unsigned int kind, unsigned int low,
			     unsigned int first_site, unsigned int site)
{
	mem__view v = mem__handle_view(handle);
	struct mem_heap __arena *heap = mem__heap(v);
	struct mem_heap_report __arena *report = &heap->report[mem_add(&heap->reports, 1U) % 16];

	mem_store(&report->kind, kind);
	mem_store(&report->who, mem__lock_self());
	mem_store(&report->address, low);
	mem_store(&report->allocated, first_site);
	mem_store(&report->freed, site);
	mem_store(&report->pad, 0U);
	return 0;
}

/* Set or clear the bit of a unit; whether that changed it. */
MEM__PROGRAM int mem__bit(mem__handle handle, unsigned int unit, int set)
{
	mem__view v = mem__handle_view(handle);
	unsigned int index = unit - (mem__base(v) >> 4), bit = 1U << (index % 32), word;
	unsigned int __arena *at = mem__bits(v);
	int i;

	if (index / 256 >= mem__total(v) || !at)
		return 0;
	at += index / 32;
	for (i = 0; i < MEM__TRIES; i++) {
		word = mem_load(at);
		if (!(word & bit) == !set)
			return 0;
		if (mem_cas(at, word, word ^ bit) == word)
			return 1;
	}
	return 0;
}

/* Fill words [from, to) of a block, or see whether they still are: 1. Too many are left out. */
MEM__PROGRAM int mem__poison(mem__handle handle, unsigned int unit, unsigned int from, unsigned int to, int fill)
{
	mem__view v = mem__handle_view(handle);
	unsigned long long __arena *words = mem_at(unsigned long long, mem__heap(v), unit << 4);
	unsigned int i;

	for (i = 0; i < MEM_HEAP_POISONED && from + i < to; i++) {
		if (fill)
			mem_store(&words[from + i], MEM_HEAP_POISON);
		else if (mem_load(&words[from + i]) != MEM_HEAP_POISON)
			return 0;
	}
	return 1;
}

/* A block was taken for size bytes. */
MEM__PROGRAM int mem__check_taken(mem__handle handle, unsigned int c, unsigned int unit,
				  unsigned int size, unsigned int site)
{
	mem__view v = mem__handle_view(handle);
	struct mem_guard __arena *guard = mem__guard(v, unit, c);
	unsigned int words = mem_class_size(c) / 8 - 2;

	mem__bit(mem__view_handle(v), unit, 1);
	if (mem__checks(v) < MEM_HEAP_GUARDS)
		return 0;
	/* The first two words were the free block's own. */
	if (mem_load(&guard->canary) == MEM_HEAP_FREED && !mem__poison(mem__view_handle(v), unit, 2, words, 0))
		mem__report(mem__view_handle(v), MEM_HEAP_USED_FREED, unit << 4, mem_load(&guard->site), site);
	mem__poison(mem__view_handle(v), unit, (size + 7) / 8, words, 1);
	mem_store(&guard->size, size);
	mem_store(&guard->site, site);
	mem_store(&guard->canary, MEM_HEAP_CANARY);
	return 0;
}

/* May the block at this address be freed? */
MEM__PROGRAM int mem__check_freed(mem__handle handle, unsigned int c, unsigned int low, unsigned int site)
{
	mem__view v = mem__handle_view(handle);
	struct mem_guard __arena *guard;
	unsigned int unit = low >> 4, words, size;

	if (c >= MEM_HEAP_CLASSES || low & 15) {
		mem_add(&mem__heap(v)->bad_frees, 1ULL);
		mem__report(mem__view_handle(v), MEM_HEAP_WILD_FREE, low, 0, site);
		return 0;
	}
	if (!mem__checks(v))
		return 1;
	guard = mem__guard(v, unit, c);
	if (!mem__inside(v, unit, mem_class_size(c)) || !mem__bit(mem__view_handle(v), unit, 0)) {
		int freed = mem__inside(v, unit, mem_class_size(c)) &&
			    mem_load(&guard->canary) == MEM_HEAP_FREED;

		mem_add(&mem__heap(v)->bad_frees, 1ULL);
		mem__report(mem__view_handle(v), MEM_HEAP_DOUBLE_FREE, low, freed ? mem_load(&guard->site) : 0, site);
		return 0;
	}
	if (mem__checks(v) < MEM_HEAP_GUARDS)
		return 1;
	words = mem_class_size(c) / 8 - 2;
	size = mem_load(&guard->size);
	if (mem_load(&guard->canary) != MEM_HEAP_CANARY ||
	    !mem__poison(mem__view_handle(v), unit, (size + 7) / 8, words, 0)) {
		mem__report(mem__view_handle(v), MEM_HEAP_OVERRUN, low, mem_load(&guard->site), site);
		return 0;
	}
	mem__poison(mem__view_handle(v), unit, 2, words, 1);
	mem_store(&guard->site, site);
	mem_store(&guard->canary, MEM_HEAP_FREED);
	return 1;
}
/** @endcond */

#endif /* MEM_CHECK_H */
