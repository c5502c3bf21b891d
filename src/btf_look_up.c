/* SPDX-License-Identifier: BSD-2-Clause */
/* Types in a BTF view: by name, without what stands in front of them, and their sizes. */
#include <string.h>

#include "btf_view.h"

/* Qualifiers and typedefs in a row, arrays in arrays: more than this is a circle. */
#define DEPTH_MAX 64

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
