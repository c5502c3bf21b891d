/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting a heap's memory, and proving that its books are in order. Contents are not believed:
 * every walk has a bound, and no unit outside is looked at.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "heap.h"
#include "thread.h"

/* left: items that there can be at all; a damaged heap's may go round in circles. */
static size_t count_depot(const struct mem_heap_view *view, unsigned int place, unsigned int *left)
{
	unsigned int unit = mem_load_acquire(&view->heap->depot[place]) & MEM__UNIT;
	size_t blocks = 0;

	for (; *left && unit; --*left) {
		if (!mem__inside(view, unit, sizeof(struct mem_item)))
			break;
		blocks += mem_load(&mem__item(view, unit)->count);
		unit = mem_load(&mem__item(view, unit)->item) & MEM__UNIT;
	}
	return blocks * mem_class_size(place % MEM_HEAP_CLASSES);
}

static size_t count_cache(const struct mem_cache *cache)
{
	size_t bytes = 0;

	for (unsigned int c = 0; c < MEM_HEAP_CACHED; c++)
		bytes += (MEM__COUNT(mem_load(&cache->magazine[c].hot)) +
			  MEM__COUNT(mem_load(&cache->magazine[c].spare))) * (size_t)mem_class_size(c);
	return bytes;
}

static size_t count_spans(const struct mem_heap_view *view)
{
	uint32_t page = (view->first << 4) - view->base;
	size_t bytes = 0;

	page /= MEM_HEAP_PAGE;
	while (page < view->total) {
		uint32_t entry = mem_load(mem__page(view, page)), c = MEM__PAGE_CLASS(entry);

		if (!entry || c >= MEM_HEAP_CLASSES)
			break;
		bytes += (size_t)mem_class_blocks(c) * mem_class_size(c);
		page += mem_class_pages(c);
	}
	return bytes;
}

int mem_heap_usage(struct mem_heap *heap, struct mem_heap_usage *usage)
{
	struct mem_heap_view view;
	uint32_t present, fresh, left;
	size_t unused;
	int err = heap_describe(heap, &view);

	if (err)
		return err;
	if (!usage)
		return mem__error(EINVAL, "heap at %p: no struct for its usage", (void *)heap);
	left = view.units;
	memset(usage, 0, sizeof(*usage));
	present = mem_load(&heap->present);
	fresh = mem_load(&heap->fresh);
	usage->size = (size_t)view.total * MEM_HEAP_PAGE;
	usage->present = (size_t)present * MEM_HEAP_PAGE;
	usage->books = (size_t)(view.first << 4) - view.base;
	usage->fresh = present > fresh ? (size_t)(present - fresh) * MEM_HEAP_PAGE : 0;
	usage->spans = count_spans(&view);
	for (unsigned int i = 0; i < MEM_HEAP_DEPOTS * MEM_HEAP_CLASSES; i++)
		usage->depots += count_depot(&view, i, &left);
	for (unsigned int i = 0; i < view.all; i++) {
		unsigned long long owner = mem_load(&view.caches[i].owner);

		usage->cached += count_cache(&view.caches[i]);
		if (i >= view.cpus && owner && !thread_owner_lives(owner))
			usage->caches_dead++;
	}
	unused = usage->depots + usage->cached;
	usage->used = usage->spans > unused ? usage->spans - unused : 0;
	usage->failed = mem_load(&heap->failed);
	usage->busy = mem_load(&heap->busy);
	usage->bad_frees = mem_load(&heap->bad_frees);
	usage->reports = mem_load(&heap->reports);
	return 0;
}

/* One walk: which units free blocks were found at. */
struct walk {
	const struct mem_heap_view *view;
	unsigned char *seen; /* a bit per unit, from the heap's first */
};

static int walk_block(struct walk *w, unsigned int c, unsigned int unit)
{
	const struct mem_heap_view *view = w->view;
	uint32_t at = unit - (view->base >> 4), page = at / 256, entry;

	if (!mem__inside(view, unit, mem_class_size(c)))
		return mem__error(EINVAL, "class %u: unit %#x is outside", c, unit);
	entry = mem_load(mem__page(view, page));
	if (MEM__PAGE_CLASS(entry) != c || MEM__PAGE_BACK(entry) > page)
		return mem__error(EINVAL, "class %u: unit %#x is in a page of class %d", c, unit,
				  (int)MEM__PAGE_CLASS(entry));
	page -= MEM__PAGE_BACK(entry);
	if ((at - page * 256) % (mem_class_size(c) / 16))
		return mem__error(EINVAL, "class %u: unit %#x is no block's first", c, unit);
	if (w->seen[at / 8] & 1 << at % 8)
		return mem__error(EINVAL, "class %u: unit %#x is free twice", c, unit);
	w->seen[at / 8] |= (unsigned char)(1 << at % 8);
	return 0;
}

static int walk_chain(struct walk *w, unsigned int c, unsigned int unit, unsigned int count)
{
	unsigned int i;
	int err;

	for (i = 0; i < count && unit; i++) {
		err = walk_block(w, c, unit);
		if (err)
			return err;
		unit = mem_load(&mem__item(w->view, unit)->next) & MEM__UNIT;
	}
	if (i < count || unit)
		return mem__error(EINVAL, "class %u: a chain of %u is %s", c, count,
				  unit ? "longer" : "shorter");
	return 0;
}

static int walk_item(struct walk *w, unsigned int c, unsigned int unit)
{
	const struct mem_item *item = mem__item(w->view, unit);
	unsigned int count = mem_load(&item->count), step = mem_class_size(c) / 16;
	int err = 0;

	if (mem_load(&item->kind) == MEM_ITEM_CHAIN)
		return walk_chain(w, c, unit, count);
	if (mem_load(&item->kind) != MEM_ITEM_RANGE || count > 1024)
		return mem__error(EINVAL, "class %u: unit %#x is no item", c, unit);
	for (unsigned int i = 0; i < count && !err; i++)
		err = walk_block(w, c, unit + i * step);
	return err;
}

static int walk_depot(struct walk *w, unsigned int place)
{
	unsigned int unit = mem_load(&w->view->heap->depot[place]) & MEM__UNIT, i;
	unsigned int c = place % MEM_HEAP_CLASSES;
	int err = 0;

	for (i = 0; i < w->view->units && unit && !err; i++) {
		if (!mem__inside(w->view, unit, sizeof(struct mem_item)))
			return mem__error(EINVAL, "class %u: item %#x is outside", c, unit);
		err = walk_item(w, c, unit);
		unit = mem_load(&mem__item(w->view, unit)->item) & MEM__UNIT;
	}
	return err;
}

static int walk_caches(struct walk *w)
{
	int err = 0;

	for (unsigned int i = 0; i < w->view->all; i++) {
		for (unsigned int c = 0; c < MEM_HEAP_CACHED && !err; c++) {
			const struct mem_magazine *m = &w->view->caches[i].magazine[c];
			unsigned long long hot = mem_load(&m->hot), spare = mem_load(&m->spare);

			err = walk_chain(w, c, hot & MEM__UNIT, MEM__COUNT(hot));
			err = err ?: walk_chain(w, c, spare & MEM__UNIT, MEM__COUNT(spare));
		}
	}
	return err;
}

int mem_heap_is_valid(struct mem_heap *heap)
{
	struct mem_heap_view view;
	struct walk w = {.view = &view};
	int err = heap_describe(heap, &view);

	if (err)
		return 0;
	w.seen = calloc(view.total, 32);
	if (!w.seen) {
		mem__error(ENOMEM, "heap at %p: no memory to check it", (void *)heap);
		return 0;
	}
	for (unsigned int i = 0; i < MEM_HEAP_DEPOTS * MEM_HEAP_CLASSES && !err; i++)
		err = walk_depot(&w, i);
	err = err ?: walk_caches(&w);
	free(w.seen);
	return !err;
}
