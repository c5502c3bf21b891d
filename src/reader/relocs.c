/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What instructions refer to: ELF relocations, and calls that the assembler has resolved within
 * their section. The instructions keep nothing of it; everything is in the relocs rows.
 */
#include <gelf.h>
#include <stdlib.h>

#include "reader/reader.h"

/* A place that refers to something. */
struct site {
	uint32_t func;	       /* funcs row */
	uint32_t insn;	       /* instruction index from the start of the function */
	const char *section;   /* for messages */
	uint32_t place;	       /* bytes into the section, for messages */
	struct bpf_insn *code; /* code[1] exists for a ld_imm64 */
};

#define BAD_SITE(r, site, fmt, ...)                                                                \
	BAD(r, (site)->section, (site)->place, "function %s: " fmt,                                \
	    ROW(r, funcs, (site)->func, struct mem_func_image)->name, ##__VA_ARGS__)

/*
 * For a symbol with a name, old GNU assemblers (2.40 is one) write into the instruction the whole offset from
 * the section's start, in bytes. 1 if this relocation speaks for that, since it would then be to where the symbol
 * is, as most are; -1 if it is to there as others count; 0 if it says nothing.
 */
static int is_whole_offset(const struct reader *r, const struct section *section, const struct relocation *rel)
{
	const struct symbol *symbol = &r->symbols[rel->symbol];
	struct bpf_insn insn;
	int64_t offset;

	if (!symbol->value || !symbol->section || symbol->section >= r->section_count ||
	    rel->offset >= section->size || section->size - rel->offset < sizeof(insn))
		return 0;
	memcpy(&insn, section->data + rel->offset, sizeof(insn));
	offset = (int64_t)insn.imm + (insn.code == MEM_OP_CALL);
	return offset == (int64_t)symbol->value ? 1 : !offset ? -1 : 0;
}

/* What most of them say: a place in front of a variable, or in its middle, may look like the contrary. */
static int has_whole_offsets(const struct reader *r)
{
	int64_t shown = 0;

	for (uint32_t i = 1; i < r->section_count; i++) {
		const struct section *section = &r->sections[i], *table = &r->sections[section->relocations];

		if (section->kind != SECTION_CODE || !section->relocations)
			continue;
		for (uint32_t j = 0; j < elf_relocation_count(table); j++) {
			struct relocation rel;

			if (!elf_relocation(r, table, j, &rel))
				shown += is_whole_offset(r, section, &rel);
		}
	}
	return shown > 0;
}

/* An object without the assembler's version, which has been in its flags since then, and with gcc's mark. */
static int is_of_old_gas(const struct reader *r)
{
	GElf_Ehdr header; /* a copy: the bytes of an object may be at any address */

	if (!gelf_getehdr(r->elf, &header) || header.e_flags)
		return 0;
	for (uint32_t i = 1; i < r->section_count; i++) {
		const struct section *section = &r->sections[i];

		if (!strcmp(section->name, ".comment") && section->offset < r->size &&
		    section->size <= r->size - section->offset &&
		    memmem((const char *)r->bytes + section->offset, section->size, "GCC:", 4))
			return has_whole_offsets(r);
	}
	return 0;
}

static struct bpf_insn *code_of(const struct reader *r, uint32_t func)
{
	uint32_t first = ROW(r, funcs, func, struct mem_func_image)->insns.first;

	return (struct bpf_insn *)ROW(r, insns, first, uint64_t);
}

static int add(struct reader *r, const struct site *site, uint32_t kind, uint32_t target,
	       uint64_t offset)
{
	struct func_reloc *reloc = ADD_ROWS(r, func_relocs, 1, struct func_reloc);

	if (!reloc)
		return -ENOMEM;
	reloc->func = site->func;
	reloc->row = (struct mem_reloc_image){
		.insn = site->insn,
		.kind = kind,
		.target = target,
		.offset = offset,
	};
	return 0;
}

static int add_call(struct reader *r, const struct site *site, uint32_t section, int64_t offset)
{
	uint32_t func = offset < 0 ? MEM_NONE : progs_func_at(r, section, offset);

	if (func == MEM_NONE)
		return BAD_SITE(r, site, "calls %s+0x%llx, where no function starts",
				r->sections[section].name, (unsigned long long)offset);
	return add(r, site, MEM_RELOC_CALL, func, 0);
}

/* The constant of the instruction counts in addition to the symbol's place. */
static int add_address(struct reader *r, const struct site *site, const struct symbol *symbol)
{
	const struct section *section = &r->sections[symbol->section];
	const char *name = elf_symbol_name(r, symbol);
	uint64_t offset = (r->whole_offsets ? 0 : symbol->value) + (int64_t)site->code->imm;
	const struct map_source *map;
	uint32_t func;

	switch (section->kind) {
	case SECTION_CODE:
		func = progs_func_at(r, symbol->section, offset);
		if (func == MEM_NONE)
			return BAD_SITE(r, site,
					"takes the address of %s+0x%llx, where no function starts",
					section->name, (unsigned long long)offset);
		return add(r, site, MEM_RELOC_FUNC, func, 0);
	case SECTION_MAPS:
		map = maps_find(r, offset);
		if (!map || map->offset != offset)
			return BAD_SITE(r, site, "refers to .maps+0x%llx, where no map starts",
					(unsigned long long)offset);
		return add(r, site, MEM_RELOC_MAP, map->row, 0);
	case SECTION_DATA:
	case SECTION_BSS:
	case SECTION_RODATA:
	case SECTION_PERCPU:
	case SECTION_ARENA:
		if (offset > section->size)
			return BAD_SITE(r, site, "%s: %lld is outside of section %s", name,
					(long long)offset, section->name);
		return add(r, site, MEM_RELOC_REGION, section->region, offset);
	case SECTION_TASKS:
		return BAD_SITE(r, site, "uses %s itself: mem_task_get(%s) is a thread's", name, name);
	default:
		if (!strcmp(section->name, ".jumptables"))
			return BAD_SITE(r, site, "jumps through a table, which libmem does not load: "
						 "compile with -fno-jump-tables");
		return BAD_SITE(r, site,
				"refers to %s in section %s, which programs can't reach: variables "
				"belong into .data, .rodata or .bss",
				name, section->name);
	}
}

static int add_relocation(struct reader *r, const struct site *site, const struct relocation *rel)
{
	const struct symbol *symbol = &r->symbols[rel->symbol];
	const char *name = elf_symbol_name(r, symbol);
	int call = site->code->code == MEM_OP_CALL;

	if (symbol->ext != MEM_NONE) {
		const struct mem_extern_image *ext = ROW(r, externs, symbol->ext,
							 struct mem_extern_image);

		if (call && ext->kind != MEM_EXTERN_KFUNC)
			return BAD_SITE(r, site, "calls %s, which is not a function", name);
		return add(r, site, MEM_RELOC_EXTERN, symbol->ext, 0);
	}
	if (symbol->section == SHN_COMMON)
		return BAD_SITE(r, site, "variable %s has no section: compile with -fno-common",
				name);
	if (!symbol->section || symbol->section >= r->section_count)
		return BAD_SITE(r, site, "refers to %s, which is not defined", name);
	if (!call)
		return add_address(r, site, symbol);
	if (site->code->src_reg != BPF_PSEUDO_CALL ||
	    r->sections[symbol->section].kind != SECTION_CODE)
		return BAD_SITE(r, site, "calls %s, which is not a function", name);
	if (r->whole_offsets && symbol->type != STT_SECTION)
		return add_call(r, site, symbol->section, (int64_t)site->code->imm + 1);
	/* a call's constant counts instructions from the one behind it */
	return add_call(r, site, symbol->section,
			symbol->value + ((int64_t)site->code->imm + 1) * sizeof(struct bpf_insn));
}

static int read_relocation(struct reader *r, uint32_t index, uint32_t i)
{
	const struct section *section = &r->sections[index];
	const struct section *table = &r->sections[section->relocations];
	struct relocation rel;
	struct site site;
	const struct func *func;
	int err = elf_relocation(r, table, i, &rel);

	if (err)
		return err;
	if (rel.offset >= section->size || rel.offset % sizeof(struct bpf_insn))
		return BAD(r, table->name, i * sizeof(Elf64_Rel),
			   "offset 0x%llx is not that of an instruction",
			   (unsigned long long)rel.offset);
	site.func = progs_func_around(r, index, rel.offset);
	if (site.func == MEM_NONE)
		return 0; /* code of a weak function that another one has replaced */
	func = ROW(r, func_sources, site.func, struct func);
	site.insn = (rel.offset - func->offset) / sizeof(struct bpf_insn);
	site.section = section->name;
	site.place = rel.offset;
	site.code = code_of(r, site.func) + site.insn;
	if (rel.type != MEM_R_BPF_64_64 && rel.type != MEM_R_BPF_64_32)
		return UNKNOWN(r, table->name, i * sizeof(Elf64_Rel),
			       "relocation of type %u in code", rel.type);
	if (site.code->code != MEM_OP_CALL && site.code->code != MEM_OP_LD_IMM64)
		return BAD_SITE(r, &site, "instruction 0x%02x can't refer to %s", site.code->code,
				elf_symbol_name(r, &r->symbols[rel.symbol]));
	return add_relocation(r, &site, &rel);
}

static int by_insn(const void *a, const void *b)
{
	const struct func_reloc *x = a, *y = b;

	if (x->func != y->func)
		return x->func < y->func ? -1 : 1;
	return (x->row.insn > y->row.insn) - (x->row.insn < y->row.insn);
}

static int sort_relocs(struct reader *r)
{
	struct func_reloc *relocs = r->func_relocs.data;
	uint32_t count = r->func_relocs.count;

	if (!count)
		return 0;
	qsort(relocs, count, sizeof(*relocs), by_insn);
	for (uint32_t i = 1; i < count; i++)
		if (!by_insn(&relocs[i], &relocs[i - 1])) {
			const struct mem_func_image *func = ROW(r, funcs, relocs[i].func,
								struct mem_func_image);

			return BAD(r, func->section,
				   func->section_offset + relocs[i].row.insn * 8ULL,
				   "function %s: two relocations for one instruction", func->name);
		}
	return 0;
}

static int is_relocated(const struct reader *r, uint32_t reloc, uint32_t count, uint32_t func,
			uint32_t insn)
{
	const struct func_reloc *row;

	if (reloc == count)
		return 0;
	row = ROW(r, func_relocs, reloc, struct func_reloc);
	return row->func == func && row->row.insn == insn;
}

/* Calls within the section that need no relocation, and loads cut in half. */
static int scan_func(struct reader *r, uint32_t func, uint32_t *next, uint32_t relocs)
{
	const struct func *source = ROW(r, func_sources, func, struct func);
	struct bpf_insn *code = code_of(r, func);
	uint32_t count = source->size / sizeof(*code);
	struct site site = {.func = func, .section = r->sections[source->section].name};

	for (uint32_t i = 0; i < count; i++) {
		int relocated = is_relocated(r, *next, relocs, func, i), err = 0;

		*next += relocated;
		site.insn = i;
		site.code = &code[i];
		site.place = source->offset + i * sizeof(*code);
		if (site.code->code == MEM_OP_CALL && !relocated) {
			if (site.code->src_reg == BPF_PSEUDO_CALL)
				err = add_call(r, &site, source->section,
					       site.place + ((int64_t)site.code->imm + 1) * 8);
			else if (site.code->src_reg)
				err = BAD_SITE(r, &site,
					       "calls a kernel function without naming it");
		} else if (site.code->code == MEM_OP_LD_IMM64) {
			if (i + 1 == count || code[i + 1].code)
				err = BAD_SITE(r, &site, "has half of a 64-bit constant");
			else if (!relocated && site.code->src_reg == BPF_PSEUDO_FUNC)
				err = BAD_SITE(r, &site,
					       "takes the address of an unnamed function");
			else
				i++;
		}
		if (err)
			return err;
	}
	return 0;
}

static int scan(struct reader *r)
{
	uint32_t relocs = r->func_relocs.count, next = 0;
	const struct func_reloc *reloc;
	int err = 0;

	/* calls are added behind those that were there, and sorted in afterwards */
	for (uint32_t i = 0; !err && i < r->funcs.count; i++)
		err = scan_func(r, i, &next, relocs);
	if (!err && next != relocs) {
		reloc = ROW(r, func_relocs, next, struct func_reloc);
		err = BAD(r, ROW(r, funcs, reloc->func, struct mem_func_image)->section,
			  reloc->row.insn * 8ULL, "a relocation inside of a 64-bit constant");
	}
	return err ?: sort_relocs(r);
}

/* Fill the relocs table, and clear what the rows replace. */
static int emit(struct reader *r)
{
	for (uint32_t i = 0; i < r->func_relocs.count; i++) {
		const struct func_reloc *reloc = ROW(r, func_relocs, i, struct func_reloc);
		struct mem_func_image *func = ROW(r, funcs, reloc->func, struct mem_func_image);
		struct mem_reloc_image *row = ADD_ROWS(r, relocs, 1, struct mem_reloc_image);
		struct bpf_insn *code = code_of(r, reloc->func) + reloc->row.insn;

		if (!row)
			return -ENOMEM;
		*row = reloc->row;
		if (!func->relocs.count++)
			func->relocs.first = i;
		code->src_reg = 0;
		code->imm = 0;
		if (code->code == MEM_OP_LD_IMM64)
			code[1].imm = 0;
	}
	return 0;
}

int relocs_read(struct reader *r)
{
	int err = 0;

	r->whole_offsets = is_of_old_gas(r);
	for (uint32_t i = 1; !err && i < r->section_count; i++) {
		const struct section *section = &r->sections[i];

		if (section->kind != SECTION_CODE || !section->relocations)
			continue;
		for (uint32_t j = 0;
		     !err && j < elf_relocation_count(&r->sections[section->relocations]); j++)
			err = read_relocation(r, i, j);
	}
	err = err ?: sort_relocs(r);
	err = err ?: scan(r);
	return err ?: emit(r);
}
