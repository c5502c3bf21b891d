/* SPDX-License-Identifier: BSD-2-Clause */
/* Views of an image's tables, whichever version of libmem wrote them. Checks: image_check.c. */
#include <errno.h>
#include <linux/btf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "image.h"

/* What is known of one table. */
struct table_info {
	const char *name;
	size_t table;	   /* offset in struct mem_image */
	size_t view_rows;  /* offset of the pointer in struct image_view */
	size_t view_count; /* offset of the count in struct image_view */
	uint32_t row_size; /* bytes of a row that this library knows */
	uint32_t align;	   /* bytes */
	int fixed;	   /* rows never grow */
};

#define TABLE(member, count, type, is_fixed)                                                       \
	{                                                                                          \
		.name = #member, .table = offsetof(struct mem_image, member),                      \
		.view_rows = offsetof(struct image_view, member),                                  \
		.view_count = offsetof(struct image_view, count), .row_size = sizeof(type),        \
		.align = _Alignof(type), .fixed = is_fixed                                         \
	}

static const struct table_info tables[] = {
	TABLE(maps, map_count, struct mem_map_image, 0),
	TABLE(inits, init_count, struct mem_init_image, 0),
	TABLE(regions, region_count, struct mem_region_image, 0),
	TABLE(progs, prog_count, struct mem_prog_image, 0),
	TABLE(prog_funcs, prog_func_count, uint32_t, 1),
	TABLE(funcs, func_count, struct mem_func_image, 0),
	TABLE(insns, insn_count, uint64_t, 1),
	TABLE(relocs, reloc_count, struct mem_reloc_image, 0),
	TABLE(externs, extern_count, struct mem_extern_image, 0),
	TABLE(line_infos, line_info_count, struct bpf_line_info, 0),
	TABLE(core_relos, core_relo_count, struct bpf_core_relo, 0),
	TABLE(btf, btf_size, char, 1),
	TABLE(tasks, task_count, struct mem_task_image, 0),
	TABLE(task_fields, task_field_count, struct mem_task_field_image, 0),
};

#define TABLE_COUNT (sizeof(tables) / sizeof(tables[0]))

/* A table that the image's writer did not know yet is empty. */
static const struct mem_table *table_of(const struct mem_image *image,
					const struct table_info *info)
{
	static const struct mem_table none;

	if (info->table + sizeof(none) > image->size)
		return &none;
	return (const struct mem_table *)((const char *)image + info->table);
}

static int is_zero(const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i])
			return 0;
	return 1;
}

static int check_header(const struct mem_image *image)
{
	if (!image)
		return mem__error(EINVAL, "image: NULL");
	if (image->abi != MEM_IMAGE_ABI)
		return mem__error(
			ENOTSUP,
			"image: made for ABI %u, this libmem reads %u: generate the header "
			"again with the memgen of this libmem",
			image->abi, MEM_IMAGE_ABI);
	if (image->size < offsetof(struct mem_image, maps))
		return mem__error(EINVAL, "image: only %u bytes, at least %zu are expected",
				  image->size, offsetof(struct mem_image, maps));
	if (!image->name)
		return mem__error(EINVAL, "image: has no name");
	if (image->size > sizeof(*image) &&
	    !is_zero((const unsigned char *)(image + 1), image->size - sizeof(*image)))
		return mem__error(
			ENOTSUP,
			"%s: made by a newer memgen: it uses a table that this libmem does "
			"not know; install that version's libmem",
			image->name);
	return 0;
}

static int check_table(const struct mem_image *image, const struct table_info *info)
{
	const struct mem_table *table = table_of(image, info);
	uint32_t extra;

	if (!table->count)
		return 0;
	if (!table->rows)
		return mem__error(EINVAL, "%s: %s: %u rows at address NULL", image->name,
				  info->name, table->count);
	if (!table->row_size || (info->fixed && table->row_size != info->row_size))
		return mem__error(EINVAL, "%s: %s: rows of %u bytes, not %u", image->name,
				  info->name, table->row_size, info->row_size);
	if (table->row_size == info->row_size && (uintptr_t)table->rows % info->align)
		return mem__error(EINVAL, "%s: %s: not aligned to %u bytes", image->name,
				  info->name, info->align);
	if (table->row_size <= info->row_size)
		return 0;

	extra = table->row_size - info->row_size;
	for (uint32_t i = 0; i < table->count; i++) {
		const unsigned char *row = table->rows;

		row += (size_t)i * table->row_size + info->row_size;
		if (!is_zero(row, extra))
			return mem__error(
				ENOTSUP,
				"%s: made by a newer memgen: %s[%u] uses a field that this "
				"libmem does not know; install that version's libmem",
				image->name, info->name, i);
	}
	return 0;
}

/* Bytes of the widened copy of a table, 0 if its rows can be used as they are. */
static size_t copy_size(const struct mem_image *image, const struct table_info *info)
{
	const struct mem_table *table = table_of(image, info);

	if (!table->count || table->row_size == info->row_size)
		return 0;
	/* to a multiple of 8, so that the next table's copy is aligned as well */
	return ((size_t)table->count * info->row_size + 7) & ~(size_t)7;
}

static void copy_rows(const struct mem_table *table, const struct table_info *info, char *to)
{
	uint32_t known = table->row_size < info->row_size ? table->row_size : info->row_size;
	const char *from = table->rows;

	for (uint32_t i = 0; i < table->count; i++)
		memcpy(to + (size_t)i * info->row_size, from + (size_t)i * table->row_size, known);
}

int image_widen(const struct mem_image *image, struct image_view *view)
{
	size_t owned_size = 0;
	char *next;
	int err;

	memset(view, 0, sizeof(*view));
	err = check_header(image);
	for (size_t i = 0; !err && i < TABLE_COUNT; i++) {
		err = check_table(image, &tables[i]);
		owned_size += err ? 0 : copy_size(image, &tables[i]);
	}
	if (err)
		return err;
	if (owned_size) {
		view->owned = calloc(1, owned_size);
		if (!view->owned)
			return mem__error(ENOMEM, "%s: no memory for %zu bytes of tables",
					  image->name, owned_size);
	}

	next = view->owned;
	for (size_t i = 0; i < TABLE_COUNT; i++) {
		const struct mem_table *table = table_of(image, &tables[i]);
		size_t size = copy_size(image, &tables[i]);
		const void *rows = table->rows;

		if (size) {
			copy_rows(table, &tables[i], next);
			rows = next;
			next += size;
		}
		memcpy((char *)view + tables[i].view_rows, &rows, sizeof(rows));
		memcpy((char *)view + tables[i].view_count, &table->count, sizeof(table->count));
	}
	view->image = image;
	return 0;
}

void image_view_free(struct image_view *view)
{
	free(view->owned);
	memset(view, 0, sizeof(*view));
}

int image_btf_strings(const struct image_view *view, struct image_strings *strings)
{
	const char *name = view->image->name;
	struct btf_header header;
	uint64_t first, end;

	memset(strings, 0, sizeof(*strings));
	if (!view->btf_size)
		return 0;
	if (view->btf_size < sizeof(header))
		return mem__error(EINVAL, "%s: BTF: only %u bytes", name, view->btf_size);
	memcpy(&header, view->btf, sizeof(header));
	if (header.magic != BTF_MAGIC || header.version != BTF_VERSION ||
	    header.hdr_len < sizeof(header) || header.hdr_len > view->btf_size)
		return mem__error(EINVAL, "%s: BTF: bad header", name);

	first = (uint64_t)header.hdr_len + header.type_off;
	if (first + header.type_len > view->btf_size)
		return mem__error(EINVAL, "%s: BTF: types end past its %u bytes", name,
				  view->btf_size);
	first = (uint64_t)header.hdr_len + header.str_off;
	end = first + header.str_len;
	if (!header.str_len || end > view->btf_size)
		return mem__error(EINVAL, "%s: BTF: strings end past its %u bytes", name,
				  view->btf_size);
	strings->data = (const char *)view->btf + first;
	strings->size = header.str_len;
	if (strings->data[0] || strings->data[strings->size - 1])
		return mem__error(EINVAL, "%s: BTF: strings don't begin and end with NUL", name);
	return 0;
}
