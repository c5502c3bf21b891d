/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes to object files that get past the first checks.
 *
 * Random bytes rarely make it beyond the ELF header. So most changes pick a section and write one
 * field of one of its records: a symbol, a relocation, an instruction, a type of the BTF, a record of
 * .BTF.ext; with values that are near a limit or that another record has. Others move a section to
 * the end of the file to make room for one more record, or take one away.
 */
#include <elf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <string.h>

#include "fuzz/fuzz.h"

enum { SECTIONS_MAX = 256 };

/* The file being changed. */
struct subject {
	uint8_t *data;
	size_t size, max_size; /* bytes */
	uint32_t random;       /* state */
	Elf64_Ehdr header;
	uint32_t section_count;
	const char *names;  /* of sections; NULL if there are none */
	size_t names_size;
};

static uint32_t pick(struct subject *s, uint32_t below)
{
	/* xorshift */
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return below ? s->random % below : 0;
}

static uint8_t *section_header(struct subject *s, uint32_t i)
{
	return s->data + s->header.e_shoff + (size_t)i * sizeof(Elf64_Shdr);
}

/* A section whose contents are in the file, or one with size 0. */
static Elf64_Shdr get_section(struct subject *s, uint32_t i)
{
	Elf64_Shdr section;

	memcpy(&section, section_header(s, i), sizeof(section));
	if (section.sh_type == SHT_NOBITS || section.sh_offset > s->size ||
	    section.sh_size > s->size - section.sh_offset)
		section.sh_size = 0;
	return section;
}

static const char *section_name(const struct subject *s, const Elf64_Shdr *section)
{
	if (!s->names || section->sh_name >= s->names_size ||
	    !memchr(s->names + section->sh_name, '\0', s->names_size - section->sh_name))
		return "";
	return s->names + section->sh_name;
}

/* Whether the file is ELF enough to find its sections. */
static int find_sections(struct subject *s)
{
	Elf64_Shdr names;

	if (s->size < sizeof(s->header))
		return 0;
	memcpy(&s->header, s->data, sizeof(s->header));
	if (memcmp(s->header.e_ident, ELFMAG, SELFMAG) != 0 || s->header.e_shoff >= s->size ||
	    !s->header.e_shnum || s->header.e_shnum > SECTIONS_MAX ||
	    s->header.e_shnum * sizeof(Elf64_Shdr) > s->size - s->header.e_shoff)
		return 0;
	s->section_count = s->header.e_shnum;
	if (s->header.e_shstrndx < s->section_count) {
		names = get_section(s, s->header.e_shstrndx);
		s->names = names.sh_size ? (const char *)s->data + names.sh_offset : NULL;
		s->names_size = names.sh_size;
	}
	return 1;
}

/* A value that something may stumble over. */
static uint64_t interesting(struct subject *s, uint64_t old)
{
	switch (pick(s, 12)) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return INT32_MAX;
	case 3:
		return (uint64_t)INT32_MAX + 1;
	case 4:
		return old + 1;
	case 5:
		return old - 1;
	case 6:
		return 1ULL << pick(s, 64);
	case 7:
		return old ^ 1ULL << pick(s, 32);
	case 8:
		return s->size;
	case 9:
		return old * 2;
	default:
		return pick(s, 32);
	}
}

/* Write a new value into a field of 1, 2, 4 or 8 bytes. */
static void change_field(struct subject *s, uint8_t *at, uint32_t width)
{
	uint64_t value = 0;

	if (at < s->data || (size_t)(at - s->data) > s->size - width)
		return;
	memcpy(&value, at, width); /* little endian, as the whole file */
	value = interesting(s, value);
	memcpy(at, &value, width);
}

/* Write the field that another record has into this one. */
static void copy_field(struct subject *s, uint8_t *to, uint64_t from, uint32_t width)
{
	if (to >= s->data && (size_t)(to - s->data) <= s->size - width && from <= s->size - width)
		memmove(to, s->data + from, width);
}

/* How the records of a section are made. */
struct record {
	uint32_t size;      /* bytes */
	uint8_t widths[10]; /* of its fields, in order */
};

static const struct record symbol_record = {24, {4, 1, 1, 2, 8, 8}};
static const struct record relocation_record = {16, {8, 4, 4}};
static const struct record insn_record = {8, {1, 1, 2, 4}};
static const struct record words_record = {4, {4}};
static const struct record header_record = {64, {4, 4, 8, 8, 8, 8, 4, 4, 8, 8}};

static void change_record(struct subject *s, const struct record *record, uint64_t offset,
			  uint64_t size)
{
	uint64_t count = size / record->size;
	uint32_t row, fields = 0, field, at = 0;

	if (!count)
		return;
	while (fields < sizeof(record->widths) && record->widths[fields])
		fields++;
	field = pick(s, fields);
	for (uint32_t i = 0; i < field; i++)
		at += record->widths[i];
	row = pick(s, count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
	offset += at;
	if (pick(s, 3))
		change_field(s, s->data + offset + (uint64_t)row * record->size,
			     record->widths[field]);
	else
		copy_field(s, s->data + offset + (uint64_t)row * record->size,
			   offset + pick(s, (uint32_t)count) * (uint64_t)record->size,
			   record->widths[field]);
}

/* Bytes of a type of the BTF, header and all. */
static uint32_t btf_type_size(uint32_t info)
{
	uint32_t vlen = info & 0xffff;

	switch (info >> 24 & 0x1f) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 16;
	case BTF_KIND_ARRAY:
		return 24;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_DATASEC:
	case BTF_KIND_ENUM64:
		return 12 + vlen * 12;
	case BTF_KIND_ENUM:
	case BTF_KIND_FUNC_PROTO:
		return 12 + vlen * 8;
	default:
		return 12;
	}
}

/* One word of one type: name, kind and length, size or type, or of what follows. */
static void change_type(struct subject *s, uint64_t first, uint64_t size)
{
	uint64_t at = 0, chosen = 0;
	uint32_t seen = 0, info, words;

	while (at + 12 <= size) {
		memcpy(&info, s->data + first + at + 4, sizeof(info));
		if (!pick(s, ++seen))
			chosen = at;
		at += btf_type_size(info);
	}
	if (!seen)
		return;
	memcpy(&info, s->data + first + chosen + 4, sizeof(info));
	words = btf_type_size(info) / 4;
	if (!pick(s, 6)) { /* another kind */
		info = (info & 0xe0ffffff) | pick(s, 21) << 24;
		memcpy(s->data + first + chosen + 4, &info, sizeof(info));
		return;
	}
	at = first + chosen + 4 * (uint64_t)pick(s, words);
	if (at > s->size - 4)
		return;
	if (pick(s, 3)) { /* most words are ids: another type */
		info = pick(s, seen + 2);
		memcpy(s->data + at, &info, sizeof(info));
	} else {
		change_field(s, s->data + at, 4);
	}
}

static void change_btf(struct subject *s, const Elf64_Shdr *section)
{
	struct btf_header header;
	uint64_t types;

	if (section->sh_size < sizeof(header))
		return;
	memcpy(&header, s->data + section->sh_offset, sizeof(header));
	types = (uint64_t)header.hdr_len + header.type_off;
	if (!pick(s, 20) || types + header.type_len > section->sh_size)
		change_record(s, &words_record, section->sh_offset, sizeof(header));
	else
		change_type(s, section->sh_offset + types, header.type_len);
}

/* Names that mean something, over one that is there and at least as long. */
static void change_name(struct subject *s)
{
	static const char *const names[] = {
		".maps", ".bss",    ".data", ".rodata", "license", ".text",  ".BTF",   ".ksyms",
		"xdp",   "iter",    "lsm/x", "fentry/", "tp/a/b",  ".data.", ".rel.x", ".addr_space.1",
		"maps",  "?.bss.x", "int",   "values",  "type",    "key",    "_",      ".struct_ops",
		"arena", ".kconfig"};
	const char *name = names[pick(s, sizeof(names) / sizeof(names[0]))];
	size_t len = strlen(name), at;

	if (!s->names_size)
		return;
	at = (size_t)((const uint8_t *)s->names - s->data) + pick(s, (uint32_t)s->names_size);
	if (pick(s, 2)) /* a symbol's or a type's perhaps */
		at = pick(s, (uint32_t)s->size);
	while (at && s->data[at - 1])
		at--;
	if (at + len < s->size && strnlen((const char *)s->data + at, len + 1) >= len)
		memcpy(s->data + at, name, len + 1);
}

/* Move a section to the end of the file with one record more or less. */
static void resize_section(struct subject *s, uint32_t index, uint32_t record)
{
	Elf64_Shdr section = get_section(s, index);
	size_t end = (s->size + 7) & ~(size_t)7, rows = section.sh_size / record, row;

	if (!rows || end > s->max_size || section.sh_size + record > s->max_size - end)
		return;
	row = pick(s, (uint32_t)rows);
	memset(s->data + s->size, 0, end - s->size);
	memcpy(s->data + end, s->data + section.sh_offset, section.sh_size);
	if (pick(s, 3)) { /* once more */
		memmove(s->data + end + (row + 1) * record, s->data + end + row * record,
			section.sh_size - row * record);
		section.sh_size += record;
	} else {
		memmove(s->data + end + row * record, s->data + end + (row + 1) * record,
			section.sh_size - (row + 1) * record);
		section.sh_size -= record;
	}
	section.sh_offset = end;
	s->size = end + section.sh_size;
	memcpy(section_header(s, index), &section, sizeof(section));
}

/* What the records of a section look like. */
static const struct record *record_of(const Elf64_Shdr *section)
{
	if (section->sh_type == SHT_SYMTAB)
		return &symbol_record;
	if (section->sh_type == SHT_REL)
		return &relocation_record;
	if (section->sh_flags & SHF_EXECINSTR)
		return &insn_record;
	return &words_record;
}

static void change_section(struct subject *s)
{
	uint32_t index = pick(s, s->section_count);
	Elf64_Shdr section = get_section(s, index);
	const struct record *record = record_of(&section);

	if (!strcmp(section_name(s, &section), ".BTF") && pick(s, 16))
		change_btf(s, &section);
	else if (!pick(s, 8))
		resize_section(s, index, record->size);
	else
		change_record(s, record, section.sh_offset, section.sh_size);
}

/* The section of this name, of which there is more to see than of others. */
static void change_named(struct subject *s, const char *name)
{
	for (uint32_t i = 0; i < s->section_count; i++) {
		Elf64_Shdr section = get_section(s, i);

		if (strcmp(section_name(s, &section), name) != 0)
			continue;
		if (!strcmp(name, ".BTF"))
			change_btf(s, &section);
		else
			change_record(s, record_of(&section), section.sh_offset, section.sh_size);
	}
}

static void change_once(struct subject *s)
{
	switch (pick(s, 16)) {
	case 0:
		change_record(s, &header_record, s->header.e_shoff,
			      s->section_count * sizeof(Elf64_Shdr));
		break;
	case 1:
		change_name(s);
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		change_named(s, ".BTF");
		break;
	case 6:
	case 7:
		change_named(s, ".BTF.ext");
		break;
	case 8:
		change_named(s, ".symtab");
		break;
	default:
		change_section(s);
	}
}

size_t mutate_object(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		     size_t (*anything)(uint8_t *, size_t, size_t))
{
	struct subject s = {.data = data, .size = size, .max_size = max_size, .random = seed | 1};
	uint32_t changes = 1 + pick(&s, 4);

	if (!pick(&s, 20))
		return anything(data, size, max_size);
	for (uint32_t i = 0; i < changes; i++) {
		if (!find_sections(&s))
			return anything(data, s.size, max_size);
		change_once(&s);
	}
	return s.size;
}

size_t mutate_bytes(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		    size_t (*anything)(uint8_t *, size_t, size_t))
{
	(void)seed;
	return anything(data, size, max_size);
}
