/* SPDX-License-Identifier: BSD-2-Clause */
/* Single values: numbers of any size and place, enums by name, floating point. */
#ifndef LIBMEM_MIGRATE_VALUE_H
#define LIBMEM_MIGRATE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btf_walk.h"

/* Where a value is in its region, and what the bits mean. */
struct place {
	uint64_t offset; /* bits from the start of the region, with element 0 of all arrays around it */
	uint64_t bits;
	uint32_t type;   /* BTF id behind typedefs and qualifiers */
	bool is_signed;
	bool is_bool;
	bool is_bitfield;
};

/* wide enough for every integer that BTF knows */
typedef __int128 number;

/* The bits at place, shift more bits on. */
number value_load(const char *base, const struct place *place, uint64_t shift);
void value_store(char *base, const struct place *place, uint64_t shift, number value);

/* Whether value, loaded from such a place, is one that a place of another kind can hold. */
bool value_fits(number value, const struct place *from, const struct place *to);

/* Floats of 4 and 8 bytes, and integers that become one. False if it can't be had exactly. */
bool value_to_float(const char *from_base, const struct place *from, uint64_t from_shift, bool from_float,
		    char *to_base, const struct place *to, uint64_t to_shift);

/* Bytes from place to place, in pieces that the processor reads at once where that is possible. */
void value_copy(char *to, const char *from, size_t size);

/* The number of the enumerator in one enum whose name the value has in the other. False: none. */
bool value_of_enumerator(const struct btf_walk *from, uint32_t from_type, number value,
			 const struct btf_walk *to, uint32_t to_type, number *result);

/* Whether every enumerator of one enum has the same number in the other, where that has its name. */
bool value_enums_agree(const struct btf_walk *from, uint32_t from_type, const struct btf_walk *to,
		       uint32_t to_type);
/* Whether every enumerator of one enum is in the other, with the same number. */
bool value_enum_is_part(const struct btf_walk *from, uint32_t from_type, const struct btf_walk *to,
			uint32_t to_type);

#endif /* LIBMEM_MIGRATE_VALUE_H */
