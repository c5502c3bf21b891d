/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting the pages of an arena. The kernel has no number for it; it tells a process which pages
 * that process has mapped, and that is what is counted. A page that programs took, or another process
 * touched, is added when this one touches it. Where touching an absent page makes no page
 * (BPF_F_SEGV_ON_FAULT) it can be tried, and so the count is exact there.
 *
 * /proc/self/pagemap tells it everybody; mincore(2) says of files that are not the caller's own, as an
 * arena is to all but root, that every page is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "opts.h"
#include "sys.h"

#define CHUNK	      1024	 /* pages asked for at a time */
#define PAGEMAP_PRESENT (1ULL << 63)
#define PAGEMAP_SWAPPED (1ULL << 62)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

static bool is_mapped(const struct mem_region *region, uint64_t entry, char *page)
{
	if (entry & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED))
		return true;
	return region->map->image->map_flags & ARENA_SEGV_ON_FAULT &&
	       !madvise(page, sys_page_size(), MADV_POPULATE_READ);
}

static int count_pages(const struct mem_region *region, int pagemap, size_t *count)
{
	size_t page = sys_page_size(), pages = region->size / page, at, i, n;
	uint64_t entries[CHUNK];
	char *base = region->base;

	*count = 0;
	for (at = 0; at < pages; at += n) {
		off_t where = (off_t)(((uintptr_t)base / page + at) * sizeof(*entries));

		n = pages - at < CHUNK ? pages - at : CHUNK;
		if (pread(pagemap, entries, n * sizeof(*entries), where) != (ssize_t)(n * sizeof(*entries)))
			return arena_error(region, EIO, "can't count its pages: /proc/self/pagemap is cut off");
		for (i = 0; i < n; i++)
			*count += is_mapped(region, entries[i], base + (at + i) * page);
	}
	return 0;
}

static int open_and_count(const struct mem_region *region, size_t *count)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int err;

	if (pagemap < 0)
		return arena_error(region, errno, "can't count its pages: /proc/self/pagemap: %s", strerror(errno));
	err = count_pages(region, pagemap, count);
	close(pagemap);
	return err;
}

int mem_arena_usage(struct mem_region *region, struct mem_arena_usage *usage)
{
	struct mem_object *obj = region ? region->obj : NULL;
	size_t pages = 0;
	int err;

	if (!region)
		return mem__error(EINVAL, "there is no arena to count the pages of");
	if (!usage || !OPTS_VALID(usage, mem_arena_usage))
		err = usage ? -errno : mem__error(EINVAL, "%s: mem_arena_usage() without a struct", obj->name);
	else if (region->image->kind != MEM_REGION_ARENA)
		err = mem__error(EINVAL, "%s: region '%s' is not an arena", obj->name, region->image->name);
	else if (!arena_is_present(region))
		err = arena_error(region, EINVAL, "it has pages when it is mapped: after "
				  "mem_object_prepare(), in a forked child after mem_object_reattach()");
	else
		err = open_and_count(region, &pages);
	if (err)
		return object_result(obj, err);
	OPTS_SET(usage, size, region->size);
	OPTS_SET(usage, variables, region->variables ? arena_variables_size(region) : 0);
	OPTS_SET(usage, present, pages * sys_page_size());
	return 0;
}
