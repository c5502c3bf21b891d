/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Symbol tables of running machines' binaries. libmem links nothing but libc, so this reads the few
 * ELF structures itself; the file may be anybody's, so every offset is checked against its size.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_symbols.h"
#include "error.h"

#if __SIZEOF_POINTER__ == 8
#define NATIVE_CLASS ELFCLASS64
typedef Elf64_Ehdr file_header;
typedef Elf64_Shdr section_header;
typedef Elf64_Sym symbol;
#else
#define NATIVE_CLASS ELFCLASS32
typedef Elf32_Ehdr file_header;
typedef Elf32_Shdr section_header;
typedef Elf32_Sym symbol;
#endif

static int elf_error(const struct elf_file *elf, const char *what)
{
	return mem__error(EINVAL, "%s: %s", elf->path, what);
}

/* The bytes of the file from offset on, or NULL if they are not all there. */
static const void *elf_bytes(const struct elf_file *elf, uint64_t offset, uint64_t size)
{
	if (offset > elf->size || size > elf->size - offset)
		return NULL;
	return elf->data + offset;
}

static int check_header(const struct elf_file *elf)
{
	const file_header *header = elf_bytes(elf, 0, sizeof(*header));

	if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG))
		return elf_error(elf, "not an ELF file");
	if (header->e_ident[EI_CLASS] != NATIVE_CLASS)
		return elf_error(elf, "an ELF file of another word size than this process");
	if (header->e_shoff && header->e_shentsize != sizeof(section_header))
		return elf_error(elf, "section headers of unknown size");
	return 0;
}

int elf_file_open(struct elf_file *elf, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	struct stat st;

	memset(elf, 0, sizeof(*elf));
	elf->path = path;
	if (fd < 0 || fstat(fd, &st)) {
		err = mem__error(errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	elf->size = (size_t)st.st_size;
	elf->data = mmap(NULL, elf->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (elf->data == MAP_FAILED) {
		elf->data = NULL;
		return mem__error(errno, "%s: can't map it: %s", path, strerror(errno));
	}
	err = check_header(elf);
	if (err)
		elf_file_close(elf);
	return err;
}

void elf_file_close(struct elf_file *elf)
{
	if (elf->data)
		munmap((void *)elf->data, elf->size);
	elf->data = NULL;
}

static const section_header *section_at(const struct elf_file *elf, uint64_t index)
{
	const file_header *header = (const void *)elf->data;

	if (!header->e_shoff || index >= header->e_shnum)
		return NULL;
	return elf_bytes(elf, header->e_shoff + index * sizeof(section_header),
			 sizeof(section_header));
}

static const char *string_at(const struct elf_file *elf, const section_header *strings, uint64_t at)
{
	const char *text;

	if (at >= strings->sh_size)
		return NULL;
	text = elf_bytes(elf, strings->sh_offset + at, strings->sh_size - at);
	return text && memchr(text, '\0', strings->sh_size - at) ? text : NULL;
}

/* Where a function's first byte is in the file; 0 if it has none there. */
static uint64_t symbol_offset(const struct elf_file *elf, const symbol *sym)
{
	const section_header *section = section_at(elf, sym->st_shndx);
	unsigned int type = ELF64_ST_TYPE(sym->st_info);

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !sym->st_shndx || !section ||
	    section->sh_type == SHT_NOBITS || sym->st_value < section->sh_addr)
		return 0;
	return sym->st_value - section->sh_addr + section->sh_offset;
}

/* 1 when fn has seen enough. */
static int walk_table(const struct elf_file *elf, const section_header *table, elf_symbol_fn *fn,
		      void *ctx)
{
	const section_header *strings = section_at(elf, table->sh_link);
	uint64_t count = table->sh_size / sizeof(symbol);
	const symbol *symbols = elf_bytes(elf, table->sh_offset, table->sh_size);

	if (!symbols || !strings || table->sh_entsize != sizeof(symbol) ||
	    !elf_bytes(elf, strings->sh_offset, strings->sh_size))
		return elf_error(elf, "its symbol table lies outside the file");
	for (uint64_t i = 0; i < count; i++) {
		const char *name = string_at(elf, strings, symbols[i].st_name);
		uint64_t offset = symbol_offset(elf, &symbols[i]);

		if (name && offset &&
		    !fn(ctx, name, offset, ELF64_ST_BIND(symbols[i].st_info) == STB_GLOBAL))
			return 1;
	}
	return 0;
}

int elf_file_symbols(const struct elf_file *elf, elf_symbol_fn *fn, void *ctx)
{
	static const unsigned int types[] = { SHT_DYNSYM, SHT_SYMTAB };
	const section_header *section;
	int ret = 0;

	for (size_t t = 0; !ret && t < sizeof(types) / sizeof(types[0]); t++)
		for (uint64_t i = 0; !ret && (section = section_at(elf, i)); i++)
			if (section->sh_type == types[t])
				ret = walk_table(elf, section, fn, ctx);
	return ret < 0 ? ret : 0;
}

/* Look for name in a list of directories, "a:b:c". */
static bool find_in(const char *directories, const char *name, int mode, char *path, size_t size)
{
	while (directories && *directories) {
		size_t len = strcspn(directories, ":");

		if (len && (size_t)snprintf(path, size, "%.*s/%s", (int)len, directories, name) < size &&
		    !access(path, mode))
			return true;
		directories += len + (directories[len] == ':');
	}
	return false;
}

int elf_find_binary(const char *name, char *path, size_t size)
{
	static const char libraries[] =
		"/lib:/usr/lib:/lib64:/usr/lib64:/usr/local/lib:/lib/x86_64-linux-gnu:"
		"/usr/lib/x86_64-linux-gnu:/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu:"
		"/lib/s390x-linux-gnu:/usr/lib/s390x-linux-gnu:/lib/riscv64-linux-gnu:"
		"/usr/lib/riscv64-linux-gnu";
	bool found;

	if (strchr(name, '/')) {
		found = (size_t)snprintf(path, size, "%s", name) < size && !access(path, R_OK);
	} else if (strstr(name, ".so")) {
		found = find_in(getenv("LD_LIBRARY_PATH"), name, R_OK, path, size) ||
			find_in(libraries, name, R_OK, path, size);
	} else {
		found = find_in(getenv("PATH"), name, R_OK | X_OK, path, size) ||
			find_in("/usr/bin:/usr/sbin:/bin:/sbin", name, R_OK | X_OK, path, size);
	}
	return found ? 0 : mem__error(ENOENT, "there is no binary or library '%s'", name);
}
