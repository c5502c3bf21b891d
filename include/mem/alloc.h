/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Allocate memory in an arena, from programs and applications alike.
 *
 *     MEM_ARENA(arena, 100000);
 *     MEM_ARENA_VAR struct mem_heap heap;                  in the program's source
 *
 *     mem_heap_create(region, &skel->arena->heap, NULL);   in the application, after prepare
 *
 *     struct node __arena *node = mem_new(&heap, struct node);         in programs
 *     struct node *node = mem_new(&skel->arena->heap, struct node);    in the application
 *     mem_free(&heap, node);                               on either side, whoever allocated it
 *
 * Memory is not cleared. It is aligned to 16 bytes. An allocation fails (NULL, and `failed` counts it)
 * when the class, the four above it and the populated pages have nothing left; it never waits.
 *
 * Each CPU has a cache for programs. It is changed by compare-and-swap only, so a program may be
 * interrupted by another on the same CPU, at any instruction, in any context including NMI, or be
 * preempted by one. Each thread of an application has a cache too, which no other touches. A cache
 * has at most two chains of a class, some 16 KiB; what is more goes to the depots, for everybody:
 * mem/depot.h. How memory is laid out: mem/heap.h.
 *
 * What a killed application leaves: its threads' caches, until mem_heap_recover() gives them back;
 * each free block is then in exactly one place again. A block it had allocated itself and linked
 * nowhere stays allocated. Programs never wait for an application, dead or stopped.
 *
 * Memory that was freed stays readable, and is never given back to the kernel: a reader without a
 * lock finds other contents, not a fault. That is what the readers of mem/hash.h build on.
 *
 * Application: not in signal handlers, unless the thread does nothing else with the heap. Its view of
 * the heap's layout is taken when a thread first uses it and is not believed afterwards: whatever is
 * written into the heap, the application neither crashes nor loops for ever in here.
 *
 * Linux 6.10 on x86, where programs may use atomic instructions on arena memory.
 */
#ifndef MEM_ALLOC_H
#define MEM_ALLOC_H

#include <mem/heap.h>
#include <mem/span.h>
#ifndef __bpf__
#include <mem/heap_app.h>
#endif
#include <mem/check.h>

/** @cond */
MEM_INLINE struct mem_magazine __arena *mem__magazine(mem__view v, unsigned int cache, unsigned int c)
{
	return &mem__cache(v, cache)->magazine[c];
}

/* An item of a depot, or of fresh pages if there may be some. */
MEM_INLINE unsigned int mem__item_take(mem__view v, unsigned int c, unsigned int self, int fresh)
{
	unsigned int kept = fresh ? mem__depot_kept(v, c) : 0;
	unsigned int unit = mem__depot_take(mem__view_handle(v), c, self, kept);

	if (!unit && fresh)
		unit = mem__span_take(mem__view_handle(v), c, self);
	if (!unit && kept)
		unit = mem__depot_take(mem__view_handle(v), c, self, 0);
	return unit;
}

/* One block of class c, without a cache. From the depot only if there are to be no fresh pages. */
MEM_INLINE unsigned int mem__take_one(mem__handle handle, unsigned int c, unsigned int self, int fresh)
{
	mem__view v = mem__handle_view(handle);
	unsigned int unit = mem__item_take(v, c, self, fresh), rest;

	if (!unit)
		return 0;
	rest = (unsigned int)(mem__item_open(mem__view_handle(v), c, unit, 1) >> 32);
	if (self)
		mem__hand_set(mem__cache(v, self - 1), rest ? MEM__HAND_PUSH : MEM__HAND_NONE, rest);
	if (rest)
		mem__depot_push(mem__view_handle(v), c, self, rest);
	return unit;
}

/* There is nothing of class c: something larger, or the end. */
MEM_INLINE unsigned int mem__take_larger(mem__handle handle, unsigned int c, unsigned int self)
{
	mem__view v = mem__handle_view(handle);
	unsigned int unit, i;

	for (i = 1; i <= 4 && c + i < MEM_HEAP_CLASSES; i++) {
		unit = mem__take_one(mem__view_handle(v), c + i, self, 0);
		if (unit)
			return unit;
	}
	mem_add(&mem__heap(v)->failed, 1ULL);
	return 0;
}

/* A block that no cache is for. */
MEM__PROGRAM unsigned int mem__alloc_direct(mem__handle handle, unsigned int c, unsigned int self)
{
	mem__view v = mem__handle_view(handle);
	unsigned int unit;

	if (c >= MEM_HEAP_CLASSES) {
		mem_add(&mem__heap(v)->failed, 1ULL);
		return 0;
	}
	unit = mem__take_one(mem__view_handle(v), c, self, 1);
	return unit ? unit : mem__take_larger(mem__view_handle(v), c, self);
}

MEM__PROGRAM int mem__free_direct(mem__handle handle, unsigned int c, unsigned int self,
				  unsigned int unit)
{
	mem__view v = mem__handle_view(handle);

	if (c >= MEM_HEAP_CLASSES)
		return 0;
	mem_store(&mem__item(v, unit)->next, 0U);
	mem_store(&mem__item(v, unit)->count, 1U);
	mem_store(&mem__item(v, unit)->kind, MEM_ITEM_CHAIN);
	if (self)
		mem__hand_set(mem__cache(v, self - 1), MEM__HAND_PUSH, unit);
	mem__depot_push(mem__view_handle(v), c, self, unit);
	return 0;
}

/*
 * Program: the CPU's chain is empty. One block, and more for the chain: the spare chain, or an item of
 * the depot, or of fresh pages.
 */
MEM__PROGRAM unsigned int mem__refill_program(mem__handle handle, unsigned int c, unsigned int cache)
{
	mem__view v = mem__handle_view(handle);
	struct mem_magazine __arena *magazine;
	unsigned long long word, opened;
	unsigned int unit, count, rest;

	if (c >= MEM_HEAP_CACHED)
		return 0;
	magazine = mem__magazine(v, cache, c);
	word = mem_xchg(&magazine->spare, 0ULL);
	unit = word & MEM__UNIT;
	count = MEM__COUNT(word);
	if (!unit) {
		unit = mem__item_take(v, c, 0, 1);
		if (!unit)
			return mem__take_larger(mem__view_handle(v), c, 0);
		opened = mem__item_open(mem__view_handle(v), c, unit, mem_class_batch(c));
		count = (unsigned int)opened;
		rest = (unsigned int)(opened >> 32);
		if (rest)
			mem__depot_push(mem__view_handle(v), c, 0, rest);
	}
	rest = mem__chain_rest(v, unit, count);
	if (!rest)
		return unit;
	word = mem_load(&magazine->hot);
	/* An interrupting program may have put a chain there. */
	if (word & MEM__UNIT ||
	    mem_cas(&magazine->hot, word,
		    ((word >> 38) + 1) << 38 | (count - 1) * MEM__COUNT_1 | rest) != word)
		mem__depot_push(mem__view_handle(v), c, 0, rest);
	return unit;
}

/* Program: the CPU's chain is full. It becomes the spare one, which goes to the depot. */
MEM__PROGRAM int mem__flush_program(mem__handle handle, unsigned int c, unsigned int cache)
{
	mem__view v = mem__handle_view(handle);
	struct mem_magazine __arena *magazine;
	unsigned long long word;
	unsigned int unit;

	if (c >= MEM_HEAP_CACHED)
		return 0;
	magazine = mem__magazine(v, cache, c);
	word = mem_load(&magazine->hot);
	unit = word & MEM__UNIT;
	if (MEM__COUNT(word) < mem_class_batch(c) || mem_cas(&magazine->hot, word, ((word >> 38) + 1) << 38) != word)
		return 0;
	mem_store(&mem__item(v, unit)->count, MEM__COUNT(word));
	mem_store(&mem__item(v, unit)->kind, MEM_ITEM_CHAIN);
	word = mem_xchg(&magazine->spare, word & (MEM__TAG_1 - 1));
	if (word & MEM__UNIT)
		mem__depot_push(mem__view_handle(v), c, 0, word & MEM__UNIT);
	return 0;
}

/*
 * One attempt inline; whoever is interrupted in the middle of it goes the long way. How fast it is depends on
 * the number of steps from one compare-and-swap to the next: the compiler is kept from putting others between.
 */
MEM_INLINE unsigned int mem__alloc_program(mem__view v, unsigned int c, unsigned int cache)
{
	unsigned long long __arena *hot = &mem__magazine(v, cache, c)->hot;
	unsigned long long word = mem_load(hot), next; /* what follows depends on it */

	if (!(word & MEM__UNIT))
		return mem__refill_program(mem__view_handle(v), c, cache);
	next = (word & ~MEM__UNIT) + MEM__TAG_1 - MEM__COUNT_1;
	mem__apart(next);
	next |= mem__peek(&mem__item(v, word)->next);
	if (mem_cas(hot, word, next) != word)
		return mem__refill_program(mem__view_handle(v), c, cache);
	return word & MEM__UNIT;
}

/* 1, or 0: full, or interrupted. */
MEM_INLINE int mem__free_try(mem__view v, unsigned int c, unsigned int cache, unsigned int unit)
{
	unsigned long long __arena *hot = &mem__magazine(v, cache, c)->hot;
	unsigned long long word = mem_load(hot), step = unit + (MEM__TAG_1 + MEM__COUNT_1);

	if (MEM__COUNT(word) >= mem_class_batch(c))
		return 0;
	mem__apart(step);
	mem_store(&mem__item(v, unit)->next, (unsigned int)(word & MEM__UNIT));
	if (mem_cas(hot, word, (word & ~MEM__UNIT) + step) != word)
		return 0;
	return 1;
}

MEM__PROGRAM int mem__free_again(mem__handle handle, unsigned int c, unsigned int cache,
				 unsigned int unit)
{
	mem__view v = mem__handle_view(handle);

	if (c >= MEM_HEAP_CACHED)
		return 0;
	mem__flush_program(handle, c, cache);
	if (!mem__free_try(v, c, cache, unit))
		mem__free_direct(handle, c, 0, unit);
	return 0;
}

MEM_INLINE void mem__free_program(mem__view v, unsigned int c, unsigned int cache, unsigned int unit)
{
	if (!mem__free_try(v, c, cache, unit))
		mem__free_again(mem__view_handle(v), c, cache, unit);
}

#ifndef __bpf__
/* A thread's own chain is empty. */
MEM_CALLED unsigned int mem__refill_thread(mem__view v, unsigned int c)
{
	struct mem_magazine *magazine = &v->cache->magazine[c];
	unsigned long long opened;
	unsigned int unit, rest;

	opened = mem_load(&magazine->spare);
	if (opened) {
		mem_store(&magazine->hot, opened);
		mem_order();
		mem_store(&magazine->spare, 0ULL);
		return 1;
	}
	unit = mem__item_take(v, c, v->self, 1);
	if (!unit)
		return 0;
	opened = mem__item_open(mem__view_handle(v), c, unit, mem_class_batch(c));
	rest = (unsigned int)(opened >> 32);
	mem_store(&magazine->hot, (opened & 0xffffffff) * MEM__COUNT_1 | unit);
	mem__hand_set(v->cache, rest ? MEM__HAND_PUSH : MEM__HAND_NONE, rest);
	if (rest)
		mem__depot_push(mem__view_handle(v), c, v->self, rest);
	return 1;
}

/* A thread's own chain is full. At each moment the chains are in the hand or in the magazine. */
MEM_CALLED void mem__flush_thread(mem__view v, unsigned int c)
{
	struct mem_magazine *magazine = &v->cache->magazine[c];
	unsigned int unit = mem_load(&magazine->spare) & MEM__UNIT;
	unsigned long long hot = mem_load(&magazine->hot);

	if (unit && mem__inside(v, unit, sizeof(struct mem_item))) {
		mem__hand_set(v->cache, MEM__HAND_PUSH, unit);
		mem_order();
		mem_store(&magazine->spare, 0ULL);
		mem__depot_push(mem__view_handle(v), c, v->self, unit);
	}
	unit = hot & MEM__UNIT;
	if (mem__inside(v, unit, sizeof(struct mem_item))) {
		mem_store(&mem__item(v, unit)->count, MEM__COUNT(hot));
		mem_store(&mem__item(v, unit)->kind, MEM_ITEM_CHAIN);
		mem_order();
		mem_store(&magazine->spare, hot);
		mem_order();
	}
	mem_store(&magazine->hot, 0ULL);
}

MEM_INLINE unsigned int mem__alloc_thread(mem__view v, unsigned int c)
{
	unsigned long long *hot = &v->cache->magazine[c].hot, word = mem_load(hot);
	unsigned int next;

	if (!(word & MEM__UNIT)) {
		if (!mem__refill_thread(v, c))
			return mem__take_larger(mem__view_handle(v), c, v->self);
		word = mem_load(hot);
	}
	if (!mem__inside(v, word & MEM__UNIT, sizeof(struct mem_item)))
		return 0;
	next = mem_load(&mem__item(v, word)->next) & MEM__UNIT;
	mem_store(hot, next ? ((word & ~MEM__UNIT) - MEM__COUNT_1) | next : 0);
	return word & MEM__UNIT;
}

MEM_INLINE void mem__free_thread(mem__view v, unsigned int c, unsigned int unit)
{
	unsigned long long *hot = &v->cache->magazine[c].hot, word = mem_load(hot);

	if (MEM__COUNT(word) >= mem_class_batch(c)) {
		mem__flush_thread(v, c);
		word = 0;
	}
	mem_store(&mem__item(v, unit)->next, (unsigned int)(word & MEM__UNIT));
	mem_order();
	mem_store(hot, ((word & ~MEM__UNIT) + MEM__COUNT_1) | unit);
}
#endif

/* Whose cache: a program's CPU, or the thread's own. */
#ifdef __bpf__
MEM_INLINE unsigned int mem__cpu(mem__view v)
{
	unsigned int cpu = bpf_get_smp_processor_id();

	return cpu < mem__cpus(v) ? cpu : 0;
}
#define mem__alloc_class(v, c)                                                                     \
	((c) < MEM_HEAP_CACHED ? mem__alloc_program(v, c, mem__cpu(v))                             \
			       : mem__alloc_direct(mem__view_handle(v), c, 0))
#define mem__free_class(v, c, unit)                                                                \
	do {                                                                                       \
		if ((c) < MEM_HEAP_CACHED)                                                         \
			mem__free_program(v, c, mem__cpu(v), unit);                                \
		else                                                                               \
			mem__free_direct(mem__view_handle(v), c, 0, unit);                         \
	} while (0)
/* An address in a register: for each field of a variable the compiler would compute one of its own. */
MEM_INLINE mem__view mem__view_of(struct mem_heap __arena *heap)
{
	__asm__("" : "+r"(heap));
	return heap;
}
/* All parts of a heap that is not ready are at address 0 and have no blocks: nothing goes wrong. */
#define mem__is_view(v) ((void)(v), 1)
/* What a program does at address 0 stays in the arena. */
#define mem__given(p) ((void)(p), 1)
#else
#define mem__alloc_class(v, c)                                                                     \
	((c) < MEM_HEAP_CACHED ? mem__alloc_thread(v, c) : mem__alloc_direct(v, c, (v)->self))
#define mem__free_class(v, c, unit)                                                                \
	do {                                                                                       \
		if ((c) < MEM_HEAP_CACHED)                                                         \
			mem__free_thread(v, c, unit);                                              \
		else                                                                               \
			mem__free_direct(v, c, (v)->self, unit);                                   \
	} while (0)
#define mem__view_of(heap) mem_heap_view(heap)
#define mem__is_view(v) ((v) != NULL)
#define mem__given(p) ((p) != NULL)
#endif

MEM__PROGRAM unsigned int mem__alloc_checked(mem__handle handle, unsigned int size, unsigned int site)
{
	mem__view v = mem__handle_view(handle);
	unsigned int c = mem_class((unsigned long)size + sizeof(struct mem_guard)), unit;
	unsigned int entry;

	if (!mem__is_layout(v)) /* nothing of it is where we would look */
		return 0;
	unit = mem__alloc_class(v, c);
	if (!unit)
		return 0;
	/* It may be of a larger class. */
	entry = mem_load(mem__page(v, ((unit << 4) - mem__base(v)) / MEM_HEAP_PAGE));
	c = MEM__PAGE_CLASS(entry) < MEM_HEAP_CLASSES ? MEM__PAGE_CLASS(entry) : c;
	mem__check_taken(mem__view_handle(v), c, unit, size, site);
	return unit;
}

/* Everything but the free of a block that has a cache, in a heap without checks. */
MEM__PROGRAM int mem__free_slowly(mem__handle handle, unsigned int c, unsigned int low,
				  unsigned int site)
{
	mem__view v = mem__handle_view(handle);

	if (!mem__is_layout(v))
		return 0;
	if (low & 15 || c >= MEM_HEAP_CACHED || mem__checks(v)) {
		if (!mem__check_freed(mem__view_handle(v), c, low, site))
			return 0;
	}
	mem__free_class(v, c, low >> 4);
	return 0;
}

/* A size that is no constant, and that the verifier may know bit by bit: a loop's counter. Checked once. */
#ifdef __bpf__
MEM__PROGRAM unsigned int mem__class_of(unsigned long size)
{
	return mem_class(size);
}
#define mem__size_class(size) (__builtin_constant_p(size) ? mem_class(size) : mem__class_of(size))
#else
#define mem__size_class(size) mem_class(size)
#endif

MEM_INLINE void __arena *mem__alloc(struct mem_heap __arena *heap, unsigned long size,
				    unsigned int site)
{
	mem__view v = mem__view_of(heap);
	unsigned int unit, c;

	if (!mem__is_view(v))
		return NULL;
	c = mem__size_class(size);
	if (mem_load(&mem__heap(v)->checks) != MEM__UNCHECKED_HEAP)
		unit = mem__alloc_checked(mem__view_handle(v), size > ~0U ? ~0U : (unsigned int)size, site);
	else
		unit = mem__alloc_class(v, c);
	/* what a free block says about itself may be wrong */
	if (!unit || !mem__inside(v, unit, size))
		return NULL;
	heap = mem_at(struct mem_heap, heap, unit << 4);
	if (!heap)
		__builtin_unreachable();
	return heap;
}

MEM_INLINE void mem__free(struct mem_heap __arena *heap, void __arena *p, unsigned int site)
{
	mem__view v = mem__view_of(heap);
	unsigned int low = mem_low(p), page, c;

	if (!p || !mem__is_view(v))
		return;
	page = (low - mem__base(v)) / MEM_HEAP_PAGE;
	c = page < mem__total(v) ? MEM__PAGE_CLASS(mem_load(mem__page(v, page))) : ~0U;
	if (low & 15 || c >= MEM_HEAP_CACHED || mem_load(&mem__heap(v)->checks) != MEM__UNCHECKED_HEAP)
		mem__free_slowly(mem__view_handle(v), c, low, site);
#ifdef __bpf__
	else
		mem__free_program(v, c, mem__cpu(v), low >> 4);
#else
	else
		mem__free_thread(v, c, low >> 4);
#endif
}
/** @endcond */

/**
 * @brief Allocate memory.
 * @param heap  a heap that is ready; one that is not, or has another layout than these headers know, gives NULL
 * @param size  bytes, up to 1 GiB; 0 is 1
 * @return memory of both sides, not cleared, aligned to 16 bytes; NULL: there is none
 */
#define mem_alloc(heap, size) mem__alloc(heap, size, MEM_SITE)

/** Allocate one object of a type: `struct node __arena *n = mem_new(&heap, struct node);` */
#define mem_new(heap, type) ((type __arena *)mem__alloc(heap, sizeof(type), MEM_SITE))

/**
 * @brief Free memory.
 * @param heap  that it came from
 * @param p     from mem_alloc() of either side; NULL does nothing. What is not from there is counted
 *              (`bad_frees`) if it can be told, and left alone.
 */
#define mem_free(heap, p) mem__free(heap, p, MEM_SITE)

#ifndef __bpf__
/** @cond */
/* Why an allocation gave nothing. */
MEM_INLINE int mem__no_memory(struct mem_heap *heap)
{
	return mem__view_of(heap) ? -ENOMEM : -errno;
}
/** @endcond */
#endif

#ifdef __bpf__
/** @cond */
MEM_INLINE int mem__heap_extend(void *map, struct mem_heap __arena *heap, unsigned int pages)
{
	unsigned int present;
	int err;

	if (mem_load(&heap->magic) != MEM_HEAP_MAGIC)
		return -MEM_EINVAL;
	if (!mem__is_layout(heap))
		return -MEM_ESTALE;
	if (mem_trylock(&heap->grower))
		return -MEM_EBUSY;
	present = mem_load(&heap->present);
	err = -MEM_ENOSPC;
	if (pages && pages <= mem_load(&heap->total) - present) {
		err = -MEM_ENOMEM;
		if (bpf_arena_alloc_pages___mem(map,
						mem_at(void, heap, mem_load(&heap->base) +
								   present * MEM_HEAP_PAGE),
						pages, -1, 0)) {
			mem_store_release(&heap->present, present + pages);
			err = 0;
		}
	}
	mem_unlock(&heap->grower);
	return err;
}
/** @endcond */

/**
 * @brief A program's own way to give a heap fresh pages: mem_heap_extend(arena, &heap, pages).
 *
 * Sleepable programs only; from Linux 7.0 on in every program. On kernels with pages of 4096 bytes: where they are
 * larger (arm64 has some), a program can't say how many it wants, and gets -ENOMEM sooner or later.
 * mem_heap_refill() is the application's, and works there, too.
 *
 * @param map    the arena's name
 * @param heap   a heap in it
 * @param pages  of 4096 bytes
 * @return 0; -EBUSY somebody else is at it; -ENOSPC so many do not fit; -ENOMEM; -EINVAL not a heap; -ESTALE one of
 *         another layout
 */
#define mem_heap_extend(map, heap, pages) mem__heap_extend(&(map), heap, pages)
#endif

#endif /* MEM_ALLOC_H */
