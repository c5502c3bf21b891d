/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a heap, and giving it pages. The layout is that of mem/heap.h:
 *
 *     | caches | page table | bits, if checked | spans ... |
 *
 * The books before the spans are populated at once, whatever the heap's size: one page in a thousand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "heap.h"
#include "object.h"
#include "opts.h"
#include "sys.h"

#define DEFAULT_THREADS 64
#define DEFAULT_PRESENT 65536
#define MAX_CACHES	4094 /* twelve bits, of which 0 is nobody */
#define MIN_PAGES	4    /* the smallest span */

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static int populate(struct mem_heap *heap, uint64_t from, uint64_t pages)
{
	char *first = mem_at(char, heap, heap->base) + from * MEM_HEAP_PAGE;
	size_t before = (uintptr_t)first % sys_page_size(); /* the kernel's pages may be larger */
	size_t size = pages * MEM_HEAP_PAGE + before;

	if (!madvise(first - before, size, MADV_POPULATE_WRITE))
		return 0;
	return mem__error(errno, "heap at %p: can't populate %zu bytes: %s", (void *)heap, size,
			  strerror(errno));
}

/* Where the parts lie, in bytes from the heap's first; the result is where the spans begin. */
static uint64_t lay_out(struct mem_heap *heap, uint32_t checks)
{
	uint64_t at = (uint64_t)(heap->cpus + heap->threads) * sizeof(struct mem_cache);

	heap->caches = heap->base;
	heap->pages = heap->base + (uint32_t)at;
	at += (uint64_t)heap->total * sizeof(uint32_t);
	at = (at + 7) & ~7ULL;
	heap->bits = checks ? heap->base + (uint32_t)at : 0;
	at += checks ? (uint64_t)heap->total * 32 : 0;
	return (at + MEM_HEAP_PAGE - 1) / MEM_HEAP_PAGE;
}

static int check_memory(const struct mem_heap *heap, const void *memory, size_t size)
{
	uint64_t first = (uintptr_t)memory, last = first + size - 1;

	if (!heap || (uintptr_t)heap % sizeof(uint64_t) || (uintptr_t)heap + sizeof(*heap) - first < size + sizeof(*heap))
		return mem__error(EINVAL, "heap: none can be at %p", (const void *)heap);
	if (first % MEM_HEAP_PAGE || !size || last < first)
		return mem__error(EINVAL, "heap: %zu bytes at %p are no pages", size, memory);
	if (first >> 32 != last >> 32 || first >> 32 != (uint64_t)(uintptr_t)heap >> 32)
		return mem__error(EINVAL, "heap: %zu bytes at %p and the heap at %p are not within 4 GiB "
				  "that begin at a multiple of 4 GiB", size, memory, (const void *)heap);
	return 0;
}

int mem_heap_init(struct mem_heap *heap, void *memory, size_t size, const struct mem_heap_opts *opts)
{
	uint64_t books, present;
	uint32_t checks;
	int err, cpus;

	if (!OPTS_VALID(opts, mem_heap_opts))
		return -errno;
	cpus = OPTS_GET(opts, cpus, 0) > MAX_CACHES ? MAX_CACHES : (int)OPTS_GET(opts, cpus, 0);
	cpus = cpus ?: sys_possible_cpus();
	if (cpus < 0)
		return mem__error(-cpus, "heap: can't find out how many CPUs there are");
	checks = OPTS_GET(opts, checks, 0);
	err = check_memory(heap, memory, size);
	if (err)
		return err;
	memset(heap, 0, sizeof(*heap));
	heap->base = mem_low(memory);
	heap->total = (uint32_t)(size / MEM_HEAP_PAGE);
	heap->checks = checks | MEM_HEAP_LAYOUT << 8;
	heap->cpus = (uint32_t)cpus;
	heap->threads = OPTS_GET(opts, threads, 0) ?: DEFAULT_THREADS;
	if (checks > MEM_HEAP_GUARDS || (uint64_t)cpus + heap->threads > MAX_CACHES)
		return mem__error(EINVAL, "heap: checks %u, %d CPUs and %u threads are out of range",
				  checks, cpus, heap->threads);
	books = lay_out(heap, checks);
	if (books + MIN_PAGES > heap->total)
		return mem__error(ENOSPC, "heap: %zu bytes are too few: its own books take %zu", size,
				  (size_t)books * MEM_HEAP_PAGE);
	present = (OPTS_GET(opts, present, 0) ?: DEFAULT_PRESENT) / MEM_HEAP_PAGE;
	present = present < MIN_PAGES ? MIN_PAGES : present;
	present = present > heap->total - books ? heap->total : books + present;
	err = populate(heap, 0, present);
	if (err)
		return err;
	heap->fresh = (uint32_t)books;
	heap->present = (uint32_t)present;
	mem_store_release(&heap->magic, MEM_HEAP_MAGIC);
	return 0;
}

/* The larger part of an arena without its variables, of which the heap is one, and the record behind them. */
static void free_part(const struct mem_region *region, char **memory, size_t *size)
{
	size_t page = sys_page_size(), variables = sys_page_round(region->image->size + sizeof(struct arena_record));
	char *start = region->base, *end = region->base + region->size;
	char *before = region->variables, *after = region->variables + variables;

	if (!mem_low(start))
		start += page; /* never to be used */
	if (end - after > before - start) {
		*memory = after;
		*size = (size_t)(end - after);
	} else {
		*memory = start;
		*size = (size_t)(before - start);
	}
}

int mem_heap_create(struct mem_region *region, struct mem_heap *heap,
		    const struct mem_heap_opts *opts)
{
	struct mem_object *obj = region ? region->obj : NULL;
	uint64_t at = region ? (uintptr_t)heap - (uintptr_t)region->variables : 0;
	char *memory;
	size_t size;
	int err;

	if (!region)
		return mem__error(EINVAL, "heap: there is no arena to make it in");
	if (region->image->kind != MEM_REGION_ARENA || obj->phase < PHASE_PREPARED)
		err = mem__error(EINVAL, "%s: region '%s' is no arena that is prepared", obj->name,
				 region->image->name);
	else if (!region->variables || at > region->image->size ||
		 region->image->size - at < sizeof(*heap))
		err = mem__error(EINVAL, "%s: the heap at %p is no variable of arena '%s'", obj->name,
				 (void *)heap, region->image->name);
	else if (heap->magic == MEM_HEAP_MAGIC)
		err = mem__error(EBUSY, "%s: arena '%s' has a heap at %p already", obj->name,
				 region->image->name, (void *)heap);
	else
		err = 0;
	if (err)
		return object_result(obj, err);
	free_part(region, &memory, &size);
	err = mem_heap_init(heap, memory, size, opts);
	if (err)
		mem__error_prefix("%s: arena '%s': ", obj->name, region->image->name);
	return object_result(obj, err);
}

/* Does a part lie inside, wherever that is? */
static bool part_fits(const struct mem_heap_view *view, uint32_t low, uint64_t size)
{
	uint64_t bytes = (uint64_t)view->total * MEM_HEAP_PAGE, at = low - view->base;

	return at <= bytes && size <= bytes - at && !(low % 8);
}

/*
 * Is what a heap says to be its memory there? The heap's words may be anybody's. Memory of an arena
 * must be of the one that the heap itself is in; what else there is must be mapped at least.
 */
static bool memory_is_there(struct mem_heap *heap, uint32_t low, uint64_t size)
{
	size_t page = sys_page_size();
	char *first = mem_at(char, heap, low);
	int inside = arena_holds ? arena_holds(heap, first, size) : -1;

	if (inside >= 0)
		return inside;
	if (low % MEM_HEAP_PAGE || !size)
		return false;
	first -= low % page;
	return !msync(first, size + low % page, MS_ASYNC); /* does nothing but look */
}

/* May its words be looked at? */
static int check_heap(struct mem_heap *heap)
{
	uint32_t layout;

	if (!heap || (uintptr_t)heap % sizeof(uint64_t))
		return mem__error(EINVAL, "there is no heap at %p", (void *)heap);
	if (mem_load_acquire(&heap->magic) != MEM_HEAP_MAGIC)
		return mem__error(EINVAL, "%p is no heap", (void *)heap);
	layout = mem_load(&heap->checks) >> 8;
	if (layout != MEM_HEAP_LAYOUT)
		return mem__error(ESTALE, "the heap at %p has layout %u, libmem %s knows %u: it was made with another "
				  "version", (void *)heap, layout, mem_version(), MEM_HEAP_LAYOUT);
	return 0;
}

int heap_describe(struct mem_heap *heap, struct mem_heap_view *view)
{
	uint32_t caches, pages, bits, threads;
	uint64_t books;
	int err = check_heap(heap);

	memset(view, 0, sizeof(*view));
	if (err)
		return err;
	caches = mem_load(&heap->caches);
	pages = mem_load(&heap->pages);
	bits = mem_load(&heap->bits);
	threads = mem_load(&heap->threads);
	view->heap = heap;
	view->base = mem_load(&heap->base);
	view->total = mem_load(&heap->total);
	view->cpus = mem_load(&heap->cpus);
	view->all = view->cpus + threads;
	if (view->cpus > MAX_CACHES ||
	    threads > MAX_CACHES || view->all > MAX_CACHES ||
	    ((uint64_t)view->base + (uint64_t)view->total * MEM_HEAP_PAGE) > 1ULL << 32 ||
	    !part_fits(view, caches, view->all * sizeof(struct mem_cache)) ||
	    !part_fits(view, pages, (uint64_t)view->total * sizeof(uint32_t)) ||
	    (bits && !part_fits(view, bits, (uint64_t)view->total * 32)) ||
	    !memory_is_there(heap, view->base, (uint64_t)view->total * MEM_HEAP_PAGE))
		return mem__error(EINVAL, "the heap at %p is damaged", (void *)heap);
	view->caches = mem_at(struct mem_cache, heap, caches);
	view->pages = mem_at(unsigned int, heap, pages);
	view->bits = bits ? mem_at(unsigned int, heap, bits) : NULL;
	books = pages - view->base + (uint64_t)view->total * sizeof(uint32_t);
	books = ((bits ? books + (uint64_t)view->total * 32 + 7 : books) + MEM_HEAP_PAGE - 1) / MEM_HEAP_PAGE;
	view->first = (view->base >> 4) + (uint32_t)books * 256;
	view->units = (uint32_t)(view->total - books) * 256;
	return 0;
}

int mem_heap_refill(struct mem_heap *heap, size_t bytes)
{
	uint64_t need = bytes / MEM_HEAP_PAGE + !!(bytes % MEM_HEAP_PAGE), target, present;
	struct mem_heap_view view;
	int err, added = 0;

	err = heap_describe(heap, &view);
	if (err)
		return err;
	/* Left by a dead one or not: populating twice does no harm. */
	err = mem_lock(&heap->grower);
	if (err < 0)
		return mem__error(-err, "heap at %p: %s is growing it", (void *)heap,
				  err == -EDEADLK ? "this thread" : "somebody else");
	present = mem_load(&heap->present);
	target = mem_load(&heap->fresh) + need;
	target = target > view.total ? view.total : target;
	err = 0;
	if (present < target) {
		err = populate(heap, present, target - present);
		if (!err)
			mem_store_release(&heap->present, (uint32_t)target);
		added = (int)(target - present);
	} else if (present >= view.total && mem_load(&heap->fresh) + need > view.total) {
		err = mem__error(ENOSPC, "heap at %p: all of its %u pages are populated", (void *)heap,
				 view.total);
	}
	mem_unlock(&heap->grower);
	return err ? err : added;
}

int mem_heap_report(struct mem_heap *heap, unsigned int number, char *text, size_t size)
{
	static const char *const kinds[] = {
		[MEM_HEAP_WILD_FREE] = "free of what is no block",
		[MEM_HEAP_DOUBLE_FREE] = "free of a block that is not allocated",
		[MEM_HEAP_OVERRUN] = "write beyond the end of a block",
		[MEM_HEAP_USED_FREED] = "write to a block after its free",
	};
	const struct mem_heap_report *report;
	unsigned int count, kind, who, first, site;
	int err = check_heap(heap);

	if (err)
		return err;
	report = &heap->report[number % 16];
	count = mem_load(&heap->reports);
	kind = mem_load(&report->kind);
	who = mem_load(&report->who);
	first = mem_load(&report->allocated);
	site = mem_load(&report->freed);
	if (!text || !size)
		return mem__error(EINVAL, "heap at %p: no room for the text of a report", (void *)heap);
	if (number >= count || count - number > 16)
		return mem__error(ENOENT, "heap at %p: no report %u, it has had %u", (void *)heap, number,
				  count);
	snprintf(text, size, "%s: %p, %s in file %u line %u, noticed by %s %u in file %u line %u",
		 kind && kind < sizeof(kinds) / sizeof(*kinds) ? kinds[kind] : "damaged report",
		 mem_at(void, heap, mem_load(&report->address)),
		 kind == MEM_HEAP_OVERRUN ? "allocated" : "last freed", first >> 20, first & 0xfffff,
		 who & MEM_LOCK_PROGRAM ? "a program on CPU" : "thread", who & ~MEM_LOCK_PROGRAM,
		 site >> 20, site & 0xfffff);
	return 0;
}
