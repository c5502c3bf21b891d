/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Nth call for memory, a file or something of the kernel fails, for N = 1, 2, 3 ... until an
 * operation gets by without meeting the failure. Each time there has to be an error and a message
 * that names what it is about, nothing may be left behind, and trying again has to work.
 *
 * (What is tried must not use Check's own assertions: they allocate.)
 *
 * A new public call is one line in a table of one of the files here. test_faults fails when a public
 * function is in no table and not among those that it lists as unable to fail.
 */
#ifndef FAULTS_SWEEP_H
#define FAULTS_SWEEP_H

#include <mem/elf.h>
#include <mem/ringbuf.h>
#include <mem/schema.h>

#include "faults/inject.h"
#include "harness.h"

/* What an operation works on; all zero at first. */
struct subject {
	const struct object *object;
	struct mem_image *read;      /* from a file */
	void *skel;                  /* as far as setup brought it */
	struct mem_object *obj;      /* skel's, or opened from a file */
	struct mem_link *link;
	struct mem_region *attached;
	struct mem_schema *schema;
	struct mem_ringbuf *ring;
	struct mem_user_ringbuf *user_ring;
	struct mem_perf_buffer *perf;
	int source;                  /* of a map that exists already, or another descriptor; 0: none */
	int sockets[2];              /* connected; 0: none */
	const char *part;            /* the operation's */
};

/* The objects that things are tried with. */
struct object {
	const char *name;
	const struct mem_image *(*image)(void);
	const struct mem_skeleton_layout *(*layout)(void);
	size_t obj; /* offset in the generated struct */
	int since;  /* linux_version() that takes it */
};

#define OBJECT(name, since)                                                                        \
	static const struct object name = {#name, name##__image, name##__layout,                   \
					   offsetof(struct name, obj), since}

enum {
	ONCE = 0,     /* after a failure the object can only be closed */
	AGAIN = 1,    /* after a failure it works on the same object */
	NAMELESS = 2, /* it knows no names of objects and their parts */
	REFUSED = 4,  /* this kernel may say no for good: then it says so again each time */
	TOLD = 8      /* where memory is what is missing, the answer is ENOMEM and no other */
};

/* One row of a table: what is tried, from where, on what. */
struct operation {
	const char *name;                 /* the public function; of several rows, a blank and more */
	int (*run)(struct subject *s);    /* 0 or more, or -errno */
	const struct object *object;
	void (*setup)(struct subject *s); /* NULL: nothing before */
	const char *part;                 /* what a message names besides the object; NULL: nothing */
	int flags;                        /* ONCE ... */
	void (*undo)(struct subject *s);  /* what closing the object does not; NULL: nothing */
};

/* The first two of a row: a public function, which try_NAME() calls. */
#define TRY(function) .name = #function, .run = try_##function
#define TRY_WITH(function, what) .name = #function " " what, .run = try_##function
#define TRY_AS(text, function) .name = text, .run = function

/* All rows of a table that ends with an empty one; REFUSED ones as far as they go. */
void sweep_all(const struct operation *table);

/* Makes a table known to the test that looks for functions in none: a constructor in each file. */
void sweep_register(const struct operation *table);
#define SWEEP_TABLE(table)                                                                         \
	__attribute__((constructor)) static void table##_register(void)                            \
	{                                                                                          \
		sweep_register(table);                                                             \
	}

/* Whether a table has a row of this public function. */
int sweep_has(const char *function);

/* ---- for setups */

/* Pointer functions as those that return int. */
int result(const void *pointer);

int open_object(struct subject *s);
int open_and_load(struct subject *s); /* NAME__open_and_load() */
void opened(struct subject *s);
void prepared(struct subject *s);
void loaded(struct subject *s);
void one_loaded(struct subject *s); /* of the programs just the one named s->part */
struct mem_prog *the_prog(const struct subject *s); /* named s->part */
struct mem_map *the_map(const struct subject *s);
struct mem_region *the_region(const struct subject *s);

#endif /* FAULTS_SWEEP_H */
