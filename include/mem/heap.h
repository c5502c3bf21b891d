/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief The layout of a heap: what mem/alloc.h hands memory out of.
 *
 * Glossary. *unit*: 16 bytes; addresses inside a heap are counted in units of their low 32 bits, 28
 * bits in all, 0 is none. *block*: what is allocated; *class*: a size of blocks. *span*: some pages
 * cut into blocks of one class, without waste. *chain*: free blocks, linked; *range*: blocks of a
 * span that nobody linked yet, one after the other; *item*: a chain or a range. *depot*: a stack of
 * items of a class, for everybody. *cache*: chains that belong to one CPU (programs) or one thread
 * (application). *fresh*: pages that never were in a span.
 *
 *     arena variable         pages of the arena, all of them present up to `present`
 *     struct mem_heap  --->  | caches | page table | spans ...  ^ fresh ... ^ present ...  | end
 *
 * Classes have four sizes to each power of two: 16 32 48 64 80 96 112 128 160 192 224 256 320 ... 1 GiB.
 * The size m * 2^j with m from 4 to 7 has spans of m pages and 4096 / 2^j blocks. A page table entry
 * of 4 bytes says which class a page belongs to: that is all that mem_free() needs to know. A heap
 * takes 0.1 % of its address space for the table, and nothing per block.
 *
 * Page counts are of 4 KiB whatever the machine's pages.
 *
 * `present` only grows, and whoever moves it has populated the pages before it: nothing beyond is
 * ever handed out, for a program's store to an absent page is lost.
 */
#ifndef MEM_HEAP_H
#define MEM_HEAP_H

#include <mem/lock.h>

/** struct mem_heap.magic of a heap that is ready. */
#define MEM_HEAP_MAGIC 0x70616568U /* "heap" */
/**
 * The layout that these headers give heaps, and what lies in one without a number of its own: locks, lists, stacks. A
 * heap says its own in bits 8 and up of `checks`. Both sides refuse one of another layout: -ESTALE. Where `magic` and
 * `checks` are is the same in all of them.
 */
#ifndef MEM_HEAP_LAYOUT
#define MEM_HEAP_LAYOUT 1
#endif
/** Sizes that blocks can have: 16 bytes to 1 GiB. */
#define MEM_HEAP_CLASSES 105
/** Depots of each class. */
#define MEM_HEAP_DEPOTS 4
/** Classes that caches hold: up to 16 KiB. */
#define MEM_HEAP_CACHED 41
/** Bytes of a page, for heaps. */
#define MEM_HEAP_PAGE 4096

#ifndef MEM_TYPE_struct_mem_heap_report
#define MEM_TYPE_struct_mem_heap_report
/** Something wrong that a heap noticed: mem/check.h. */
struct mem_heap_report {
	unsigned int kind;      /**< enum mem_heap_error */
	unsigned int who;       /**< who noticed: thread id, or MEM_LOCK_PROGRAM + CPU */
	unsigned int address;   /**< low address */
	unsigned int allocated; /**< MEM_SITE of the allocation, or of an earlier free; 0 unknown */
	unsigned int freed;     /**< MEM_SITE of the call that noticed */
	unsigned int pad;       /**< 0 */
};
#endif

#ifndef MEM_TYPE_struct_mem_heap
#define MEM_TYPE_struct_mem_heap
/** A heap: an arena variable, zero until mem_heap_create(). */
struct mem_heap {
	unsigned int magic;       /**< MEM_HEAP_MAGIC */
	unsigned int checks;      /**< enum mem_heap_checks | MEM_HEAP_LAYOUT << 8 */
	unsigned int caches;      /**< low address of the first cache */
	unsigned int cpus;        /**< caches for programs, the first ones */
	unsigned int threads;     /**< caches for threads of applications, after those */
	unsigned int pages;       /**< low address of the page table; entry 0 is of page `base` */
	unsigned int base;        /**< low address of the heap's first byte, page aligned */
	unsigned int total;       /**< pages from base to the end */
	unsigned int fresh;       /**< first page that was in no span yet */
	unsigned int present;     /**< pages populated from base on */
	unsigned int bits;        /**< low address of one bit per unit, set: allocated; 0 unless checked */
	unsigned int reports;     /**< errors found; the last ones are in report[] */
	struct mem_lock grower;   /**< held while pages are populated */
	unsigned long long failed; /**< allocations without memory */
	unsigned long long busy;  /**< operations given up after too many tries */
	unsigned long long bad_frees; /**< of what was not allocated */
	unsigned long long depot[MEM_HEAP_DEPOTS * MEM_HEAP_CLASSES]; /**< top items: mem/depot.h */
	struct mem_heap_report report[16]; /**< the last ones: number i is at i % 16 */
};
#endif

#ifndef MEM_TYPE_struct_mem_magazine
#define MEM_TYPE_struct_mem_magazine
/** The free blocks of one class in a cache. */
struct mem_magazine {
	unsigned long long hot;   /**< chain to allocate from: unit | count << 28 | tag << 38 */
	unsigned long long spare; /**< another, or 0: unit | count << 28 */
};
#endif

#ifndef MEM_TYPE_struct_mem_cache
#define MEM_TYPE_struct_mem_cache
/** A cache, 768 bytes. */
struct mem_cache {
	unsigned long long owner; /**< of a thread's cache: id | when it started << 32; 0 free */
	unsigned long long hand;  /**< item on its way: unit | kind << 28 | number << 32 */
	unsigned long long pad[6]; /**< 0 */
	struct mem_magazine magazine[44]; /**< by class; MEM_HEAP_CACHED are used */
};
#endif

#ifndef MEM_TYPE_struct_mem_item
#define MEM_TYPE_struct_mem_item
/** What a free block holds. Only `next` is kept up to date while it is inside a chain. */
struct mem_item {
	unsigned int next;  /**< unit of the chain's next block, 0 the last */
	unsigned int item;  /**< unit of the depot's next item, 0 the last */
	unsigned int count; /**< blocks of this item */
	unsigned int kind;  /**< MEM_ITEM_CHAIN or MEM_ITEM_RANGE */
};
#endif

/** struct mem_item.kind: linked blocks. */
#define MEM_ITEM_CHAIN 0x6e696163U
/** struct mem_item.kind: blocks side by side. */
#define MEM_ITEM_RANGE 0x676e6172U

/** @cond */
#define MEM__UNIT 0xfffffffULL /* the unit in a word */

/*
 * Every allocation and every free looks at `checks`, and goes the long way unless it is this; there what is of
 * another layout is told apart. So that the number costs nothing.
 */
#define MEM__UNCHECKED_HEAP ((unsigned int)MEM_HEAP_LAYOUT << 8)
#define mem__checks(v) (mem_load(&mem__heap(v)->checks) & 0xff)
#define mem__is_layout(v) (mem_load(&mem__heap(v)->checks) >> 8 == MEM_HEAP_LAYOUT)

/* Page table entries: class + 1, then for a span's first page who claimed it (cache + 1, 0: a
 * program), for the others how far the first is. */
#define MEM__PAGE_CLASS(entry) (((entry) & 0xff) - 1)
#define MEM__PAGE_HEAD 0x80000000U
#define MEM__PAGE_WHO(entry) ((entry) >> 8 & 0xfff)
#define MEM__PAGE_BACK(entry) ((entry) & MEM__PAGE_HEAD ? 0 : (entry) >> 8 & 0xff)

/* Kinds of struct mem_cache.hand. */
#define MEM__HAND_NONE 0ULL
#define MEM__HAND_TAKEN 1ULL /* an item that was in a depot, and is no more */
#define MEM__HAND_PUSH 2ULL /* an item that is to go into a depot, and is in none */
#define MEM__HAND_FRESH 3ULL /* a page (unit >> 8, counted from base) that may have been claimed */
#define MEM__COUNT_1 (1ULL << 28) /* in the words of a magazine */
#define MEM__COUNT(word) ((unsigned int)((word) >> 28) & 1023)
#define MEM__TAG_1 (1ULL << 38)
#define MEM__HAND_KIND(hand) ((hand) >> 28 & 0xf)
/** @endcond */

/**
 * @brief The class of a size.
 * @param size  bytes
 * @return class; MEM_HEAP_CLASSES or more: too large
 */
MEM_INLINE unsigned int mem_class(unsigned long size)
{
	unsigned int last, top;

	if (size <= 16)
		return 0;
	if (size > 1UL << 30)
		return MEM_HEAP_CLASSES;
	last = ((unsigned int)size - 1) | 15; /* of what is rounded up to units */
	top = 31 - (unsigned int)__builtin_clz(last);
	return (top - 4) * 4 + (last >> (top - 2)) + 1 - 4;
}

/**
 * @brief The size of a class.
 * @param c  less than MEM_HEAP_CLASSES
 * @return bytes
 */
MEM_INLINE unsigned int mem_class_size(unsigned int c)
{
	return (4 + (c & 3)) << ((c >> 2) + 2);
}

/**
 * @brief Pages of a span.
 * @param c  class
 * @return pages of 4096 bytes
 */
MEM_INLINE unsigned int mem_class_pages(unsigned int c)
{
	return c <= mem_class(28672) ? 4 + (c & 3) : mem_class_size(c) / MEM_HEAP_PAGE;
}

/**
 * @brief Blocks of a span.
 * @param c  class
 * @return blocks
 */
MEM_INLINE unsigned int mem_class_blocks(unsigned int c)
{
	return c <= mem_class(28672) ? 1024U >> (c >> 2) : 1;
}

/**
 * @brief Blocks that a cache's chain has at most.
 * @param c  class
 * @return 64 small ones to one large one: about 8 KiB
 */
MEM_INLINE unsigned int mem_class_batch(unsigned int c)
{
	unsigned int batch = 512U >> (c >> 2);

	return batch > 64 ? 64 : batch ? batch : 1;
}

/*
 * Where the heap's parts are. A program finds them in the heap itself: whatever is written there, its
 * accesses stay inside the arena. An application must not believe it, and keeps a view of its own.
 */
#ifdef __bpf__
/** @cond */
typedef struct mem_heap __arena *mem__view;

/* An object of which only the address's low half is known: all that a program's own access needs. */
#define mem__ref(type, near, low) ((void)(near), (type __arena *)(unsigned long)(unsigned int)(low))
#define mem__heap(v) (v)
#define mem__cache(v, i) mem__ref(struct mem_cache, v, mem_load(&(v)->caches) + (i) * 768U)
#define mem__caches(v) (mem_load(&(v)->cpus) + mem_load(&(v)->threads))
#define mem__cpus(v) mem_load(&(v)->cpus)
#define mem__page(v, i) mem__ref(unsigned int, v, mem_load(&(v)->pages) + (i) * 4U)
#define mem__base(v) mem_load(&(v)->base)
#define mem__total(v) mem_load(&(v)->total)
#define mem__bits(v) mem_at(unsigned int, v, mem_load(&(v)->bits))
#define mem__inside(v, unit, bytes) ((void)(v), (void)(unit), (void)(bytes), 1)
/** @endcond */
#else
/** A process's own knowledge of a heap, for one thread. */
struct mem_heap_view {
	struct mem_heap *heap;    /**< the heap */
	struct mem_cache *cache;  /**< this thread's */
	struct mem_cache *caches; /**< all caches */
	unsigned int *pages;      /**< page table */
	unsigned int *bits;       /**< a bit per unit, NULL if nothing is checked */
	unsigned int self;        /**< number of this thread's cache, plus 1 */
	unsigned int cpus;        /**< caches for programs */
	unsigned int all;         /**< caches */
	unsigned int base;        /**< low address of the heap's first byte */
	unsigned int total;       /**< pages */
	unsigned int first;       /**< unit of the first page that can be in a span */
	unsigned int units;       /**< from there to the end */
};
/** @cond */
typedef const struct mem_heap_view *mem__view;

#define mem__ref mem_at
#define mem__heap(v) ((v)->heap)
#define mem__cache(v, i) ((v)->caches + (i))
#define mem__caches(v) ((v)->all)
#define mem__cpus(v) ((v)->cpus)
#define mem__page(v, i) ((v)->pages + (i))
#define mem__base(v) ((v)->base)
#define mem__total(v) ((v)->total)
#define mem__bits(v) ((v)->bits)
#define mem__inside(v, unit, bytes)                                                                \
	((unsigned int)(unit) - (v)->first < (v)->units &&                                         \
	 (v)->units - ((unsigned int)(unit) - (v)->first) >= ((bytes) + 15) / 16)
/** @endcond */
#endif

/** @cond */
/* Only a unit's 28 bits count: shifted, what is above them is above an address's low half. */
#ifdef __bpf__
#define mem__item(v, unit) ((void)(v), (struct mem_item __arena *)((unsigned long)(unit) << 4))
#else
#define mem__item(v, unit) mem_at(struct mem_item, mem__heap(v), (unsigned int)(unit) << 4)
#endif

/* A look at a block that somebody may just have allocated: whoever looks finds out later. */
#if !defined(__bpf__) && defined(__SANITIZE_THREAD__)
#define MEM__UNCHECKED static __attribute__((noinline, no_sanitize_thread, unused))
#else
#define MEM__UNCHECKED MEM_INLINE
#endif
MEM__UNCHECKED unsigned int mem__peek(const unsigned int __arena *p)
{
	return *(const volatile unsigned int __arena *)p;
}

/* A program's functions are checked by the verifier once, not at every call. They take no pointers. */
#ifdef __bpf__
#define MEM__PROGRAM __attribute__((weak, noinline))
typedef unsigned long long mem__handle;
#define mem__handle_view(handle) ((struct mem_heap __arena *)(handle))
#define mem__view_handle(v) ((unsigned long long)(v))
#else
#define MEM__PROGRAM MEM_CALLED
typedef mem__view mem__handle;
#define mem__handle_view(handle) (handle)
#define mem__view_handle(v) (v)
#endif

/* One loop that must come to an end even if others always get in between. */
#ifdef __bpf__
#define MEM__TRIES 16
#else
#define MEM__TRIES 10000
#endif
/** @endcond */

#endif /* MEM_HEAP_H */
