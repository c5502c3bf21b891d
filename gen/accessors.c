/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "accessors.h"

/* --- variables --- */

enum scalar_kind {
	SCALAR_NONE = 0,
	SCALAR_VALUE = 1,  /* can be loaded and stored */
	SCALAR_NUMBER = 2, /* can be added to */
};

static enum scalar_kind scalar_kind(const struct types *types, const struct field *field)
{
	const struct btf_type *type = types_get(types, types_strip(types, field->type, true));
	uint64_t bytes = field->bits / 8;

	if (!type || field->hidden || field->packed || field->bitfield || bytes > 8 || !bytes ||
	    (bytes & (bytes - 1)) || field->offset / 8 % bytes)
		return SCALAR_NONE;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return btf_int_encoding(type) & BTF_INT_BOOL ? SCALAR_VALUE : SCALAR_NUMBER;
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_PTR:
		return SCALAR_VALUE;
	default:
		return SCALAR_NONE;
	}
}

/* One row: all functions of a variable. The type is whatever the member has. */
static void emit_row(struct writer *w, const struct skeleton *s, const struct skeleton_region *region,
		     const struct field *field, const char *macro, const char *prefix)
{
	writer_line(w, "%s(%s, %s,", macro, s->name, prefix);
	writer_line(w, "\t__typeof__(((struct %s *)0)->%s), %s->%s)", region->struct_name, field->name,
		    region->variables, field->name);
}

/* "tool__bss_hits"; x_y of .data and y of .data.x would be the same. NULL: no memory. */
static const char *function_prefix(struct writer *w, struct scope *scope, const struct skeleton *s,
				   const struct skeleton_region *region, const struct field *field)
{
	const char *prefix =
		name_printf(scope->pool, "%s__%s_%s", s->name, region->variables, field->name);

	prefix = prefix ? scope_claim(scope, prefix) : NULL;
	if (!prefix && !w->error)
		w->error = -ENOMEM;
	return prefix;
}

static void emit_variables(struct writer *w, const struct skeleton *s, uint32_t i, struct scope *scope)
{
	const struct skeleton_region *region = &s->regions[i];
	const struct record *record = region->record;

	if (!record || record->opaque || region->is_struct_ops ||
	    s->view->regions[i].kind == MEM_REGION_RODATA || s->view->regions[i].kind == MEM_REGION_PERCPU)
		return;
	for (uint32_t f = 0; f < record->count; f++) {
		enum scalar_kind kind = scalar_kind(&s->types, &record->fields[f]);
		const char *prefix;

		if (kind == SCALAR_NONE)
			continue;
		prefix = function_prefix(w, scope, s, region, &record->fields[f]);
		if (!prefix)
			return;
		emit_row(w, s, region, &record->fields[f], "MEM_ACCESSORS", prefix);
		if (kind == SCALAR_NUMBER)
			emit_row(w, s, region, &record->fields[f], "MEM_ACCESSORS_ADD", prefix);
	}
}

/* --- structs with a sequence counter --- */

/* The member that MEM_SEQ marks; -1 if there is none. */
static int32_t marked_member(const struct types *types, uint32_t struct_id)
{
	for (uint32_t id = 1; id < types->count; id++) {
		const struct btf_type *type = types_get(types, id);

		if (btf_kind(type) == BTF_KIND_DECL_TAG && type->type == struct_id &&
		    !strcmp(types_raw_name(types, type), "mem:seq"))
			return btf_decl_tag(type)->component_idx;
	}
	return -1;
}

static bool is_lock(const struct types *types, const struct field *field)
{
	const struct btf_type *type = types_get(types, types_strip(types, field->type, true));

	return type && btf_is_struct(type) && type->size == 8 &&
	       !strcmp(types_raw_name(types, type), "mem_lock");
}

static void emit_copy(struct writer *w, const struct skeleton *s, uint32_t id, const char *function,
		      const struct field *field, bool with_width)
{
	const struct type_info *info = &s->types.info[id];

	writer_line(w, "/* Copy all of it at one time, by %s: see %s(). */", field->name, function);
	writer_line(w, "static inline int %s__copy_%s(struct %s *to, const struct %s *from)", s->name,
		    info->name, info->name, info->name);
	writer_open(w, "{");
	writer_begin(w);
	writer_part(w, "return %s(to, from, %u, %llu", function,
		    types_get(&s->types, id)->size, (unsigned long long)field->offset / 8);
	if (with_width)
		writer_part(w, ", %llu", (unsigned long long)field->bits / 8);
	writer_part(w, ");");
	writer_end(w);
	writer_close(w, "}");
	writer_blank(w);
}

static void emit_struct(struct writer *w, const struct skeleton *s, uint32_t id)
{
	const struct type_info *info = &s->types.info[id];
	int32_t member = marked_member(&s->types, id);

	for (uint32_t i = 0; i < info->record->count; i++) {
		const struct field *field = &info->record->fields[i];
		bool counter = (int32_t)i == member && field->bits >= 32 &&
			       scalar_kind(&s->types, field) == SCALAR_NUMBER;
		bool lock = member < 0 && field->name && field->offset % 64 == 0 &&
			    is_lock(&s->types, field);

		if (!counter && !lock)
			continue;
		emit_copy(w, s, id, counter ? "mem_seq_copy" : "mem_seq_copy_locked", field, counter);
		break;
	}
}

void accessors_emit_include(struct writer *w, const struct skeleton *s)
{
	if (s->accessors)
		writer_part(w, "#include <mem/accessors.h>\n"
			       "#include <mem/seq.h>\n");
}

void accessors_emit(struct writer *w, const struct skeleton *s)
{
	struct scope scope = {.pool = s->types.pool};

	if (!s->accessors)
		return;
	writer_line(w, "/* Functions for single variables: see mem/accessors.h. */");
	for (uint32_t i = 0; i < s->view->region_count; i++)
		emit_variables(w, s, i, &scope);
	writer_blank(w);
	for (uint32_t i = 0; i < s->types.order_count; i++) {
		uint32_t id = s->types.order[i];
		const struct type_info *info = &s->types.info[id];

		/* an application's own struct may have no tag */
		if (s->types.policy.external && !*types_raw_name(&s->types, types_get(&s->types, id)))
			continue;
		if (btf_is_struct(types_get(&s->types, id)) && info->name && info->record &&
		    !info->record->opaque && !info->record->packed)
			emit_struct(w, s, id);
	}
}
