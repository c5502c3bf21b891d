/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps, programs and regions are found by name, and are members of the skeleton's structs: among
 * its kind a name is there once. Regions whose names are made from those of sections are told apart.
 * The kernel's names of maps are shorter, and still differ.
 */
#include <ctype.h>
#include <stdio.h>
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

/* Sections before maps of the source: skel->data is the section, whatever maps are called. */
static int by_claim(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	order = order ? order : !strcmp(x->section, ".maps") - !strcmp(y->section, ".maps");
	return order ? order : (x->row > y->row) - (x->row < y->row);
}

static char *with_count(struct reader *r, const char *name, uint32_t count)
{
	size_t size = strlen(name) + 12;
	char *text = pool_alloc(r->pool, size, 1);

	if (text)
		snprintf(text, size, "%s_%u", name, count);
	else
		reader_no_memory(r);
	return text;
}

/* .data.a.b and .data.a_b are both data_a_b, and so may a map be: all but one get a number. 1 if there were any. */
static int tell_regions_apart(struct reader *r, struct named *list)
{
	uint32_t same = 1;
	int alike = 0;

	for (uint32_t i = 0; i < r->regions.count; i++)
		list[i] = name_region(r, i);
	qsort(list, r->regions.count, sizeof(*list), by_claim);
	for (uint32_t i = 1; i < r->regions.count; i++) {
		struct mem_region_image *region = ROW(r, regions, list[i].row, struct mem_region_image);

		same = strcmp(list[i].name, list[i - 1].name) ? 1 : same + 1;
		if (same == 1)
			continue;
		region->name = with_count(r, list[i].name, same);
		if (!region->name)
			return -ENOMEM;
		alike = 1;
	}
	return alike;
}

static int names_regions(struct reader *r)
{
	enum { ROUNDS = 8 }; /* data_2 may be taken, too */
	struct named *list = pool_alloc(&r->scratch, r->regions.count, sizeof(*list));
	int alike = 1;

	if (!list)
		return reader_no_memory(r);
	for (uint32_t round = 0; alike > 0 && round < ROUNDS; round++)
		alike = tell_regions_apart(r, list);
	return alike < 0 ? alike : 0;
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
	int err = names_regions(r);

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

/* All maps that live when programs run, by the name the kernel gets. */
static uint32_t list_kernel_names(const struct reader *r, struct named *list)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < r->maps.count; i++) {
		const struct mem_map_image *map = ROW(r, maps, i, struct mem_map_image);

		if (!(map->flags & MEM_MAP_PROTOTYPE))
			list[count++] = (struct named){.name = map->kernel_name, .row = i};
	}
	qsort(list, count, sizeof(*list), by_name);
	return count;
}

/* The end of a long name often says more than its middle: connections_by_port is connecti.y_port. */
static char *with_end(struct reader *r, const struct mem_map_image *map)
{
	enum { START = 8, END = 6 };
	size_t len = strlen(map->name);
	char text[START + 1 + END + 1];

	if (len <= START + 1 + END)
		return reader_string(r, map->kernel_name);
	snprintf(text, sizeof(text), "%.*s.%s", START, map->kernel_name, map->name + len - END);
	return maps_kernel_name(r, "", 0, text);
}

/* connections_by_port is connections.7 where nothing else helps. */
static char *with_number(struct reader *r, const struct mem_map_image *map, uint32_t number)
{
	char end[12];
	int len = snprintf(end, sizeof(end), ".%u", number);

	return maps_kernel_name(r, map->kernel_name, strnlen(map->kernel_name, 15 - (size_t)len), end);
}

/* Rename those that are alike; 1 if there were any. */
static int tell_apart(struct reader *r, struct named *list, uint32_t round)
{
	uint32_t count = list_kernel_names(r, list);
	int alike = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct mem_map_image *map = ROW(r, maps, list[i].row, struct mem_map_image);
		int before = i && !strcmp(list[i].name, list[i - 1].name);
		int after = i + 1 < count && !strcmp(list[i].name, list[i + 1].name);

		if (before || (after && !round))
			map->kernel_name = round ? with_number(r, map, list[i].row + round)
						 : with_end(r, map);
		if (!map->kernel_name)
			return -ENOMEM;
		alike |= before;
	}
	return alike;
}

int names_kernel(struct reader *r)
{
	enum { ROUNDS = 8 }; /* numbers that are taken, too, take another one or two */
	struct named *list = pool_alloc(&r->scratch, r->maps.count, sizeof(*list));
	int alike = 1;

	if (!list)
		return reader_no_memory(r);
	for (uint32_t round = 0; alike > 0 && round < ROUNDS; round++)
		alike = tell_apart(r, list, round);
	return alike < 0 ? alike : 0;
}
