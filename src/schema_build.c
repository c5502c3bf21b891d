/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From BTF to a flat list of fields.
 *
 * An array of structs is one field, followed by the members of its element once ("table[].key"), so
 * that the size of a schema depends on the source and not on how many elements there are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"
#include "btf_walk.h"
#include "schema.h"

enum { DEPTH_MAX = 32, FIELDS_MAX = 1 << 16, TYPE_MAX = 200, PATH_BYTES = 512, KIND_ENUM64_ = 19 };

struct builder {
	struct btf_walk walk;
	struct mem_schema *schema;
	bool renamed; /* something has a tag with an older name */
};

/* Where a type is, by its names and by those that they had before; equal where nothing was renamed. */
struct path {
	char now[PATH_BYTES];
	char was[PATH_BYTES];
};

static int add(struct builder *b, const struct path *path, const char *type, uint64_t offset,
	       uint64_t size)
{
	struct mem_schema *schema = b->schema;
	bool renamed = b->renamed && strcmp(path->now, path->was) != 0;
	struct mem_schema_field field = {
		.path = strdup(path->now), .type = strdup(type), .offset = offset, .size = size,
		.was = renamed ? strdup(path->was) : NULL,
	};

	if (schema->count == schema->capacity && schema->count < FIELDS_MAX) {
		uint32_t capacity = schema->capacity ? 2 * schema->capacity : 16;
		void *fields = realloc(schema->fields, capacity * sizeof(field));

		if (fields) {
			schema->fields = fields;
			schema->capacity = capacity;
		}
	}
	if (!field.path || !field.type || (renamed && !field.was) || schema->count == schema->capacity) {
		free((char *)field.path);
		free((char *)field.type);
		free((char *)field.was);
		return schema->count >= FIELDS_MAX ? -E2BIG : -ENOMEM;
	}
	schema->fields[schema->count++] = field;
	return 0;
}

static const char *integer_name(const struct btf_type *type, char *text)
{
	uint32_t encoding = *(const uint32_t *)(type + 1);

	if (BTF_INT_ENCODING(encoding) & BTF_INT_BOOL)
		snprintf(text, TYPE_MAX, "bool");
	else if (type->size == 1 && BTF_INT_ENCODING(encoding) & (BTF_INT_SIGNED | BTF_INT_CHAR))
		snprintf(text, TYPE_MAX, "char");
	else
		snprintf(text, TYPE_MAX, "__%c%u",
			 BTF_INT_ENCODING(encoding) & BTF_INT_SIGNED ? 's' : 'u', type->size * 8);
	return text;
}

/* What a type is; of a pointer, what it points to without going further. */
static const char *type_name(const struct builder *b, uint32_t id, char *text, bool behind_pointer)
{
	const struct btf_type *type = btf_walk_type(&b->walk, btf_walk_strip(&b->walk, id));
	const char *name;
	char inner[TYPE_MAX];

	if (!type) {
		snprintf(text, TYPE_MAX, "void");
		return text;
	}
	name = btf_walk_name(&b->walk, type->name_off);
	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
		return integer_name(type, text);
	case BTF_KIND_PTR:
		snprintf(text, TYPE_MAX, "%.190s *",
			 behind_pointer ? "void *" : type_name(b, type->type, inner, true));
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
		snprintf(text, TYPE_MAX, "%s %.190s",
			 BTF_INFO_KIND(type->info) == BTF_KIND_UNION ? "union" : "struct", name);
		break;
	case BTF_KIND_ENUM:
	case KIND_ENUM64_:
		snprintf(text, TYPE_MAX, "enum %.190s", name);
		break;
	case BTF_KIND_FLOAT:
		snprintf(text, TYPE_MAX, "float%u", type->size * 8);
		break;
	default:
		snprintf(text, TYPE_MAX, "function");
	}
	return text;
}

static int walk_type(struct builder *b, uint32_t id, const struct path *path, uint64_t offset, int depth);

static int append(char *text, const char *name)
{
	size_t len = strlen(text);

	return (size_t)snprintf(text + len, PATH_BYTES - len, "%s%s", *text && *name ? "." : "", name) <
			       PATH_BYTES - len ? 0 : -E2BIG;
}

/* The path of a member of what is at path, whose tags are those of id and component. */
static int extend(const struct builder *b, struct path *inner, const struct path *path, const char *name,
		  uint32_t id, int32_t component)
{
	uint32_t tag = 0;
	const char *was = b->renamed ? btf_walk_tag(&b->walk, id, component, BTF_WAS, &tag) : NULL;

	*inner = *path;
	return append(inner->now, name) ?: append(inner->was, was ? was : name);
}

static int walk_members(struct builder *b, uint32_t id, const struct path *path, uint64_t offset, int depth)
{
	const struct btf_type *type = btf_walk_type(&b->walk, id);
	const struct btf_member *member = (const void *)(type + 1);
	bool flagged = BTF_INFO_KFLAG(type->info);
	int err = 0;

	for (uint32_t i = 0; !err && i < btf_length_of(type); i++, member++) {
		const char *name = btf_walk_name(&b->walk, member->name_off);
		uint32_t bits = flagged ? BTF_MEMBER_BITFIELD_SIZE(member->offset) : 0;
		uint64_t at = offset + (flagged ? BTF_MEMBER_BIT_OFFSET(member->offset) : member->offset);
		char type_text[TYPE_MAX];
		struct path inner;

		err = extend(b, &inner, path, name, id, (int32_t)i);
		if (!err)
			err = bits ? add(b, &inner, type_name(b, member->type, type_text, false), at, bits)
				   : walk_type(b, member->type, &inner, at, depth + 1);
	}
	return err;
}

static int walk_array(struct builder *b, uint32_t id, const struct path *path, uint64_t offset, int depth)
{
	uint64_t size = btf_walk_size(&b->walk, id) * 8;
	char text[TYPE_MAX], dimensions[TYPE_MAX] = "";
	struct path inner = *path;
	const struct btf_type *type;
	size_t len = 0;
	int err;

	for (;;) {
		const struct btf_array *array;

		type = btf_walk_type(&b->walk, btf_walk_strip(&b->walk, id));
		if (!type || BTF_INFO_KIND(type->info) != BTF_KIND_ARRAY)
			break;
		array = (const void *)(type + 1);
		if (len > sizeof(dimensions) - 16)
			return -E2BIG;
		len += (size_t)snprintf(dimensions + len, sizeof(dimensions) - len, "[%u]", array->nelems);
		id = array->type;
	}
	type_name(b, id, text, false);
	if (strlen(text) + len >= sizeof(text) ||
	    strlen(inner.now) + 3 > PATH_BYTES || strlen(inner.was) + 3 > PATH_BYTES)
		return -E2BIG;
	memcpy(inner.now + strlen(inner.now), "[]", 3);
	memcpy(inner.was + strlen(inner.was), "[]", 3);
	memcpy(text + strlen(text), dimensions, len + 1);
	err = add(b, path, text, offset, size);
	if (err || !type || (BTF_INFO_KIND(type->info) != BTF_KIND_STRUCT &&
			     BTF_INFO_KIND(type->info) != BTF_KIND_UNION))
		return err;
	return walk_members(b, btf_walk_strip(&b->walk, id), &inner, offset, depth);
}

static int walk_type(struct builder *b, uint32_t id, const struct path *path, uint64_t offset, int depth)
{
	const struct btf_type *type = btf_walk_type(&b->walk, btf_walk_strip(&b->walk, id));
	char text[TYPE_MAX];

	if (depth > DEPTH_MAX)
		return -ELOOP;
	switch (type ? BTF_INFO_KIND(type->info) : 0) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return walk_members(b, btf_walk_strip(&b->walk, id), path, offset, depth);
	case BTF_KIND_ARRAY:
		return walk_array(b, id, path, offset, depth);
	default:
		return add(b, path, type_name(b, id, text, false), offset,
			   btf_walk_size(&b->walk, id) * 8);
	}
}

static int walk_section(struct builder *b, const struct btf_type *section)
{
	const struct btf_var_secinfo *entry = (const void *)(section + 1);
	int err = 0;

	for (uint32_t i = 0; !err && i < btf_length_of(section); i++, entry++) {
		const struct btf_type *var = btf_walk_type(&b->walk, entry->type);
		const struct path top = {"", ""};
		struct path path;

		if (!var || BTF_INFO_KIND(var->info) != BTF_KIND_VAR)
			return -EINVAL;
		err = extend(b, &path, &top, btf_walk_name(&b->walk, var->name_off), entry->type, -1);
		err = err ?: walk_type(b, var->type, &path, (uint64_t)entry->offset * 8, 0);
	}
	return err;
}

/* Offsets, then names: the same order whatever the compiler's was. */
static int compare_fields(const void *a, const void *b)
{
	const struct mem_schema_field *one = a, *two = b;

	if (one->offset != two->offset)
		return one->offset < two->offset ? -1 : 1;
	return strcmp(one->path, two->path);
}

void schema_type_name(const struct btf_walk *walk, uint32_t id, char *text, size_t size)
{
	struct builder b = {.walk = *walk};
	char dimensions[64] = "", name[TYPE_MAX];
	const struct btf_type *type;
	size_t len = 0;

	while ((type = btf_walk_type(walk, btf_walk_strip(walk, id))) &&
	       BTF_INFO_KIND(type->info) == BTF_KIND_ARRAY) {
		const struct btf_array *array = (const void *)(type + 1);

		if (len > sizeof(dimensions) - 16)
			break;
		len += (size_t)snprintf(dimensions + len, sizeof(dimensions) - len, "[%u]", array->nelems);
		id = array->type;
	}
	snprintf(text, size, "%s%s", type_name(&b, id, name, false), dimensions);
}

struct mem_schema *schema_build(const void *btf, size_t size, uint32_t type, const char *who)
{
	struct builder b = {.schema = calloc(1, sizeof(*b.schema))};
	const struct path top = {"", ""};
	const struct btf_type *root;
	uint32_t tag = 0;
	int err = b.schema ? btf_walk_init(&b.walk, btf, size) : -ENOMEM;

	if (!err) {
		b.renamed = btf_walk_tag(&b.walk, 0, 0, BTF_WAS, &tag);
		root = btf_walk_type(&b.walk, type);
		if (!root)
			err = -EINVAL;
		else if (BTF_INFO_KIND(root->info) == BTF_KIND_DATASEC)
			err = walk_section(&b, root);
		else
			err = walk_type(&b, type, &top, 0, 0);
	}
	btf_walk_free(&b.walk);
	if (err) {
		mem_schema_free(b.schema);
		if (who)
			mem__error(-err, "%s: can't make a schema of its types: %s", who, strerror(-err));
		errno = -err;
		return NULL;
	}
	if (b.schema->count)
		qsort(b.schema->fields, b.schema->count, sizeof(*b.schema->fields), compare_fields);
	return b.schema;
}
