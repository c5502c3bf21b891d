/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting the pages of an arena. The kernel has no number for it; it tells a process which pages
 * that process has mapped, by mincore(2), and that is what is counted. A page that programs took, or
 * another process touched, is added when this one touches it. Where touching an absent page makes no page
 * (BPF_F_SEGV_ON_FAULT) it can be tried, and so the count is exact there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "opts.h"
#include "sys.h"

#define CHUNK	      1024	 /* pages asked for at a time */
#define SEGV_ON_FAULT (1U << 17) /* BPF_F_SEGV_ON_FAULT, Linux 6.9 */

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

static bool is_mapped(const struct mem_region *region, unsigned char resident, char *page)
{
	if (resident & 1)
		return true;
	return region->map->image->map_flags & SEGV_ON_FAULT &&
	       !madvise(page, sys_page_size(), MADV_POPULATE_READ);
}

static int count_pages(const struct mem_region *region, size_t *count)
{
	size_t page = sys_page_size(), pages = region->size / page, at, i, n;
	unsigned char resident[CHUNK];
	char *base = region->base;

	*count = 0;
	for (at = 0; at < pages; at += n) {
		n = pages - at < CHUNK ? pages - at : CHUNK;
		if (mincore(base + at * page, n * page, resident))
			return arena_error(region, errno, "can't count its pages: %s", strerror(errno));
		for (i = 0; i < n; i++)
			*count += is_mapped(region, resident[i], base + (at + i) * page);
	}
	return 0;
}

int mem_arena_usage(struct mem_region *region, struct mem_arena_usage *usage)
{
	struct mem_object *obj = region->obj;
	size_t pages = 0;
	int err;

	if (!usage || !OPTS_VALID(usage, mem_arena_usage))
		err = usage ? -errno : mem__error(EINVAL, "%s: mem_arena_usage() without a struct", obj->name);
	else if (region->image->kind != MEM_REGION_ARENA)
		err = mem__error(EINVAL, "%s: region '%s' is not an arena", obj->name, region->image->name);
	else if (!arena_is_present(region))
		err = arena_error(region, EINVAL, "it has pages when it is mapped: after "
				  "mem_object_prepare(), in a forked child after mem_object_reattach()");
	else
		err = count_pages(region, &pages);
	if (err)
		return object_result(obj, err);
	OPTS_SET(usage, size, region->size);
	OPTS_SET(usage, variables, region->variables ? arena_variables_size(region) : 0);
	OPTS_SET(usage, present, pages * sys_page_size());
	return 0;
}
