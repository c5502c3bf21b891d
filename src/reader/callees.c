/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What belongs to a program: its entry, all that it calls or takes the address of, and the
 * function that __exception_cb() names for bpf_throw().
 */
#include <stdlib.h>

#include "reader/reader.h"

/* The kernel takes 256 functions in a program; this only keeps absurd input small. */
#define FUNCS_PER_PROG_MAX 4096
#define FUNCS_MAX	   (1 << 20) /* of all programs */
#define STEPS_MAX	   (1 << 26) /* from one relocation to the next, of all programs */

#define EXCEPTION_TAG "exception_callback:"

/* A global function of .text by its name, MEM_NONE if there is none. */
static uint32_t find_callback(const struct reader *r, const char *name)
{
	const struct symbol *symbol = elf_find_global(r, name);
	uint32_t func = MEM_NONE;

	if (symbol && symbol->type == STT_FUNC)
		func = progs_func_at(r, symbol->section, symbol->value);
	if (func == MEM_NONE || ROW(r, func_sources, func, struct func)->prog != MEM_NONE ||
	    !(ROW(r, funcs, func, struct mem_func_image)->flags & MEM_FUNC_GLOBAL))
		return MEM_NONE;
	return func;
}

static int read_exceptions(struct reader *r)
{
	const size_t len = strlen(EXCEPTION_TAG);
	/* by type id: the program whose entry has this FUNC */
	uint32_t *entries = pool_alloc(&r->scratch, r->type_count, sizeof(*entries));

	if (!entries)
		return reader_no_memory(r);
	for (uint32_t i = 0; i < r->funcs.count; i++)
		if (ROW(r, func_sources, i, struct func)->prog != MEM_NONE && r->type_count)
			entries[ROW(r, funcs, i, struct mem_func_image)->type] = i + 1;
	for (uint32_t id = 1; id < r->type_count; id++) {
		const struct btf_type *tag = btf_type(r, id);
		const char *text = btf_name(r, tag->name_off);
		struct func *entry;

		if (!btf_is_decl_tag(tag) || btf_decl_tag(tag)->component_idx != -1 ||
		    strncmp(text, EXCEPTION_TAG, len) || !tag->type || !entries[tag->type])
			continue;
		entry = ROW(r, func_sources, entries[tag->type] - 1, struct func);
		entry->exception = find_callback(r, text + len);
		if (entry->exception == MEM_NONE)
			return BAD(r, ".BTF", btf_place(r, id),
				   "exception callback %s is not a global function in .text",
				   text + len);
	}
	return 0;
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
	uint32_t steps;	   /* of all programs so far */
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

	while (!err && walk->depth && walk->steps++ < STEPS_MAX) {
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
	if (r->prog_funcs.count > FUNCS_MAX || walk->steps > STEPS_MAX)
		return UNKNOWN(r, r->sections[source->section].name, source->offset,
			       "up to program %s there are more calls than any kernel takes",
			       r->symbols[source->symbol].name);
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
