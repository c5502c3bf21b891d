/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps, programs and regions are found by name, and are members of the skeleton's structs: among
 * its kind a name is there once.
 */
#include <ctype.h>
#include <stdlib.h>

#include "reader/reader.h"

int names_is_identifier(const char *name)
{
	if (!*name || isdigit((unsigned char)*name))
		return 0;
	for (; *name; name++)
		if ((unsigned char)*name >= 128 || (!isalnum((unsigned char)*name) && *name != '_'))
			return 0;
	return 1;
}

struct named {
	const char *name;
	const char *section; /* for messages */
	uint32_t place;	     /* bytes into the section, for messages */
	uint32_t row;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static int check(struct reader *r, const char *what, struct named *list, uint32_t count)
{
	qsort(list, count, sizeof(*list), by_name);
	for (uint32_t i = 1; i < count; i++)
		if (!strcmp(list[i].name, list[i - 1].name))
			return BAD(r, list[i].section, list[i].place,
				   "%s %s is also in %s+0x%x: rename one", what, list[i].name,
				   list[i - 1].section, list[i - 1].place);
	return 0;
}

static struct named name_map(const struct reader *r, uint32_t i)
{
	const struct mem_map_image *map = ROW(r, maps, i, struct mem_map_image);

	return (struct named){
		.name = map->name,
		.section = map->flags & MEM_MAP_INTERNAL ? map->name : ".maps",
		.place = map->section_offset,
		.row = i,
	};
}

static struct named name_region(const struct reader *r, uint32_t i)
{
	const struct mem_region_image *region = ROW(r, regions, i, struct mem_region_image);
	struct named named = name_map(r, region->map);

	named.name = region->name;
	named.row = i;
	return named;
}

static struct named name_prog(const struct reader *r, uint32_t i)
{
	const struct mem_prog_image *prog = ROW(r, progs, i, struct mem_prog_image);

	return (struct named){.name = prog->name, .section = prog->section, .row = i};
}

int names_check(struct reader *r)
{
	static const struct {
		const char *what;
		size_t table; /* offset in struct reader */
		struct named (*get)(const struct reader *r, uint32_t i);
	} kinds[] = {
		{"map", offsetof(struct reader, maps), name_map},
		{"memory", offsetof(struct reader, regions), name_region},
		{"program", offsetof(struct reader, progs), name_prog},
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct rows *rows = (const struct rows *)((const char *)r + kinds[i].table);
		struct named *list = pool_alloc(&r->scratch, rows->count, sizeof(*list));

		if (!list)
			return reader_no_memory(r);
		for (uint32_t j = 0; j < rows->count; j++)
			list[j] = kinds[i].get(r, j);
		err = check(r, kinds[i].what, list, rows->count);
	}
	return err;
}
