/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions and programs. Every function symbol is a function; a global one outside of .text is
 * the entry of a program. Static functions may have been stripped of their symbols: .BTF.ext knows
 * where they begin.
 */
#include <stdlib.h>

#include "reader/reader.h"

static int by_place(const void *a, const void *b)
{
	const struct func *x = a, *y = b;

	if (x->section != y->section)
		return x->section < y->section ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return (x->symbol > y->symbol) - (x->symbol < y->symbol);
}

static int add_func(struct reader *r, uint32_t index)
{
	const struct symbol *symbol = &r->symbols[index];
	const struct section *section = &r->sections[symbol->section];
	struct func *func;

	if (!*symbol->name)
		return BAD(r, section->name, symbol->value, "a function without a name");
	if (symbol->value > section->size || symbol->size > section->size - symbol->value)
		return BAD(r, section->name, symbol->value,
			   "function %s of %llu bytes ends past the section's %llu", symbol->name,
			   (unsigned long long)symbol->size, (unsigned long long)section->size);
	if (!symbol->size || symbol->size % sizeof(struct bpf_insn) ||
	    symbol->value % sizeof(struct bpf_insn))
		return BAD(r, section->name, symbol->value,
			   "function %s of %llu bytes is not made of whole instructions",
			   symbol->name, (unsigned long long)symbol->size);
	func = ADD_ROWS(r, func_sources, 1, struct func);
	if (!func)
		return -ENOMEM;
	*func = (struct func){
		.section = symbol->section,
		.offset = symbol->value,
		.size = symbol->size,
		.symbol = index,
		.name = symbol->name,
		.prog = MEM_NONE,
		.exception = MEM_NONE,
	};
	return 0;
}

static void sort_funcs(struct reader *r)
{
	if (r->func_sources.count)
		qsort(r->func_sources.data, r->func_sources.count, sizeof(struct func), by_place);
}

/* A function without a symbol ends where the next one begins, or with the section. */
static int measure_func(struct reader *r, uint32_t i)
{
	struct func *func = ROW(r, func_sources, i, struct func);
	const struct section *section = &r->sections[func->section];
	uint64_t end = section->size;

	if (i + 1 < r->func_sources.count && func[1].section == func->section)
		end = func[1].offset;
	if (*func->name && (end == func->offset || end % sizeof(struct bpf_insn)))
		return BAD(r, section->name, func->offset,
			   "function %s of %llu bytes is not made of whole instructions", func->name,
			   (unsigned long long)(end - func->offset));
	func->size = end - func->offset;
	return 0;
}

static int add_stripped(struct reader *r)
{
	uint32_t count;
	struct func *funcs;
	int err = btf_ext_find_stripped(r);

	count = r->stripped_funcs.count;
	if (err || !count)
		return err;
	funcs = ADD_ROWS(r, func_sources, count, struct func);
	if (!funcs)
		return -ENOMEM;
	memcpy(funcs, r->stripped_funcs.data, count * sizeof(*funcs));
	sort_funcs(r);
	for (uint32_t i = 0; !err && i < r->func_sources.count; i++)
		if (!ROW(r, func_sources, i, struct func)->symbol)
			err = measure_func(r, i);
	count = 0;
	for (uint32_t i = 0; i < r->func_sources.count; i++) {
		struct func *func = ROW(r, func_sources, i, struct func);

		if (*func->name)
			*ROW(r, func_sources, count++, struct func) = *func;
	}
	r->func_sources.count = count;
	return err;
}

static int find_funcs(struct reader *r)
{
	int err = 0;

	for (uint32_t i = 1; !err && i < r->symbol_count; i++) {
		const struct symbol *symbol = &r->symbols[i];

		if (symbol->type == STT_FUNC && symbol->section < r->section_count &&
		    r->sections[symbol->section].kind == SECTION_CODE)
			err = add_func(r, i);
	}
	if (err)
		return err;
	sort_funcs(r);
	err = add_stripped(r);
	if (err)
		return err;
	for (uint32_t i = 1; i < r->func_sources.count; i++) {
		const struct func *func = ROW(r, func_sources, i, struct func), *last = func - 1;

		if (func->section == last->section && func->offset < last->offset + last->size)
			return BAD(r, r->sections[func->section].name, func->offset,
				   "function %s overlaps %s", func->name, last->name);
	}
	return 0;
}

static int is_global(const struct symbol *symbol)
{
	return symbol->bind != STB_LOCAL;
}

/* Hidden functions are for their callers only, which lets the verifier know more of them. */
static int is_hidden(const struct symbol *symbol)
{
	return symbol->visibility == STV_HIDDEN || symbol->visibility == STV_INTERNAL;
}

static int add_rows(struct reader *r, uint32_t i)
{
	struct func *source = ROW(r, func_sources, i, struct func);
	const struct section *section = &r->sections[source->section];
	const struct symbol *symbol = &r->symbols[source->symbol];
	struct mem_func_image *func = ADD_ROWS(r, funcs, 1, struct mem_func_image);
	uint32_t count = source->size / sizeof(struct bpf_insn);
	uint64_t *insns = ADD_ROWS(r, insns, count, uint64_t);
	struct mem_prog_image *prog;

	if (!func || !insns)
		return -ENOMEM;
	memcpy(insns, section->data + source->offset, source->size);
	func->name = reader_string(r, source->name);
	/* functions of a section share its name */
	func->section = i && source[-1].section == source->section
				? func[-1].section
				: reader_string(r, section->name);
	func->section_offset = source->offset;
	func->insns = (struct mem_range){.first = r->insns.count - count, .count = count};
	if (!func->name || !func->section)
		return -ENOMEM;
	if (is_global(symbol) && !is_hidden(symbol))
		func->flags |= MEM_FUNC_GLOBAL;
	if (!is_global(symbol) || !strcmp(section->name, ".text"))
		return 0;

	if (!names_is_identifier(symbol->name))
		return BAD(r, section->name, source->offset,
			   "program %s has no name that C could use", symbol->name);
	source->prog = r->progs.count;
	func->flags |= MEM_FUNC_GLOBAL;
	prog = ADD_ROWS(r, progs, 1, struct mem_prog_image);
	if (!prog)
		return -ENOMEM;
	prog->name = func->name;
	prog->section = func->section;
	return sections_fill_prog(r, section->name, prog);
}

int progs_read(struct reader *r)
{
	int err = find_funcs(r);

	for (uint32_t i = 0; !err && i < r->func_sources.count; i++)
		err = add_rows(r, i);
	return err;
}

uint32_t progs_func_around(const struct reader *r, uint32_t section, uint64_t offset)
{
	uint32_t low = 0, high = r->func_sources.count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct func *func = ROW(r, func_sources, mid, struct func);

		if (section < func->section || (section == func->section && offset < func->offset))
			high = mid;
		else if (section > func->section || offset >= (uint64_t)func->offset + func->size)
			low = mid + 1;
		else
			return mid;
	}
	return MEM_NONE;
}

uint32_t progs_func_at(const struct reader *r, uint32_t section, uint64_t offset)
{
	uint32_t func = progs_func_around(r, section, offset);

	if (func == MEM_NONE || ROW(r, func_sources, func, struct func)->offset != offset)
		return MEM_NONE;
	return func;
}
