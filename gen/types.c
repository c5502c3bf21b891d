/* SPDX-License-Identifier: BSD-2-Clause */
/* Which types shared memory reaches. BTF is untrusted: ids may lead nowhere or in circles. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "types.h"

/* Longest chain of typedefs and qualifiers, deepest nesting by value. Far above real programs. */
#define CHAIN_MAX 256
#define DEPTH_MAX 128

/* Guessing arena pointers: a struct that holds more structs than this is the kernel's. */
#define GUESS_MAX 64

static int reach_value(struct types *types, uint32_t id, uint32_t depth);
static int reach_pointee(struct types *types, uint32_t id, uint32_t depth, bool prototype);

const struct btf_type *types_get(const struct types *types, uint32_t id)
{
	if (!id || id >= types->count)
		return NULL;
	return btf__type_by_id(types->btf, id);
}

const char *types_raw_name(const struct types *types, const struct btf_type *type)
{
	const char *name = type ? btf__name_by_offset(types->btf, type->name_off) : NULL;

	return name ? name : "";
}

static bool is_composite(const struct btf_type *type)
{
	return type && btf_is_composite(type);
}

static bool is_enum(const struct btf_type *type)
{
	return type && btf_is_any_enum(type);
}

uint32_t types_strip(const struct types *types, uint32_t id, bool typedefs)
{
	for (uint32_t i = 0; i < CHAIN_MAX; i++) {
		const struct btf_type *type = types_get(types, id);

		if (!type || !(btf_is_mod(type) || (typedefs && btf_is_typedef(type))))
			return id;
		id = type->type;
	}
	return UINT32_MAX;
}

static int compare_tags(const void *a, const void *b, void *arg)
{
	const struct types *types = arg;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = strcmp(types_raw_name(types, types_get(types, left)),
			   types_raw_name(types, types_get(types, right)));

	return order ? order : (left > right) - (left < right);
}

static bool has_definition(const struct types *types, const struct btf_type *type)
{
	return is_composite(type) && *types_raw_name(types, type);
}

static int make_tag_index(struct types *types)
{
	for (uint32_t id = 1; id < types->count; id++)
		types->tag_count += has_definition(types, types_get(types, id));
	types->tag_index = pool_alloc(types->pool, types->tag_count, sizeof(uint32_t));
	if (!types->tag_index)
		return -ENOMEM;
	types->tag_count = 0;
	for (uint32_t id = 1; id < types->count; id++) {
		if (has_definition(types, types_get(types, id)))
			types->tag_index[types->tag_count++] = id;
	}
	qsort_r(types->tag_index, types->tag_count, sizeof(uint32_t), compare_tags, types);
	return 0;
}

/* The first definition of what a FWD declares; 0 if there is none. */
static uint32_t find_definition(const struct types *types, const struct btf_type *fwd)
{
	const char *tag = types_raw_name(types, fwd);
	uint32_t low = 0, high = types->tag_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct btf_type *type = types_get(types, types->tag_index[mid]);

		if (strcmp(types_raw_name(types, type), tag) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < types->tag_count; low++) {
		const struct btf_type *type = types_get(types, types->tag_index[low]);

		if (strcmp(types_raw_name(types, type), tag) != 0)
			break;
		if (btf_is_union(type) == (btf_kflag(fwd) != 0))
			return types->tag_index[low];
	}
	return 0;
}

uint32_t types_pointee(const struct types *types, uint32_t id)
{
	const struct btf_type *type;
	uint32_t definition;

	id = types_strip(types, id, true);
	type = types_get(types, id);
	if (!type)
		return 0;
	if (!btf_is_fwd(type))
		return id;
	definition = find_definition(types, type);
	return definition ? definition : id;
}

static bool is_plain(const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, types_strip(types, id, true));

	return type && (btf_is_int(type) || btf_is_ptr(type) || is_enum(type));
}

bool types_is_plain_function(const struct types *types, const struct btf_type *proto)
{
	const struct btf_param *params = btf_params(proto);
	uint32_t n = btf_vlen(proto);

	if (types_strip(types, proto->type, true) && !is_plain(types, proto->type))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		bool variadic = i && i + 1 == n && !params[i].type;

		if (!variadic && !is_plain(types, params[i].type))
			return false;
	}
	return true;
}

/* "..." behind the qualifiers of a pointee. */
struct pointee_tags {
	bool arena;
	bool kernel; /* kptr, rcu, user, percpu ... */
};

static struct pointee_tags read_tags(const struct types *types, uint32_t id)
{
	struct pointee_tags tags = {false, false};

	for (uint32_t i = 0; i < CHAIN_MAX; i++) {
		const struct btf_type *type = types_get(types, id);

		if (!type || !(btf_is_mod(type) || btf_is_typedef(type)))
			break;
		if (btf_is_type_tag(type) && !strcmp(types_raw_name(types, type), "arena"))
			tags.arena = true;
		else if (btf_is_type_tag(type))
			tags.kernel = true;
		id = type->type;
	}
	return tags;
}

/* Structs held by value, up to a limit. */
static uint32_t count_structs(const struct types *types, uint32_t id, uint32_t limit,
			      uint32_t depth)
{
	const struct btf_type *type;
	uint32_t count = 1;

	id = types_strip(types, id, true);
	type = types_get(types, id);
	if (type && btf_is_array(type))
		return depth < limit ? count_structs(types, btf_array(type)->type, limit, depth + 1)
				     : limit;
	if (!is_composite(type))
		return 0;
	for (uint32_t i = 0; i < btf_vlen(type) && count < limit && depth < limit; i++)
		count += count_structs(types, btf_members(type)[i].type, limit - count, depth + 1);
	return depth < limit ? count : limit;
}

/* Whether a struct behind a pointer is in the arena, so that its definition is wanted. */
static bool leads_into_arena(const struct types *types, uint32_t target, struct pointee_tags tags)
{
	if (tags.arena)
		return true;
	return types->infer_arena && !tags.kernel && is_composite(types_get(types, target)) &&
	       count_structs(types, target, GUESS_MAX, 0) < GUESS_MAX;
}

static int note_missing(struct types *types, const struct btf_type *fwd)
{
	const char **tag = rows_add(types->pool, &types->missing, 1, sizeof(*tag));

	if (!tag)
		return -ENOMEM;
	*tag = types_raw_name(types, fwd);
	return 0;
}

/* A struct, union or FWD behind a pointer. id is the pointer's own target, with its typedefs. */
static int reach_composite_pointee(struct types *types, uint32_t id, uint32_t target, bool proto)
{
	const struct btf_type *type = types_get(types, target);
	struct pointee_tags tags = read_tags(types, id);
	struct type_info *info = &types->info[target];
	uint32_t *queued;

	info->declared |= proto;
	if (info->form == TYPE_UNSEEN) {
		info->form = TYPE_INCOMPLETE;
		if (tags.arena && btf_is_fwd(type))
			return note_missing(types, type);
	}
	if (!leads_into_arena(types, target, tags) || btf_is_fwd(type))
		return 0;
	queued = rows_add(types->pool, &types->queue, 1, sizeof(*queued));
	if (!queued)
		return -ENOMEM;
	/* a typedef names an anonymous struct; a FWD says nothing about its definition */
	*queued = types_strip(types, id, true) == target ? id : target;
	return 0;
}

static int reach_function(struct types *types, uint32_t id, const struct btf_type *proto,
			  uint32_t depth)
{
	const struct btf_param *params = btf_params(proto);
	int err = 0;

	if (types->info[id].form != TYPE_UNSEEN)
		return 0;
	types->info[id].form = TYPE_PLAIN;
	if (!types_is_plain_function(types, proto))
		return 0;
	for (uint32_t i = 0; !err && i <= btf_vlen(proto); i++) {
		uint32_t part = i < btf_vlen(proto) ? params[i].type : proto->type;
		const struct btf_type *type;

		part = types_strip(types, part, true);
		type = types_get(types, part);
		if (type && btf_is_ptr(type))
			err = reach_pointee(types, type->type, depth + 1, true);
		else if (is_enum(type))
			err = reach_value(types, part, depth + 1);
	}
	return err;
}

static int reach_pointee(struct types *types, uint32_t id, uint32_t depth, bool prototype)
{
	uint32_t target = types_pointee(types, id);
	const struct btf_type *type = types_get(types, target);

	if (!type || depth > DEPTH_MAX)
		return 0; /* void *: as far as a pointer this deep is spelled out */
	switch (btf_kind(type)) {
	case BTF_KIND_PTR:
		if (types->info[target].form != TYPE_UNSEEN)
			return 0;
		types->info[target].form = TYPE_PLAIN;
		return reach_pointee(types, type->type, depth + 1, prototype);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return reach_value(types, target, depth + 1);
	case BTF_KIND_FUNC_PROTO:
		return reach_function(types, target, type, depth + 1);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
		return reach_composite_pointee(types, id, target, prototype);
	default:
		return 0;
	}
}

static int append(struct types *types, uint32_t id)
{
	types->info[id].form = TYPE_DEFINED;
	types->order[types->order_count++] = id;
	return 0;
}

static int reach_composite(struct types *types, uint32_t id, const struct btf_type *type,
			   uint32_t depth)
{
	const struct btf_member *members = btf_members(type);
	bool named = *types_raw_name(types, type) || types->info[id].named_by;
	int err = 0;

	for (uint32_t i = 0; !err && i < btf_vlen(type); i++) {
		uint32_t held = types_strip(types, members[i].type, true);

		if (held < types->count)
			types->info[held].embedded = true;
		err = reach_value(types, members[i].type, depth + 1);
	}
	return err || !named ? err : append(types, id);
}

static int reach_typedef(struct types *types, uint32_t id, const struct btf_type *type,
			 uint32_t depth)
{
	uint32_t target = types_strip(types, type->type, false);
	const struct btf_type *anonymous = types_get(types, target);
	int err;

	if ((is_composite(anonymous) || is_enum(anonymous)) && !*types_raw_name(types, anonymous) &&
	    types->info[target].form != TYPE_PLAIN && !types->info[target].named_by)
		types->info[target].named_by = id;
	err = reach_value(types, type->type, depth + 1);
	return err ? err : append(types, id);
}

static int reach_unseen(struct types *types, uint32_t id, const struct btf_type *type,
			uint32_t depth)
{
	uint32_t held;

	switch (btf_kind(type)) {
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return reach_value(types, type->type, depth + 1);
	case BTF_KIND_TYPEDEF:
		return reach_typedef(types, id, type, depth);
	case BTF_KIND_PTR:
		return reach_pointee(types, type->type, depth + 1, false);
	case BTF_KIND_ARRAY:
		held = types_strip(types, btf_array(type)->type, true);
		if (held < types->count)
			types->info[held].embedded = true;
		return reach_value(types, btf_array(type)->type, depth + 1);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return append(types, id);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return reach_composite(types, id, type, depth);
	default:
		return 0; /* scalars; and what no memory can hold, of which the layout makes bytes */
	}
}

static int reach_value(struct types *types, uint32_t id, uint32_t depth)
{
	const struct btf_type *type = types_get(types, id);
	struct type_info *info;
	int err;

	if (!type)
		return 0;
	info = &types->info[id];
	if (info->visiting)
		return mem__error(EINVAL, "BTF type %u (%s) contains itself", id,
				  types_raw_name(types, type));
	if (depth > DEPTH_MAX)
		return mem__error(EINVAL, "BTF type %u (%s) is nested more than %u deep", id,
				  types_raw_name(types, type), DEPTH_MAX);
	if (info->form == TYPE_PLAIN || info->form == TYPE_DEFINED)
		return 0;
	info->form = TYPE_PLAIN;
	info->visiting = true;
	err = reach_unseen(types, id, type, depth);
	info->visiting = false;
	return err;
}

int types_reach(struct types *types, uint32_t id)
{
	uint32_t held = types_strip(types, id, true);
	int err = reach_value(types, id, 0);

	if (held < types->count)
		types->info[held].embedded = true;

	/* what arena pointers lead to may have arena pointers of its own */
	for (uint32_t i = 0; !err && i < types->queue.count; i++)
		err = reach_value(types, ((const uint32_t *)types->queue.data)[i], 0);
	types->queue.count = 0;
	return err == -ENOMEM ? mem__error(ENOMEM, "out of memory") : err;
}

static bool has_arena_tags(const struct types *types)
{
	for (uint32_t id = 1; id < types->count; id++) {
		const struct btf_type *type = types_get(types, id);

		if (btf_is_type_tag(type) && !strcmp(types_raw_name(types, type), "arena"))
			return true;
	}
	return false;
}

int types_init(struct types *types, const struct btf *btf, struct pool *pool,
	       const struct type_policy *policy, bool infer_arena)
{
	memset(types, 0, sizeof(*types));
	types->btf = btf;
	types->pool = pool;
	types->policy = *policy;
	types->count = btf ? btf__type_cnt(btf) : 1;
	types->tags.pool = pool;
	types->members.pool = pool;
	types->info = pool_alloc(pool, types->count, sizeof(*types->info));
	types->order = pool_alloc(pool, types->count, sizeof(*types->order));
	if (!types->info || !types->order || make_tag_index(types))
		return mem__error(ENOMEM, "out of memory");
	types->infer_arena = infer_arena && !has_arena_tags(types);
	return 0;
}

int types_finish(struct types *types)
{
	int err = types_layout(types);

	if (!err)
		err = types_name(types);
	return err == -ENOMEM ? mem__error(ENOMEM, "out of memory") : err;
}
