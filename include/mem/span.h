/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief From pages to spans, and from items to chains. For mem/alloc.h.
 *
 * Fresh pages become spans in order. The page table is what counts: whoever changes the entry of page
 * `fresh` from 0 has the span, and `fresh` follows, moved by the winner or by whoever is in need of it.
 * So an application's thread that died in between leaves an entry with its name, and its hand says
 * where to look.
 */
#ifndef MEM_SPAN_H
#define MEM_SPAN_H

#include <mem/depot.h>

/** @cond */
/* Name the pages of a new span, and make a range of it: its unit. */
MEM_INLINE unsigned int mem__span_make(mem__view v, unsigned int c, unsigned int page)
{
	unsigned int unit = (mem__base(v) >> 4) + (page << 8), i;
	struct mem_item __arena *item = mem__item(v, unit);

	for (i = 1; i < 7 && i < mem_class_pages(c) && page + i < mem__total(v); i++)
		mem_store(mem__page(v, page + i), (c + 1) | i << 8);
	mem_store(&item->count, mem_class_blocks(c));
	mem_store(&item->kind, MEM_ITEM_RANGE);
	return unit;
}

/* A span of fresh pages as an item, which is then the caller's (in the hand of self); 0: no pages. */
MEM__PROGRAM unsigned int mem__span_take(mem__handle handle, unsigned int c, unsigned int self)
{
	mem__view v = mem__handle_view(handle);
	struct mem_heap __arena *heap = mem__heap(v);
	unsigned int need = mem_class_pages(c), page, present, entry, unit;
	int i;

	for (i = 0; i < MEM__TRIES; i++) {
		present = mem_load_acquire(&heap->present);
		page = mem_load_acquire(&heap->fresh);
		if (present > mem__total(v) || page >= present || present - page < need)
			break;
		if (self)
			mem__hand_set(mem__cache(v, self - 1), MEM__HAND_FRESH, page << 8);
		entry = mem_cas(mem__page(v, page), 0U, (c + 1) | self << 8 | MEM__PAGE_HEAD);
		if (entry) { /* somebody else's: step over it */
			entry = MEM__PAGE_CLASS(entry) < MEM_HEAP_CLASSES ? MEM__PAGE_CLASS(entry) : 0;
			mem_cas(&heap->fresh, page, page + mem_class_pages(entry));
			continue;
		}
		mem_cas(&heap->fresh, page, page + need);
		unit = mem__span_make(v, c, page);
		if (self)
			mem__hand_set(mem__cache(v, self - 1), MEM__HAND_TAKEN, unit);
		return unit;
	}
	if (self)
		mem__hand_set(mem__cache(v, self - 1), MEM__HAND_NONE, 0);
	return 0;
}

/* A chain's first block leaves it: make an item of the others. Its unit, 0 if there are none. */
MEM_INLINE unsigned int mem__chain_rest(mem__view v, unsigned int unit, unsigned int count)
{
	unsigned int rest = mem_load(&mem__item(v, unit)->next) & MEM__UNIT;

	if (count < 2 || !rest || !mem__inside(v, rest, sizeof(struct mem_item)))
		return 0;
	mem_store(&mem__item(v, rest)->count, count - 1);
	mem_store(&mem__item(v, rest)->kind, MEM_ITEM_CHAIN);
	return rest;
}

/* Link the first blocks of a range, at most limit. The unit of what is left, 0 if nothing is. */
MEM_INLINE unsigned int mem__range_link(mem__view v, unsigned int unit, unsigned int step,
					unsigned int count, unsigned int limit)
{
	unsigned int i;

	for (i = 1; i < 64 && i < limit && i < count; i++) {
		mem_store(&mem__item(v, unit)->next, unit + step);
		unit += step;
	}
	mem_store(&mem__item(v, unit)->next, 0U);
	if (i >= count)
		return 0;
	unit += step;
	mem_store(&mem__item(v, unit)->count, count - i);
	mem_store(&mem__item(v, unit)->kind, MEM_ITEM_RANGE);
	return unit;
}

/*
 * Make a chain of an item: all of it, or the first `limit` blocks of a range, or one. Returns how
 * many blocks, and << 32 the unit of what is left, an item of its own, or 0.
 */
MEM__PROGRAM unsigned long long mem__item_open(mem__handle handle, unsigned int c, unsigned int unit,
					     unsigned int limit)
{
	mem__view v = mem__handle_view(handle);
	struct mem_item __arena *item = mem__item(v, unit);
	unsigned int count = mem_load(&item->count), step = mem_class_size(c) >> 4, rest;
	int range = mem_load(&item->kind) == MEM_ITEM_RANGE;

	if (!count || count > (range ? 1024 : 64) ||
	    (range && !mem__inside(v, unit, (unsigned long)count * step * 16)))
		count = 1; /* not what we wrote there: trust no more of it */
	if (!range) {
		rest = limit == 1 ? mem__chain_rest(v, unit, count) : 0;
		return (unsigned long long)rest << 32 | (limit == 1 ? 1 : count);
	}
	rest = mem__range_link(v, unit, step, count, limit);
	return (unsigned long long)rest << 32 | (limit < count ? limit : count);
}
/** @endcond */

#endif /* MEM_SPAN_H */
