/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections of variables. Each becomes the only element of an array map, which programs and
 * application share; those in the arena's address space go to the arena.
 */
#include <ctype.h>
#include <stdio.h>

#include "reader/reader.h"

#define ALIGN_MAX 65536 /* bytes, the largest page there is: no mapping promises more */

/* ".data.foo" is data_foo in the skeleton. */
static const char *member_name(struct reader *r, const char *section)
{
	char *name = reader_string(r, section + (*section == '.'));

	for (char *c = name; c && *c; c++)
		if ((unsigned char)*c >= 128 || (!isalnum((unsigned char)*c) && *c != '_'))
			*c = '_';
	return name;
}

/*
 * As libbpf and bpftool show it: the object's name up to what fits before the section's, for
 * which 7 characters are kept at least; .percpu and sections with a name of their own have no prefix.
 */
static char *kernel_name(struct reader *r, const char *section)
{
	size_t len = strlen(section), room;

	if (strchr(section + 1, '.') || !strcmp(section, ".percpu"))
		return maps_kernel_name(r, "", 0, section);
	len = len < 7 ? 7 : len > 15 ? 15 : len;
	room = 15 - len;
	return maps_kernel_name(r, r->name, strnlen(r->name, room), section);
}

static int add_map(struct reader *r, const char *name, uint32_t size, uint32_t flags, uint32_t type,
		   uint32_t map_type)
{
	struct mem_map_image *map = ADD_ROWS(r, maps, 1, struct mem_map_image);

	if (!map)
		return -ENOMEM;
	*map = (struct mem_map_image){
		.name = reader_string(r, name),
		.kernel_name = kernel_name(r, name),
		.type = map_type,
		.key_size = 4,
		.value_size = size,
		.max_entries = 1,
		.map_flags = flags,
		.value_type = type,
		.inner_map = MEM_NONE,
		.flags = MEM_MAP_INTERNAL,
	};
	return map->name && map->kernel_name ? 0 : -ENOMEM;
}

/* Contents of a section up to the last byte that is not zero. */
static int set_contents(struct reader *r, const struct section *section,
			struct mem_region_image *region)
{
	uint64_t size = section->data ? section->size : 0;
	uint64_t align = section->align ? section->align : 1;
	uint8_t *copy;

	if (align & (align - 1) || align > ALIGN_MAX)
		return BAD(r, section->name, 0, "alignment to %llu bytes",
			   (unsigned long long)align);
	region->align = align;
	region->size = section->size;
	while (size && !section->data[size - 1])
		size--;
	if (!size)
		return 0;
	copy = pool_alloc(r->pool, size, 1);
	if (!copy)
		return reader_no_memory(r);
	region->init = memcpy(copy, section->data, size);
	region->init_size = size;
	return 0;
}

/* Locks, timers and the like: the kernel lets nobody map their neighbours either. */
static int can_be_mapped(const struct reader *r, const struct section *section)
{
	const struct btf_type *datasec = btf_type(r, section->datasec);

	for (uint32_t i = 0; datasec && i < btf_vlen(datasec); i++)
		if (btf_has_kernel_fields(r, btf_type(r, btf_var_secinfos(datasec)[i].type)->type))
			return 0;
	return 1;
}

static uint32_t region_kind(const struct section *section)
{
	if (section->kind == SECTION_PERCPU)
		return MEM_REGION_PERCPU;
	return section->kind == SECTION_RODATA ? MEM_REGION_RODATA : MEM_REGION_DATA;
}

static int read_section(struct reader *r, struct section *section)
{
	int readonly = section->kind == SECTION_RODATA, percpu = section->kind == SECTION_PERCPU, err;
	uint32_t flags = readonly ? BPF_F_RDONLY_PROG : 0;
	struct mem_region_image *region;

	if (!percpu && can_be_mapped(r, section))
		flags |= BPF_F_MMAPABLE;
	section->region = r->regions.count;
	region = ADD_ROWS(r, regions, 1, struct mem_region_image);
	if (!region)
		return -ENOMEM;
	region->name = member_name(r, section->name);
	region->section = reader_string(r, section->name);
	if (!region->name || !region->section)
		return -ENOMEM;
	region->kind = region_kind(section);
	region->map = r->maps.count;
	region->type = section->datasec;
	err = set_contents(r, section, region);
	return err ?: add_map(r, section->name, section->size, flags, section->datasec,
			      percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY);
}

/* The arena whose variables these are: the one called "arena", else the first. */
static struct mem_region_image *find_arena(struct reader *r)
{
	struct mem_region_image *first = NULL;

	for (uint32_t i = 0; i < r->regions.count; i++) {
		struct mem_region_image *region = ROW(r, regions, i, struct mem_region_image);

		if (region->kind != MEM_REGION_ARENA)
			continue;
		if (!strcmp(ROW(r, maps, region->map, struct mem_map_image)->name, "arena"))
			return region;
		first = first ? first : region;
	}
	return first;
}

static int read_arena(struct reader *r, struct section *section)
{
	struct mem_region_image *arena = find_arena(r);

	if (!arena)
		return BAD(r, section->name, 0,
			   "variables of an arena, but no arena: declare one with MEM_ARENA(arena, "
			   "pages)");
	section->region = arena - ROW(r, regions, 0, struct mem_region_image);
	arena->section = reader_string(r, section->name);
	arena->type = section->datasec;
	return arena->section ? set_contents(r, section, arena) : -ENOMEM;
}

int data_read(struct reader *r)
{
	int err = 0;

	for (uint32_t i = 1; !err && i < r->section_count; i++) {
		struct section *section = &r->sections[i];

		if (section->kind == SECTION_ARENA)
			err = read_arena(r, section);
		else if (section->kind == SECTION_DATA || section->kind == SECTION_BSS ||
			 section->kind == SECTION_RODATA || section->kind == SECTION_PERCPU)
			err = read_section(r, section);
	}
	return err;
}

int data_read_kconfig(struct reader *r, uint32_t size, uint32_t align)
{
	struct mem_region_image *region = ADD_ROWS(r, regions, 1, struct mem_region_image);
	int type = btf__find_by_name_kind(r->btf, ".kconfig", BTF_KIND_DATASEC);

	if (!region)
		return -ENOMEM;
	*region = (struct mem_region_image){
		.name = "kconfig",
		.section = ".kconfig",
		.size = size,
		.kind = MEM_REGION_KCONFIG,
		.map = r->maps.count,
		.type = type > 0 ? type : 0,
		.align = align,
	};
	return add_map(r, ".kconfig", size, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG, region->type,
		       BPF_MAP_TYPE_ARRAY);
}
