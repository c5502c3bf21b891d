/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

#include "accessors.h"

/* Members that are looked at for counters: structs without a name may hold each other twice. */
#define STEPS_MAX (1U << 20)

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

/* Looking for structs with a counter, among them those without a name in others. */
struct search {
	struct writer *w;
	const struct skeleton *s;
	int32_t *marked;     /* by BTF id: the member that MEM_SEQ marks; -1 none */
	struct scope *names; /* of functions */
	uint32_t steps;
};

static void latch(struct writer *w, int err)
{
	w->error = w->error ? w->error : err;
}

static bool find_marks(struct search *search)
{
	const struct types *types = &search->s->types;

	search->marked = pool_alloc(types->pool, types->count, sizeof(*search->marked));
	if (!search->marked)
		return false;
	memset(search->marked, 0xff, types->count * sizeof(*search->marked));
	for (uint32_t id = 1; id < types->count; id++) {
		const struct btf_type *type = types_get(types, id);

		if (btf_kind(type) == BTF_KIND_DECL_TAG && type->type < types->count &&
		    !strcmp(types_raw_name(types, type), "mem:seq"))
			search->marked[type->type] = btf_decl_tag(type)->component_idx;
	}
	return true;
}

static bool is_lock(const struct types *types, const struct field *field)
{
	const struct btf_type *type = types_get(types, types_strip(types, field->type, true));

	return type && btf_is_struct(type) && type->size == 8 &&
	       !strcmp(types_raw_name(types, type), "mem_lock");
}

/* A struct that may have a counter, as the header speaks of it. */
struct copied {
	uint32_t id;
	const char *type;  /* "struct sample", "__typeof__(...)" */
	const char *name;  /* of the function, behind "tool__copy_" */
	bool is_member;    /* the type is a member's */
};

static void emit_copy(struct writer *w, const struct skeleton *s, const struct copied *copied,
		      const char *function, const struct field *field, bool with_width)
{
	writer_line(w, "/* Copy all of it at one time, by %s: see %s(). */", field->name, function);
	writer_line(w, "static inline int %s__copy_%s(%s *to, const %s *from)", s->name, copied->name,
		    copied->type, copied->type);
	writer_open(w, "{");
	writer_begin(w);
	/* a member may be volatile */
	writer_part(w, "return %s(%sto, %sfrom, %u, %llu", function, copied->is_member ? "(void *)" : "",
		    copied->is_member ? "(const void *)" : "", types_get(&s->types, copied->id)->size,
		    (unsigned long long)field->offset / 8);
	if (with_width)
		writer_part(w, ", %llu", (unsigned long long)field->bits / 8);
	writer_part(w, ");");
	writer_end(w);
	writer_close(w, "}");
	writer_blank(w);
}

static void emit_struct(const struct search *search, const struct copied *copied)
{
	const struct skeleton *s = search->s;
	const struct record *record = s->types.info[copied->id].record;
	int32_t member = search->marked[copied->id];
	struct writer *w = search->w;

	for (uint32_t i = 0; i < record->count; i++) {
		const struct field *field = &record->fields[i];
		bool counter = (int32_t)i == member && field->bits >= 32 &&
			       scalar_kind(&s->types, field) == SCALAR_NUMBER;
		bool lock = member < 0 && field->name && field->offset % 64 == 0 &&
			    is_lock(&s->types, field);

		if ((int32_t)i == member && !counter)
			writer_line(w, "/* No copy of %s: MEM_SEQ wants an integer of 4 or 8 bytes, at a "
				       "multiple of its size. */", copied->name);
		if (!counter && !lock)
			continue;
		emit_copy(w, s, copied, counter ? "mem_seq_copy" : "mem_seq_copy_locked", field, counter);
		break;
	}
}

static void search_members(struct search *search, const struct record *record, const char *path,
			   const char *name);

/* A number of elements of a struct without a name, or one: path leads there. */
static void search_unnamed(struct search *search, uint32_t id, const char *path, const char *name)
{
	struct pool *pool = search->names->pool;
	struct copied copied = {.id = id, .type = name_printf(pool, "__typeof__(%s)", path), .is_member = true};
	const struct record *record = search->s->types.info[id].record;

	if (!record->is_union)
		copied.name = scope_claim(search->names, name);
	if (!copied.type || (!record->is_union && !copied.name))
		latch(search->w, -ENOMEM);
	else if (!record->is_union)
		emit_struct(search, &copied);
	search_members(search, record, path, name);
}

/* A struct that nothing can be called after: what is in it is part of what is around it. */
static void skip_unnamed(struct search *search, uint32_t id, const char *path, const char *name)
{
	const struct record *record = search->s->types.info[id].record;

	if (search->marked[id] >= 0)
		writer_line(search->w, "/* No copy of a struct in %s that has a MEM_SEQ: give it a name. */",
			    name);
	if (!record->opaque)
		search_members(search, record, path, name);
}

static void search_members(struct search *search, const struct record *record, const char *path,
			   const char *name)
{
	const struct types *types = &search->s->types;

	for (uint32_t i = 0; i < record->count && !search->w->error && search->steps++ < STEPS_MAX; i++) {
		const struct field *field = &record->fields[i];
		uint32_t id = types_strip(types, field->type, true);
		const struct btf_type *type = types_get(types, id);
		const char *place = path, *member = name;

		if (field->name) {
			place = name_printf(search->names->pool, "%s%s%s", path,
					    path[strlen(path) - 1] == '>' ? "" : ".", field->name);
			member = name_printf(search->names->pool, "%s_%s", name, field->name);
		}
		for (; place && type && btf_is_array(type); type = types_get(types, id)) {
			place = name_printf(search->names->pool, "%s[0]", place);
			id = types_strip(types, btf_array(type)->type, true);
		}
		if (!place || !member)
			latch(search->w, -ENOMEM);
		else if (!types_is_unnamed(types, id) || !types->info[id].record)
			continue;
		else if (field->name && !field->hidden && !record->opaque)
			search_unnamed(search, id, place, member);
		else
			skip_unnamed(search, id, place, member);
	}
}

/* The counters in a struct that has a C name, and in the structs without one in it. */
static void emit_copies(struct search *search, const struct record *record, const char *type,
			const char *name)
{
	const char *path = name_printf(search->names->pool, "((%s *)0)->", type);

	if (path)
		search_members(search, record, path, name);
	else
		latch(search->w, -ENOMEM);
}

static void emit_type_copies(struct search *search, uint32_t id)
{
	const struct types *types = &search->s->types;
	const struct type_info *info = &types->info[id];
	const struct btf_type *raw = types_get(types, id);
	/* an application's own struct may have no tag */
	bool tagless = types->policy.external && !*types_raw_name(types, raw);
	struct copied copied = {.id = id};

	if (!btf_is_composite(raw) || !info->name || !info->record)
		return;
	copied.type = name_printf(search->names->pool, "%s%s",
				  tagless ? "" : info->record->is_union ? "union " : "struct ", info->name);
	copied.name = scope_claim(search->names, info->name);
	if (!copied.type || !copied.name) {
		latch(search->w, -ENOMEM);
		return;
	}
	if (!info->record->is_union)
		emit_struct(search, &copied);
	emit_copies(search, info->record, copied.type, copied.name);
}

/* Variables without a type's name are named after their section, elements after their array. */
static void emit_region_copies(struct search *search, uint32_t i)
{
	const struct skeleton *s = search->s;
	const struct skeleton_region *region = &s->regions[i];
	uint32_t id = types_strip(&s->types, s->view->regions[i].type, true);
	struct pool *pool = search->names->pool;
	struct copied copied = {.id = id, .name = region->data};

	if (region->record && !region->is_struct_ops) {
		const char *type = name_printf(pool, "struct %s", region->struct_name);

		if (type)
			emit_copies(search, region->record, type, region->variables);
		else
			latch(search->w, -ENOMEM);
		return;
	}
	if (!types_is_unnamed(&s->types, id) || !s->types.info[id].record)
		return;
	if (region->element == ELEMENT_STRUCT) {
		copied.type = name_printf(pool, "struct %s", region->struct_name);
		copied.name = scope_claim(search->names, region->data);
		if (copied.type && copied.name && !s->types.info[id].record->is_union)
			emit_struct(search, &copied);
		if (copied.type && copied.name && !s->types.info[id].record->is_union)
			emit_copies(search, s->types.info[id].record, copied.type, copied.name);
	} else if (region->element == ELEMENT_PADDED) {
		copied.type = name_printf(pool, "((struct %s *)0)->value", region->struct_name);
		if (copied.type)
			search_unnamed(search, id, copied.type, region->data);
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
	struct scope scope = {.pool = s->types.pool}, names = {.pool = s->types.pool};
	struct search search = {.w = w, .s = s, .names = &names};

	if (!s->accessors)
		return;
	writer_line(w, "/* Functions for single variables: see mem/accessors.h. */");
	for (uint32_t i = 0; i < s->view->region_count; i++)
		emit_variables(w, s, i, &scope);
	writer_blank(w);
	if (!find_marks(&search)) {
		latch(w, -ENOMEM);
		return;
	}
	for (uint32_t i = 0; i < s->types.order_count; i++)
		emit_type_copies(&search, s->types.order[i]);
	for (uint32_t i = 0; i < s->view->region_count; i++)
		emit_region_copies(&search, i);
}
