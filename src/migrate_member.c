/* SPDX-License-Identifier: BSD-2-Clause */
/* Members by their place and by their name. */
#include <string.h>

#include "btf_view.h"
#include "migrate_member.h"

uint32_t members_kind(const struct btf_walk *walk, uint32_t type)
{
	const struct btf_type *row = btf_walk_type(walk, type);

	return row ? BTF_INFO_KIND(row->info) : BTF_KIND_UNKN;
}

bool members_in_kind(uint32_t kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_DATASEC;
}

uint32_t members_count(const struct btf_walk *walk, uint32_t type)
{
	return members_in_kind(members_kind(walk, type)) ? btf_length_of(btf_walk_type(walk, type)) : 0;
}

static struct member section_member(const struct btf_walk *walk, const struct btf_type *row, uint32_t i)
{
	const void *behind = row + 1;
	const struct btf_var_secinfo *entries = behind;
	const struct btf_type *var = btf_walk_type(walk, entries[i].type);
	struct member found = {
		.name = "", .offset = (uint64_t)entries[i].offset * 8, .tagged = entries[i].type, .tag_at = -1,
	};

	if (var && BTF_INFO_KIND(var->info) == BTF_KIND_VAR) {
		found.name = btf_walk_name(walk, var->name_off);
		found.type = btf_walk_strip(walk, var->type);
	}
	return found;
}

struct member members_at(const struct btf_walk *walk, uint32_t type, uint32_t i)
{
	const struct btf_type *row = btf_walk_type(walk, type);
	const void *behind = row + 1;
	const struct btf_member *member = (const struct btf_member *)behind + i;
	bool flagged = BTF_INFO_KFLAG(row->info);
	struct member found = {.tagged = type, .tag_at = (int32_t)i};

	if (BTF_INFO_KIND(row->info) == BTF_KIND_DATASEC)
		return section_member(walk, row, i);
	found.name = btf_walk_name(walk, member->name_off);
	found.type = btf_walk_strip(walk, member->type);
	found.offset = flagged ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset;
	found.bits = flagged ? BTF_MEMBER_BITFIELD_SIZE(member->offset) : 0;
	return found;
}

const struct btf_array *members_array(const struct btf_walk *walk, uint32_t type)
{
	return members_kind(walk, type) == BTF_KIND_ARRAY ? (const void *)(btf_walk_type(walk, type) + 1) : NULL;
}

/* The nth member of a name, through members that have none themselves. */
static bool find_nth(const struct btf_walk *walk, uint32_t type, const char *name, uint32_t *nth,
		     struct member *found, int depth)
{
	for (uint32_t i = 0; depth < MEMBERS_DEPTH_MAX && i < members_count(walk, type); i++) {
		struct member at = members_at(walk, type, i);

		if (*at.name && !strcmp(at.name, name) && !(*nth)--) {
			*found = at;
			return true;
		}
		if (*at.name || !members_in_kind(members_kind(walk, at.type)))
			continue;
		if (find_nth(walk, at.type, name, nth, found, depth + 1)) {
			found->offset += at.offset;
			found->union_offset += at.offset;
			if (members_kind(walk, at.type) == BTF_KIND_UNION) {
				found->in_union = at.type;
				found->union_offset = at.offset;
			}
			return true;
		}
	}
	return false;
}

bool members_find(const struct btf_walk *walk, uint32_t type, const char *name, uint32_t nth,
		  struct member *found)
{
	return find_nth(walk, type, name, &nth, found, 0);
}

uint32_t members_namesakes(const struct btf_walk *walk, uint32_t type, uint32_t i)
{
	const char *name = members_at(walk, type, i).name;
	uint32_t count = 0;

	for (uint32_t j = 0; members_kind(walk, type) == BTF_KIND_DATASEC && j < i; j++)
		count += !strcmp(members_at(walk, type, j).name, name);
	return count;
}

const char *members_older_name(const struct btf_walk *walk, const struct member *member, uint32_t *id)
{
	return btf_walk_tag(walk, member->tagged, member->tag_at, BTF_WAS, id);
}
