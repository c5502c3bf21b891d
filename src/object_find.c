/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps, programs and regions by name: a skeleton has them as members. */
#include <errno.h>
#include <string.h>

#include "object.h"

struct mem_map *mem_object_find_map(const struct mem_object *obj, const char *name)
{
	struct mem_map *map = NULL;

	while ((map = mem_object_next_map(obj, map)))
		if (!strcmp(map->image->name, name))
			return map;
	mem__error(ENOENT, "%s: there is no map '%s'", obj->name, name);
	return NULL;
}

struct mem_prog *mem_object_find_prog(const struct mem_object *obj, const char *name)
{
	struct mem_prog *prog = NULL;

	while ((prog = mem_object_next_prog(obj, prog)))
		if (!strcmp(prog->image->name, name))
			return prog;
	mem__error(ENOENT, "%s: there is no program '%s'", obj->name, name);
	return NULL;
}

struct mem_region *mem_object_find_region(const struct mem_object *obj, const char *name)
{
	struct mem_region *region = NULL;

	while ((region = mem_object_next_region(obj, region)))
		if (!strcmp(region->image->name, name))
			return region;
	mem__error(ENOENT, "%s: there is no region '%s'", obj->name, name);
	return NULL;
}

struct mem_region *mem_object_next_region(const struct mem_object *obj, const struct mem_region *prev)
{
	uint32_t next = prev ? (uint32_t)(prev - obj->regions) + 1 : 0;

	return next < obj->image.region_count ? &obj->regions[next] : NULL;
}
