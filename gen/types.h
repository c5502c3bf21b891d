/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types: from BTF to C definitions with the BPF side's layout.
 *
 * types_new() makes the IR in steps, each in its own file; afterwards nothing changes it:
 *
 *     types.c        which types the roots reach, ordered so that each is defined before its use
 *     type_layout.c  what each struct needs (padding, packing) for C to lay it out as BTF says
 *     type_names.c   what each type, enumerator and member is called
 *     type_emit.c    definitions, declarations and assertions, from the finished IR; type_enum.c
 *     type_access.c  functions for members that no declaration puts where BTF has them
 *
 * A type is *defined* if something holds it by value, or points to it with an arena pointer.
 * What other pointers lead to stays incomplete: it is the kernel's, and half of it would follow.
 */
#ifndef MEMGEN_TYPES_H
#define MEMGEN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "names.h"
#include "writer.h"

struct btf;
struct btf_type;

/* Whose job it is to define types, and under which names. */
struct type_policy {
	const char *name;   /* of the skeleton: prefix for names that can't be used as they are */
	const char *prefix; /* for the names of all types, "" for none */
	bool external;      /* the application defines them: only assert their layout */
	bool narrow;        /* the application's pointers have 32 bits: those in shared memory are numbers */
};

/* A member of a struct or union, or a variable of a section. */
struct field {
	const char *name;  /* in C; NULL: an anonymous struct or union */
	const char *raw;   /* in BTF */
	uint32_t type;     /* BTF id; 0: unknown, size bytes */
	uint64_t offset;   /* bits from the start */
	uint64_t bits;     /* size; of a bit-field its width */
	uint64_t padding;  /* bits to declare in front, which alignment alone would not leave */
	bool bitfield;
	bool packed;       /* lies at an offset that its alignment would not allow */
	bool hidden;       /* overlaps the one before it: only in a comment */
	bool callback;     /* of a struct_ops variable: a program stands for the function */
};

/* What a struct, a union or a section of variables looks like in C. */
struct record {
	struct field *fields;
	uint32_t count;   /* fields */
	uint32_t align;   /* bytes, in C */
	uint64_t size;    /* bytes */
	uint64_t padding; /* bytes to declare at the end */
	bool is_union;
	bool packed;      /* all of it */
	bool opaque;      /* C can't express it: bytes */
	bool settled;     /* no name is in it twice */
	bool accessed;    /* it, or a struct without a name in it, has members that need functions */
};

/* How a type appears in the header. */
enum type_form {
	TYPE_UNSEEN = 0,
	TYPE_PLAIN = 1,     /* spelled out where it is used: scalars, arrays, anonymous structs */
	TYPE_DEFINED = 2,   /* struct, union, enum or typedef, defined before it is used */
	TYPE_INCOMPLETE = 3 /* pointed to only */
};

/* What is known about one BTF type. */
struct type_info {
	enum type_form form;
	bool visiting;         /* while reached: finds types that contain themselves */
	bool embedded;         /* is a member or element of something else */
	bool declared;         /* a prototype mentions it: its tag is declared in front of all else */
	uint32_t named_by;     /* of an anonymous type: the TYPEDEF that names it */
	const char *name;      /* C name of tag or typedef, NULL if anonymous */
	const char **values;   /* names of an enum's values */
	struct record *record; /* of a struct or union */
};

/* The IR. */
struct types {
	const struct btf *btf; /* NULL: the object has none, and no type but 0 */
	struct pool *pool;
	struct type_policy policy;
	struct type_info *info; /* by BTF id */
	uint32_t count;         /* BTF ids, 0 (void) included */
	uint32_t *order;        /* ids in the order of their definitions */
	uint32_t order_count;
	struct rows queue;      /* uint32_t: types that arena pointers lead to, to be reached */
	bool accessed;          /* some record has functions for its members */
	bool infer_arena;       /* pointers may lead into an arena though nothing says so */
	struct scope tags;      /* file scope */
	struct scope members;   /* names of all members: no typedef of that name is used */
	uint32_t *tag_index;    /* ids of structs and unions with a definition, sorted by tag and id */
	uint32_t tag_count;     /* made when first needed */
	struct rows missing;    /* const char *: tags behind arena pointers without a definition */
};

/*
 * Start an IR, reach types from any number of roots, and finish it. 0 or a negative errno with a
 * message. btf, pool and what policy points to must outlive it.
 */
int types_init(struct types *types, const struct btf *btf, struct pool *pool,
	       const struct type_policy *policy, bool infer_arena);
int types_reach(struct types *types, uint32_t id);
int types_finish(struct types *types);

/* --- types.c: looking at BTF without trusting it --- */

/* NULL for void and for an id that does not exist. */
const struct btf_type *types_get(const struct types *types, uint32_t id);
const char *types_raw_name(const struct types *types, const struct btf_type *type);
/* Behind const, volatile, restrict and tags; with typedefs too if asked. UINT32_MAX for a loop. */
uint32_t types_strip(const struct types *types, uint32_t id, bool typedefs);
/*
 * What a pointer leads to: behind everything, and a forward declaration replaced by its definition
 * where BTF has one. 0 for void and for what can't be found.
 */
uint32_t types_pointee(const struct types *types, uint32_t id);
/* Whether C can spell a pointer to this function type: scalars and pointers only. */
bool types_is_plain_function(const struct types *types, const struct btf_type *proto);

/* --- type_layout.c --- */

/* Size and alignment in C of what types_reach() has reached; false if it has none. */
bool types_measure(const struct types *types, uint32_t id, uint64_t *size, uint32_t *align);
int types_layout(struct types *types);
/* The record of a struct or union that need not have been reached: in info[id].record. */
int types_layout_composite(struct types *types, uint32_t id);
/* Lay out variables: fields need type, offset and bits; sorted by offset. */
void types_layout_section(const struct types *types, struct record *record);

/* --- type_names.c --- */
int types_name(struct types *types);
/* as_is: the application defines the record, with the names that BTF has. */
int types_name_fields(struct types *types, struct record *record, bool as_is);

/* --- type_enum.c --- */

/* "unsigned short": the integer of so many bytes. */
const char *types_integer_name(uint32_t size, bool is_signed);
bool types_enum_is_signed(const struct btf_type *type);
/* Whether C gives the enum its size, so that fields can have its type. */
bool types_enum_fits(const struct btf_type *type);
void types_emit_enum(struct writer *w, const struct types *types, uint32_t id);
/* "enum foo ", or the integer that stands for it. */
void types_emit_enum_name(struct writer *w, const struct types *types, uint32_t id,
			  const struct btf_type *type);

/* --- type_access.c --- */

/* A struct or union that is spelled out where it is used. */
bool types_is_unnamed(const struct types *types, uint32_t id);
/*
 * Functions for the members of a record that C can't declare; nothing if there are none. type:
 * "struct x", prefix: of the functions' names. The helpers have to be in front.
 */
void types_emit_access(struct writer *w, const struct types *types, const struct record *record,
		       const char *type, const char *prefix);
void types_emit_access_helpers(struct writer *w);

/* --- type_emit.c --- */

/* All definitions and incomplete tags. */
void types_emit(struct writer *w, const struct types *types);
/* sizeof and offsetof of all that types_emit() defined. */
void types_emit_asserts(struct writer *w, const struct types *types);
/* "type name": a declarator without its semicolon. */
void types_emit_declaration(struct writer *w, const struct types *types, uint32_t id,
			    const char *name);
/* A pointer to it needs parentheses: it is spelled as an array, of bytes maybe, by no typedef's name. */
bool types_spells_array(const struct types *types, uint32_t id);
/* The members of a record, inside its braces. */
void types_emit_fields(struct writer *w, const struct types *types, const struct record *record,
		       uint32_t id);
/*
 * sizeof and offsetof for each of a section's variables, whose struct is c_name ("struct x"). Where the application
 * defines their types, C may round the size of all of them up to an alignment that BTF does not tell.
 */
void types_emit_section_asserts(struct writer *w, const struct types *types,
				const struct record *record, const char *c_name);

#endif /* MEMGEN_TYPES_H */
