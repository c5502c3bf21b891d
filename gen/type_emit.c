/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types as C text; type_enum.c has the enums. A declarator has two halves around the name: what is in front
 * ("int (*"), and what is behind (")[4]"); emit_front() and emit_back() walk the same chain of types.
 */
#include <bpf/btf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "types.h"

/* Pointers to pointers to ... are spelled out this far; behind that they are void *. */
#define POINTER_MAX 8

/* Qualifiers collected on the way to what they qualify. */
#define QUAL_CONST    1
#define QUAL_VOLATILE 2
#define QUAL_RESTRICT 4

/* Where a type stands. */
struct place {
	uint32_t pointers; /* pointers passed so far: behind one, typedefs are spelled out */
	uint32_t quals;	   /* collected */
	uint32_t drop;	   /* qualifiers not to collect before the first pointer */
};

static void emit_front(struct writer *w, const struct types *types, uint32_t id, struct place p);
static void emit_back(struct writer *w, const struct types *types, uint32_t id, struct place p);

static uint32_t qualifier(const struct btf_type *type)
{
	switch (btf_kind(type)) {
	case BTF_KIND_CONST:
		return QUAL_CONST;
	case BTF_KIND_VOLATILE:
		return QUAL_VOLATILE;
	case BTF_KIND_RESTRICT:
		return QUAL_RESTRICT;
	default:
		return 0;
	}
}

/* A typedef that the header defines and that can be used here. */
static bool is_usable_typedef(const struct types *types, uint32_t id, const struct btf_type *type)
{
	const struct type_info *info = &types->info[id];
	const struct btf_type *target;

	if (!btf_is_typedef(type) || !info->name || info->form != TYPE_DEFINED)
		return false;
	target = types_get(types, types_strip(types, id, true));
	/* C++ does not let a member take the name of a type that its struct uses */
	return target && !btf_is_composite(target) && !btf_is_any_enum(target) &&
	       !scope_has(&types->members, info->name);
}

/*
 * Walk qualifiers, and typedefs that are spelled out, to the type that gets text. Behind a pointer
 * a forward declaration stands for its definition.
 */
static uint32_t resolve(const struct types *types, uint32_t id, struct place *p)
{
	const struct btf_type *type = types_get(types, id);

	if (types_strip(types, id, true) == UINT32_MAX)
		return 0;
	while (type && (btf_is_mod(type) || btf_is_typedef(type))) {
		if (!p->pointers && is_usable_typedef(types, id, type))
			return id;
		p->quals |= qualifier(type) & ~(p->pointers ? 0 : p->drop);
		id = type->type;
		type = types_get(types, id);
	}
	return p->pointers ? types_pointee(types, id) : id;
}

/* Others, such as __fp16 and long double, are spelled as bytes. */
static bool is_float_in_c(const struct btf_type *type)
{
	return type->size == 4 || type->size == 8;
}

/* What a pointer is spelled to point to: a type id, or 0 for void. */
static uint32_t pointer_target(const struct types *types, uint32_t id, struct place *p)
{
	uint32_t target, held;
	const struct btf_type *type;

	p->pointers++;
	p->quals = 0;
	target = resolve(types, id, p);
	type = types_get(types, target);
	if (!type || p->pointers > POINTER_MAX)
		return 0;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_PTR:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return target;
	case BTF_KIND_FLOAT:
		return is_float_in_c(type) ? target : 0;
	case BTF_KIND_FUNC_PROTO:
		return types_is_plain_function(types, type) ? target : 0;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
		return types->info[target].name ? target : 0;
	case BTF_KIND_ARRAY:
		/* elements must be complete; what the pointer alone reaches is not */
		held = types_strip(types, btf_array(type)->type, true);
		type = types_get(types, held);
		return type && (btf_is_int(type) ||
				(btf_is_composite(type) && types->info[held].form == TYPE_DEFINED))
			       ? target
			       : 0;
	default:
		return 0;
	}
}

static bool is_array_or_function(const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);

	return type && (btf_is_array(type) || btf_is_func_proto(type));
}

/* The blank that a name would have followed. */
static void trim_blank(struct writer *w)
{
	if (!w->error && w->len && w->text[w->len - 1] == ' ')
		w->len--;
}

static void emit_qualifiers(struct writer *w, uint32_t quals)
{
	if (quals & QUAL_CONST)
		writer_part(w, "const ");
	if (quals & QUAL_VOLATILE)
		writer_part(w, "volatile ");
}

/* long and long long are both 8 bytes, and not the same to printf: keep them apart. */
static const char *int_name(const struct types *types, const struct btf_type *type)
{
	const char *raw = types_raw_name(types, type);
	bool is_signed = btf_int_encoding(type) & BTF_INT_SIGNED;

	if (btf_int_encoding(type) & BTF_INT_BOOL && type->size == 1)
		return "bool";
	if (type->size == 1 && !strcmp(raw, "char"))
		return "char";
	if (type->size == 8 && !strstr(raw, "long long"))
		return is_signed ? "int64_t" : "uint64_t";
	return types_integer_name(type->size, is_signed);
}

/* --- structs and unions --- */

static const char *composite_keyword(const struct btf_type *type)
{
	if (btf_is_fwd(type))
		return btf_kflag(type) ? "union" : "struct";
	return btf_is_union(type) ? "union" : "struct";
}

/* "foo": how to refer to a tag. An application's typedef of an anonymous struct has no tag. */
static void emit_composite_name(struct writer *w, const struct types *types, uint32_t id,
				const struct btf_type *type)
{
	if (types->policy.external && !*types_raw_name(types, type))
		writer_part(w, "%s ", types->info[id].name);
	else
		writer_part(w, "%s %s ", composite_keyword(type), types->info[id].name);
}

static void emit_composite(struct writer *w, const struct types *types, uint32_t id,
			   const struct btf_type *type)
{
	const struct record *record = types->info[id].record;

	if (types->info[id].name) {
		emit_composite_name(w, types, id, type);
		return;
	}
	if (!record) { /* layout draws members that C can't lay out: nobody has looked into their types */
		writer_part(w, "%s { } ", composite_keyword(type));
		return;
	}
	writer_part(w, "%s {", composite_keyword(type));
	writer_end(w);
	w->indent++;
	types_emit_fields(w, types, record, id);
	w->indent--;
	writer_begin(w);
	writer_part(w, "}%s ", record->packed ? " __attribute__((packed))" : "");
}

/* --- declarators --- */

static void emit_base(struct writer *w, const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);

	switch (type ? btf_kind(type) : BTF_KIND_UNKN) {
	case BTF_KIND_INT:
		writer_part(w, "%s ", int_name(types, type));
		break;
	case BTF_KIND_FLOAT:
		writer_part(w, "%s ",
			    type->size == 4   ? "float"
			    : type->size == 8 ? "double"
					      : "unsigned char");
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		types_emit_enum_name(w, types, id, type);
		break;
	case BTF_KIND_TYPEDEF:
		writer_part(w, "%s ", types->info[id].name);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		emit_composite(w, types, id, type);
		break;
	case BTF_KIND_FWD:
		emit_composite_name(w, types, id, type);
		break;
	default:
		writer_part(w, "void ");
	}
}

static void emit_pointer_front(struct writer *w, const struct types *types, uint32_t id,
			       struct place p)
{
	uint32_t quals = p.quals, target;

	target = pointer_target(types, types_get(types, id)->type, &p);
	emit_front(w, types, target, p);
	writer_part(w, "%s*", is_array_or_function(types, target) ? "(" : "");
	emit_qualifiers(w, quals);
	if (quals & QUAL_RESTRICT)
		writer_part(w, "__restrict ");
}

/*
 * A pointer in shared memory has 64 bits. Where the application's have 32, it is a number.
 */
static bool is_number(const struct types *types, const struct btf_type *type, struct place p)
{
	return types->policy.narrow && type && btf_is_ptr(type) && !p.pointers;
}

/* Such applications have no integers of 16 bytes either. */
static bool is_bytes(const struct types *types, const struct btf_type *type)
{
	return types->policy.narrow && type && btf_is_int(type) && type->size == 16;
}

static void emit_front(struct writer *w, const struct types *types, uint32_t id, struct place p)
{
	const struct btf_type *type;

	if (w->error)
		return;
	id = resolve(types, id, &p);
	type = types_get(types, id);
	if (is_number(types, type, p)) {
		emit_qualifiers(w, p.quals);
		writer_part(w, "uint64_t ");
	} else if (type && btf_is_ptr(type)) {
		emit_pointer_front(w, types, id, p);
	} else if (type && btf_is_array(type)) {
		emit_front(w, types, btf_array(type)->type, p);
	} else if (type && btf_is_func_proto(type)) {
		/* qualifiers of a result mean nothing, and compilers say so */
		emit_front(w, types, types_strip(types, type->type, false), p);
	} else {
		emit_qualifiers(w, p.quals);
		if (is_bytes(types, type))
			writer_part(w, "unsigned char ");
		else
			emit_base(w, types, id);
	}
}

static void emit_parameters(struct writer *w, const struct types *types,
			    const struct btf_type *proto, struct place p)
{
	const struct btf_param *params = btf_params(proto);

	p.quals = 0;
	writer_part(w, "(%s", btf_vlen(proto) ? "" : "void");
	for (uint32_t i = 0; i < btf_vlen(proto); i++) {
		uint32_t type = types_strip(types, params[i].type, false);

		writer_part(w, i ? ", " : "");
		if (!type) {
			writer_part(w, "...");
			continue;
		}
		emit_front(w, types, type, p);
		trim_blank(w);
		emit_back(w, types, type, p);
	}
	writer_part(w, ")");
}

static void emit_back(struct writer *w, const struct types *types, uint32_t id, struct place p)
{
	const struct btf_type *type;

	id = resolve(types, id, &p);
	type = types_get(types, id);
	if (!type || w->error || is_number(types, type, p))
		return;
	if (btf_is_ptr(type)) {
		id = pointer_target(types, type->type, &p);
		writer_part(w, is_array_or_function(types, id) ? ")" : "");
		emit_back(w, types, id, p);
	} else if (btf_is_array(type)) {
		writer_part(w, "[%u]", btf_array(type)->nelems);
		emit_back(w, types, btf_array(type)->type, p);
	} else if (btf_is_func_proto(type)) {
		emit_parameters(w, types, type, p);
		emit_back(w, types, types_strip(types, type->type, false), p);
	} else if (is_bytes(types, type) ||
		   (btf_kind(type) == BTF_KIND_FLOAT && !is_float_in_c(type))) {
		writer_part(w, "[%u]", type->size);
	}
}

/*
 * const in front of a member's own type is dropped: the application sets constants before load,
 * and C++ has no uninitialised const members.
 */
static void emit_declaration(struct writer *w, const struct types *types, uint32_t id,
			     const char *name, uint32_t drop)
{
	struct place p = {.drop = drop};

	emit_front(w, types, id, p);
	writer_part(w, "%s", name);
	emit_back(w, types, id, p);
}

void types_emit_declaration(struct writer *w, const struct types *types, uint32_t id,
			    const char *name)
{
	emit_declaration(w, types, id, name, QUAL_CONST | QUAL_VOLATILE);
}

bool types_spells_array(const struct types *types, uint32_t id)
{
	struct place p = {.drop = QUAL_CONST | QUAL_VOLATILE};
	const struct btf_type *type = types_get(types, resolve(types, id, &p));

	return type && (btf_is_array(type) || is_bytes(types, type) ||
			(btf_kind(type) == BTF_KIND_FLOAT && !is_float_in_c(type)));
}

/* --- members --- */

/* Bits that no member of BTF has, from bit `at` on: unnamed bit-fields to the next byte, bytes. */
static void emit_padding(struct writer *w, uint64_t at, uint64_t bits, uint32_t suffix)
{
	while (bits && (at % 8 || bits < 8)) {
		uint64_t n = 8 - at % 8 < bits ? 8 - at % 8 : bits;

		writer_line(w, "unsigned char : %u;", (unsigned int)n);
		at += n;
		bits -= n;
	}
	if (bits >= 8 && suffix)
		writer_line(w, "unsigned char mem_pad_%llu_%u[%llu];", (unsigned long long)at / 8,
			    suffix, (unsigned long long)bits / 8);
	else if (bits >= 8)
		writer_line(w, "unsigned char mem_pad_%llu[%llu];", (unsigned long long)at / 8,
			    (unsigned long long)bits / 8);
	bits %= 8;
	if (bits)
		writer_line(w, "unsigned char : %u;", (unsigned int)bits);
}

static void emit_bitfield(struct writer *w, const struct types *types, const struct field *field)
{
	const struct btf_type *type = types_get(types, types_strip(types, field->type, true));
	const char *name;

	/* plain char would take its sign from the machine; C++ warns about enums */
	if (btf_is_int(type) && !strcmp(int_name(types, type), "bool"))
		name = "bool";
	else if (btf_is_int(type))
		name = types_integer_name(type->size, btf_int_encoding(type) & BTF_INT_SIGNED);
	else
		name = types_integer_name(type->size, types_enum_is_signed(type));
	writer_line(w, "%s %s : %llu;", name, field->name, (unsigned long long)field->bits);
}

/* A flexible array: the last member of a struct that nothing else holds. */
static bool is_flexible(const struct types *types, const struct record *record, uint32_t i,
			uint32_t id)
{
	const struct btf_type *type = types_get(types,
						types_strip(types, record->fields[i].type, true));

	return i && i + 1 == record->count && type && btf_is_array(type) &&
	       !btf_array(type)->nelems && !record->is_union && types->info[id].name &&
	       !types->info[id].embedded && record->fields[0].name;
}

/* Some 32-bit machines align what has 8 bytes to 4. */
static void emit_alignment(struct writer *w, const struct types *types, const struct record *record,
			   const struct field *field)
{
	uint32_t id = types_strip(types, field->type, true);
	const struct btf_type *type = types_get(types, id);

	while (type && btf_is_array(type)) {
		id = types_strip(types, btf_array(type)->type, true);
		type = types_get(types, id);
	}
	if (!types->policy.narrow || record->packed || field->packed || !type || btf_is_composite(type))
		return;
	if (btf_is_ptr(type) || type->size == 8)
		writer_part(w, " __attribute__((aligned(8)))");
}

static void emit_flexible(struct writer *w, const struct types *types, const struct record *record,
			  const struct field *field)
{
	const struct btf_type *type = types_get(types, types_strip(types, field->type, true));
	char name[512];

	writer_begin(w);
	if ((size_t)snprintf(name, sizeof(name), "%s[]", field->name) < sizeof(name)) {
		emit_declaration(w, types, btf_array(type)->type, name, QUAL_CONST);
	} else {
		emit_declaration(w, types, field->type, field->name, QUAL_CONST);
	}
	emit_alignment(w, types, record, field);
	writer_part(w, ";");
	writer_end(w);
}

/* A program in place of a function: 8 bytes, whatever a pointer has. */
static void emit_callback(struct writer *w, const struct types *types, const struct field *field)
{
	if (!types->policy.narrow) {
		writer_line(w, "struct mem_prog *%s;", field->name);
		return;
	}
	writer_line(w, "struct mem_prog *%s __attribute__((aligned(8)));", field->name);
	writer_line(w, "uint32_t mem_high_%llu;", (unsigned long long)field->offset / 8);
}

static void emit_member(struct writer *w, const struct types *types, const struct record *record,
			const struct field *field, uint32_t id)
{
	if (field->bitfield) {
		emit_bitfield(w, types, field);
		return;
	}
	if (field->callback) {
		emit_callback(w, types, field);
		return;
	}
	writer_begin(w);
	if (!field->type)
		writer_part(w, "unsigned char %s[%llu]", field->name,
			    (unsigned long long)field->bits / 8);
	else if (field->name)
		emit_declaration(w, types, field->type, field->name,
				 id ? QUAL_CONST : QUAL_CONST | QUAL_VOLATILE);
	else
		emit_composite(w, types, types_strip(types, field->type, true),
			       types_get(types, types_strip(types, field->type, true)));
	if (!field->name)
		trim_blank(w);
	if (field->type)
		emit_alignment(w, types, record, field);
	writer_part(w, "%s;", field->packed ? " __attribute__((packed))" : "");
	if (!field->type)
		writer_part(w, " /* of a type that BTF does not describe */");
	writer_end(w);
}

void types_emit_fields(struct writer *w, const struct types *types, const struct record *record,
		       uint32_t id)
{
	uint32_t suffix = id && !types->info[id].name ? id : 0;
	uint64_t at = 0;

	if (record->opaque) {
		writer_line(w, "/* C can't declare its members where the BPF side has them: functions "
			       "below reach them. */");
		writer_line(w, "unsigned char mem_bytes%s[%llu];", suffix ? "_" : "",
			    (unsigned long long)record->size);
		return;
	}
	for (uint32_t i = 0; i < record->count && !w->error; i++) {
		const struct field *field = &record->fields[i];

		if (field->hidden) {
			writer_line(w, "/* %s: shares memory with what is in front; functions below reach it */",
				    field->name);
			continue;
		}
		emit_padding(w, field->offset - field->padding, field->padding, suffix);
		if (id && is_flexible(types, record, i, id))
			emit_flexible(w, types, record, field);
		else
			emit_member(w, types, record, field, id);
		at = field->offset + field->bits;
	}
	if (record->padding && record->is_union)
		emit_padding(w, 0, 8 * record->padding, suffix);
	else if (record->padding)
		emit_padding(w, at, 8 * record->size - at, suffix);
	else if (!record->size) /* an empty struct has a size in C++, an empty array doesn't */
		writer_line(w, suffix ? "unsigned char mem_empty_%u[0];" : "unsigned char mem_empty[0];",
			    suffix);
}

/* --- all of them --- */

static void emit_access(struct writer *w, const struct types *types, uint32_t id,
			const struct btf_type *type)
{
	const struct type_info *info = &types->info[id];
	struct writer name = WRITER_INIT;

	if (!info->record->accessed)
		return;
	writer_part(&name, "%s %s", composite_keyword(type), info->name);
	writer_bytes(&name, "", 1);
	if (name.error)
		w->error = w->error ? w->error : name.error;
	else
		types_emit_access(w, types, info->record, name.text, info->name);
	writer_free(&name);
}

static bool needs_access(const struct types *types)
{
	for (uint32_t i = 0; i < types->order_count; i++) {
		const struct type_info *info = &types->info[types->order[i]];

		if (info->name && info->record && info->record->accessed)
			return true;
	}
	return false;
}

static void emit_definition(struct writer *w, const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);
	const struct type_info *info = &types->info[id];

	if (btf_is_any_enum(type)) {
		types_emit_enum(w, types, id);
	} else if (btf_is_composite(type)) {
		writer_open(w, "%s %s {", composite_keyword(type), info->name);
		types_emit_fields(w, types, info->record, id);
		writer_close(w, "}%s;", info->record->packed ? " __attribute__((packed))" : "");
		emit_access(w, types, id, type);
	} else {
		writer_begin(w);
		writer_part(w, "typedef ");
		emit_declaration(w, types, type->type, info->name, QUAL_CONST);
		writer_part(w, ";");
		writer_end(w);
	}
}

static const char *guard_kind(const struct btf_type *type)
{
	if (btf_is_any_enum(type))
		return "enum_";
	if (btf_is_composite(type))
		return btf_is_union(type) ? "union_" : "struct_";
	return "";
}

static void emit_incomplete(struct writer *w, const struct types *types)
{
	bool any = false;

	for (uint32_t id = 1; id < types->count; id++) {
		const struct type_info *info = &types->info[id];
		const struct btf_type *type = types_get(types, id);

		if (!info->name || (info->form != TYPE_INCOMPLETE && !info->declared) ||
		    (types->policy.external && info->form != TYPE_INCOMPLETE))
			continue;
		if (!any)
			writer_line(w, "/* Pointed to; not all of these are defined here. */");
		any = true;
		writer_line(w, "%s %s;", composite_keyword(type), info->name);
	}
	if (any)
		writer_blank(w);
}

void types_emit(struct writer *w, const struct types *types)
{
	emit_incomplete(w, types);
	if (!types->policy.external && needs_access(types))
		types_emit_access_helpers(w);
	for (uint32_t i = 0; !types->policy.external && i < types->order_count; i++) {
		uint32_t id = types->order[i];
		const struct type_info *info = &types->info[id];
		const struct btf_type *type = types_get(types, id);

		if (!info->name)
			continue;
		/* other headers, of `memgen types` and of other objects, may define it as well */
		writer_directive(w, "#ifndef MEM_TYPE_%s%s", guard_kind(type), info->name);
		writer_directive(w, "#define MEM_TYPE_%s%s", guard_kind(type), info->name);
		emit_definition(w, types, id);
		writer_directive(w, "#endif");
		writer_blank(w);
	}
}

/* --- assertions --- */

/* Fields of a record, and of the anonymous ones in it, which are members of the same C type. */
static void emit_field_asserts(struct writer *w, const struct types *types,
			       const struct record *record, const char *c_name, uint64_t base)
{
	for (uint32_t i = 0; !record->opaque && !w->error && i < record->count; i++) {
		const struct field *field = &record->fields[i];
		uint64_t offset = base + field->offset / 8;
		uint32_t held = types_strip(types, field->type, true);

		if (field->hidden || field->bitfield)
			continue;
		if (!field->name)
			emit_field_asserts(w, types, types->info[held].record, c_name, offset);
		else if (!field->bits || (field->callback && types->policy.narrow) ||
			 (!field->type && types->policy.external)) /* all the room there is for it */
			writer_line(w, "MEM_ASSERT_OFFSET(%s, %s, %llu);", c_name, field->name,
				    (unsigned long long)offset);
		else
			writer_line(w, "MEM_ASSERT_FIELD(%s, %s, %llu, %llu);", c_name, field->name,
				    (unsigned long long)offset,
				    (unsigned long long)field->bits / 8);
	}
}

static void emit_record_asserts(struct writer *w, const struct types *types, const struct record *record,
				const char *c_name)
{
	writer_line(w, "MEM_ASSERT_SIZE(%s, %llu);", c_name, (unsigned long long)record->size);
	emit_field_asserts(w, types, record, c_name, 0);
}

void types_emit_section_asserts(struct writer *w, const struct types *types,
				const struct record *record, const char *c_name)
{
	if (types->policy.external)
		emit_field_asserts(w, types, record, c_name, 0);
	else
		emit_record_asserts(w, types, record, c_name);
}

static void emit_type_asserts(struct writer *w, const struct types *types, uint32_t id)
{
	const struct type_info *info = &types->info[id];
	const struct btf_type *type = types_get(types, id);
	bool tagless = types->policy.external && !*types_raw_name(types, type);
	struct writer name = WRITER_INIT;

	if (!info->name)
		return;
	writer_part(&name, "%s%s%s", tagless ? "" : composite_keyword(type), tagless ? "" : " ",
		    info->name);
	writer_bytes(&name, "", 1);
	if (name.error)
		w->error = name.error;
	else if (btf_is_composite(type))
		emit_record_asserts(w, types, info->record, name.text);
	else if (btf_is_any_enum(type) && types_enum_fits(type))
		writer_line(w, "MEM_ASSERT_SIZE(%s%s, %u);", tagless ? "" : "enum ", info->name,
			    type->size);
	writer_free(&name);
}

void types_emit_asserts(struct writer *w, const struct types *types)
{
	for (uint32_t i = 0; i < types->order_count; i++)
		emit_type_asserts(w, types, types->order[i]);
}
