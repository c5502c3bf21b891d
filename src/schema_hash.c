/* SPDX-License-Identifier: BSD-2-Clause */
/* What a region holds, as a number. memgen has computed it for what is in headers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "schema.h"

void mem_schema_free(struct mem_schema *schema)
{
	int saved_errno = errno;

	for (uint32_t i = 0; schema && i < schema->count; i++) {
		free((char *)schema->fields[i].path);
		free((char *)schema->fields[i].type);
		free((char *)schema->fields[i].was);
	}
	if (schema)
		free(schema->fields);
	free(schema);
	errno = saved_errno;
}

uint64_t mem_schema_hash(const struct mem_schema *schema)
{
	uint64_t hash = FNV_START;

	for (uint32_t i = 0; i < schema->count; i++) {
		const struct mem_schema_field *field = &schema->fields[i];
		char numbers[48];
		int len = snprintf(numbers, sizeof(numbers), "%llu %llu",
				   (unsigned long long)field->offset,
				   (unsigned long long)field->size);

		hash = fnv_add(hash, field->path, strlen(field->path) + 1);
		hash = fnv_add(hash, field->type, strlen(field->type) + 1);
		hash = fnv_add(hash, numbers, (size_t)len + 1);
	}
	return hash ? hash : 1;
}

struct mem_schema *schema_of_row(const struct image_view *view, const struct mem_region_image *row,
				 const char *who)
{
	if (!row->type || !view->btf_size) {
		if (who)
			mem__error(ENODATA, "%s: its types are not known: compile with clang -g",
				   who);
		return NULL;
	}
	return schema_build(view->btf, view->btf_size, row->type, who);
}

int schema_row_hash(const struct image_view *view, const struct mem_region_image *row, uint64_t *hash)
{
	struct mem_schema *schema;

	*hash = row->schema;
	if (*hash)
		return 0;
	errno = 0;
	schema = schema_of_row(view, row, NULL);
	if (!schema)
		return errno == ENOMEM ? -ENOMEM : 0;
	*hash = mem_schema_hash(schema);
	mem_schema_free(schema);
	return 0;
}

int schema_region_hash(const struct mem_region *region, uint64_t *hash)
{
	if (!schema_row_hash(&region->obj->image, region->image, hash))
		return 0;
	return mem__error(ENOMEM, "%s: region '%s': no memory to read its types", region->obj->name,
			  region->image->name);
}

void schema_use(void)
{
}
