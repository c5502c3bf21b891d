/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Enums as C text. C chooses the size of an enum by its values; where that is not the BPF side's,
 * an attribute may help, or else an integer stands for it.
 */
#include <bpf/btf.h>
#include <limits.h>

#include "types.h"

const char *types_integer_name(uint32_t size, bool is_signed)
{
	switch (size) {
	case 1:
		return is_signed ? "signed char" : "unsigned char";
	case 2:
		return is_signed ? "short" : "unsigned short";
	case 4:
		return is_signed ? "int" : "unsigned int";
	case 8:
		return is_signed ? "long long" : "unsigned long long";
	default:
		return is_signed ? "__int128" : "unsigned __int128";
	}
}

static int64_t enum_value(const struct btf_type *type, uint32_t i)
{
	if (!btf_is_enum(type))
		return (int64_t)btf_enum64_value(&btf_enum64(type)[i]);
	return btf_kflag(type) ? (int64_t)btf_enum(type)[i].val
			       : (int64_t)(uint32_t)btf_enum(type)[i].val;
}

/* 64-bit values of an unsigned enum that don't fit int64_t. */
static bool is_huge(const struct btf_type *type, int64_t value)
{
	return value < 0 && !btf_kflag(type);
}

/* Bytes of the narrowest type for all values, of at least `least` bytes. */
static uint32_t enum_width(const struct btf_type *type, uint32_t least)
{
	int64_t low = 0, high = 0;
	uint32_t width;

	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		int64_t value = enum_value(type, i);

		if (is_huge(type, value))
			return 8;
		low = value < low ? value : low;
		high = value > high ? value : high;
	}
	for (width = least; width < 8; width *= 2) {
		unsigned int bits = 8 * width;

		if (low < 0 ? low >= -(1LL << (bits - 1)) && high < 1LL << (bits - 1)
			    : high < 1LL << bits)
			break;
	}
	return width;
}

enum enum_fit {
	ENUM_AS_IS,
	ENUM_PACKED, /* with the attribute that makes it as narrow as its values */
	ENUM_NOT     /* C can't give it this size: an integer stands for it */
};

static enum enum_fit enum_fit(const struct btf_type *type)
{
	if (enum_width(type, 4) == type->size)
		return ENUM_AS_IS;
	return enum_width(type, 1) == type->size ? ENUM_PACKED : ENUM_NOT;
}

bool types_enum_is_signed(const struct btf_type *type)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		if (enum_value(type, i) < 0 && !is_huge(type, enum_value(type, i)))
			return true;
	}
	return false;
}

static void emit_enum_value(struct writer *w, const struct btf_type *type, int64_t value)
{
	if (is_huge(type, value))
		writer_part(w, "%lluULL", (unsigned long long)value);
	else if (value == INT64_MIN)
		writer_part(w, "-9223372036854775807LL - 1");
	else if (value > UINT32_MAX || value < INT32_MIN)
		writer_part(w, "%lldLL", (long long)value);
	else if (value > INT32_MAX)
		writer_part(w, "%lluU", (unsigned long long)value);
	else
		writer_part(w, "%lld", (long long)value);
}

bool types_enum_fits(const struct btf_type *type)
{
	return enum_fit(type) != ENUM_NOT;
}

void types_emit_enum(struct writer *w, const struct types *types, uint32_t id)
{
	const struct type_info *info = &types->info[id];
	const struct btf_type *type = types_get(types, id);

	writer_open(w, "enum %s%s {",
		    enum_fit(type) == ENUM_PACKED ? "__attribute__((packed)) " : "", info->name);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		writer_begin(w);
		writer_part(w, "%s = ", info->values[i]);
		emit_enum_value(w, type, enum_value(type, i));
		writer_part(w, i + 1 < btf_vlen(type) ? "," : "");
		writer_end(w);
	}
	writer_close(w, "};");
}

void types_emit_enum_name(struct writer *w, const struct types *types, uint32_t id,
			  const struct btf_type *type)
{
	const struct type_info *info = &types->info[id];
	bool tagless = types->policy.external && !*types_raw_name(types, type);

	if (info->name && enum_fit(type) != ENUM_NOT)
		writer_part(w, "%s%s ", tagless ? "" : "enum ", info->name);
	else
		writer_part(w, "%s ", types_integer_name(type->size, types_enum_is_signed(type)));
}
