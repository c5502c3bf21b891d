/* SPDX-License-Identifier: BSD-2-Clause */
/* What migration goes by: the members of structs and unions, and the variables of sections, all alike. */
#ifndef LIBMEM_MIGRATE_MEMBER_H
#define LIBMEM_MIGRATE_MEMBER_H

#include "btf_walk.h"

enum { MEMBERS_DEPTH_MAX = 32 }; /* of types in types */

struct member {
	const char *name; /* "" if it has none */
	uint32_t type;
	uint64_t offset;  /* bits from the start of what it is in */
	uint64_t bits;    /* of a bit-field, else 0 */
	uint32_t tagged;  /* id that a tag of it names ... */
	int32_t tag_at;   /* ... with this component */
	uint32_t in_union;     /* of members_find(): the outermost union without a name that it is in, 0: none ... */
	uint64_t union_offset; /* ... which begins here, bits */
};

/* BTF_KIND_* of a type, BTF_KIND_UNKN for void. */
uint32_t members_kind(const struct btf_walk *walk, uint32_t type);
bool members_in_kind(uint32_t kind);
/* 0 for what has none. */
uint32_t members_count(const struct btf_walk *walk, uint32_t type);
struct member members_at(const struct btf_walk *walk, uint32_t type, uint32_t i);
/* NULL if it is none. */
const struct btf_array *members_array(const struct btf_walk *walk, uint32_t type);

/* The nth member of a name, from 0, through members that have none themselves. */
bool members_find(const struct btf_walk *walk, uint32_t type, const char *name, uint32_t nth,
		  struct member *found);
/* How many members of the same name come before this one: static variables of several functions. */
uint32_t members_namesakes(const struct btf_walk *walk, uint32_t type, uint32_t i);
/* The next older name of a member, after the tag with number *id. */
const char *members_older_name(const struct btf_walk *walk, const struct member *member, uint32_t *id);

#endif /* LIBMEM_MIGRATE_MEMBER_H */
