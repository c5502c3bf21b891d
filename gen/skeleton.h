/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The skeleton: the generated struct and everything around it.
 *
 * skeleton_init() decides what there is and what it is called; skeleton_emit() prints that, and
 * changes nothing.
 */
#ifndef MEMGEN_SKELETON_H
#define MEMGEN_SKELETON_H

#include "exports.h"
#include "image.h"
#include "types.h"

/* How the elements of an array are reached. */
enum element_form {
	ELEMENT_NONE = 0,
	ELEMENT_TYPE = 1,   /* as the type they have */
	ELEMENT_STRUCT = 2, /* a struct without a name gets one */
	ELEMENT_PADDED = 3, /* in a struct, as far apart as the kernel has them */
	ELEMENT_BYTES = 4   /* no type is known */
};

/* A region in the generated struct; by regions row. */
struct skeleton_region {
	const char *variables;     /* member that points to the variables, NULL if none */
	bool is_struct_ops;        /* variables is a member of "struct_ops", not of the struct itself */
	const char *data;          /* member that points to the elements or the arena, NULL if none */
	bool data_on_top;          /* data is a member of the struct itself, not of "arrays" */
	const char *struct_name;   /* of the variables, or of an element; without "struct" */
	struct record *record;     /* variables; NULL if there are none */
	enum element_form element;
	uint32_t stride;           /* bytes between elements */
};

struct skeleton {
	const char *name; /* C identifier */
	const char *file; /* object's name without directories, for a comment */
	const struct image_view *view;
	struct types types;
	const char **maps;  /* member of "maps" for each row; NULL for a prototype */
	const char **progs; /* member of "progs" for each row */
	const char **links; /* member of "links" for each row of progs, then each struct_ops map */
	struct skeleton_region *regions;
	struct rows records;  /* struct buffer_record */
	bool accessors;       /* functions for single variables are wanted; set after skeleton_init() */
	uint32_t map_count;   /* members of "maps" */
	uint32_t link_count;  /* members of "links" */
	uint32_t array_count; /* members of "arrays" */
	uint32_t ops_count;   /* members of "struct_ops" */
};

/*
 * view, btf, pool and what policy points to must outlive the skeleton. 0 or a negative errno with
 * a message.
 */
int skeleton_init(struct skeleton *skeleton, const struct image_view *view, const struct btf *btf,
		  struct pool *pool, const struct type_policy *policy, const char *file);

void skeleton_emit(struct writer *w, const struct skeleton *skeleton);
/* A header of the types alone, which includes nothing of libmem. */
void skeleton_emit_types(struct writer *w, const struct skeleton *skeleton);

/* parts.c: calls for the parts of the library that the object needs. */
void parts_emit(struct writer *w, const struct image_view *view);

#endif /* MEMGEN_SKELETON_H */
