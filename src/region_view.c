/* SPDX-License-Identifier: BSD-2-Clause */
/* What a region is, and where its memory lies. */
#include "object.h"

static size_t variables_size(const struct mem_region *region)
{
	return region_is_section(region) ? region->map->value_size : region->image->size;
}

const char *mem_region_name(const struct mem_region *region)
{
	return region->image->name;
}

enum mem_region_kind mem_region_kind(const struct mem_region *region)
{
	return (enum mem_region_kind)region->image->kind;
}

struct mem_map *mem_region_map(const struct mem_region *region)
{
	return region->map;
}

size_t mem_region_stride(const struct mem_region *region)
{
	return region->image->kind == MEM_REGION_ARRAY ? map_stride(region->map) : 0;
}

size_t mem_region_length(const struct mem_region *region)
{
	if (region->image->kind != MEM_REGION_ARRAY)
		return 0;
	return region->count ? region->count : region->map->max_entries;
}

void *mem_region_data(const struct mem_region *region, size_t *size)
{
	size_t bytes;

	if (region->image->kind == MEM_REGION_ARENA || !region->base)
		bytes = region->size;
	else if (region->image->kind == MEM_REGION_ARRAY)
		bytes = mem_region_stride(region) * mem_region_length(region);
	else
		bytes = variables_size(region);
	if (size)
		*size = bytes;
	return region->base ? region->base + region->lead : NULL;
}

void *mem_region_variables(const struct mem_region *region, size_t *size)
{
	if (size)
		*size = region->variables ? variables_size(region) : 0;
	return region->variables;
}

int mem_region_writable(const struct mem_region *region)
{
	return region->live ? region->base && region->writable
			    : region->base && region->image->kind != MEM_REGION_KCONFIG;
}
