/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Implementations of kernel interfaces: each variable of .struct_ops is a map whose one value the
 * loader lays out as the running kernel has the struct. What the source gives it is kept as a region;
 * pointers to programs in it become initial elements.
 */
#include <stdlib.h>

#include "reader/reader.h"

/* A section name may begin with '?'. */
static int is_link(const char *section)
{
	return !strcmp(section + (*section == '?'), ".struct_ops.link");
}

/* A variable of one of the sections, after its map and region were added. */
static int add_variable(struct reader *r, const struct section *section, const char *name,
			uint32_t type, const struct btf_var_secinfo *info)
{
	struct mem_region_image *region = ADD_ROWS(r, regions, 1, struct mem_region_image);
	struct mem_map_image *map = ADD_ROWS(r, maps, 1, struct mem_map_image);
	uint64_t size = info->size;
	uint8_t *copy;

	if (!map || !region)
		return -ENOMEM;
	*map = (struct mem_map_image){
		.name = reader_string(r, name),
		.kernel_name = maps_kernel_name(r, "", 0, name),
		.type = BPF_MAP_TYPE_STRUCT_OPS,
		.key_size = 4,
		.value_size = info->size,
		.max_entries = 1,
		.map_flags = is_link(section->name) ? MEM_BPF_F_LINK : 0,
		.value_type = type,
		.inner_map = MEM_NONE,
		.flags = *section->name == '?' ? MEM_MAP_NO_AUTOCREATE : 0,
		.section_offset = info->offset,
	};
	*region = (struct mem_region_image){
		.name = map->name,
		.section = reader_string(r, section->name),
		.size = info->size,
		.kind = MEM_REGION_STRUCT_OPS,
		.map = r->maps.count - 1,
		.type = type,
		.align = 8,
	};
	if (!map->name || !map->kernel_name || !region->section)
		return -ENOMEM;
	while (size && !section->data[info->offset + size - 1])
		size--;
	copy = size ? pool_alloc(r->pool, size, 1) : NULL;
	if (size && !copy)
		return reader_no_memory(r);
	if (size)
		region->init = memcpy(copy, section->data + info->offset, size);
	region->init_size = size;
	return 0;
}

static int read_variable(struct reader *r, const struct section *section,
			 const struct btf_var_secinfo *info)
{
	const struct btf_type *var = btf_type(r, info->type), *type;
	const char *name = var ? btf_name(r, var->name_off) : "";
	uint32_t id = 0;

	if (!var || !btf_is_var(var) || !names_is_identifier(name))
		return BAD(r, section->name, info->offset, "not a variable with a valid name");
	type = btf_skip_modifiers(r, var->type, &id);
	if (!type || !btf_is_struct(type) || !*btf_name(r, type->name_off) ||
	    type->size != info->size)
		return BAD(r, section->name, info->offset, "%s is not a named struct of %u bytes",
			   name, info->size);
	if (!section->data || info->offset > section->size ||
	    info->size > section->size - info->offset)
		return BAD(r, section->name, info->offset, "%s ends past the section's %llu bytes",
			   name, (unsigned long long)section->size);
	return add_variable(r, section, name, id, info);
}

static int read_section(struct reader *r, struct section *section)
{
	const struct btf_type *datasec;
	int err = 0;

	if (!section->size)
		return 0;
	if (!section->datasec)
		return BAD(r, section->name, 0, "not described by BTF: compile with -g");
	datasec = btf_type(r, section->datasec);
	section->region = r->regions.count;
	for (uint32_t i = 0; !err && i < btf_vlen(datasec); i++)
		err = read_variable(r, section, &btf_var_secinfos(datasec)[i]);
	return err;
}

int struct_ops_read(struct reader *r)
{
	int err = 0;

	for (uint32_t i = 1; !err && i < r->section_count; i++)
		if (r->sections[i].kind == SECTION_STRUCT_OPS)
			err = read_section(r, &r->sections[i]);
	return err;
}

/* The map of the variable that contains an offset, or NULL. Their rows are in order. */
static struct mem_map_image *find_map(struct reader *r, const struct section *section,
				      uint64_t offset)
{
	uint32_t low = section->region, high;

	if (!section->datasec)
		return NULL;
	high = low + btf_vlen(btf_type(r, section->datasec));
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct mem_region_image *region = ROW(r, regions, mid,
							    struct mem_region_image);
		struct mem_map_image *map = ROW(r, maps, region->map, struct mem_map_image);

		if (offset < map->section_offset)
			high = mid;
		else if (offset - map->section_offset >= region->size)
			low = mid + 1;
		else
			return map;
	}
	return NULL;
}

static int read_callback(struct reader *r, const struct section *section, const struct pointer *pointer)
{
	struct mem_map_image *map = find_map(r, section, pointer->offset);
	const struct symbol *symbol = pointer->symbol;
	struct mem_init_image *init;
	uint32_t func, prog;

	func = progs_func_at(r, symbol->section, pointer->target);
	prog = func == MEM_NONE ? MEM_NONE : ROW(r, func_sources, func, struct func)->prog;
	if (!map || (pointer->offset - map->section_offset) % 8 ||
	    pointer->offset - map->section_offset + 8 > map->value_size)
		return BAD(r, section->name, pointer->offset, "a pointer outside of any variable");
	if (prog == MEM_NONE)
		return BAD(r, section->name, pointer->offset,
			   "%s: %s is not a program: only those can be pointed to", map->name,
			   elf_symbol_name(r, symbol));
	/* pointers are sorted by offset, so those of a variable are in a row */
	if (!map->inits.count)
		map->inits.first = r->inits.count;
	map->inits.count++;
	init = ADD_ROWS(r, inits, 1, struct mem_init_image);
	if (!init)
		return -ENOMEM;
	*init = (struct mem_init_image){
		.slot = pointer->offset - map->section_offset,
		.kind = MEM_INIT_CALLBACK,
		.target = prog,
	};
	return 0;
}

static int read_callbacks(struct reader *r, const struct section *section)
{
	struct pointer *pointers;
	uint32_t count;
	int err = elf_read_pointers(r, section, &pointers, &count);

	for (uint32_t i = 0; !err && i < count; i++)
		err = read_callback(r, section, &pointers[i]);
	free(pointers);
	return err;
}

int struct_ops_read_callbacks(struct reader *r)
{
	int err = 0;

	for (uint32_t i = 1; !err && i < r->section_count; i++)
		if (r->sections[i].kind == SECTION_STRUCT_OPS)
			err = read_callbacks(r, &r->sections[i]);
	return err;
}
