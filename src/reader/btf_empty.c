/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables without a byte: `int end[0];`.
 *
 * The kernel refuses the whole of an object's BTF if a section lists one. They are left out of the list, which is
 * the last that is done to the BTF: what follows moves. Their types stay, so that no id changes. Who writes
 * headers has the whole list still.
 */
#include "reader/reader.h"

/* The bytes that a type takes without the empty ones among its variables. */
static uint32_t drop_from(struct btf_type *type, uint32_t size)
{
	struct btf_var_secinfo *infos = btf_var_secinfos(type);
	uint32_t count = 0, all = btf_is_datasec(type) ? btf_vlen(type) : 0;

	for (uint32_t i = 0; i < all; i++)
		if (infos[i].size)
			infos[count++] = infos[i];
	if (count < all)
		type->info = BTF_KIND_DATASEC << 24 | count;
	return size - (all - count) * sizeof(*infos);
}

static int has_empty(struct reader *r)
{
	const struct btf_type *type;

	for (uint32_t id = 1; (type = btf_type(r, id)); id++)
		for (uint32_t i = 0; btf_is_datasec(type) && i < btf_vlen(type); i++)
			if (!btf_var_secinfos(type)[i].size)
				return 1;
	return 0;
}

static uint8_t *drop_all(struct reader *r)
{
	const struct btf_header *header = (const struct btf_header *)r->btf_copy;
	uint32_t from = btf_place(r, 1), end;
	uint8_t *to = r->btf_copy + from;

	for (uint32_t id = 1; id < r->type_count; id++, from = end) {
		uint32_t size;

		end = id + 1 < r->type_count ? btf_place(r, id + 1) : sizeof(*header) + header->type_len;
		size = drop_from((struct btf_type *)(r->btf_copy + from), end - from);
		memmove(to, r->btf_copy + from, size);
		to += size;
	}
	return to;
}

int btf_drop_empty(struct reader *r)
{
	struct btf_header *header = (struct btf_header *)r->btf_copy;
	uint8_t *whole, *end;

	if (!has_empty(r))
		return 0;
	whole = pool_alloc(r->pool, r->btf_size, 1);
	if (!whole)
		return reader_no_memory(r);
	r->btf_whole = memcpy(whole, r->btf_copy, r->btf_size);
	r->btf_whole_size = r->btf_size;
	end = drop_all(r);
	memmove(end, whole + sizeof(*header) + header->str_off, header->str_len);
	header->type_len = header->str_off = (uint32_t)(end - r->btf_copy - sizeof(*header));
	r->btf_size = sizeof(*header) + header->type_len + header->str_len;
	return 0;
}
