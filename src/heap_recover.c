/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a thread leaves behind in its cache goes back to everybody.
 *
 * A thread may have died at any instruction of mem/alloc.h. Its free blocks are then in its hand, in
 * its chains, or, in the middle of a move from one to the other, in two of them: the hand counts, for
 * what it has is whole; of two equal chains one counts. Its claim on a depot is brought to its end
 * first, so that the hand says what happened. We go on in its name, so we may die as well.
 */
#include <errno.h>

#include "heap.h"
#include "thread.h"

static void finish_claims(const struct mem_heap_view *view)
{
	for (unsigned int i = 0; i < MEM_HEAP_DEPOTS * MEM_HEAP_CLASSES; i++) {
		unsigned long long word = mem_load_acquire(&view->heap->depot[i]);

		if (MEM__CLAIMED(word) == view->self)
			mem__depot_help(view, i, word);
	}
}

/* A page that the thread meant to claim: its span if it did, 0 if another was faster. */
static unsigned int finish_span(const struct mem_heap_view *view, unsigned int page)
{
	unsigned int entry, c;

	if (page >= view->total)
		return 0;
	entry = mem_load(mem__page(view, page));
	c = MEM__PAGE_CLASS(entry);
	if (!(entry & MEM__PAGE_HEAD) || MEM__PAGE_WHO(entry) != view->self || c >= MEM_HEAP_CLASSES)
		return 0;
	mem_cas(&view->heap->fresh, page, page + mem_class_pages(c));
	return mem__span_make(view, c, page);
}

static unsigned int unit_class(const struct mem_heap_view *view, unsigned int unit)
{
	unsigned int page = ((unit << 4) - view->base) / MEM_HEAP_PAGE;

	return page < view->total ? MEM__PAGE_CLASS(mem_load(mem__page(view, page))) : ~0U;
}

/* The hand's item is also in a chain: forget the chain. Then push it. */
static void empty_hand(const struct mem_heap_view *view)
{
	unsigned long long hand = mem_load_acquire(&view->cache->hand);
	unsigned int unit = hand & MEM__UNIT, c;
	struct mem_magazine *magazine;

	if (MEM__HAND_KIND(hand) == MEM__HAND_NONE)
		return;
	if (MEM__HAND_KIND(hand) == MEM__HAND_FRESH)
		unit = finish_span(view, unit >> 8);
	c = unit_class(view, unit);
	if (!mem__inside(view, unit, sizeof(struct mem_item)) || c >= MEM_HEAP_CLASSES) {
		mem__hand_set(view->cache, MEM__HAND_NONE, 0);
		return;
	}
	mem__hand_set(view->cache, MEM__HAND_PUSH, unit);
	if (c < MEM_HEAP_CACHED) {
		magazine = &view->cache->magazine[c];
		if ((mem_load(&magazine->hot) & MEM__UNIT) == unit)
			mem_store(&magazine->hot, 0ULL);
		if ((mem_load(&magazine->spare) & MEM__UNIT) == unit)
			mem_store(&magazine->spare, 0ULL);
	}
	mem_order();
	mem__depot_push(view, c, view->self, unit);
}

static void empty_chain(const struct mem_heap_view *view, unsigned int c, unsigned long long *chain)
{
	unsigned long long word = mem_load(chain);
	unsigned int unit = word & MEM__UNIT;

	if (!mem__inside(view, unit, sizeof(struct mem_item))) {
		mem_store(chain, 0ULL);
		return;
	}
	mem_store(&mem__item(view, unit)->count, MEM__COUNT(word));
	mem_store(&mem__item(view, unit)->kind, MEM_ITEM_CHAIN);
	mem__hand_set(view->cache, MEM__HAND_PUSH, unit);
	mem_order();
	mem_store(chain, 0ULL);
	mem_order();
	mem__depot_push(view, c, view->self, unit);
}

void heap_cache_empty(const struct mem_heap_view *view)
{
	finish_claims(view);
	empty_hand(view);
	for (unsigned int c = 0; c < MEM_HEAP_CACHED; c++) {
		struct mem_magazine *magazine = &view->cache->magazine[c];

		if (mem_load(&magazine->hot) == mem_load(&magazine->spare))
			mem_store(&magazine->spare, 0ULL);
		empty_chain(view, c, &magazine->hot);
		empty_chain(view, c, &magazine->spare);
	}
}

int mem_heap_recover(struct mem_heap *heap)
{
	struct mem_heap_view view;
	uint64_t self = thread_owner();
	int err, recovered = 0;

	err = heap_describe(heap, &view);
	if (err)
		return err;
	for (unsigned int i = view.cpus; i < view.all; i++) {
		unsigned long long owner = mem_load(&view.caches[i].owner);

		if (!owner || owner == self || thread_owner_lives(owner) ||
		    mem_cas(&view.caches[i].owner, owner, self) != owner)
			continue;
		view.cache = &view.caches[i];
		view.self = i + 1;
		heap_cache_empty(&view);
		mem_store_release(&view.cache->owner, 0ULL);
		recovered++;
	}
	return recovered;
}
