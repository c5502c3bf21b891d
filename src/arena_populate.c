/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of arenas that the application wants to be there. */
#include <errno.h>

#include "arena.h"
#include "object.h"
#include "sys.h"

int mem_arena_populate(struct mem_region *region, size_t offset, size_t size)
{
	struct mem_object *obj = region ? region->obj : NULL;
	size_t page = sys_page_size();
	int err;

	if (!region)
		return mem__error(EINVAL, "there is no arena to populate");
	if (region->image->kind != MEM_REGION_ARENA)
		err = mem__error(EINVAL, "%s: region '%s' is not an arena", obj->name,
				 region->image->name);
	else if (!arena_is_present(region))
		err = arena_error(region, EINVAL, "populate it when it is mapped: after "
				  "mem_object_prepare(), in a forked child after mem_object_reattach()");
	else if (offset % page || offset > region->size || size > region->size - offset)
		err = arena_error(region, EINVAL, "%zu bytes at offset %zu are not whole pages in it",
				  size, offset);
	else
		err = size ? arena_populate(region, region->base + offset, sys_page_round(size)) : 0;
	return object_result(obj, err);
}
