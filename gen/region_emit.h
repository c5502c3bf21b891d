/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a generated header that are about regions: their structs, assertions and functions. */
#ifndef MEMGEN_REGION_EMIT_H
#define MEMGEN_REGION_EMIT_H

#include "skeleton.h"

/* The structs of variables, and of elements that need one. */
void regions_emit(struct writer *w, const struct skeleton *s);
/* "type *name" for the elements of an array or the bytes of an arena, without a semicolon. */
void region_emit_declaration(struct writer *w, const struct skeleton *s, uint32_t i, const char *name);
/* Sizes and offsets, of all types as well. */
void regions_emit_asserts(struct writer *w, const struct skeleton *s);

/* Functions: how many elements there are. */
void regions_emit_lengths(struct writer *w, const struct skeleton *s);
/* Functions: the variables of one CPU. */
void regions_emit_percpu(struct writer *w, const struct skeleton *s);
/* Functions: a region without the object. */
void regions_emit_attach(struct writer *w, const struct skeleton *s);

#endif /* MEMGEN_REGION_EMIT_H */
