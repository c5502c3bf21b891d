/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Variables without a byte: `int end[0];`.
 *
 * The kernel refuses the whole of an object's BTF if a section lists one. They are left out of the list, which is
 * the last that is done to the BTF: what follows moves. Their types stay, so that no id changes. Who writes
 * headers has the whole list still, but for what is of another section (btf_astray.c).
 */
#include "reader/reader.h"

typedef int condition(const struct btf_var_secinfo *info);

static int is_empty(const struct btf_var_secinfo *info)
{
	return !info->size;
}

static int is_empty_in_place(const struct btf_var_secinfo *info)
{
	return !info->size && !btf_is_astray(info);
}

static int has_any(struct reader *r, condition *meets)
{
	const struct btf_type *type;

	for (uint32_t id = 1; (type = btf_type(r, id)); id++)
		for (uint32_t i = 0; btf_is_datasec(type) && i < btf_vlen(type); i++)
			if (meets(&btf_var_secinfos(type)[i]))
				return 1;
	return 0;
}

/* The bytes that a type takes without the entries that meet the condition. */
static uint32_t drop_from(struct btf_type *type, uint32_t size, condition *meets)
{
	struct btf_var_secinfo *infos = btf_var_secinfos(type);
	uint32_t count = 0, all = btf_is_datasec(type) ? btf_vlen(type) : 0;

	for (uint32_t i = 0; i < all; i++)
		if (!meets(&infos[i]))
			infos[count++] = infos[i];
	if (count < all)
		type->info = BTF_KIND_DATASEC << 24 | count;
	return size - (all - count) * sizeof(*infos);
}

/* All of whole but the entries that meet the condition; returns the bytes. */
static uint32_t copy_without(struct reader *r, condition *meets, const uint8_t *whole, uint8_t *copy)
{
	const struct btf_header *old = (const struct btf_header *)whole;
	struct btf_header *header = (struct btf_header *)copy;
	uint32_t from = btf_place(r, 1), end;
	uint8_t *to = copy + from;

	memcpy(copy, whole, from);
	for (uint32_t id = 1; id < r->type_count; id++, from = end) {
		end = id + 1 < r->type_count ? btf_place(r, id + 1) : sizeof(*old) + old->type_len;
		memcpy(to, whole + from, end - from);
		to += drop_from((struct btf_type *)to, end - from, meets);
	}
	memcpy(to, whole + sizeof(*old) + old->str_off, old->str_len);
	header->type_len = header->str_off = (uint32_t)(to - copy - sizeof(*header));
	return sizeof(*header) + header->type_len + header->str_len;
}

int btf_drop_empty(struct reader *r)
{
	int more = has_any(r, is_empty_in_place);
	uint8_t *whole;

	if (!has_any(r, is_empty))
		return 0;
	whole = pool_alloc(&r->scratch, r->btf_size, 1);
	if (more)
		r->btf_whole = pool_alloc(r->pool, r->btf_size, 1);
	if (!whole || (more && !r->btf_whole))
		return reader_no_memory(r);
	memcpy(whole, r->btf_copy, r->btf_size);
	if (more)
		r->btf_whole_size = copy_without(r, btf_is_astray, whole, r->btf_whole);
	r->btf_size = copy_without(r, is_empty, whole, r->btf_copy);
	return 0;
}
