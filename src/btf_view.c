/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"

/* Qualifiers and typedefs in a row, arrays in arrays: more than this is a circle. */
#define DEPTH_MAX 64

bool btf_view_init(struct btf_view *view, const char *data, size_t size)
{
	const struct btf_header *header = (const void *)data;
	size_t left;

	memset(view, 0, sizeof(*view));
	if (size < sizeof(*header) || header->magic != BTF_MAGIC || header->hdr_len > size)
		return false;
	left = size - header->hdr_len;
	if (header->type_off > left || header->type_len > left - header->type_off ||
	    header->str_off > left || header->str_len > left - header->str_off ||
	    header->type_off % 4 || header->hdr_len % 4)
		return false;
	view->types = data + header->hdr_len + header->type_off;
	view->types_end = view->types + header->type_len;
	view->strings = data + header->hdr_len + header->str_off;
	view->strings_end = view->strings + header->str_len;
	return true;
}

const struct btf_size btf_sizes[32] = {
#define UNKNOWN {BTF_SIZE_UNKNOWN, 0}
	[BTF_KIND_UNKN] = UNKNOWN,
	[BTF_KIND_INT] = {16, 0},
	[BTF_KIND_PTR] = {12, 0},
	[BTF_KIND_ARRAY] = {24, 0},
	[BTF_KIND_STRUCT] = {12, 12},
	[BTF_KIND_UNION] = {12, 12},
	[BTF_KIND_ENUM] = {12, 8},
	[BTF_KIND_FWD] = {12, 0},
	[BTF_KIND_TYPEDEF] = {12, 0},
	[BTF_KIND_VOLATILE] = {12, 0},
	[BTF_KIND_CONST] = {12, 0},
	[BTF_KIND_RESTRICT] = {12, 0},
	[BTF_KIND_FUNC] = {12, 0},
	[BTF_KIND_FUNC_PROTO] = {12, 8},
	[BTF_KIND_VAR] = {16, 0},
	[BTF_KIND_DATASEC] = {12, 12},
	[BTF_KIND_FLOAT] = {12, 0},
	[BTF_KIND_DECL_TAG] = {16, 0},
	[BTF_KIND_TYPE_TAG] = {12, 0},
	[BTF_KIND_ENUM64] = {12, 12},
	UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
	UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
#undef UNKNOWN
};

size_t btf_record_size(const struct btf_type *type)
{
	const struct btf_size *size = &btf_sizes[btf_kind_of(type)];

	return size->self == BTF_SIZE_UNKNOWN ? 0 : size->self + (size_t)size->part * btf_length_of(type);
}

int btf_view_index(struct btf_view *view)
{
	size_t most = (size_t)(view->types_end - view->types) / sizeof(struct btf_type) + 1;
	const char *at = view->types;
	uint32_t id = 1;

	view->offsets = malloc(most * sizeof(*view->offsets));
	if (!view->offsets)
		return -ENOMEM;
	for (; (size_t)(view->types_end - at) >= sizeof(struct btf_type); id++) {
		size_t size = btf_record_size((const void *)at);

		if (!size || size > (size_t)(view->types_end - at))
			break;
		view->offsets[id] = (uint32_t)(at - view->types);
		at += size;
	}
	if (at != view->types_end) {
		btf_view_free(view);
		return -EINVAL;
	}
	view->count = id;
	return 0;
}

void btf_view_free(struct btf_view *view)
{
	free(view->offsets);
	view->offsets = NULL;
	view->count = 0;
}

const struct btf_type *btf_view_type(const struct btf_view *view, uint32_t id)
{
	return id && id < view->count ? (const void *)(view->types + view->offsets[id]) : NULL;
}

const struct btf_type *btf_view_skip(const struct btf_view *view, uint32_t id)
{
	const struct btf_type *type = btf_view_type(view, id);

	for (int depth = 0; type && depth < DEPTH_MAX; depth++) {
		switch (btf_kind_of(type)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			type = btf_view_type(view, type->type);
			break;
		default:
			return type;
		}
	}
	return NULL;
}

const char *btf_view_string(const struct btf_view *view, uint32_t offset)
{
	size_t size = (size_t)(view->strings_end - view->strings);

	if (offset >= size || !memchr(view->strings + offset, '\0', size - offset))
		return "";
	return view->strings + offset;
}

uint32_t btf_view_find(const struct btf_view *view, const char *name, uint32_t kind)
{
	const struct btf_type *type;

	for (uint32_t id = 1; (type = btf_view_type(view, id)); id++)
		if (btf_kind_of(type) == kind && !strcmp(btf_view_string(view, type->name_off), name))
			return id;
	return 0;
}

uint64_t btf_view_size(const struct btf_view *view, uint32_t id)
{
	uint64_t elements = 1;

	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		const struct btf_type *type = btf_view_skip(view, id);
		const struct btf_array *array = type ? btf_records(type) : NULL;

		switch (type ? btf_kind_of(type) : BTF_KIND_UNKN) {
		case BTF_KIND_INT:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_DATASEC:
			return elements * type->size;
		case BTF_KIND_PTR:
			return elements * 8;
		case BTF_KIND_ARRAY:
			if (array->nelems && elements > UINT32_MAX / array->nelems)
				return 0;
			elements *= array->nelems;
			id = array->type;
			break;
		default:
			return 0;
		}
	}
	return 0;
}
