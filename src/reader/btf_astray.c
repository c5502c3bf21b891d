/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables in the list of a section that they are not in.
 *
 * Constants of 4, 8, 16 or 32 bytes that linkers may merge go to .rodata.cst4 and so on. clang up to 14 lists
 * them as variables of .rodata all the same, over others or past its end, or without there being a .rodata.
 * They are marked here, and left out of the list with what has no byte (btf_empty.c); where they are is a region
 * without names.
 */
#include <stdlib.h>

#include "reader/reader.h"

#define ASTRAY UINT32_MAX /* as an offset, in an entry without a byte: no section is so large */

int btf_is_astray(const struct btf_var_secinfo *info)
{
	return !info->size && info->offset == ASTRAY;
}

static void mark(struct btf_var_secinfo *info)
{
	info->size = 0;
	info->offset = ASTRAY;
}

struct names {
	const char **names;
	uint32_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int is_in(const struct names *names, const char *name)
{
	return names->count && bsearch(&name, names->names, names->count, sizeof(name), by_text);
}

/* Static symbols of one section, or with none of all that hold constants to merge. */
static int is_constant_of(const struct reader *r, const struct symbol *symbol, uint32_t section)
{
	if (symbol->type != STT_OBJECT || symbol->bind != STB_LOCAL || symbol->section >= r->section_count)
		return 0;
	return section ? symbol->section == section
		       : !strncmp(r->sections[symbol->section].name, ".rodata.cst", 11);
}

static int list_constants(struct reader *r, uint32_t section, struct names *list)
{
	uint32_t count = 0;

	for (uint32_t i = 1; i < r->symbol_count; i++)
		count += is_constant_of(r, &r->symbols[i], section);
	if (!count)
		return 0;
	list->names = pool_alloc(&r->scratch, count, sizeof(*list->names));
	if (!list->names)
		return reader_no_memory(r);
	for (uint32_t i = 1; i < r->symbol_count; i++)
		if (is_constant_of(r, &r->symbols[i], section))
			list->names[list->count++] = r->symbols[i].name;
	qsort(list->names, list->count, sizeof(*list->names), by_text);
	return 0;
}

/* section is .rodata, or 0 where there is none. */
int btf_mark_astray(struct reader *r, uint32_t section, struct btf_type *datasec)
{
	struct btf_var_secinfo *infos = btf_var_secinfos(datasec);
	struct names merged = {0}, own = {0};
	int err;

	if (strcmp(btf_name(r, datasec->name_off), ".rodata"))
		return 0;
	err = list_constants(r, 0, &merged);
	if (err || !merged.count)
		return err;
	if (section)
		err = list_constants(r, section, &own);
	for (uint32_t i = 0; !err && i < btf_vlen(datasec); i++) {
		const struct btf_type *type = btf_type(r, infos[i].type);
		const char *name = type ? btf_name(r, type->name_off) : "";

		if (type && btf_is_var(type) && btf_var(type)->linkage == BTF_VAR_STATIC && is_in(&merged, name) &&
		    !is_in(&own, name))
			mark(&infos[i]);
	}
	return err;
}

/* Whether nothing is left of the list of a section that is not there; nothing is in it then. */
int btf_is_list_of_nothing(struct btf_type *datasec)
{
	struct btf_var_secinfo *infos = btf_var_secinfos(datasec);

	for (uint32_t i = 0; i < btf_vlen(datasec); i++)
		if (infos[i].size)
			return 0;
	for (uint32_t i = 0; i < btf_vlen(datasec); i++)
		mark(&infos[i]);
	datasec->size = 1; /* the kernel takes no section of 0 bytes */
	return 1;
}
