/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names: what a BPF object calls things, made into identifiers that C and C++ accept, that system
 * headers leave alone, and that are unique in their scope. docs/types.md has the policy.
 */
#ifndef MEMGEN_NAMES_H
#define MEMGEN_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reader/pool.h"

/* Lists of names, each between newlines, sorted (system_names.c). */
extern const char system_macros[]; /* object-like */
extern const char system_types[];  /* tags and typedefs */
extern const char system_names[];  /* functions, variables, enumerators */

/* Keyword of C or C++, or a macro of a system header: no member can have this name. */
bool name_is_taken(const char *name);

/* Tag, typedef or macro of a system header: no struct can have this name as well. */
bool name_is_system_type(const char *name);

/* The same or a function, variable or enumerator: nothing at file scope can have this name. */
bool name_is_system(const char *name);

/*
 * An identifier made of any text: "." becomes "__", what no identifier has becomes "_", and a
 * name that is taken gets a "_" at its end. NULL if there is no memory.
 */
const char *name_identifier(struct pool *pool, const char *text);

/* The same for the name of a skeleton, which in C++ is a class that has functions of its own. */
const char *name_skeleton(struct pool *pool, const char *text);

/* A text as people may be shown it: what is not printable ASCII becomes \xNN. NULL if there is no memory. */
const char *name_visible(struct pool *pool, const char *text);

/* As sprintf(3), into the pool; NULL if there is no memory. */
char *name_printf(struct pool *pool, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Names in use in one scope: the file, the members of a struct. */
struct scope {
	struct pool *pool;
	const char **slots; /* open addressing; NULL is free */
	uint32_t capacity;  /* slots: 0 or a power of two */
	uint32_t count;     /* names */
};

bool scope_has(const struct scope *scope, const char *name);

/* The name itself, or with "_2", "_3" ... behind it; now in use. NULL if there is no memory. */
const char *scope_claim(struct scope *scope, const char *name);

#endif /* MEMGEN_NAMES_H */
