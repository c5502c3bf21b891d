/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf_layout.h"

static struct leaf *add_leaf(struct layout *layout, uint64_t offset, uint64_t bits, char kind,
			     const char *name)
{
	struct leaf *leaf;

	if (layout->count == layout->capacity) {
		layout->capacity = layout->capacity ? 2 * layout->capacity : 64;
		layout->leaves = realloc(layout->leaves,
					 layout->capacity * sizeof(*layout->leaves));
		if (!layout->leaves)
			abort();
	}
	leaf = &layout->leaves[layout->count++];
	*leaf = (struct leaf){.offset = offset, .bits = bits, .count = 1, .kind = kind};
	snprintf(leaf->name, sizeof(leaf->name), "%s", name);
	return leaf;
}

static void add_named(struct layout *layout, const struct btf *btf, uint32_t id, uint64_t offset,
		      uint64_t width, const char *name);

/* pahole writes int x[2][3] as six elements: count those of all dimensions at once. */
static uint64_t count_elements(const struct btf *btf, const struct btf_type *type,
			       uint32_t *element)
{
	uint64_t count = btf_array(type)->nelems;

	*element = btf_array(type)->type;
	for (;;) {
		type = btf__type_by_id(btf, *element);
		if (btf_is_mod(type) || btf_is_typedef(type)) {
			*element = type->type;
		} else if (btf_is_array(type)) {
			count *= btf_array(type)->nelems;
			*element = btf_array(type)->type;
		} else {
			return count;
		}
	}
}

static void add_array(struct layout *layout, const struct btf *btf, const struct btf_type *type,
		      uint64_t offset, const char *name)
{
	size_t first = layout->count;
	uint32_t element;
	uint64_t count = count_elements(btf, type, &element);
	int64_t size = btf__resolve_size(btf, element);

	if (!count || size <= 0)
		return;
	add_named(layout, btf, element, offset, 0, name);
	if (layout->count == first + 1)
		layout->leaves[first].count *= count;
	else
		add_leaf(layout, offset, 8 * (uint64_t)size, '[', name)->count = count;
}

static void add_members(struct layout *layout, const struct btf *btf, const struct btf_type *type,
			uint64_t offset)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *name = btf__name_by_offset(btf, member->name_off);

		if (!strncmp(name, "mem_pad", 7) || !strncmp(name, "mem_empty", 9))
			continue;
		if (!strncmp(name, "mem_bytes", 9))
			add_leaf(layout, offset, 8 * (uint64_t)type->size, '?', name);
		else
			add_named(layout, btf, member->type,
				  offset + btf_member_bit_offset(type, i),
				  btf_member_bitfield_size(type, i), name);
	}
}

static int compare_variables(const void *a, const void *b)
{
	const struct btf_var_secinfo *left = a, *right = b;

	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return (left->size > right->size) - (left->size < right->size);
}

static void add_section(struct layout *layout, const struct btf *btf, const struct btf_type *type,
			uint64_t offset)
{
	uint32_t n = btf_vlen(type);
	struct btf_var_secinfo *sorted = malloc((n + 1) * sizeof(*sorted));

	if (!sorted)
		abort();
	memcpy(sorted, btf_var_secinfos(type), n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare_variables);
	for (uint32_t i = 0; i < n; i++) {
		const struct btf_type *var = btf__type_by_id(btf, sorted[i].type);

		add_named(layout, btf, var->type, offset + 8 * (uint64_t)sorted[i].offset, 0,
			  btf__name_by_offset(btf, var->name_off));
	}
	free(sorted);
}

static char int_kind(const struct btf_type *type)
{
	if (btf_int_encoding(type) & BTF_INT_BOOL)
		return 'b';
	return btf_int_encoding(type) & BTF_INT_SIGNED ? 'i' : 'u';
}

static void add_named(struct layout *layout, const struct btf *btf, uint32_t id, uint64_t offset,
		      uint64_t width, const char *name)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (btf_is_mod(type) || btf_is_typedef(type))
		type = btf__type_by_id(btf, type->type);
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		add_leaf(layout, offset, width ? width : 8 * type->size, int_kind(type), name);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		add_leaf(layout, offset, width ? width : 8 * type->size, 'e', name);
		break;
	case BTF_KIND_FLOAT:
		add_leaf(layout, offset, 8 * type->size, 'f', name);
		break;
	case BTF_KIND_PTR:
		add_leaf(layout, offset, 64, 'p', name);
		break;
	case BTF_KIND_ARRAY:
		add_array(layout, btf, type, offset, name);
		break;
	case BTF_KIND_DATASEC:
		add_section(layout, btf, type, offset);
		break;
	default:
		if (btf_is_composite(type))
			add_members(layout, btf, type, offset);
	}
}

void layout_add(struct layout *layout, const struct btf *btf, uint32_t id, uint64_t offset)
{
	add_named(layout, btf, id, offset, 0, "");
}

void layout_free(struct layout *layout)
{
	free(layout->leaves);
	memset(layout, 0, sizeof(*layout));
}

static int is_integer(char kind)
{
	return kind == 'i' || kind == 'u' || kind == 'e';
}

/* An enum may be spelled as an integer of its size; a long double as bytes. */
static int same(const struct leaf *a, const struct leaf *b)
{
	if (a->offset != b->offset || a->bits * a->count != b->bits * b->count)
		return 0;
	if (a->kind == 'f' && a->bits > 64 && b->kind == 'u' && b->bits == 8)
		return 1;
	if (a->bits != b->bits)
		return 0;
	return a->kind == b->kind ||
	       ((a->kind == 'e' || b->kind == 'e') && is_integer(a->kind) && is_integer(b->kind));
}

int layout_compare(const struct layout *bpf, const struct layout *header, char *message,
		   size_t size)
{
	size_t i, j = 0;
	int bytes = 0;

	for (i = 0; i < header->count; i++) {
		const struct leaf *leaf = &header->leaves[i];

		if (leaf->kind == '?') {
			bytes = 1;
			while (j < bpf->count && bpf->leaves[j].offset >= leaf->offset &&
			       bpf->leaves[j].offset < leaf->offset + leaf->bits)
				j++;
			continue;
		}
		if (j == bpf->count || !same(&bpf->leaves[j], leaf)) {
			const struct leaf none = {.name = "nothing"};
			const struct leaf *want = j == bpf->count ? &none : &bpf->leaves[j];

			snprintf(message, size,
				 "BPF side: %s at bit %llu, %llu bits x %llu, %c; header: %s at "
				 "bit %llu, "
				 "%llu bits x %llu, %c",
				 want->name, (unsigned long long)want->offset,
				 (unsigned long long)want->bits, (unsigned long long)want->count,
				 want->kind ? want->kind : '-', leaf->name,
				 (unsigned long long)leaf->offset, (unsigned long long)leaf->bits,
				 (unsigned long long)leaf->count, leaf->kind);
			return -1;
		}
		j++;
	}
	if (j != bpf->count) {
		snprintf(message, size, "the header ends before %s", bpf->leaves[j].name);
		return -1;
	}
	return bytes;
}
