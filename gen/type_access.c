/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Members that C can't declare where BTF has them: functions that get and set them, or say where
 * they are. Those of `struct foo` are foo__get_x(), foo__set_x() and foo__at_x(), behind the struct's
 * definition. A member of a struct without a tag goes by its path, foo__get_inner_x(), and whatever
 * is in an array has an index.
 *
 * The object's types are an enemy's, too: members may reach over the end of their struct (they get
 * a comment), and structs without a name hold each other twice, forty levels deep.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "types.h"

/* Arrays in arrays that a member may be in: more than C programmers count to. */
#define INDEX_MAX 6
/* Members looked at in one struct. */
#define STEPS_MAX (1U << 20)

/* One struct, and how far its members have been looked at. */
struct access {
	struct writer *w;
	const struct types *types;
	const char *type;            /* "struct foo" */
	const char *prefix;          /* "foo" */
	uint64_t size;               /* bytes */
	struct scope names;          /* paths that have functions */
	uint64_t strides[INDEX_MAX]; /* bytes between elements of the arrays around, outermost first */
	uint32_t indexes;
	uint64_t span;               /* bits from the first to the last element of all of them */
	uint32_t steps;
};

/* A member to be reached. */
struct spot {
	const char *path; /* "inner_x" */
	const struct field *field;
	uint32_t type;    /* BTF id, behind typedefs, qualifiers and arrays */
	uint64_t offset;  /* bits, of the first element */
	uint64_t bits;    /* size, of one element */
	bool bitfield;
	bool open;        /* in an array without a length: its end is not known */
};

static void walk_record(struct access *a, const struct record *record, const char *path,
			uint64_t offset, bool inside, bool open);

bool types_is_unnamed(const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);

	return type && btf_is_composite(type) && !types->info[id].named_by &&
	       !*types_raw_name(types, type);
}

/* --- functions --- */

static const char *const index_names[INDEX_MAX] = {"i", "j", "k", "l", "m", "n"};

static void emit_index_parameters(struct access *a)
{
	for (uint32_t i = 0; i < a->indexes; i++)
		writer_part(a->w, ", size_t %s", index_names[i]);
}

/* Where the element's struct or array begins: "(const unsigned char *)from + 24 * i". */
static void emit_place(struct access *a, const char *pointer, uint64_t bytes)
{
	writer_part(a->w, "(%sunsigned char *)%s", strcmp(pointer, "to") ? "const " : "", pointer);
	for (uint32_t i = 0; i < a->indexes; i++)
		writer_part(a->w, " + %" PRIu64 " * %s", a->strides[i], index_names[i]);
	if (bytes)
		writer_part(a->w, " + %" PRIu64, bytes);
}

static bool is_signed_integer(const struct btf_type *type)
{
	return btf_is_int(type) ? btf_int_encoding(type) & BTF_INT_SIGNED : types_enum_is_signed(type);
}

/* The integer that a bit-field, or a number of bytes that C has no integer for, is passed as. */
static const char *bits_type(const struct types *types, const struct spot *spot)
{
	const struct btf_type *type = types_get(types, spot->type);
	bool is_signed = is_signed_integer(type);

	if (btf_is_int(type) && btf_int_encoding(type) & BTF_INT_BOOL)
		return "bool";
	if (spot->bits > 64)
		return types_integer_name(16, is_signed);
	if (type->size > 8 || !type->size || (type->size & (type->size - 1)))
		return is_signed ? "int64_t" : "uint64_t";
	return types_integer_name(type->size, is_signed);
}

static void emit_bits_functions(struct access *a, const struct spot *spot)
{
	const char *type = bits_type(a->types, spot), *wide = spot->bits > 64 ? "wide_" : "";
	bool is_signed = is_signed_integer(types_get(a->types, spot->type)) && *type != 'b';

	writer_begin(a->w);
	writer_part(a->w, "static inline %s %s__get_%s(const %s *from", type, a->prefix, spot->path,
		    a->type);
	emit_index_parameters(a);
	writer_part(a->w, ")");
	writer_end(a->w);
	writer_open(a->w, "{");
	writer_begin(a->w);
	writer_part(a->w, "return (%s)", type);
	if (is_signed)
		writer_part(a->w, "mem_%sbits_extend(", wide);
	writer_part(a->w, "mem_%sbits_get(", wide);
	emit_place(a, "from", spot->offset / 8);
	writer_part(a->w, ", %u, %u)", (unsigned int)(spot->offset % 8), (unsigned int)spot->bits);
	if (is_signed)
		writer_part(a->w, ", %u)", (unsigned int)spot->bits);
	writer_part(a->w, ";");
	writer_end(a->w);
	writer_close(a->w, "}");

	writer_begin(a->w);
	writer_part(a->w, "static inline void %s__set_%s(%s *to", a->prefix, spot->path, a->type);
	emit_index_parameters(a);
	writer_part(a->w, ", %s value)", type);
	writer_end(a->w);
	writer_open(a->w, "{");
	writer_begin(a->w);
	writer_part(a->w, "mem_%sbits_set(", wide);
	emit_place(a, "to", spot->offset / 8);
	writer_part(a->w, ", %u, %u, (%s)value);", (unsigned int)(spot->offset % 8),
		    (unsigned int)spot->bits, *wide ? "unsigned __int128" : "uint64_t");
	writer_end(a->w);
	writer_close(a->w, "}");
}

/* "type name" of a value; a callback of a struct_ops variable is a program. */
static void emit_value(struct access *a, const struct spot *spot, const char *name)
{
	if (spot->field->callback)
		writer_part(a->w, "struct mem_prog *%s", name);
	else
		types_emit_declaration(a->w, a->types, spot->type, name);
}

/* The getter comes first: what its result points to is then known to the file. */
static void emit_value_functions(struct access *a, const struct spot *spot)
{
	struct writer *w = a->w, declarator = WRITER_INIT;
	uint64_t at = spot->offset / 8;

	writer_part(&declarator, "%s__get_%s(const %s *from", a->prefix, spot->path, a->type);
	for (uint32_t i = 0; i < a->indexes; i++)
		writer_part(&declarator, ", size_t %s", index_names[i]);
	writer_part(&declarator, ")");
	writer_bytes(&declarator, "", 1);
	if (declarator.error)
		w->error = w->error ? w->error : declarator.error;
	writer_begin(w);
	writer_part(w, "static inline ");
	emit_value(a, spot, declarator.text ? declarator.text : "");
	writer_free(&declarator);
	writer_end(w);
	writer_open(w, "{");
	writer_begin(w);
	emit_value(a, spot, "value");
	writer_part(w, ";");
	writer_end(w);
	writer_blank(w);
	writer_begin(w);
	writer_part(w, "__builtin_memcpy(&value, ");
	emit_place(a, "from", at);
	writer_part(w, ", sizeof(value));");
	writer_end(w);
	writer_line(w, "return value;");
	writer_close(w, "}");

	writer_begin(w);
	writer_part(w, "static inline void %s__set_%s(%s *to", a->prefix, spot->path, a->type);
	emit_index_parameters(a);
	writer_part(w, ", ");
	emit_value(a, spot, "value");
	writer_part(w, ")");
	writer_end(w);
	writer_open(w, "{");
	writer_begin(w);
	writer_part(w, "__builtin_memcpy(");
	emit_place(a, "to", at);
	writer_part(w, ", &value, sizeof(value));");
	writer_end(w);
	writer_close(w, "}");
}

/* Such a struct is bytes itself, with functions of its own. */
static bool is_opaque_type(const struct types *types, uint32_t id)
{
	const struct btf_type *type = types_get(types, id);

	return btf_is_composite(type) && types->info[id].record && types->info[id].record->opaque;
}

static void emit_pointer_function(struct access *a, const struct spot *spot)
{
	const struct btf_type *type = types_get(a->types, spot->type);
	struct writer name = WRITER_INIT;

	if (type && is_opaque_type(a->types, spot->type))
		writer_part(&name, "%s %s", btf_is_union(type) ? "union" : "struct",
			    a->types->info[spot->type].name);
	else
		writer_part(&name, "unsigned char");
	writer_bytes(&name, "", 1);
	if (name.error)
		a->w->error = a->w->error ? a->w->error : name.error;
	writer_begin(a->w);
	writer_part(a->w, "static inline %s *%s__at_%s(const %s *from", name.text ? name.text : "", a->prefix,
		    spot->path, a->type);
	emit_index_parameters(a);
	writer_part(a->w, ")");
	writer_end(a->w);
	writer_open(a->w, "{");
	writer_begin(a->w);
	writer_part(a->w, "return (%s *)(uintptr_t)(", name.text ? name.text : "");
	emit_place(a, "from", spot->offset / 8);
	writer_part(a->w, ");");
	writer_end(a->w);
	writer_close(a->w, "}");
	writer_free(&name);
}

/* --- members --- */

enum access_form {
	ACCESS_NONE,  /* a comment */
	ACCESS_BITS,  /* get and set by shifts */
	ACCESS_VALUE, /* get and set */
	ACCESS_BYTES  /* a pointer */
};

static bool is_scalar_in_c(const struct types *types, const struct btf_type *type)
{
	bool power = type->size && !(type->size & (type->size - 1));

	if (btf_is_ptr(type))
		return true;
	if (btf_kind(type) == BTF_KIND_FLOAT)
		return type->size == 4 || type->size == 8;
	return (btf_is_int(type) || btf_is_any_enum(type)) && power &&
	       type->size <= (types->policy.narrow ? 8 : 16);
}

static enum access_form access_form(const struct types *types, const struct spot *spot)
{
	const struct btf_type *type = types_get(types, spot->type);
	bool integer = type && (btf_is_int(type) || btf_is_any_enum(type));

	if (integer && (spot->bitfield || spot->offset % 8 || !is_scalar_in_c(types, type)) &&
	    spot->bits && spot->bits <= (types->policy.narrow ? 64 : 128))
		return ACCESS_BITS;
	if (spot->bitfield || spot->offset % 8 || (!spot->bits && !spot->open))
		return ACCESS_NONE;
	if (spot->field->callback)
		return types->policy.narrow ? ACCESS_BYTES : ACCESS_VALUE;
	return type && is_scalar_in_c(types, type) ? ACCESS_VALUE : ACCESS_BYTES;
}

/* All elements of the arrays that it is in have to be in the struct. */
static bool is_inside(const struct access *a, const struct spot *spot)
{
	return spot->offset + (spot->open ? 0 : spot->bits + a->span) <= 8 * a->size;
}

static void emit_where(struct access *a, const struct spot *spot, bool reachable)
{
	bool bits = spot->bitfield || spot->offset % 8;
	uint64_t unit = bits ? 1 : 8, size = spot->bits / unit;

	writer_line(a->w, "/* %s: %" PRIu64 " %s%s%s %" PRIu64 "%s */", spot->path, size,
		    bits ? "bit" : "byte", size == 1 ? "" : "s",
		    a->indexes ? bits ? " each, from bit" : " each, from byte" : bits ? " from bit" : " from byte",
		    spot->offset / unit, reachable ? "" : ": no function can reach it");
}

/* Where the path, behind "foo_", has a second "__get_" or the like: its last underscore. NULL: nowhere. */
static const char *second_verb(const char *path)
{
	static const char *const verbs[] = {"_get_", "_set_", "_at_"};

	for (const char *p = path; *p; p++) {
		for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && (p == path || p[-1] == '_'); i++) {
			if (!strncmp(p, verbs[i], strlen(verbs[i])))
				return p + strlen(verbs[i]) - 1;
		}
	}
	return NULL;
}

/*
 * foo__get_b__get_c() would be of two members if there were a `struct foo__get_b` as well, maybe in
 * another header. So the last verb is the function's own: the member goes by "b__getc".
 */
static const char *with_one_verb(const struct access *a, const char *path)
{
	const char *at;

	while (path && (at = second_verb(path)) != NULL)
		path = name_printf(a->types->pool, "%.*s%s", (int)(at - path), path, at + 1);
	return path;
}

static void emit_member(struct access *a, struct spot spot)
{
	enum access_form form = access_form(a->types, &spot);

	if (!is_inside(a, &spot))
		form = ACCESS_NONE;
	spot.path = with_one_verb(a, spot.path);
	if (spot.path)
		spot.path = scope_claim(&a->names, spot.path);
	if (!spot.path) {
		a->w->error = a->w->error ? a->w->error : -ENOMEM;
		return;
	}
	emit_where(a, &spot, form != ACCESS_NONE);
	if (form == ACCESS_BITS)
		emit_bits_functions(a, &spot);
	else if (form == ACCESS_VALUE)
		emit_value_functions(a, &spot);
	/* elements side by side, as text is, are wanted by the pointer, too */
	if (form == ACCESS_BYTES || (form == ACCESS_VALUE && a->indexes))
		emit_pointer_function(a, &spot);
	writer_blank(a->w);
}

static void walk_value(struct access *a, struct spot spot, bool inside);

/* An array: its elements, by an index. False: it has too many dimensions, or no size. */
static bool walk_elements(struct access *a, struct spot spot, bool inside)
{
	const struct btf_array *array = btf_array(types_get(a->types, spot.type));
	uint64_t size, whole, last = 0;
	uint32_t align;

	if (a->indexes == INDEX_MAX || !types_measure(a->types, spot.type, &whole, &align) ||
	    !types_measure(a->types, array->type, &size, &align) || !size)
		return false;
	if (array->nelems)
		last = 8 * (whole - size);
	a->strides[a->indexes++] = size;
	a->span += last;
	spot.open |= !array->nelems;
	spot.type = array->type;
	spot.bits = 8 * size;
	walk_value(a, spot, inside);
	a->span -= last;
	a->indexes--;
	return true;
}

static void walk_value(struct access *a, struct spot spot, bool inside)
{
	const struct btf_type *type;
	const struct record *record;

	spot.type = types_strip(a->types, spot.type, true);
	type = types_get(a->types, spot.type);
	if (type && btf_is_array(type) && !spot.bitfield && walk_elements(a, spot, inside))
		return;
	record = types_is_unnamed(a->types, spot.type) ? a->types->info[spot.type].record : NULL;
	if (record)
		walk_record(a, record, spot.path, spot.offset, inside, spot.open);
	else if (inside)
		emit_member(a, spot);
}

static const char *join(struct access *a, const char *path, const char *name)
{
	const char *joined = path;

	if (name)
		joined = *path ? name_printf(a->types->pool, "%s_%s", path, name) : name;
	if (!joined)
		a->w->error = a->w->error ? a->w->error : -ENOMEM;
	return joined;
}

static void walk_record(struct access *a, const struct record *record, const char *path,
			uint64_t offset, bool inside, bool open)
{
	inside |= record->opaque;
	if (!inside && !record->accessed)
		return;
	for (uint32_t i = 0; i < record->count && !a->w->error && a->steps++ < STEPS_MAX; i++) {
		const struct field *field = &record->fields[i];
		struct spot spot = {
			.path = join(a, path, field->name),
			.field = field,
			.type = field->type,
			.offset = offset + field->offset,
			.bits = field->bits,
			.bitfield = field->bitfield,
			.open = open,
		};

		if (spot.path)
			walk_value(a, spot, inside || field->hidden);
	}
}

void types_emit_access(struct writer *w, const struct types *types, const struct record *record,
		       const char *type, const char *prefix)
{
	struct access a = {.w = w, .types = types, .type = type, .prefix = prefix,
			   .size = record->size, .names = {.pool = types->pool}};

	if (!record->accessed)
		return;
	writer_line(w, "/* Members of %s that C can't declare in their places. */", type);
	walk_record(&a, record, "", 0, false, false);
}

static const char helpers[] =
	"#ifndef MEM_HAS_BITS_FUNCTIONS\n"
	"#define MEM_HAS_BITS_FUNCTIONS\n"
	"/* So many bits, at most 64, from bit `first` of `bytes` on. */\n"
	"static inline uint64_t mem_bits_get(const unsigned char *bytes, unsigned int first, unsigned int "
	"bits)\n"
	"{\n"
	"\tuint64_t value = 0;\n"
	"\n"
	"\tfor (unsigned int n, done = 0; done < bits; done += n, first += n) {\n"
	"\t\tn = 8 - first % 8 < bits - done ? 8 - first % 8 : bits - done;\n"
	"#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__\n"
	"\t\tvalue |= (uint64_t)(bytes[first / 8] >> first % 8 & ((1U << n) - 1)) << done;\n"
	"#else\n"
	"\t\tvalue = value << n | (bytes[first / 8] >> (8 - first % 8 - n) & ((1U << n) - 1));\n"
	"#endif\n"
	"\t}\n"
	"\treturn value;\n"
	"}\n"
	"\n"
	"static inline void mem_bits_set(unsigned char *bytes, unsigned int first, unsigned int bits, "
	"uint64_t value)\n"
	"{\n"
	"\tfor (unsigned int n, done = 0; done < bits; done += n, first += n) {\n"
	"\t\tunsigned int shift, mask, part;\n"
	"\n"
	"\t\tn = 8 - first % 8 < bits - done ? 8 - first % 8 : bits - done;\n"
	"#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__\n"
	"\t\tshift = first % 8;\n"
	"\t\tpart = (unsigned int)(value >> done) << shift;\n"
	"#else\n"
	"\t\tshift = 8 - first % 8 - n;\n"
	"\t\tpart = (unsigned int)(value >> (bits - done - n)) << shift;\n"
	"#endif\n"
	"\t\tmask = ((1U << n) - 1) << shift;\n"
	"\t\tbytes[first / 8] = (unsigned char)((bytes[first / 8] & ~mask) | (part & mask));\n"
	"\t}\n"
	"}\n"
	"\n"
	"/* The sign, which is the highest of so many bits, in all bits. */\n"
	"static inline int64_t mem_bits_extend(uint64_t value, unsigned int bits)\n"
	"{\n"
	"\tuint64_t sign = (uint64_t)1 << (bits - 1);\n"
	"\n"
	"\treturn (int64_t)((value ^ sign) - sign);\n"
	"}\n"
	"\n"
	"#ifdef __SIZEOF_INT128__\n"
	"/* The same for 65 to 128 bits. */\n"
	"static inline unsigned __int128 mem_wide_bits_get(const unsigned char *bytes, unsigned int first, "
	"unsigned int bits)\n"
	"{\n"
	"\tuint64_t near = mem_bits_get(bytes, first, 64), far = mem_bits_get(bytes + 8, first, bits - "
	"64);\n"
	"\n"
	"#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__\n"
	"\treturn (unsigned __int128)far << 64 | near;\n"
	"#else\n"
	"\treturn (unsigned __int128)near << (bits - 64) | far;\n"
	"#endif\n"
	"}\n"
	"\n"
	"static inline void mem_wide_bits_set(unsigned char *bytes, unsigned int first, unsigned int "
	"bits,\n"
	"\t\t\t\t     unsigned __int128 value)\n"
	"{\n"
	"#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__\n"
	"\tmem_bits_set(bytes, first, 64, (uint64_t)value);\n"
	"\tmem_bits_set(bytes + 8, first, bits - 64, (uint64_t)(value >> 64));\n"
	"#else\n"
	"\tmem_bits_set(bytes, first, 64, (uint64_t)(value >> (bits - 64)));\n"
	"\tmem_bits_set(bytes + 8, first, bits - 64, (uint64_t)value);\n"
	"#endif\n"
	"}\n"
	"\n"
	"static inline __int128 mem_wide_bits_extend(unsigned __int128 value, unsigned int bits)\n"
	"{\n"
	"\tunsigned __int128 sign = (unsigned __int128)1 << (bits - 1);\n"
	"\n"
	"\treturn (__int128)((value ^ sign) - sign);\n"
	"}\n"
	"#endif\n"
	"#endif\n"
	"\n";

void types_emit_access_helpers(struct writer *w)
{
	writer_part(w, "%s", helpers);
}
