/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections, symbols and relocations of the ELF file. libelf finds them; here their sizes, indices
 * and names are checked, once, so that the other steps can use them as they are.
 */
#include <ctype.h>
#include <gelf.h>
#include <stdlib.h>

#include "reader/reader.h"

#define HEADER		"ELF header"
#define NAME_LENGTH_MAX 1023 /* characters */

/* Report what libelf could not do. Its own number for "no memory" is not in its header. */
static int elf_failed(const struct reader *r, const char *section, uint64_t offset,
		      const char *what)
{
	int no_memory = errno == ENOMEM;
	const char *reason = elf_errmsg(-1);

	if (no_memory)
		return reader_no_memory(r);
	return BAD(r, section, offset, "%s: %s", what, reason ? reason : "unknown error");
}

static int check_header(const struct reader *r)
{
	const int host_data = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	Elf64_Ehdr header;

	if (r->size < sizeof(header) || memcmp(r->bytes, ELFMAG, SELFMAG))
		return BAD(r, HEADER, 0, "not an ELF file: compile with clang --target=bpf -c");
	memcpy(&header, r->bytes, sizeof(header));
	if (header.e_ident[EI_CLASS] != ELFCLASS64)
		return BAD(r, HEADER, EI_CLASS, "not a 64-bit ELF file: use clang --target=bpf");
	if (header.e_ident[EI_DATA] != host_data)
		return BAD(r, HEADER, EI_DATA,
			   "made for the other byte order: use clang --target=%s",
			   host_data == ELFDATA2LSB ? "bpfel" : "bpfeb");
	if (header.e_type != ET_REL)
		return BAD(r, HEADER, offsetof(Elf64_Ehdr, e_type),
			   "not a relocatable file (type %u): use clang -c", header.e_type);
	if (header.e_machine != MEM_EM_BPF && header.e_machine != EM_NONE)
		return BAD(r, HEADER, offsetof(Elf64_Ehdr, e_machine),
			   "for machine %u, not BPF (%u): use clang --target=bpf", header.e_machine,
			   MEM_EM_BPF);
	return 0;
}

int elf_start(struct reader *r)
{
	int err = check_header(r);

	if (err)
		return err;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return UNKNOWN(r, HEADER, 0, "libelf is too old");
	/* libelf does not write to memory that it is only asked to read */
	errno = 0;
	r->elf = elf_memory((char *)r->bytes, r->size);
	if (!r->elf || elf_kind(r->elf) != ELF_K_ELF)
		return elf_failed(r, HEADER, 0, "libelf can't read it");
	return 0;
}

static int has_prefix(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(name, prefix, len) && (!name[len] || name[len] == '.');
}

static int is_struct_ops(const char *name)
{
	name += *name == '?';
	return !strcmp(name, ".struct_ops") || !strcmp(name, ".struct_ops.link");
}

static enum section_kind kind_of(const struct section *section)
{
	const char *name = section->name;

	if (section->type == SHT_SYMTAB)
		return SECTION_SYMBOLS;
	if (section->type == SHT_REL)
		return SECTION_RELOCATIONS;
	if (section->type != SHT_PROGBITS && section->type != SHT_NOBITS)
		return SECTION_OTHER;
	if (!strcmp(name, ".maps"))
		return SECTION_MAPS;
	if (!section->size)
		return SECTION_OTHER;
	if (!strcmp(name, ".addr_space.1"))
		return SECTION_ARENA;
	if (has_prefix(name, ".percpu"))
		return SECTION_PERCPU;
	if (!strcmp(name, ".mem_tasks"))
		return SECTION_TASKS;
	if (!strcmp(name, ".mem_export"))
		return SECTION_EXPORTS;
	if (section->type == SHT_NOBITS && has_prefix(name, ".bss"))
		return SECTION_BSS;
	if (section->type == SHT_NOBITS)
		return section->flags & SHF_ALLOC ? SECTION_NOTES : SECTION_OTHER;
	if (section->flags & SHF_EXECINSTR)
		return SECTION_CODE;
	if (has_prefix(name, ".data") || has_prefix(name, ".bss"))
		return SECTION_DATA;
	if (has_prefix(name, ".rodata"))
		return SECTION_RODATA;
	if (is_struct_ops(name))
		return SECTION_STRUCT_OPS;
	if (!strcmp(name, "license"))
		return SECTION_LICENSE;
	if (!strcmp(name, "version"))
		return SECTION_VERSION;
	if (!strcmp(name, ".BTF"))
		return SECTION_BTF;
	if (!strcmp(name, ".BTF.ext"))
		return SECTION_BTF_EXT;
	return section->flags & SHF_ALLOC ? SECTION_NOTES : SECTION_OTHER;
}

/* Names end up in messages and generated headers; the kernel's own limit for them is 512. */
static int is_name(const char *name)
{
	if (!name || strnlen(name, NAME_LENGTH_MAX + 1) > NAME_LENGTH_MAX)
		return 0;
	for (; *name; name++)
		if ((unsigned char)*name < ' ' || *name == 127)
			return 0;
	return 1;
}

static int read_header(struct reader *r, Elf_Scn *scn, size_t names, uint32_t index)
{
	struct section *section = &r->sections[index];
	const char *name;
	GElf_Shdr header;

	errno = 0;
	if (!gelf_getshdr(scn, &header))
		return elf_failed(r, "section headers", index, "unreadable");
	name = elf_strptr(r->elf, names, header.sh_name);
	if (!name && errno == ENOMEM)
		return reader_no_memory(r);
	if (!name || !is_name(name))
		return BAD(r, "section headers", index, "section %u has no valid name", index);
	*section = (struct section){
		.name = name,
		.size = header.sh_size,
		.offset = header.sh_offset,
		.flags = header.sh_flags,
		.align = header.sh_addralign,
		.entry_size = header.sh_entsize,
		.type = header.sh_type,
		.link = header.sh_link,
		.info = header.sh_info,
		.region = MEM_NONE,
	};
	section->kind = kind_of(section);
	if (!strcmp(name, "maps") && section->size)
		return UNKNOWN(
			r, name, 0,
			"maps of the old kind (struct bpf_map_def): define them in SEC(\".maps\") "
			"with __uint() and __type()");
	return 0;
}

static int read_contents(struct reader *r, Elf_Scn *scn, uint32_t index)
{
	struct section *section = &r->sections[index];
	Elf_Data *data;

	if (section->kind == SECTION_OTHER)
		return 0;
	if (section->size > UINT32_MAX)
		return BAD(r, section->name, 0, "%llu bytes: a section can't be larger than 4 GiB",
			   (unsigned long long)section->size);
	if (section->flags & SHF_COMPRESSED)
		return UNKNOWN(r, section->name, 0,
			       "compressed: use objcopy --decompress-debug-sections");
	if (section->type == SHT_NOBITS)
		return 0;
	if (section->offset > r->size || section->size > r->size - section->offset)
		return BAD(r, section->name, 0, "%llu bytes at 0x%llx are not in the file",
			   (unsigned long long)section->size, (unsigned long long)section->offset);
	errno = 0;
	data = elf_rawdata(scn, NULL);
	if (!data || (section->size && (!data->d_buf || data->d_size != section->size)))
		return elf_failed(r, section->name, 0, "unreadable");
	section->data = data->d_buf;
	return 0;
}

static int add_symbol_section(struct reader *r, uint32_t index)
{
	if (r->symbol_section)
		return BAD(r, r->sections[index].name, 0, "a second symbol table");
	r->symbol_section = index;
	return 0;
}

/* Make the section that relocations apply to know them. */
static int link_relocations(struct reader *r, uint32_t index)
{
	struct section *section = &r->sections[index], *target;

	if (section->kind != SECTION_RELOCATIONS)
		return 0;
	if (!section->info || section->info >= r->section_count)
		return BAD(r, section->name, 0, "applies to section %u of %u", section->info,
			   r->section_count);
	target = &r->sections[section->info];
	if (target->kind != SECTION_CODE && target->kind != SECTION_MAPS &&
	    target->kind != SECTION_STRUCT_OPS) {
		if (target->kind >= SECTION_DATA && target->kind <= SECTION_ARENA)
			mem__log(MEM_LOG_WARN,
				 "%s:%s+0x0: variables initialised with addresses are 0 in a "
				 "program",
				 r->file, target->name);
		return 0;
	}
	if (section->entry_size != sizeof(Elf64_Rel) || section->size % sizeof(Elf64_Rel))
		return BAD(r, section->name, 0, "entries of %llu bytes",
			   (unsigned long long)section->entry_size);
	if (section->link != r->symbol_section)
		return BAD(r, section->name, 0, "refers to symbol table %u, not %u", section->link,
			   r->symbol_section);
	if (target->relocations)
		return BAD(r, section->name, 0, "a second section of relocations for %s",
			   target->name);
	target->relocations = index;
	return 0;
}

static int refuse_rela(const struct reader *r)
{
	for (uint32_t i = 1; i < r->section_count; i++) {
		const struct section *section = &r->sections[i];

		if (section->type == SHT_RELA && section->info < r->section_count &&
		    r->sections[section->info].kind == SECTION_CODE)
			return UNKNOWN(r, section->name, 0,
				       "relocations with addends: BPF objects have SHT_REL");
	}
	return 0;
}

static int by_section_name(const void *a, const void *b, void *arg)
{
	const struct section *sections = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(sections[x].name, sections[y].name);

	return order ? order : (x > y) - (x < y);
}

static int by_section_offset(const void *a, const void *b, void *arg)
{
	const struct section *sections = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (sections[x].offset != sections[y].offset)
		return sections[x].offset < sections[y].offset ? -1 : 1;
	return (x > y) - (x < y);
}

/* Variables, code and type information find each other by section name, so it has to be unique. */
static int sort_sections(struct reader *r)
{
	uint32_t *sorted, count = 0;

	r->sections_by_name = sorted = pool_alloc(&r->scratch, r->section_count, sizeof(*sorted));
	if (!sorted)
		return reader_no_memory(r);
	for (uint32_t i = 1; i < r->section_count; i++)
		if (r->sections[i].kind != SECTION_OTHER &&
		    r->sections[i].kind != SECTION_RELOCATIONS)
			sorted[count++] = i;
	qsort_r(sorted, count, sizeof(*sorted), by_section_name, r->sections);
	r->sections_by_name_count = count;
	for (uint32_t i = 1; i < count; i++)
		if (!strcmp(r->sections[sorted[i]].name, r->sections[sorted[i - 1]].name))
			return BAD(r, r->sections[sorted[i]].name, 0,
				   "sections %u and %u have the same name", sorted[i - 1],
				   sorted[i]);
	return 0;
}

static int check_overlap(struct reader *r)
{
	uint32_t *sorted, count = 0;

	sorted = pool_alloc(&r->scratch, r->section_count, sizeof(*sorted));
	if (!sorted)
		return reader_no_memory(r);
	for (uint32_t i = 1; i < r->section_count; i++)
		if (r->sections[i].data && r->sections[i].size)
			sorted[count++] = i;
	qsort_r(sorted, count, sizeof(*sorted), by_section_offset, r->sections);
	for (uint32_t i = 1; i < count; i++) {
		const struct section *first = &r->sections[sorted[i - 1]];
		const struct section *second = &r->sections[sorted[i]];

		if (second->offset < first->offset + first->size)
			return BAD(r, second->name, 0, "overlaps section %s in the file",
				   first->name);
	}
	return 0;
}

/* libelf counts none as well where the file ends before them. */
static int refuse_count(struct reader *r, size_t count)
{
	Elf64_Ehdr header;

	memcpy(&header, r->bytes, sizeof(header));
	if (!count && header.e_shnum)
		return BAD(r, HEADER, offsetof(Elf64_Ehdr, e_shoff),
			   "the file ends before its section headers: is it cut off?");
	return BAD(r, HEADER, offsetof(Elf64_Ehdr, e_shnum), "%zu sections", count);
}

int elf_read_sections(struct reader *r)
{
	size_t count, names;
	Elf_Scn *scn = NULL;
	int err = 0;

	errno = 0;
	if (elf_getshdrnum(r->elf, &count) || elf_getshdrstrndx(r->elf, &names))
		return elf_failed(r, HEADER, 0, "bad section headers");
	if (!count || count >= SHN_LORESERVE)
		return refuse_count(r, count);
	r->sections = pool_alloc(&r->scratch, count, sizeof(*r->sections));
	if (!r->sections)
		return reader_no_memory(r);
	r->sections[0] = (struct section){.name = "", .region = MEM_NONE};
	r->section_count = 1;
	while (!err && (scn = elf_nextscn(r->elf, scn))) {
		size_t index = elf_ndxscn(scn);

		if (index != r->section_count || index >= count)
			return BAD(r, HEADER, 0, "section %zu out of order", index);
		r->section_count++;
		err = read_header(r, scn, names, index);
		err = err ?: read_contents(r, scn, index);
		if (!err && r->sections[index].kind == SECTION_SYMBOLS)
			err = add_symbol_section(r, index);
	}
	if (!err && r->section_count != count)
		err = elf_failed(r, HEADER, offsetof(Elf64_Ehdr, e_shnum), "sections are missing");
	if (!err && !r->symbol_section)
		err = BAD(r, HEADER, 0, "no symbol table: don't strip it (strip -g is fine)");
	for (uint32_t i = 1; !err && i < r->section_count; i++)
		err = link_relocations(r, i);
	err = err ?: refuse_rela(r);
	err = err ?: sort_sections(r);
	return err ?: check_overlap(r);
}

static int read_symbol(struct reader *r, uint32_t index)
{
	const struct section *table = &r->sections[r->symbol_section];
	struct symbol *symbol = &r->symbols[index];
	const char *name;
	Elf64_Sym sym;

	memcpy(&sym, table->data + (size_t)index * sizeof(sym), sizeof(sym));
	errno = 0;
	name = elf_strptr(r->elf, table->link, sym.st_name);
	if (!name && errno == ENOMEM)
		return reader_no_memory(r);
	if (!is_name(name))
		return BAD(r, table->name, index * sizeof(sym), "symbol %u has no valid name",
			   index);
	if (sym.st_shndx >= r->section_count && sym.st_shndx < SHN_LORESERVE)
		return BAD(r, table->name, index * sizeof(sym), "symbol %s is in section %u of %u",
			   name, sym.st_shndx, r->section_count);
	if (sym.st_shndx == SHN_XINDEX)
		return UNKNOWN(r, table->name, index * sizeof(sym), "more than %u sections",
			       SHN_LORESERVE);
	*symbol = (struct symbol){
		.name = name,
		.value = sym.st_value,
		.size = sym.st_size,
		.section = sym.st_shndx,
		.ext = MEM_NONE,
		.bind = ELF64_ST_BIND(sym.st_info),
		.type = ELF64_ST_TYPE(sym.st_info),
		.visibility = ELF64_ST_VISIBILITY(sym.st_other),
	};
	return 0;
}

static int by_symbol_name(const void *a, const void *b, void *arg)
{
	const struct symbol *symbols = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(symbols[x].name, symbols[y].name);

	return order ? order : (x > y) - (x < y);
}

static int sort_symbols(struct reader *r)
{
	uint32_t count = 0;

	r->symbols_by_name = pool_alloc(&r->scratch, r->symbol_count, sizeof(uint32_t));
	if (!r->symbols_by_name)
		return reader_no_memory(r);
	for (uint32_t i = 1; i < r->symbol_count; i++) {
		const struct symbol *symbol = &r->symbols[i];

		if ((symbol->type == STT_OBJECT || symbol->type == STT_FUNC) &&
		    symbol->bind != STB_LOCAL && symbol->section)
			r->symbols_by_name[count++] = i;
	}
	qsort_r(r->symbols_by_name, count, sizeof(uint32_t), by_symbol_name, r->symbols);
	r->symbols_by_name_count = count;
	return 0;
}

int elf_read_symbols(struct reader *r)
{
	const struct section *table = &r->sections[r->symbol_section];
	int err = 0;

	if (table->entry_size != sizeof(Elf64_Sym) || table->size % sizeof(Elf64_Sym))
		return BAD(r, table->name, 0, "entries of %llu bytes",
			   (unsigned long long)table->entry_size);
	if (!table->link || table->link >= r->section_count ||
	    r->sections[table->link].type != SHT_STRTAB)
		return BAD(r, table->name, 0, "section %u does not hold its strings", table->link);
	r->symbol_count = table->size / sizeof(Elf64_Sym);
	r->symbols = pool_alloc(&r->scratch, r->symbol_count, sizeof(*r->symbols));
	if (!r->symbols)
		return reader_no_memory(r);
	for (uint32_t i = 0; !err && i < r->symbol_count; i++)
		err = read_symbol(r, i);
	return err ?: sort_symbols(r);
}

int elf_read_license(struct reader *r)
{
	for (uint32_t i = 1; i < r->section_count; i++) {
		const struct section *section = &r->sections[i];

		if (section->kind == SECTION_LICENSE) {
			const char *text = (const char *)section->data;

			r->license = reader_text(r, text, strnlen(text, section->size));
			if (!r->license)
				return -ENOMEM;
		} else if (section->kind == SECTION_VERSION) {
			if (section->size != sizeof(r->kern_version))
				return BAD(r, section->name, 0, "%llu bytes instead of 4",
					   (unsigned long long)section->size);
			memcpy(&r->kern_version, section->data, sizeof(r->kern_version));
		}
	}
	return 0;
}

uint32_t elf_find_section(const struct reader *r, const char *name)
{
	uint32_t low = 0, high = r->sections_by_name_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2, index = r->sections_by_name[mid];
		int order = strcmp(name, r->sections[index].name);

		if (!order)
			return index;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return 0;
}

const struct symbol *elf_find_global(const struct reader *r, const char *name)
{
	uint32_t low = 0, high = r->symbols_by_name_count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct symbol *symbol = &r->symbols[r->symbols_by_name[mid]];
		int order = strcmp(name, symbol->name);

		if (!order)
			return symbol;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const char *elf_symbol_name(const struct reader *r, const struct symbol *symbol)
{
	if (*symbol->name || symbol->section >= r->section_count)
		return symbol->name;
	return r->sections[symbol->section].name;
}

int elf_is_extern(const struct symbol *symbol)
{
	return symbol->section == SHN_UNDEF && symbol->type == STT_NOTYPE &&
	       (symbol->bind == STB_GLOBAL || symbol->bind == STB_WEAK);
}

uint32_t elf_relocation_count(const struct section *section)
{
	return section->size / sizeof(Elf64_Rel);
}

int elf_relocation(const struct reader *r, const struct section *section, uint32_t i,
		   struct relocation *rel)
{
	Elf64_Rel entry;

	memcpy(&entry, section->data + (size_t)i * sizeof(entry), sizeof(entry));
	rel->offset = entry.r_offset;
	rel->symbol = ELF64_R_SYM(entry.r_info);
	rel->type = ELF64_R_TYPE(entry.r_info);
	if (!rel->symbol || rel->symbol >= r->symbol_count)
		return BAD(r, section->name, i * sizeof(entry), "symbol %u of %u", rel->symbol,
			   r->symbol_count);
	return 0;
}

static int read_pointer(const struct reader *r, const struct section *section, uint32_t i, struct pointer *pointer)
{
	const struct section *table = &r->sections[section->relocations];
	struct relocation rel;
	uint64_t addend;
	int err = elf_relocation(r, table, i, &rel);

	if (err)
		return err;
	if (!section->data || rel.offset > section->size || section->size - rel.offset < sizeof(addend))
		return BAD(r, table->name, i * sizeof(Elf64_Rel), "offset 0x%llx is outside of %s, 0x%llx bytes",
			   (unsigned long long)rel.offset, section->name, (unsigned long long)section->size);
	memcpy(&addend, section->data + rel.offset, sizeof(addend));
	pointer->offset = rel.offset;
	pointer->symbol = &r->symbols[rel.symbol];
	/* what is static has no symbol of its own here, but a place in its section */
	pointer->target = pointer->symbol->type == STT_SECTION ? addend : pointer->symbol->value;
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	const struct pointer *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Linkers may leave them in any order. */
static int sort_pointers(const struct reader *r, const struct section *section, struct pointer *pointers,
			 uint32_t count)
{
	qsort(pointers, count, sizeof(*pointers), by_offset);
	for (uint32_t i = 1; i < count; i++)
		if (pointers[i].offset == pointers[i - 1].offset)
			return BAD(r, section->name, pointers[i].offset, "two relocations for one pointer");
	return 0;
}

int elf_read_pointers(struct reader *r, const struct section *section, struct pointer **pointers, uint32_t *count)
{
	int err = 0;

	*pointers = NULL;
	*count = section->relocations ? elf_relocation_count(&r->sections[section->relocations]) : 0;
	if (!*count)
		return 0;
	*pointers = calloc(*count, sizeof(**pointers));
	if (!*pointers)
		return reader_no_memory(r);
	for (uint32_t i = 0; !err && i < *count; i++)
		err = read_pointer(r, section, i, &(*pointers)[i]);
	err = err ?: sort_pointers(r, section, *pointers, *count);
	if (err) {
		free(*pointers);
		*pointers = NULL;
	}
	return err;
}
