/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What types, enumerators and members are called. docs/types.md explains the policy; in short, a
 * name stays as it is unless a system header, a keyword or an earlier type has it.
 *
 * Tags and typedefs share one scope, because in C++ they do.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "types.h"

/* Names in structs without a name in a struct: they may hold each other twice. */
#define SETTLE_MAX 65536

static const char *with_skeleton(struct types *types, const char *raw)
{
	const char *name = name_printf(types->pool, "%s__%s", types->policy.name, raw);

	return name ? name_identifier(types->pool, name) : NULL;
}

/* A name for a type in the scope of the file; own: it may be the one it has in BTF. */
static const char *file_name(struct types *types, const char *raw, bool own)
{
	const char *name;

	if (types->policy.external)
		return raw;
	if (*types->policy.prefix) {
		raw = name_printf(types->pool, "%s%s", types->policy.prefix, raw);
		if (!raw)
			return NULL;
	}
	name = name_identifier(types->pool, raw);
	if (name && (!own || name_is_system_type(raw) || scope_has(&types->tags, name)))
		name = with_skeleton(types, raw);
	return name ? scope_claim(&types->tags, name) : NULL;
}

/* A name that a function of type_access.c may have: foo__get_x(). */
static bool is_accessors(const struct types *types, const char *name)
{
	return types->accessed && (strstr(name, "__get_") || strstr(name, "__set_") || strstr(name, "__at_"));
}

/* In the scope of functions, where the header has its own: tool__open(), mem_bits_get() ... */
static bool is_skeletons(const struct types *types, const char *name)
{
	size_t len = strlen(types->policy.name);

	if (!strncmp(name, "mem_bits_", 9) || !strncmp(name, "mem_wide_bits_", 14) || is_accessors(types, name))
		return true;
	return !strncmp(name, types->policy.name, len) && !strncmp(name + len, "__", 2);
}

static const char *value_raw_name(const struct types *types, const struct btf_type *type,
				  uint32_t i)
{
	uint32_t at = btf_is_enum(type) ? btf_enum(type)[i].name_off : btf_enum64(type)[i].name_off;
	const char *name = btf__name_by_offset(types->btf, at);

	return name ? name : "";
}

/* All values of an enum keep their names, or none does. A prefix makes them free of all names but some. */
static bool values_are_free(const struct types *types, const struct btf_type *type)
{
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *raw = value_raw_name(types, type, i);

		if (*types->policy.prefix ? is_accessors(types, raw)
					  : name_is_taken(raw) || name_is_system(raw) ||
						    scope_has(&types->tags, raw) || is_skeletons(types, raw))
			return false;
	}
	return true;
}

static int name_values(struct types *types, uint32_t id, const struct btf_type *type, bool own)
{
	uint32_t n = btf_vlen(type);
	const char **values = pool_alloc(types->pool, n, sizeof(*values));

	if (!values)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		const char *raw = value_raw_name(types, type, i);
		const char *name;

		if (*types->policy.prefix)
			raw = name_printf(types->pool, "%s%s", types->policy.prefix, raw);
		if (!raw)
			return -ENOMEM;
		name = own ? name_identifier(types->pool, raw) : with_skeleton(types, raw);
		values[i] = name ? scope_claim(&types->tags, name) : NULL;
		if (!values[i])
			return -ENOMEM;
	}
	types->info[id].values = values;
	return 0;
}

/* An enum without values is only declared somewhere: it stays without a name. */
static int name_enum(struct types *types, uint32_t id, const struct btf_type *type)
{
	struct type_info *info = &types->info[id];
	const char *raw = types_raw_name(types, type);
	bool own = values_are_free(types, type);

	if (!btf_vlen(type))
		return 0;
	if (!*raw && info->named_by)
		raw = types_raw_name(types, types_get(types, info->named_by));
	if (!*raw && types->policy.external)
		return 0;
	if (!*raw)
		raw = name_printf(types->pool, "%s__enum", value_raw_name(types, type, 0));
	if (!raw)
		return -ENOMEM;
	info->name = file_name(types, raw, own);
	if (!info->name)
		return -ENOMEM;
	return types->policy.external ? 0 : name_values(types, id, type, own);
}

static int name_composite(struct types *types, uint32_t id, const struct btf_type *type)
{
	struct type_info *info = &types->info[id];
	const char *raw = types_raw_name(types, type);

	if (!*raw)
		raw = types_raw_name(types, types_get(types, info->named_by));
	info->name = file_name(types, raw, true);
	return info->name ? 0 : -ENOMEM;
}

/*
 * A typedef whose name is not free is not defined: what uses it is spelled out. One may have the
 * name of the struct or enum that it stands for.
 */
static int name_typedef(struct types *types, uint32_t id, const struct btf_type *type)
{
	struct type_info *info = &types->info[id];
	const char *raw = types_raw_name(types, type);
	uint32_t target = types_strip(types, type->type, true), align;
	const char *tag = target < types->count ? types->info[target].name : NULL;
	const char *name = raw, *identifier;
	uint64_t size;

	if (types->policy.external || !types_measure(types, type->type, &size, &align))
		return 0;
	if (*types->policy.prefix)
		name = name_printf(types->pool, "%s%s", types->policy.prefix, raw);
	identifier = name ? name_identifier(types->pool, name) : NULL;
	if (!identifier)
		return -ENOMEM;
	if (name_is_system(raw) || name_is_system(name) || strcmp(name, identifier) != 0 ||
	    is_skeletons(types, name))
		return 0;
	if (tag && !strcmp(tag, name)) {
		info->name = tag;
		return 0;
	}
	if (!scope_has(&types->tags, name))
		info->name = scope_claim(&types->tags, name);
	return 0;
}

static int name_type(struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);

	if (btf_is_any_enum(type))
		return name_enum(types, id, type);
	if (btf_is_composite(type))
		return name_composite(types, id, type);
	return name_typedef(types, id, type);
}

/* A tag that is never defined must be free in C++'s scope; else its pointers become void *. */
static int name_incomplete(struct types *types, uint32_t id)
{
	const char *raw = types_raw_name(types, types_get(types, id));
	const char *name = name_identifier(types->pool, raw);

	if (!name)
		return -ENOMEM;
	if (strcmp(name, raw) != 0 || name_is_system_type(raw) || scope_has(&types->tags, raw))
		return 0;
	types->info[id].name = scope_claim(&types->tags, raw);
	return types->info[id].name ? 0 : -ENOMEM;
}

/*
 * What memgen itself declares as members, padding and bytes in place of members; and the types that it
 * spells, whose meaning a member would change in C++.
 */
static bool is_own_member(const char *name)
{
	return !strcmp(name, "int64_t") || !strcmp(name, "uint64_t") || !strncmp(name, "mem_pad_", 8) ||
	       !strncmp(name, "mem_bytes", 9) || !strncmp(name, "mem_empty", 9) || !strncmp(name, "mem_high_", 9);
}

int types_name_fields(struct types *types, struct record *record, bool as_is)
{
	struct scope scope = {.pool = types->pool};

	for (uint32_t i = 0; i < record->count; i++) {
		struct field *field = &record->fields[i];
		const struct btf_type *held;
		const char *name;

		held = types_get(types, types_strip(types, field->type, true));
		if (!*field->raw && held && btf_is_composite(held) &&
		    types->info[types_strip(types, field->type, true)].form == TYPE_PLAIN)
			continue; /* anonymous */
		name = name_identifier(types->pool, *field->raw ? field->raw : "unnamed");
		if (as_is && *field->raw)
			name = field->raw;
		else if (name && is_own_member(name))
			name = name_printf(types->pool, "%s_", name);
		field->name = name ? scope_claim(&scope, name) : NULL;
		if (!field->name)
			return -ENOMEM;
		if (!scope_has(&types->members, field->name) &&
		    !scope_claim(&types->members, field->name))
			return -ENOMEM;
	}
	return 0;
}

/* Names in a struct, with those of the structs without a name in it, which C takes for its own. */
struct settling {
	struct types *types;
	struct scope *scope;
	uint32_t steps;
};

/* What a nameless member holds; NULL for other members. */
static struct record *nameless(const struct types *types, const struct field *field)
{
	uint32_t id = types_strip(types, field->type, true);

	return field->name || id >= types->count ? NULL : types->info[id].record;
}

static bool any_taken(struct settling *s, const struct record *record)
{
	for (uint32_t i = 0; i < record->count && !record->opaque; i++) {
		const struct field *field = &record->fields[i];
		const struct record *inner = nameless(s->types, field);

		if (s->steps++ > SETTLE_MAX || (field->name && scope_has(s->scope, field->name)) ||
		    (inner && any_taken(s, inner)))
			return true;
	}
	return false;
}

static int take_all(struct settling *s, const struct record *record)
{
	for (uint32_t i = 0; i < record->count && !record->opaque; i++) {
		const struct field *field = &record->fields[i];
		const struct record *inner = nameless(s->types, field);

		if (field->name ? !scope_claim(s->scope, field->name) : inner && take_all(s, inner))
			return -ENOMEM;
	}
	return 0;
}

/*
 * No compiler makes a struct with a name twice, but files can have them: the nameless member with the
 * second one is given a name. Inner structs come first.
 */
static int settle(struct types *types, struct record *record)
{
	struct scope scope = {.pool = types->pool};
	struct settling s = {.types = types, .scope = &scope};
	int err = 0;

	if (record->settled)
		return 0;
	record->settled = true;
	for (uint32_t i = 0; i < record->count && !err; i++) {
		struct record *inner = nameless(types, &record->fields[i]);

		if (inner)
			err = settle(types, inner);
		else if (!err && record->fields[i].name && !scope_claim(&scope, record->fields[i].name))
			err = -ENOMEM;
	}
	for (uint32_t i = 0; i < record->count && !err; i++) {
		struct field *field = &record->fields[i];
		struct record *inner = nameless(types, field);

		s.steps = 0;
		if (!inner)
			continue;
		if (!any_taken(&s, inner)) {
			err = take_all(&s, inner);
		} else {
			field->name = scope_claim(&scope, "unnamed");
			err = field->name ? 0 : -ENOMEM;
		}
	}
	return err;
}

static bool has_nameless(const struct types *types, const struct record *record)
{
	for (uint32_t i = 0; i < record->count; i++) {
		if (nameless(types, &record->fields[i]))
			return true;
	}
	return false;
}

int types_name(struct types *types)
{
	int err = 0;

	if (!scope_claim(&types->tags, types->policy.name))
		return -ENOMEM;
	for (uint32_t i = 0; !err && i < types->order_count; i++)
		err = name_type(types, types->order[i]);
	for (uint32_t id = 1; !err && id < types->count; id++) {
		if (types->info[id].form == TYPE_INCOMPLETE)
			err = name_incomplete(types, id);
		else if (types->info[id].record)
			err = types_name_fields(types, types->info[id].record,
						types->policy.external);
	}
	for (uint32_t id = 1; !err && !types->policy.external && id < types->count; id++) {
		if (types->info[id].record && has_nameless(types, types->info[id].record))
			err = settle(types, types->info[id].record);
	}
	return err;
}
