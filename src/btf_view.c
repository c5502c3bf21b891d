/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"

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

const char *btf_view_string(const struct btf_view *view, uint32_t offset)
{
	size_t size = (size_t)(view->strings_end - view->strings);

	if (offset >= size || !memchr(view->strings + offset, '\0', size - offset))
		return "";
	return view->strings + offset;
}
