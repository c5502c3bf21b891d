/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "btf_view.h"
#include "migrate_value.h"

enum { KIND_ENUM64_ = 19 };

/* Memory of any type, looked at in pieces. */
typedef uint64_t __attribute__((may_alias)) piece64;
typedef uint32_t __attribute__((may_alias)) piece32;
typedef uint16_t __attribute__((may_alias)) piece16;

/* --- integers --- */

/* A bit's place in memory: bit-fields fill bytes from the low end, or from the high one. */
static unsigned int bit_mask(uint64_t bit)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return 1u << bit % 8;
#else
	return 0x80u >> bit % 8;
#endif
}

/* What a bit is worth in an integer of so many: 2 to this power. */
static uint64_t bit_power(uint64_t bit, uint64_t bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	(void)bits;
	return bit;
#else
	return bits - 1 - bit;
#endif
}

static number load_bits(const unsigned char *base, uint64_t offset, uint64_t bits)
{
	unsigned __int128 value = 0;

	for (uint64_t i = 0; i < bits; i++) {
		uint64_t at = offset + i, power = bit_power(i, bits);

		if (base[at / 8] & bit_mask(at))
			value |= (unsigned __int128)1 << power;
	}
	return (number)value;
}

static void store_bits(unsigned char *base, uint64_t offset, uint64_t bits, number value)
{
	for (uint64_t i = 0; i < bits; i++) {
		uint64_t at = offset + i, power = bit_power(i, bits);

		if ((unsigned __int128)value >> power & 1)
			base[at / 8] |= (unsigned char)bit_mask(at);
		else
			base[at / 8] &= (unsigned char)~bit_mask(at);
	}
}

/* Whole bytes at whole bytes, of a size that has an integer type. */
static bool is_plain(const struct place *place, uint64_t offset)
{
	return !(offset % 8) && (place->bits == 8 || place->bits == 16 || place->bits == 32 ||
				 place->bits == 64 || place->bits == 128);
}

static number load_plain(const char *at, uint64_t bits)
{
	unsigned __int128 wide = 0;
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	switch (bits) {
	case 8:
		return *(const unsigned char *)at;
	case 16:
		value_copy((char *)&u16, at, sizeof(u16));
		return u16;
	case 32:
		value_copy((char *)&u32, at, sizeof(u32));
		return u32;
	case 64:
		value_copy((char *)&u64, at, sizeof(u64));
		return u64;
	default:
		value_copy((char *)&wide, at, sizeof(wide));
		return (number)wide;
	}
}

static void store_plain(char *at, uint64_t bits, number value)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	value_copy(at, (const char *)&value, bits / 8);
#else
	value_copy(at, (const char *)&value + sizeof(value) - bits / 8, bits / 8);
#endif
}

number value_load(const char *base, const struct place *place, uint64_t shift)
{
	uint64_t offset = place->offset + shift;
	number value = is_plain(place, offset)
			       ? load_plain(base + offset / 8, place->bits)
			       : load_bits((const unsigned char *)base, offset, place->bits);

	if (place->is_signed && place->bits && place->bits < 128 && value >> (place->bits - 1) & 1)
		value -= (number)1 << place->bits;
	return value;
}

void value_store(char *base, const struct place *place, uint64_t shift, number value)
{
	uint64_t offset = place->offset + shift;

	if (is_plain(place, offset))
		store_plain(base + offset / 8, place->bits, value);
	else
		store_bits((unsigned char *)base, offset, place->bits, value);
}

bool value_fits(number value, const struct place *from, const struct place *to)
{
	if (!from->is_signed && value < 0) /* of 128 bits, and beyond what number counts to */
		return !to->is_signed && to->bits == 128;
	if (to->is_bool)
		return value == 0 || value == 1;
	if (to->is_signed)
		return to->bits >= 128 || (value >= -((number)1 << (to->bits - 1)) &&
					   value < (number)1 << (to->bits - 1));
	return value >= 0 && (to->bits >= 127 || value < (number)1 << to->bits);
}

/* --- floating point --- */

static double load_float(const char *at, uint64_t bits)
{
	double wide;
	float narrow;

	if (bits == 64) {
		memcpy(&wide, at, sizeof(wide));
		return wide;
	}
	memcpy(&narrow, at, sizeof(narrow));
	return (double)narrow;
}

bool value_to_float(const char *from_base, const struct place *from, uint64_t from_shift, bool from_float,
		    char *to_base, const struct place *to, uint64_t to_shift)
{
	const char *at = from_base + (from->offset + from_shift) / 8;
	char *into = to_base + (to->offset + to_shift) / 8;
	double value;
	float narrow;
	number whole = 0;

	if (from_float) {
		value = load_float(at, from->bits);
	} else {
		whole = value_load(from_base, from, from_shift);
		/* beyond 53 bits not every number is a double */
		if (whole > (number)1 << 53 || whole < -((number)1 << 53))
			return false;
		value = (double)whole;
	}
	if (to->bits == 64) {
		memcpy(into, &value, sizeof(value));
		return true;
	}
	narrow = (float)value;
	if ((double)narrow != value && value == value) /* not a number stays that */
		return false;
	memcpy(into, &narrow, sizeof(narrow));
	return true;
}

/* --- bytes --- */

void value_copy(char *to, const char *from, size_t size)
{
	uintptr_t both = (uintptr_t)to | (uintptr_t)from | size;
	const void *at = from;
	void *into = to;

	/* programs may be writing there: no number of theirs is read in two halves */
	if (!(both % 8)) {
		for (size_t i = 0; i < size / 8; i++)
			((piece64 *)into)[i] = __atomic_load_n((const piece64 *)at + i, __ATOMIC_RELAXED);
	} else if (!(both % 4)) {
		for (size_t i = 0; i < size / 4; i++)
			((piece32 *)into)[i] = __atomic_load_n((const piece32 *)at + i, __ATOMIC_RELAXED);
	} else if (!(both % 2)) {
		for (size_t i = 0; i < size / 2; i++)
			((piece16 *)into)[i] = __atomic_load_n((const piece16 *)at + i, __ATOMIC_RELAXED);
	} else {
		memcpy(to, from, size);
	}
}

/* --- enums --- */

struct enumerator {
	const char *name;
	number value;
};

static struct enumerator enumerator_at(const struct btf_walk *walk, uint32_t type, uint32_t i)
{
	const struct btf_type *row = btf_walk_type(walk, type);
	const struct btf_enum *small = (const void *)(row + 1);
	const uint32_t *large = (const void *)(row + 1);
	bool is_signed = BTF_INFO_KFLAG(row->info);
	struct enumerator found;
	uint64_t bits;

	if (BTF_INFO_KIND(row->info) == KIND_ENUM64_) {
		bits = large[3 * i + 1] | (uint64_t)large[3 * i + 2] << 32;
		found.name = btf_walk_name(walk, large[3 * i]);
		found.value = is_signed ? (number)(int64_t)bits : (number)bits;
	} else {
		found.name = btf_walk_name(walk, small[i].name_off);
		found.value = is_signed ? (number)small[i].val : (number)(uint32_t)small[i].val;
	}
	return found;
}

static uint32_t enumerator_count(const struct btf_walk *walk, uint32_t type)
{
	return btf_length_of(btf_walk_type(walk, type));
}

static bool find_enumerator(const struct btf_walk *walk, uint32_t type, const char *name, number *value)
{
	for (uint32_t i = 0; i < enumerator_count(walk, type); i++) {
		struct enumerator at = enumerator_at(walk, type, i);

		if (!strcmp(at.name, name)) {
			*value = at.value;
			return true;
		}
	}
	return false;
}

bool value_of_enumerator(const struct btf_walk *from, uint32_t from_type, number value,
			 const struct btf_walk *to, uint32_t to_type, number *result)
{
	bool named = false;

	for (uint32_t i = 0; i < enumerator_count(from, from_type); i++) {
		struct enumerator at = enumerator_at(from, from_type, i);

		if (at.value != value)
			continue;
		named = true;
		if (find_enumerator(to, to_type, at.name, result))
			return true;
	}
	/* flags that were joined, or nothing at all: a number that has kept its meaning */
	*result = value;
	return !named && value_enums_agree(from, from_type, to, to_type);
}

bool value_enums_agree(const struct btf_walk *from, uint32_t from_type, const struct btf_walk *to,
		       uint32_t to_type)
{
	for (uint32_t i = 0; i < enumerator_count(from, from_type); i++) {
		struct enumerator at = enumerator_at(from, from_type, i);
		number value;

		if (find_enumerator(to, to_type, at.name, &value) && value != at.value)
			return false;
	}
	return true;
}

bool value_enum_is_part(const struct btf_walk *from, uint32_t from_type, const struct btf_walk *to,
			uint32_t to_type)
{
	for (uint32_t i = 0; i < enumerator_count(from, from_type); i++) {
		struct enumerator at = enumerator_at(from, from_type, i);
		number value;

		if (!find_enumerator(to, to_type, at.name, &value) || value != at.value)
			return false;
	}
	return true;
}
