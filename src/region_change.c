/* SPDX-License-Identifier: BSD-2-Clause */
/* What the application changes of maps and their regions before the maps are made. */
#include <errno.h>
#include <string.h>

#include "contents.h"
#include "object.h"

/* Reserve again for another number of elements or bytes; what was in the variables moves along. */
int region_resize(struct mem_region *region)
{
	struct mem_region old = *region;
	int err;

	if (region->unmapped)
		return 0;
	region->base = NULL;
	region->size = 0;
	region->variables = NULL;
	err = region_reserve(region);
	if (err) {
		*region = old;
		return err;
	}
	/* whole pages, those that hold nothing left out */
	if (region_is_section(region) || region->image->kind == MEM_REGION_ARRAY)
		contents_copy(region->base, old.base, old.size < region->size ? old.size : region->size);
	else if (old.variables && region->variables)
		memcpy(region->variables, old.variables, region->image->size);
	region_unmap(&old);
	skeleton_show_region(region);
	return 0;
}

/* No memory for a map that will not be there, so that nobody takes private memory for the map's. */
static int region_leave_out(struct mem_region *region, bool out)
{
	int err = 0;

	if (out)
		region_unmap(region);
	else if (!region->unmapped)
		err = region_reserve(region);
	skeleton_show_region(region);
	return err;
}

static int region_still_private(const struct mem_region *region, const char *verb)
{
	if (region->obj->phase == PHASE_OPEN && !region->live)
		return 0;
	return mem__error(EBUSY, "%s: region '%s' can't be %s any more: its map exists",
			  region->obj->name, region->image->name, verb);
}

int mem_region_readonly_set(struct mem_region *region, int on)
{
	uint32_t kind = region->image->kind;
	int err = region_still_private(region, "made read-only");

	if (!err && kind != MEM_REGION_DATA && kind != MEM_REGION_ARRAY && kind != MEM_REGION_ARENA)
		err = mem__error(EINVAL, "%s: region '%s' is read-only by itself", region->obj->name,
				 region->image->name);
	if (!err)
		region->read_only = on;
	return object_result(region->obj, err);
}

int mem_region_leave_unmapped(struct mem_region *region)
{
	int err = region_still_private(region, "left unmapped");

	if (!err && region->image->kind != MEM_REGION_ARRAY)
		err = mem__error(EINVAL, "%s: region '%s' is not an array", region->obj->name,
				 region->image->name);
	if (!err) {
		region_unmap(region);
		region->unmapped = true;
		region->live = true;
		skeleton_show_region(region);
	}
	return object_result(region->obj, err);
}

int mem_region_size_set(struct mem_region *region, size_t size)
{
	uint32_t old = region->map->value_size;
	int err = region_still_private(region, "given another size");

	if (!err && (!region_is_section(region) || size < region->image->size || size > UINT32_MAX))
		err = mem__error(EINVAL, "%s: region '%s' can't have %zu bytes: %s", region->obj->name,
				 region->image->name, size,
				 !region_is_section(region) ? "it is no section of variables"
				 : size > UINT32_MAX ? "maps are smaller than 4 GiB"
						     : "its variables need more");
	if (!err) {
		region->map->value_size = (uint32_t)size;
		err = region_resize(region);
		if (err)
			region->map->value_size = old;
	}
	return object_result(region->obj, err);
}

int mem_map_autocreate_set(struct mem_map *map, int on)
{
	struct mem_object *obj = map->obj;
	bool memory = map->region && map->image->type != BPF_MAP_TYPE_STRUCT_OPS;
	int err = 0;

	if (obj->phase != PHASE_OPEN || map->fd >= 0)
		err = mem__error(EBUSY, "%s: map '%s' exists", obj->name, map->image->name);
	else if (map->image->flags & (MEM_MAP_INTERNAL | MEM_MAP_TASK) && !on)
		err = mem__error(EINVAL, "%s: map '%s' holds variables: it can't be left out", obj->name,
				 map->image->name);
	else if (memory && map->autocreate != !!on)
		err = region_leave_out(map->region, !on);
	if (!err)
		map->autocreate = on;
	return object_result(obj, err);
}

int mem_map_max_entries_set(struct mem_map *map, uint32_t max_entries)
{
	struct mem_object *obj = map->obj;
	uint32_t old = map->max_entries;
	int err;

	if (obj->phase != PHASE_OPEN || map->fd >= 0)
		return object_result(obj, mem__error(EBUSY, "%s: map '%s' exists, its size is fixed",
						     obj->name, map->image->name));
	if (!max_entries || map->image->flags & MEM_MAP_INTERNAL)
		return object_result(obj, mem__error(EINVAL, "%s: map '%s' can't have %u entries",
						     obj->name, map->image->name, max_entries));
	map->max_entries = max_entries;
	err = map->region && map->autocreate ? region_resize(map->region) : 0;
	if (err)
		map->max_entries = old;
	return object_result(obj, err);
}
