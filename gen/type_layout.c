/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How C lays out a struct, against where BTF has its members.
 *
 * A member goes to the next place that its alignment allows. Where BTF has it further on, padding
 * is declared in front. Where BTF has it nearer, the struct was packed, and is declared so, which
 * takes all alignment away and leaves only padding. A struct that neither way gives (overlapping
 * members, a type without a size) is declared as bytes, with functions for its members.
 */
#include <bpf/btf.h>
#include <errno.h>

#include "types.h"

#define POINTER_SIZE 8
#define ALIGN_MAX    16 /* of a scalar: __int128 */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) / unit * unit;
}

static bool measure_scalar(uint32_t bytes, uint64_t *size, uint32_t *align)
{
	*size = bytes;
	*align = bytes;
	return bytes && bytes <= ALIGN_MAX && !(bytes & (bytes - 1));
}

static bool measure_array(const struct types *types, const struct btf_type *type, uint64_t *size,
			  uint32_t *align)
{
	const struct btf_array *array = btf_array(type);

	if (!types_measure(types, array->type, size, align))
		return false;
	return !__builtin_mul_overflow(*size, array->nelems, size) && *size <= UINT32_MAX;
}

bool types_measure(const struct types *types, uint32_t id, uint64_t *size, uint32_t *align)
{
	const struct btf_type *type;
	const struct record *record;

	id = types_strip(types, id, true);
	type = types_get(types, id);
	if (!type)
		return false;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!measure_scalar(type->size, size, align))
			return false;
		if (types->policy.narrow && type->size == 16) /* spelled as bytes */
			*align = 1;
		return true;
	case BTF_KIND_FLOAT:
		/* anything but float and double is spelled as bytes */
		*size = type->size;
		*align = type->size == 4 || type->size == 8 ? type->size : 1;
		return true;
	case BTF_KIND_PTR:
		return measure_scalar(POINTER_SIZE, size, align);
	case BTF_KIND_ARRAY:
		return measure_array(types, type, size, align);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		record = types->info[id].record;
		if (!record)
			return false;
		*size = record->size;
		*align = record->align;
		return true;
	default:
		return false;
	}
}

/* A field of no known type has the bytes that it is said to have. */
static bool measure_field(const struct types *types, const struct field *field, uint64_t *size,
			  uint32_t *align)
{
	if (field->type)
		return types_measure(types, field->type, size, align);
	*size = field->bits / 8;
	*align = 1;
	return !(field->offset % 8);
}

static bool may_be_bitfield(const struct types *types, const struct field *field, uint64_t size)
{
	const struct btf_type *type = types_get(types, types_strip(types, field->type, true));

	if (!field->bits || field->bits > 8 * size || size > sizeof(uint64_t))
		return false;
	if (btf_is_int(type) && (btf_int_encoding(type) & BTF_INT_BOOL))
		return field->bits == 1;
	return btf_is_int(type) || btf_is_any_enum(type);
}

/*
 * Put a field behind those that end at bit `at`: its padding, or false if it can't be there.
 * align is the field's, in bytes.
 */
static bool place_field(struct field *field, uint64_t at, uint32_t align, bool packed)
{
	uint64_t unit = packed ? 8 : 8 * (uint64_t)align;
	uint64_t natural;

	if (field->bitfield) {
		bool crosses = !packed &&
			       field->offset / unit != (field->offset + field->bits - 1) / unit;
		bool moved = !packed && at / unit != (at + field->bits - 1) / unit;

		natural = moved ? round_up(at, unit) : at;
		if (crosses || field->offset < at)
			return false;
	} else {
		natural = round_up(at, unit);
		if (field->offset % unit || field->offset < natural)
			return false;
	}
	field->padding = field->offset == natural ? 0 : field->offset - at;
	return true;
}

/* Machines with 32-bit pointers differ in what a bit-field of 8 bytes is aligned to. */
static bool is_uncertain(const struct types *types, const struct field *field, uint64_t size, bool packed)
{
	return types->policy.narrow && field->bitfield && size == 8 && !packed;
}

static bool place_struct(const struct types *types, struct record *record, bool packed)
{
	uint64_t at = 0, bytes;
	uint32_t align = 1;

	for (uint32_t i = 0; i < record->count; i++) {
		struct field *field = &record->fields[i];
		uint64_t size;
		uint32_t own;

		if (!measure_field(types, field, &size, &own) ||
		    (field->bitfield && !may_be_bitfield(types, field, size)) ||
		    !place_field(field, at, own, packed))
			return false;
		if (is_uncertain(types, field, size, packed))
			return false;
		at = field->offset + field->bits;
		if (!packed && own > align)
			align = own;
	}
	bytes = round_up(at, 8) / 8;
	if (bytes > record->size || record->size % align)
		return false;
	record->padding = round_up(bytes, align) == record->size ? 0 : record->size - bytes;
	record->align = align;
	record->packed = packed;
	return true;
}

static bool place_union(const struct types *types, struct record *record, bool packed)
{
	uint64_t bytes = 0;
	uint32_t align = 1;

	for (uint32_t i = 0; i < record->count; i++) {
		struct field *field = &record->fields[i];
		uint64_t size;
		uint32_t own;

		if (!measure_field(types, field, &size, &own) || field->offset ||
		    (field->bitfield && !may_be_bitfield(types, field, size)) ||
		    is_uncertain(types, field, size, packed))
			return false;
		if (round_up(field->bits, 8) / 8 > bytes)
			bytes = round_up(field->bits, 8) / 8;
		if (!packed && own > align)
			align = own;
	}
	if (bytes > record->size || record->size % align)
		return false;
	record->padding = round_up(bytes, align) == record->size ? 0 : record->size;
	record->align = align;
	record->packed = packed;
	return true;
}

static void place(const struct types *types, struct record *record)
{
	bool (*fits)(const struct types *, struct record *, bool) = record->is_union ? place_union
										     : place_struct;

	if (fits(types, record, false) || fits(types, record, true))
		return;
	record->opaque = true;
	record->packed = false;
	record->align = 1;
	record->padding = 0;
}

/* The record of what a member holds, through arrays, must be there first. */
static int layout_held(struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, types_strip(types, id, true));

	while (type && btf_is_array(type)) {
		id = btf_array(type)->type;
		type = types_get(types, types_strip(types, id, true));
	}
	if (!type || !btf_is_composite(type))
		return 0;
	return types_layout_composite(types, types_strip(types, id, true));
}

/* Members of structs without a name are members of what holds these. */
static void note_access(const struct types *types, struct record *record)
{
	record->accessed = record->opaque;
	for (uint32_t i = 0; i < record->count && !record->accessed; i++) {
		uint32_t id = types_strip(types, record->fields[i].type, true);
		const struct btf_type *type = types_get(types, id);

		while (type && btf_is_array(type)) {
			id = types_strip(types, btf_array(type)->type, true);
			type = types_get(types, id);
		}
		record->accessed = record->fields[i].hidden ||
				   (types_is_unnamed(types, id) && types->info[id].record &&
				    types->info[id].record->accessed);
	}
}

/* Compilers have no BTF for _Atomic: such a member may be as long as there is room for it. */
static uint64_t room_for(const struct btf_type *type, uint32_t i)
{
	uint64_t start = btf_member_bit_offset(type, i), end = 8 * (uint64_t)type->size;

	if (btf_is_struct(type) && i + 1U < btf_vlen(type) && btf_member_bit_offset(type, i + 1) < end)
		end = btf_member_bit_offset(type, i + 1);
	return end > start ? (end - start) / 8 * 8 : 0;
}

static void read_member(const struct types *types, const struct btf_type *type, uint32_t i,
			struct field *field)
{
	const struct btf_member *member = &btf_members(type)[i];
	const struct btf_type *held = types_get(types, types_strip(types, member->type, true));
	uint64_t size = 0;
	uint32_t align;
	const char *raw = btf__name_by_offset(types->btf, member->name_off);

	field->raw = raw ? raw : "";
	field->type = member->type;
	field->offset = btf_member_bit_offset(type, i);
	field->bits = btf_member_bitfield_size(type, i);
	field->bitfield = field->bits != 0;
	if (!field->bitfield && held && btf_is_int(held) && btf_int_bits(held) &&
	    btf_int_bits(held) < 8 * held->size) {
		/* before struct members had widths of their own */
		field->bits = btf_int_bits(held);
		field->offset += btf_int_offset(held);
		field->bitfield = true;
	}
	types_measure(types, member->type, &size, &align);
	if (!field->bitfield)
		field->bits = 8 * size;
	if (!field->bitfield && !types_strip(types, member->type, true)) {
		field->type = 0;
		field->bits = room_for(type, i);
	}
}

int types_layout_composite(struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);
	struct record *record;
	int err;

	if (types->info[id].record)
		return 0;
	record = pool_alloc(types->pool, 1, sizeof(*record));
	if (!record)
		return -ENOMEM;
	record->is_union = btf_is_union(type);
	record->size = type->size;
	record->count = btf_vlen(type);
	record->fields = pool_alloc(types->pool, record->count, sizeof(*record->fields));
	if (!record->fields)
		return -ENOMEM;
	for (uint32_t i = 0; i < record->count; i++) {
		err = layout_held(types, btf_members(type)[i].type);
		if (err)
			return err;
		read_member(types, type, i, &record->fields[i]);
	}
	place(types, record);
	note_access(types, record);
	types->accessed |= record->accessed;
	types->info[id].record = record;
	return 0;
}

int types_layout(struct types *types)
{
	for (uint32_t id = 1; id < types->count; id++) {
		enum type_form form = types->info[id].form;
		int err;

		if (form != TYPE_PLAIN && form != TYPE_DEFINED)
			continue;
		if (!btf_is_composite(types_get(types, id)))
			continue;
		err = types_layout_composite(types, id);
		if (err)
			return err;
	}
	return 0;
}

void types_layout_section(const struct types *types, struct record *record)
{
	uint64_t at = 0;
	uint32_t align = 1;

	for (uint32_t i = 0; i < record->count; i++) {
		struct field *field = &record->fields[i];
		uint64_t size;
		uint32_t own;

		if (!types_measure(types, field->type, &size, &own) || 8 * size > field->bits) {
			field->type = 0;
			size = field->bits / 8;
			own = 1;
		}
		/* the elements of a flexible array are behind what its type covers */
		field->bits = 8 * size;
		field->packed = field->offset % (8 * (uint64_t)own) != 0;
		field->hidden = field->offset < at;
		if (field->hidden)
			continue;
		place_field(field, at, own, field->packed);
		at = field->offset + 8 * size;
		if (!field->packed && own > align)
			align = own;
	}
	record->padding = record->size > at / 8 ? record->size - at / 8 : 0;
	record->align = align;
	record->size = round_up(at / 8 + record->padding, align);
	if (record->size == round_up(at / 8, align))
		record->padding = 0;
	note_access(types, record);
}
