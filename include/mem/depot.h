/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Depots: where caches get items from and bring them back to. For mem/alloc.h.
 *
 * A depot is a stack of items in one word, so every change is one compare-and-swap, by anybody, in
 * any context:
 *
 *     63    41 40   39        28 27            0
 *     | tag   | push | claimed by | top item     |     claimed by: cache + 1, or 0
 *
 * Each class has MEM_HEAP_DEPOTS of them. Everybody pushes to the one of his CPU or cache, takes from
 * there first, and from the others when it is empty: blocks stay in the caches of the CPU that had them.
 * Two CPUs that together have just enough would go on taking from each other for ever. So small blocks are
 * taken from fresh pages as long as there are plenty, before the last items of another's depot are. Each item knows
 * how many are below it, up to 14, in the upper bits of the word with its successor.
 *
 * The tag grows with each change, so that a top item which left and came back is not mistaken.
 *
 * A program simply takes or pushes: nothing kills it half way. An application's thread may die at any
 * instruction, and whoever clears up after it must know of each item whether it was the dead
 * thread's. So it works in three steps, which any other may finish for it:
 *
 *     take    1  word: claimed by the thread
 *             2  the thread's hand: from nothing to "taken: top item"
 *             3  word: the next item, claimed by nobody
 *     push    0  the thread's hand: "push: item"
 *             1  word: the item on top, claimed by the thread, to push
 *             2  hand: from "push: item" to nothing
 *             3  word: claimed by nobody
 *
 * Whoever finds a claim does 2 and 3 and then its own work: nobody waits for a thread that is stopped
 * or dead. At any time, an item that a dead thread dealt with is in its hand or in the depot, never
 * in both and never in neither. The number in the hand tells one use of it from the next, so a late
 * helper fails.
 */
#ifndef MEM_DEPOT_H
#define MEM_DEPOT_H

#include <mem/heap.h>

/** @cond */
#define MEM__PUSHING (1ULL << 40)
#define MEM__CLAIM(self) ((unsigned long long)(self) << 28)
#define MEM__CLAIMED(word) ((unsigned int)((word) >> 28) & 0xfff)
/* The tag after that of word. */
#define MEM__TAG(word) ((((word) >> 41) + 1) << 41)
/* Items of an item's depot, itself included, as far as it knows; what it says of itself. */
#define MEM__DEPTH(item) ((item) >> 28)
#define MEM__DEPTH_MAX 15U
/* Fresh pages for each item that is not taken from another's depot. */
#define MEM__DEPOT_FRESH 64

#define mem__depot(heap, place) (&(heap)->depot[place])
/* Where a class's items are, by CPU or cache. */
#define mem__depot_place(c, which) ((c) + (which) * MEM_HEAP_CLASSES)
#ifdef __bpf__
#define mem__depot_home(self) (((self) ? (self) : bpf_get_smp_processor_id()) % MEM_HEAP_DEPOTS)
#else
#define mem__depot_home(self) ((self) % MEM_HEAP_DEPOTS)
#endif

MEM_INLINE unsigned long long mem__hand(unsigned long long before, unsigned long long kind,
					unsigned int unit)
{
	return ((before >> 32) + 1) << 32 | kind << 28 | unit;
}

MEM_INLINE void mem__hand_set(struct mem_cache __arena *cache, unsigned long long kind,
			      unsigned int unit)
{
	mem_store_release(&cache->hand, mem__hand(mem_load(&cache->hand), kind, unit));
}

/* Do the rest of what a thread claimed. */
MEM_INLINE int mem__depot_help(mem__handle handle, unsigned int place, unsigned long long word)
{
	mem__view v = mem__handle_view(handle);
	unsigned long long __arena *depot = mem__depot(mem__heap(v), place);
	unsigned int unit = word & MEM__UNIT, who = MEM__CLAIMED(word) - 1, next;
	unsigned long long hand, kind;
	struct mem_cache __arena *cache;

	if (who >= mem__caches(v) || !mem__inside(v, unit, sizeof(struct mem_item)))
		return 0;
	cache = mem__cache(v, who);
	hand = mem_load_acquire(&cache->hand);
	if (mem_load_acquire(depot) != word) /* or the hand is of another time */
		return 0;
	kind = MEM__HAND_KIND(hand);
	if (word & MEM__PUSHING) {
		if (kind == MEM__HAND_PUSH && (hand & MEM__UNIT) == unit)
			mem_cas(&cache->hand, hand, mem__hand(hand, MEM__HAND_NONE, 0));
		mem_cas(depot, word, MEM__TAG(word) | unit);
		return 0;
	}
	next = mem__peek(&mem__item(v, unit)->item) & MEM__UNIT;
	if (kind == MEM__HAND_NONE)
		mem_cas(&cache->hand, hand, mem__hand(hand, MEM__HAND_TAKEN, unit));
	mem_cas(depot, word, MEM__TAG(word) | next);
	return 0;
}

/* The top item of one depot, which is then the caller's; 0 if there are no more than `kept`. */
MEM__PROGRAM unsigned int mem__depot_pop(mem__handle handle, unsigned int place, unsigned int self,
					 unsigned int kept)
{
	mem__view v = mem__handle_view(handle);
	unsigned long long __arena *depot = mem__depot(mem__heap(v), place);
	unsigned long long word, then;
	unsigned int unit, item;
	int i;

	for (i = 0; i < MEM__TRIES; i++) {
		word = mem_load_acquire(depot);
		if (MEM__CLAIMED(word)) {
			mem__depot_help(mem__view_handle(v), place, word);
			continue;
		}
		unit = word & MEM__UNIT;
		if (!unit || !mem__inside(v, unit, sizeof(struct mem_item)))
			return 0;
		item = mem__peek(&mem__item(v, unit)->item);
		if (kept && MEM__DEPTH(item) <= kept) /* or it has just been taken: so be it */
			return 0;
		then = MEM__TAG(word);
		then |= self ? MEM__CLAIM(self) | unit : item & MEM__UNIT;
		if (mem_cas(depot, word, then) != word)
			continue;
		if (self)
			mem__depot_help(mem__view_handle(v), place, then);
		return unit;
	}
	mem_add(&mem__heap(v)->busy, 1ULL);
	return 0;
}

/* How many items to leave in the depots of others. */
MEM_INLINE unsigned int mem__depot_kept(mem__view v, unsigned int c)
{
	unsigned int present = mem_load(&mem__heap(v)->present), fresh = mem_load(&mem__heap(v)->fresh);

	fresh = (fresh < present ? present - fresh : 0) / MEM__DEPOT_FRESH;
	return c > mem_class(1024) ? 0 : fresh < MEM__DEPTH_MAX ? fresh : MEM__DEPTH_MAX;
}

/*
 * The top item of a class's depots, which is then the caller's; 0 if all are empty, but for `kept` items of those
 * that are not the caller's. self: 0 a program, else the number of the thread's cache, plus 1, and the item is in
 * its hand.
 */
MEM_INLINE unsigned int mem__depot_take(mem__handle handle, unsigned int c, unsigned int self, unsigned int kept)
{
	unsigned int home = mem__depot_home(self), unit = 0, i;

	for (i = 0; i < MEM_HEAP_DEPOTS && !unit; i++)
		unit = mem__depot_pop(handle, mem__depot_place(c, (home + i) % MEM_HEAP_DEPOTS), self,
				      i ? kept : 0);
	return unit;
}

/* Put an item, which says what it is, into a depot. It is in the hand of self to be pushed. */
MEM__PROGRAM int mem__depot_push(mem__handle handle, unsigned int c, unsigned int self, unsigned int unit)
{
	mem__view v = mem__handle_view(handle);
	unsigned int place = mem__depot_place(c, mem__depot_home(self));
	unsigned long long __arena *depot = mem__depot(mem__heap(v), place);
	unsigned long long word, then;
	unsigned int top, depth;
	int i;

	for (i = 0; i < MEM__TRIES; i++) {
		word = mem_load_acquire(depot);
		if (MEM__CLAIMED(word)) {
			mem__depot_help(mem__view_handle(v), place, word);
			continue;
		}
		top = word & MEM__UNIT;
		depth = top && mem__inside(v, top, sizeof(struct mem_item))
				? MEM__DEPTH(mem__peek(&mem__item(v, top)->item))
				: 0;
		depth += depth < MEM__DEPTH_MAX;
		mem_store(&mem__item(v, unit)->item, depth << 28 | top);
		then = MEM__TAG(word) | unit;
		if (self)
			then |= MEM__PUSHING | MEM__CLAIM(self);
		if (mem_cas(depot, word, then) != word)
			continue;
		if (self)
			mem__depot_help(mem__view_handle(v), place, then);
		return 0;
	}
	mem_add(&mem__heap(v)->busy, 1ULL);
	return 0;
}
/** @endcond */

#endif /* MEM_DEPOT_H */
