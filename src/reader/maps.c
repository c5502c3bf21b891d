/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The maps that the source declares: the variables of .maps, in the order of their offsets, each
 * followed by the prototype of its inner maps if it holds maps. Those that programs can share by
 * mmap become regions.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "reader/reader.h"

#define KERNEL_NAME_MAX 15 /* characters */

char *maps_kernel_name(struct reader *r, const char *prefix, size_t prefix_len, const char *name)
{
	char text[KERNEL_NAME_MAX + 1];
	size_t len;

	snprintf(text, sizeof(text), "%.*s%s", (int)prefix_len, prefix, name);
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = text[i];

		if (c >= 128 || (!isalnum(c) && c != '_' && c != '.'))
			text[i] = '_';
	}
	return reader_text(r, text, len);
}

static int add_region(struct reader *r, uint32_t row, const struct mem_map_image *map)
{
	uint32_t kind, type = map->value_type;
	struct mem_region_image *region;

	if (map->flags & MEM_MAP_TASK)
		return 0;
	if (map->type == MEM_BPF_MAP_TYPE_ARENA)
		kind = MEM_REGION_ARENA;
	else if (map->type == BPF_MAP_TYPE_ARRAY && map->map_flags & BPF_F_MMAPABLE)
		kind = MEM_REGION_ARRAY;
	else
		return 0;
	region = ADD_ROWS(r, regions, 1, struct mem_region_image);
	if (!region)
		return -ENOMEM;
	*region = (struct mem_region_image){
		.name = map->name,
		.kind = kind,
		.map = row,
		.type = kind == MEM_REGION_ARRAY ? type : 0,
		.align = 8,
	};
	return 0;
}

static int add_map(struct reader *r, const char *name, struct mem_map_image *row)
{
	struct mem_map_image *map;

	row->name = reader_string(r, name);
	row->kernel_name = maps_kernel_name(r, "", 0, name);
	map = ADD_ROWS(r, maps, 1, struct mem_map_image);
	if (!row->name || !row->kernel_name || !map)
		return -ENOMEM;
	*map = *row;
	return 0;
}

static int add_prototype(struct reader *r, const char *outer, const struct map_def *def,
			 uint32_t outer_row)
{
	char name[1100]; /* names of symbols are limited, those of types to the room here */
	struct map_def inner;
	int err;

	if (snprintf(name, sizeof(name), "%s.inner", outer) >= (int)sizeof(name))
		return BAD(r, ".maps", def->row.section_offset, "map %.100s...: name too long",
			   outer);
	err = map_def_parse(r, name, def->inner_type, def->row.section_offset, 1, &inner);
	if (err)
		return err;
	inner.row.flags = MEM_MAP_PROTOTYPE;
	ROW(r, maps, outer_row, struct mem_map_image)->inner_map = r->maps.count;
	return add_map(r, name, &inner.row);
}

static int read_map(struct reader *r, const struct btf_var_secinfo *info)
{
	const struct btf_type *var = btf_type(r, info->type), *t;
	uint32_t row = r->maps.count, type;
	const char *name = btf_name(r, var->name_off);
	struct map_source *source;
	struct map_def def;
	int err;

	if (!btf_is_var(var) || btf_var(var)->linkage == BTF_VAR_GLOBAL_EXTERN)
		return UNKNOWN(
			r, ".maps", info->offset,
			"map %s is defined in another file: link both with memgen link",
			name);
	if (!names_is_identifier(name))
		return BAD(r, ".maps", info->offset, "map %u has no valid name", row);
	t = btf_skip_modifiers(r, var->type, &type);
	if (!t || !btf_is_struct(t) || t->size > info->size)
		return BAD(
			r, ".maps", info->offset,
			"map %s is not a struct of %u bytes: define it with __uint() and __type()",
			name, info->size);
	err = map_def_parse(r, name, type, info->offset, 0, &def);
	if (!err && tasks_is_map(name))
		def.row.flags |= MEM_MAP_TASK;
	err = err ?: add_map(r, name, &def.row);
	if (!err && def.inner_type)
		err = add_prototype(r, name, &def, row);
	if (err)
		return err;
	source = ADD_ROWS(r, map_sources, 1, struct map_source);
	if (!source)
		return -ENOMEM;
	*source = (struct map_source){
		.row = row,
		.offset = info->offset,
		.size = info->size,
		.values_offset = def.values_offset,
	};
	return add_region(r, row, ROW(r, maps, row, struct mem_map_image));
}

/* An object's only arena is "arena" in the skeleton. */
static void name_arena(struct reader *r)
{
	struct mem_region_image *arena = NULL;

	for (uint32_t i = 0; i < r->regions.count; i++) {
		struct mem_region_image *region = ROW(r, regions, i, struct mem_region_image);

		if (region->kind != MEM_REGION_ARENA)
			continue;
		if (arena)
			return;
		arena = region;
	}
	if (arena)
		arena->name = "arena";
}

int maps_read(struct reader *r)
{
	uint32_t index = elf_find_section(r, ".maps"), type;
	const struct btf_type *datasec;
	int err = 0;

	if (!index || !r->sections[index].size)
		return 0;
	type = r->sections[index].datasec;
	if (!type)
		return BAD(r, ".maps", 0, "the maps are not described by BTF: compile with -g");
	datasec = btf_type(r, type);
	for (uint32_t i = 0; !err && i < btf_vlen(datasec); i++)
		err = read_map(r, &btf_var_secinfos(datasec)[i]);
	if (!err)
		name_arena(r);
	return err;
}

const struct map_source *maps_find(const struct reader *r, uint64_t offset)
{
	uint32_t low = 0, high = r->map_sources.count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct map_source *source = ROW(r, map_sources, mid, struct map_source);

		if (offset < source->offset)
			high = mid;
		else if (offset >= (uint64_t)source->offset + source->size)
			low = mid + 1;
		else
			return source;
	}
	return NULL;
}

static int find_program(struct reader *r, const struct mem_map_image *map, const struct pointer *pointer,
			struct mem_init_image *init)
{
	const struct symbol *symbol = pointer->symbol;
	uint32_t func = progs_func_at(r, symbol->section, pointer->target);
	const struct mem_func_image *image = func == MEM_NONE ? NULL : ROW(r, funcs, func, struct mem_func_image);

	init->kind = MEM_INIT_PROG;
	init->target = image ? ROW(r, func_sources, func, struct func)->prog : MEM_NONE;
	if (init->target == MEM_NONE)
		return BAD(r, ".maps", pointer->offset, "map %s: %s is not a program%s", map->name,
			   image ? image->name : elf_symbol_name(r, symbol), image ? ": is it static?" : "");
	return 0;
}

static int find_inner(struct reader *r, const struct mem_map_image *map, const struct pointer *pointer,
		      struct mem_init_image *init)
{
	const struct symbol *symbol = pointer->symbol;
	const struct map_source *source = NULL;

	if (symbol->section == elf_find_section(r, ".maps"))
		source = maps_find(r, pointer->target);
	if (!source || source->offset != pointer->target)
		return BAD(r, ".maps", pointer->offset, "map %s: %s is not a map", map->name,
			   elf_symbol_name(r, symbol));
	init->kind = MEM_INIT_MAP;
	init->target = source->row;
	return 0;
}

/* What the slot of a map of maps or programs is initialised with. */
static int read_init(struct reader *r, const struct pointer *pointer)
{
	const struct map_source *source = maps_find(r, pointer->offset);
	struct mem_init_image *init;
	struct mem_map_image *map;
	uint64_t offset;

	if (!source)
		return BAD(r, ".maps", pointer->offset, "an initial value outside of any map");
	map = ROW(r, maps, source->row, struct mem_map_image);
	offset = pointer->offset - source->offset;
	if (source->values_offset == MEM_NONE || offset < source->values_offset ||
	    (offset - source->values_offset) % 8 || offset + 8 > source->size)
		return BAD(r, ".maps", pointer->offset,
			   "map %s: only the elements of __array(values, ...) have initial values",
			   map->name);
	if (map->type == BPF_MAP_TYPE_HASH_OF_MAPS && map->key_size != 4)
		return BAD(r, ".maps", pointer->offset,
			   "map %s: initial values need keys of 4 bytes, not %u", map->name,
			   map->key_size);
	/* pointers are sorted by offset, so those of a map are in a row */
	if (!map->inits.count)
		map->inits.first = r->inits.count;
	map->inits.count++;
	init = ADD_ROWS(r, inits, 1, struct mem_init_image);
	if (!init)
		return -ENOMEM;
	init->slot = (offset - source->values_offset) / 8;
	return map->type == BPF_MAP_TYPE_PROG_ARRAY ? find_program(r, map, pointer, init)
						    : find_inner(r, map, pointer, init);
}

int maps_read_inits(struct reader *r)
{
	uint32_t index = elf_find_section(r, ".maps"), count;
	struct pointer *pointers;
	int err;

	if (!index)
		return 0;
	err = elf_read_pointers(r, &r->sections[index], &pointers, &count);
	for (uint32_t i = 0; !err && i < count; i++)
		err = read_init(r, &pointers[i]);
	free(pointers);
	return err;
}
