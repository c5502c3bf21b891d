/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"
#include "btf_walk.h"

enum { DEPTH_MAX = 64 };

/* Count the types, or fill in where they are. */
static int index_types(struct btf_walk *walk, const char *at, size_t size)
{
	uint32_t count = 1;

	while (size) {
		const struct btf_type *type = (const void *)at;
		size_t step;

		if (size < sizeof(*type))
			return -EINVAL;
		step = btf_record_size(type);
		if (!step || step > size)
			return -EINVAL;
		if (walk->types)
			walk->types[count] = type;
		count++;
		at += step;
		size -= step;
	}
	walk->count = count;
	return 0;
}

static bool section_fits(uint64_t header, uint64_t offset, uint64_t size, uint64_t total)
{
	return header + offset + size <= total && !(offset % 4);
}

int btf_walk_init(struct btf_walk *walk, const void *data, size_t size)
{
	const struct btf_header *header = data;
	const char *bytes = data;

	memset(walk, 0, sizeof(*walk));
	if (size < sizeof(*header) || header->magic != BTF_MAGIC || header->hdr_len < sizeof(*header) ||
	    header->hdr_len % 4 || (uintptr_t)data % 4 ||
	    !section_fits(header->hdr_len, header->type_off, header->type_len, size) ||
	    (uint64_t)header->hdr_len + header->str_off + header->str_len > size || !header->str_len ||
	    bytes[header->hdr_len + header->str_off + header->str_len - 1])
		return -EINVAL;
	walk->strings = bytes + header->hdr_len + header->str_off;
	walk->strings_size = header->str_len;
	bytes += header->hdr_len + header->type_off;
	if (index_types(walk, bytes, header->type_len))
		return -EINVAL;
	walk->types = calloc(walk->count, sizeof(*walk->types));
	if (!walk->types)
		return -ENOMEM;
	return index_types(walk, bytes, header->type_len);
}

void btf_walk_free(struct btf_walk *walk)
{
	free(walk->types);
	memset(walk, 0, sizeof(*walk));
}

const struct btf_type *btf_walk_type(const struct btf_walk *walk, uint32_t id)
{
	return id < walk->count ? walk->types[id] : NULL;
}

const char *btf_walk_name(const struct btf_walk *walk, uint32_t offset)
{
	return offset < walk->strings_size ? walk->strings + offset : "";
}

uint32_t btf_walk_strip(const struct btf_walk *walk, uint32_t id)
{
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		const struct btf_type *type = btf_walk_type(walk, id);

		if (!type)
			return 0;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = type->type;
			break;
		default:
			return id;
		}
	}
	return 0;
}

uint64_t btf_walk_size(const struct btf_walk *walk, uint32_t id)
{
	uint64_t elements = 1, size;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		const struct btf_type *type = btf_walk_type(walk, btf_walk_strip(walk, id));
		const struct btf_array *array;

		if (!type)
			return 0;
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_ARRAY:
			array = (const void *)(type + 1);
			elements *= array->nelems;
			if (elements > UINT32_MAX)
				return 0;
			id = array->type;
			continue;
		case BTF_KIND_PTR:
			size = 8;
			break;
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			size = type->size;
			break;
		default:
			size = 0;
		}
		return elements * size;
	}
	return 0;
}

const char *btf_walk_tag(const struct btf_walk *walk, uint32_t id, int32_t component, const char *prefix,
			 uint32_t *at)
{
	while (++*at < walk->count) {
		const struct btf_type *tag = walk->types[*at];
		const char *text;
		int32_t of;

		if (BTF_INFO_KIND(tag->info) != BTF_KIND_DECL_TAG || (id && tag->type != id))
			continue;
		memcpy(&of, tag + 1, sizeof(of));
		if (id && of != component)
			continue;
		text = btf_walk_name(walk, tag->name_off);
		if (!strncmp(text, prefix, strlen(prefix)))
			return text + strlen(prefix);
	}
	return NULL;
}
