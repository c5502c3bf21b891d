/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <string.h>

#include "fuzz/same_image.h"

static int same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Rows without pointers, every byte of them. */
static int same_table(const struct mem_table *a, const struct mem_table *b)
{
	return a->count == b->count && a->row_size == b->row_size &&
	       (!a->count || !memcmp(a->rows, b->rows, (size_t)a->count * a->row_size));
}

/* The bytes of two rows from one member to their ends. */
#define SAME_FROM(a, b, type, member)                                                              \
	(!memcmp(&(a)->member, &(b)->member, sizeof(type) - offsetof(type, member)))

static int same_map(const void *x, const void *y)
{
	const struct mem_map_image *a = x, *b = y;

	return same_text(a->name, b->name) && same_text(a->kernel_name, b->kernel_name) &&
	       same_text(a->pin_path, b->pin_path) && SAME_FROM(a, b, struct mem_map_image, type);
}

static int same_region(const void *x, const void *y)
{
	const struct mem_region_image *a = x, *b = y;

	return same_text(a->name, b->name) && same_text(a->section, b->section) &&
	       SAME_FROM(a, b, struct mem_region_image, init_size) && !a->init == !b->init &&
	       (!a->init || !memcmp(a->init, b->init, a->init_size));
}

static int same_prog(const void *x, const void *y)
{
	const struct mem_prog_image *a = x, *b = y;

	return same_text(a->name, b->name) && same_text(a->section, b->section) &&
	       same_text(a->target, b->target) && SAME_FROM(a, b, struct mem_prog_image, type);
}

static int same_func(const void *x, const void *y)
{
	const struct mem_func_image *a = x, *b = y;

	return same_text(a->name, b->name) && same_text(a->section, b->section) &&
	       SAME_FROM(a, b, struct mem_func_image, section_offset);
}

static int same_extern(const void *x, const void *y)
{
	const struct mem_extern_image *a = x, *b = y;

	return same_text(a->name, b->name) && SAME_FROM(a, b, struct mem_extern_image, kind);
}

static int same_rows(const struct mem_table *a, const struct mem_table *b,
		     int (*same)(const void *, const void *))
{
	if (a->count != b->count || a->row_size != b->row_size)
		return 0;
	for (uint32_t i = 0; i < a->count; i++)
		if (!same((const char *)a->rows + (size_t)i * a->row_size,
			  (const char *)b->rows + (size_t)i * b->row_size))
			return 0;
	return 1;
}

int same_image(const struct mem_image *a, const struct mem_image *b)
{
	return a->abi == b->abi && a->size == b->size && same_text(a->name, b->name) &&
	       same_text(a->license, b->license) && a->kern_version == b->kern_version &&
	       a->flags == b->flags && same_rows(&a->maps, &b->maps, same_map) &&
	       same_rows(&a->regions, &b->regions, same_region) &&
	       same_rows(&a->progs, &b->progs, same_prog) &&
	       same_rows(&a->funcs, &b->funcs, same_func) &&
	       same_rows(&a->externs, &b->externs, same_extern) &&
	       same_table(&a->inits, &b->inits) && same_table(&a->prog_funcs, &b->prog_funcs) &&
	       same_table(&a->insns, &b->insns) && same_table(&a->relocs, &b->relocs) &&
	       same_table(&a->line_infos, &b->line_infos) &&
	       same_table(&a->core_relos, &b->core_relos) && same_table(&a->btf, &b->btf);
}
