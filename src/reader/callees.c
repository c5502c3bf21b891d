/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What belongs to a program: its entry, all that it calls or takes the address of, and the
 * function that __exception_cb() names for bpf_throw().
 */
#include <stdlib.h>

#include "reader/reader.h"

/* The kernel takes 256 functions in a program; this only keeps absurd input small. */
#define FUNCS_PER_PROG_MAX 4096

#define EXCEPTION_TAG "exception_callback:"

/* A global function of .text by its name, MEM_NONE if there is none. */
static uint32_t find_callback(const struct reader *r, const char *name)
{
	for (uint32_t i = 0; i < r->funcs.count; i++) {
		const struct mem_func_image *func = ROW(r, funcs, i, struct mem_func_image);

		if (!strcmp(func->name, name) && func->flags & MEM_FUNC_GLOBAL &&
		    ROW(r, func_sources, i, struct func)->prog == MEM_NONE)
			return i;
	}
	return MEM_NONE;
}

static int read_exception(struct reader *r, uint32_t id, const char *callback)
{
	uint32_t type = btf_type(r, id)->type, found = find_callback(r, callback);

	for (uint32_t i = 0; i < r->funcs.count; i++) {
		struct func *source = ROW(r, func_sources, i, struct func);

		if (source->prog == MEM_NONE ||
		    ROW(r, funcs, i, struct mem_func_image)->type != type)
			continue;
		if (found == MEM_NONE)
			return BAD(r, ".BTF", btf_place(r, id),
				   "exception callback %s is not a global function in .text",
				   callback);
		source->exception = found;
	}
	return 0;
}

static int read_exceptions(struct reader *r)
{
	const size_t len = strlen(EXCEPTION_TAG);
	int err = 0;

	for (uint32_t id = 1; !err && id < r->type_count; id++) {
		const struct btf_type *tag = btf_type(r, id);

		if (btf_is_decl_tag(tag) && btf_decl_tag(tag)->component_idx == -1 &&
		    !strncmp(btf_name(r, tag->name_off), EXCEPTION_TAG, len))
			err = read_exception(r, id, btf_name(r, tag->name_off) + len);
	}
	return err;
}

/* Where the walk through calls is: in a function, at a relocation. */
struct step {
	uint32_t func;	/* funcs row */
	uint32_t reloc; /* relocs row, next to look at */
};

struct walk {
	struct reader *r;
	struct step *path; /* as many as there are functions */
	uint32_t depth;	   /* steps in path */
	uint32_t *seen;	   /* by funcs row: stamp of the last program that has it */
	uint32_t stamp;	   /* of this program, not 0 */
};

static int enter(struct walk *walk, uint32_t func)
{
	uint32_t *row;

	if (walk->seen[func] == walk->stamp)
		return 0;
	walk->seen[func] = walk->stamp;
	row = ADD_ROWS(walk->r, prog_funcs, 1, uint32_t);
	if (!row)
		return -ENOMEM;
	*row = func;
	walk->path[walk->depth++] = (struct step){
		.func = func,
		.reloc = ROW(walk->r, funcs, func, struct mem_func_image)->relocs.first,
	};
	return 0;
}

/* All that a function calls, in the order in which the calls are first met. */
static int collect(struct walk *walk, uint32_t func)
{
	int err = enter(walk, func);

	while (!err && walk->depth) {
		struct step *step = &walk->path[walk->depth - 1];
		const struct mem_func_image *row = ROW(walk->r, funcs, step->func,
						       struct mem_func_image);
		const struct mem_reloc_image *reloc;

		if (step->reloc == row->relocs.first + row->relocs.count) {
			walk->depth--;
			continue;
		}
		reloc = ROW(walk->r, relocs, step->reloc++, struct mem_reloc_image);
		if (reloc->kind == MEM_RELOC_CALL || reloc->kind == MEM_RELOC_FUNC)
			err = enter(walk, reloc->target);
	}
	return err;
}

static int collect_prog(struct walk *walk, uint32_t func, uint32_t prog)
{
	struct reader *r = walk->r;
	const struct func *source = ROW(r, func_sources, func, struct func);
	uint32_t first = r->prog_funcs.count;
	int err = collect(walk, func);

	if (!err && source->exception != MEM_NONE)
		err = collect(walk, source->exception);
	if (err)
		return err;
	ROW(r, progs, prog, struct mem_prog_image)->funcs =
		(struct mem_range){.first = first, .count = r->prog_funcs.count - first};
	if (r->prog_funcs.count - first > FUNCS_PER_PROG_MAX)
		return UNKNOWN(r, r->sections[source->section].name, source->offset,
			       "program %s has %u functions, more than %u",
			       r->symbols[source->symbol].name, r->prog_funcs.count - first,
			       FUNCS_PER_PROG_MAX);
	return 0;
}

int callees_read(struct reader *r)
{
	struct walk walk = {.r = r};
	int err = read_exceptions(r);

	if (err)
		return err;
	walk.path = pool_alloc(&r->scratch, r->funcs.count, sizeof(*walk.path));
	walk.seen = pool_alloc(&r->scratch, r->funcs.count, sizeof(*walk.seen));
	if (!walk.path || !walk.seen)
		return reader_no_memory(r);
	for (uint32_t i = 0; !err && i < r->func_sources.count; i++) {
		uint32_t prog = ROW(r, func_sources, i, struct func)->prog;

		if (prog == MEM_NONE)
			continue;
		walk.stamp = prog + 1;
		err = collect_prog(&walk, i, prog);
	}
	return err;
}
