/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>
#include <fcntl.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_builder.h"

#define SECTION_MAX   64
#define EM_BPF_NUMBER 247

/* Bytes that grow. */
struct buffer {
	uint8_t *data;
	size_t size;
};

struct built_section {
	char name[64];
	Elf64_Shdr header; /* what libelf does not fill in */
	struct buffer contents;
	struct buffer relocations;
};

struct elf_builder {
	struct built_section sections[SECTION_MAX]; /* [0] is unused */
	uint32_t count;
	struct buffer symbols;
	struct buffer strings;
};

static uint32_t append(struct buffer *buffer, const void *data, size_t size)
{
	size_t at = buffer->size;

	buffer->data = realloc(buffer->data, at + size + 1);
	ck_assert_ptr_nonnull(buffer->data);
	memcpy(buffer->data + at, data, size);
	buffer->size += size;
	return at;
}

static uint32_t append_string(struct buffer *strings, const char *text)
{
	return append(strings, text, strlen(text) + 1);
}

struct elf_builder *elf_builder_new(void)
{
	struct elf_builder *b = calloc(1, sizeof(*b));
	const Elf64_Sym none = {0};

	ck_assert_ptr_nonnull(b);
	b->count = 1;
	append_string(&b->strings, "");
	append(&b->symbols, &none, sizeof(none));
	return b;
}

uint32_t elf_add_section(struct elf_builder *b, const char *name, uint32_t flags, const void *data,
			 size_t size)
{
	struct built_section *section = &b->sections[b->count];

	ck_assert_uint_lt(b->count, SECTION_MAX - 4);
	strncpy(section->name, name, sizeof(section->name) - 1);
	section->header.sh_type = data ? SHT_PROGBITS : SHT_NOBITS;
	section->header.sh_flags = flags;
	section->header.sh_addralign = 8;
	if (data)
		append(&section->contents, data, size);
	section->contents.size = size;
	return b->count++;
}

void elf_replace_contents(struct elf_builder *b, const char *name, const void *data, size_t size)
{
	for (uint32_t i = 1; i < b->count; i++) {
		struct buffer *contents = &b->sections[i].contents;

		if (strcmp(b->sections[i].name, name))
			continue;
		free(contents->data);
		*contents = (struct buffer){0};
		append(contents, data, size);
		return;
	}
	ck_abort_msg("the file has no section %s", name);
}

Elf64_Shdr *elf_section_header(struct elf_builder *b, uint32_t section)
{
	return &b->sections[section].header;
}

uint32_t elf_add_symbol(struct elf_builder *b, const char *name, uint32_t section, uint8_t info,
			uint64_t value, uint64_t size)
{
	Elf64_Sym symbol = {
		.st_name = *name ? append_string(&b->strings, name) : 0,
		.st_info = info,
		.st_shndx = section,
		.st_value = value,
		.st_size = size,
	};

	return append(&b->symbols, &symbol, sizeof(symbol)) / sizeof(symbol);
}

Elf64_Sym *elf_symbol(struct elf_builder *b, uint32_t symbol)
{
	return &((Elf64_Sym *)b->symbols.data)[symbol];
}

uint32_t elf_add_func(struct elf_builder *b, const char *name, uint32_t section, uint64_t value,
		      uint64_t size)
{
	return elf_add_symbol(b, name, section, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), value, size);
}

uint32_t elf_add_object(struct elf_builder *b, const char *name, uint32_t section, uint64_t value,
			uint64_t size)
{
	return elf_add_symbol(b, name, section, ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT), value, size);
}

uint32_t elf_add_undefined(struct elf_builder *b, const char *name)
{
	return elf_add_symbol(b, name, SHN_UNDEF, ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE), 0, 0);
}

void elf_add_relocation(struct elf_builder *b, uint32_t section, uint64_t offset, uint32_t symbol,
			uint32_t type)
{
	Elf64_Rel rel = {.r_offset = offset, .r_info = ELF64_R_INFO((uint64_t)symbol, type)};

	append(&b->sections[section].relocations, &rel, sizeof(rel));
}

void elf_add_btf(struct elf_builder *b, struct btf *btf)
{
	const void *raw;
	uint32_t size;

	raw = btf__raw_data(btf, &size);
	ck_assert_ptr_nonnull(raw);
	elf_add_section(b, ".BTF", 0, raw, size);
	btf__free(btf);
}

/* Relocations become sections of their own. */
static void add_relocation_sections(struct elf_builder *b, uint32_t symbols)
{
	uint32_t count = b->count;

	for (uint32_t i = 1; i < count; i++) {
		const struct built_section *section = &b->sections[i];
		char name[80] = ".rel";
		Elf64_Shdr *header;

		if (!section->relocations.size)
			continue;
		strcat(name, section->name);
		header = elf_section_header(b,
					    elf_add_section(b, name, 0, section->relocations.data,
							    section->relocations.size));
		header->sh_type = SHT_REL;
		header->sh_entsize = sizeof(Elf64_Rel);
		header->sh_link = symbols;
		header->sh_info = i;
	}
}

static uint32_t add_tables(struct elf_builder *b)
{
	uint32_t strings, symbols;

	for (uint32_t i = 1; i < b->count; i++)
		b->sections[i].header.sh_name = append_string(&b->strings, b->sections[i].name);
	strings = b->count;
	symbols = strings + 1;
	b->sections[strings].header.sh_name = append_string(&b->strings, ".strtab");
	b->sections[symbols].header.sh_name = append_string(&b->strings, ".symtab");
	ck_assert_uint_eq(elf_add_section(b, ".strtab", 0, b->strings.data, b->strings.size),
			  strings);
	elf_section_header(b, strings)->sh_type = SHT_STRTAB;
	elf_add_section(b, ".symtab", 0, b->symbols.data, b->symbols.size);
	*elf_section_header(b, symbols) = (Elf64_Shdr){
		.sh_name = b->sections[symbols].header.sh_name,
		.sh_type = SHT_SYMTAB,
		.sh_link = strings,
		.sh_entsize = sizeof(Elf64_Sym),
		.sh_addralign = 8,
		.sh_info = 1,
	};
	return strings;
}

static void write_section(Elf *elf, struct built_section *section)
{
	Elf_Scn *scn = elf_newscn(elf);
	Elf_Data *data = elf_newdata(scn);
	Elf64_Shdr *header = elf64_getshdr(scn);

	ck_assert_ptr_nonnull(data);
	ck_assert_ptr_nonnull(header);
	*header = section->header;
	data->d_type = ELF_T_BYTE;
	data->d_buf = section->contents.data;
	data->d_size = section->contents.size;
	data->d_align = section->header.sh_addralign;
	data->d_version = EV_CURRENT;
}

static struct elf_bytes read_all(int fd)
{
	struct elf_bytes file;
	struct stat stat;

	ck_assert_int_eq(fstat(fd, &stat), 0);
	file.size = stat.st_size;
	file.data = malloc(file.size);
	ck_assert_ptr_nonnull(file.data);
	ck_assert_int_eq(pread(fd, file.data, file.size, 0), (ssize_t)file.size);
	return file;
}

struct elf_bytes elf_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct elf_bytes file;

	ck_assert_msg(fd >= 0, "%s: %m", path);
	file = read_all(fd);
	close(fd);
	return file;
}

static void builder_free(struct elf_builder *b)
{
	for (uint32_t i = 0; i < b->count; i++) {
		free(b->sections[i].contents.data);
		free(b->sections[i].relocations.data);
	}
	free(b->symbols.data);
	free(b->strings.data);
	free(b);
}

struct elf_bytes elf_build(struct elf_builder *b)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	struct elf_bytes file;
	uint32_t strings;
	Elf64_Ehdr *header;
	Elf *elf;

	/* the tables come last, so their index is known once the relocations have theirs */
	add_relocation_sections(b, 0);
	strings = add_tables(b);
	for (uint32_t i = 1; i < strings; i++)
		if (b->sections[i].header.sh_type == SHT_REL)
			b->sections[i].header.sh_link = strings + 1;

	ck_assert_int_ge(fd, 0);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_WRITE, NULL);
	ck_assert_ptr_nonnull(elf);
	header = elf64_newehdr(elf);
	ck_assert_ptr_nonnull(header);
	header->e_ident[EI_DATA] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB
									     : ELFDATA2MSB;
	header->e_type = ET_REL;
	header->e_machine = EM_BPF_NUMBER;
	header->e_version = EV_CURRENT;
	header->e_shstrndx = strings;
	for (uint32_t i = 1; i < b->count; i++)
		write_section(elf, &b->sections[i]);
	ck_assert_msg(elf_update(elf, ELF_C_WRITE) > 0, "elf_update: %s", elf_errmsg(-1));
	elf_end(elf);
	file = read_all(fd);
	close(fd);
	builder_free(b);
	return file;
}

Elf64_Shdr *elf_find_header(struct elf_bytes file, const char *name)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)file.data;
	Elf64_Shdr *sections = (Elf64_Shdr *)(file.data + header->e_shoff);
	const char *names = (char *)file.data + sections[header->e_shstrndx].sh_offset;

	for (uint32_t i = 1; i < header->e_shnum; i++)
		if (!strcmp(names + sections[i].sh_name, name))
			return &sections[i];
	ck_abort_msg("the file has no section %s", name);
}

uint8_t *elf_find_contents(struct elf_bytes file, const char *name)
{
	return file.data + elf_find_header(file, name)->sh_offset;
}

void ext_begin(struct ext_builder *ext, uint32_t record_size)
{
	ext->words[ext->count++] = record_size;
}

void ext_section(struct ext_builder *ext, uint32_t name_off, uint32_t count)
{
	ext->words[ext->count++] = name_off;
	ext->words[ext->count++] = count;
}

void ext_record(struct ext_builder *ext, const void *record, size_t size)
{
	ck_assert_uint_le(ext->count + size / 4, 512);
	memcpy(&ext->words[ext->count], record, size);
	ext->count += size / 4;
}

void elf_add_btf_ext(struct elf_builder *b, const struct ext_builder *funcs,
		     const struct ext_builder *lines, const struct ext_builder *cores)
{
	const struct ext_builder *parts[] = {funcs, lines, cores};
	/* magic, version and flags in one word; the header's size; offset and size of each part */
	uint32_t header[8] = {0xeb9f | 1 << 16, sizeof(header)}, offset = 0;
	struct buffer bytes = {0};

	for (int i = 0; i < 3; i++) {
		header[2 + 2 * i] = offset;
		header[3 + 2 * i] = parts[i] ? parts[i]->count * 4 : 0;
		offset += header[3 + 2 * i];
	}
	append(&bytes, header, sizeof(header));
	for (int i = 0; i < 3; i++)
		if (parts[i])
			append(&bytes, parts[i]->words, parts[i]->count * 4);
	elf_add_section(b, ".BTF.ext", 0, bytes.data, bytes.size);
	free(bytes.data);
}
