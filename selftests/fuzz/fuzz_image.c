/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is an object file and edits of the image it makes:
 *
 *     uint32_t size of the object | object | struct edit ...
 *
 * An edit writes a number into a field of a row, or NULL into a pointer, or cuts a table short, or
 * makes its rows longer or shorter as those of another version of libmem would be. What a pointer
 * points to stays as large as the tables say: that much is promised to mem_image_is_valid().
 */
#include <stdlib.h>
#include <string.h>

#include <mem/elf.h>

#include "fuzz/fuzz.h"
#include "fuzz/fuzz_image.h"
#include "image.h"
#include "insns.h"
#include "object.h"

#define TABLE_ROW(member, type, pointer_bytes)                                                     \
	{offsetof(struct mem_image, member), sizeof(type), pointer_bytes}

/* The tables, and how many bytes at the start of their rows are pointers. */
static const struct table {
	size_t offset; /* in struct mem_image */
	uint32_t row_size;
	uint32_t pointers;
} tables[] = {
	TABLE_ROW(maps, struct mem_map_image, offsetof(struct mem_map_image, type)),
	TABLE_ROW(inits, struct mem_init_image, 0),
	TABLE_ROW(regions, struct mem_region_image, offsetof(struct mem_region_image, init_size)),
	TABLE_ROW(progs, struct mem_prog_image, offsetof(struct mem_prog_image, type)),
	TABLE_ROW(prog_funcs, uint32_t, 0),
	TABLE_ROW(funcs, struct mem_func_image, offsetof(struct mem_func_image, section_offset)),
	TABLE_ROW(insns, uint64_t, 0),
	TABLE_ROW(relocs, struct mem_reloc_image, 0),
	TABLE_ROW(externs, struct mem_extern_image, offsetof(struct mem_extern_image, kind)),
	TABLE_ROW(line_infos, struct bpf_line_info, 0),
	TABLE_ROW(core_relos, struct bpf_core_relo, 0),
	TABLE_ROW(btf, char, 0),
};
enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

static struct mem_table *table_of(struct mem_image *image, uint32_t i)
{
	return (struct mem_table *)((char *)image + tables[i].offset);
}

/* Rows of a block of their own, so that a read beyond them is noticed. */
static void own_rows(struct mem_table *table, uint32_t row_size)
{
	size_t known = row_size < table->row_size ? row_size : table->row_size;
	char *rows = calloc(table->count + !table->count, row_size);

	for (uint32_t i = 0; rows && i < table->count; i++)
		memcpy(rows + (size_t)i * row_size,
		       (const char *)table->rows + (size_t)i * table->row_size, known);
	FUZZ_REQUIRE(rows, "no memory");
	table->rows = rows;
	table->row_size = row_size;
}

static void edit_field(struct mem_table *table, const struct table *info, const struct fuzz_edit *edit)
{
	uint32_t width = table->row_size % 4 ? 1 : 4;
	uint32_t at = edit->offset % (table->row_size / width) * width;
	char *row = (char *)table->rows + (size_t)(edit->row % table->count) * table->row_size;
	uint64_t init_size;

	if (at < info->pointers) {
		memset(row + at / sizeof(void *) * sizeof(void *), 0, sizeof(void *));
		return;
	}
	if (info->offset == offsetof(struct mem_image, regions) &&
	    at < offsetof(struct mem_region_image, size)) {
		memcpy(&init_size, row + offsetof(struct mem_region_image, init_size), 8);
		if (init_size)
			init_size = edit->value % init_size;
		memcpy(row + offsetof(struct mem_region_image, init_size), &init_size, 8);
		return;
	}
	memcpy(row + at, &edit->value, width);
}

static void edit_table(struct mem_table *table, const struct table *info, const struct fuzz_edit *edit)
{
	const void *old = table->rows;

	if (edit->kind == FUZZ_EDIT_COUNT && table->count) {
		table->count = edit->value % (table->count + 1);
	} else if (edit->kind == FUZZ_EDIT_ROW_SIZE && info->row_size >= 8) {
		/* never less than its pointers; the new bytes are 0 */
		own_rows(table, (info->pointers ?: 8) + edit->value % 16 * 8);
		free((void *)old);
	} else if (edit->kind == FUZZ_EDIT_TABLE && !table->count) {
		table->row_size = edit->value;
	} else if (table->count && table->row_size) {
		edit_field(table, info, edit);
	}
}

static void edit_image(struct mem_image *image, const struct fuzz_edit *edit)
{
	switch (edit->offset % 4) {
	case 0:
		image->abi = edit->value;
		break;
	case 1:
		image->size = edit->value % (sizeof(*image) + 1);
		break;
	case 2:
		image->license = NULL;
		break;
	default:
		image->name = NULL;
	}
}

/* Programs are assembled as they would be for the kernel. */
static void check_object(struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.prog_count; i++) {
		struct insns insns;

		obj->btf_fd = i & 1 ? -1 : INT32_MAX; /* as if the kernel had taken it */
		if (!insns_build(&obj->progs[i], &insns))
			insns_free(&insns);
		else
			FUZZ_REQUIRE(*mem_error_message(), "no message");
	}
	obj->btf_fd = -1;
}

static void check_image(const struct mem_image *image)
{
	struct mem_object *obj;
	int valid;

	mem_image_is_valid(NULL); /* sets a message to tell a new one from */
	valid = mem_image_is_valid(image);
	FUZZ_REQUIRE(valid || strcmp(mem_error_message(), "image: NULL") != 0, "no message");
	obj = mem_object_open(image, NULL);
	FUZZ_REQUIRE(valid || !obj, "an image that is not valid was opened");
	if (obj)
		check_object(obj);
	mem_object_close(obj);
}

static void edit_and_check(const struct mem_image *original, const uint8_t *edits, size_t size)
{
	struct mem_image image = *original;
	struct fuzz_edit edit;

	for (uint32_t i = 0; i < TABLES; i++)
		own_rows(table_of(&image, i), tables[i].row_size);
	for (; size >= sizeof(edit); size -= sizeof(edit), edits += sizeof(edit)) {
		memcpy(&edit, edits, sizeof(edit));
		if (edit.table % (TABLES + 1) == TABLES)
			edit_image(&image, &edit);
		else
			edit_table(table_of(&image, edit.table % (TABLES + 1)),
				   &tables[edit.table % (TABLES + 1)], &edit);
	}
	check_image(&image);
	for (uint32_t i = 0; i < TABLES; i++)
		free((void *)table_of(&image, i)->rows);
}

void fuzz_image(const uint8_t *data, size_t size)
{
	static const struct mem_read_opts opts = {.sz = sizeof(opts), .name = "fuzz"};
	struct mem_image *image;
	uint32_t object;

	if (size < sizeof(object))
		return;
	memcpy(&object, data, sizeof(object));
	if (object > size - sizeof(object))
		return;
	image = mem_image_read(data + sizeof(object), object, &opts);
	if (!image)
		return;
	edit_and_check(image, data + sizeof(object) + object, size - sizeof(object) - object);
	mem_image_free(image);
}

static size_t mutate_edits(uint8_t *edits, size_t size, size_t max_size, unsigned int seed,
			   size_t (*anything)(uint8_t *, size_t, size_t))
{
	static const uint32_t values[] = {0, 1, 2, 3, 4, 8, 33, 255, 4096, 0x7fffffff, 0x80000000,
					  0xffffffff};
	size_t count = size / sizeof(struct fuzz_edit);
	struct fuzz_edit edit;

	if (seed % 3 == 0)
		return anything(edits, size, max_size);
	if (seed % 5 == 0 && count)
		return (count - 1) * sizeof(edit);
	edit = (struct fuzz_edit){.table = seed >> 2 & 15, .kind = seed >> 6 & 31, .row = seed >> 8 & 63,
				  .offset = seed >> 12 & 63,
				  .value = seed & 1 ? values[(seed >> 16) % 12] : seed >> 16 & 255};
	if ((count + 1) * sizeof(edit) > max_size)
		return size;
	memcpy(edits + count * sizeof(edit), &edit, sizeof(edit));
	return (count + 1) * sizeof(edit);
}

size_t mutate_image(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		    size_t (*anything)(uint8_t *, size_t, size_t))
{
	uint32_t object;

	if (size < sizeof(object))
		return anything(data, size, max_size);
	memcpy(&object, data, sizeof(object));
	if (object > size - sizeof(object))
		return anything(data, size, max_size);
	object += sizeof(object);
	return object + mutate_edits(data + object, size - object, max_size - object, seed, anything);
}
