/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elf_symbols.h"
#include "error.h"

#if __SIZEOF_POINTER__ == 8
typedef Elf64_Sym symbol;
#else
typedef Elf32_Sym symbol;
#endif

/* Where a function's first byte is in the file; 0 if it has none there. */
static uint64_t symbol_offset(const struct elf_file *elf, const symbol *sym)
{
	unsigned int type = ELF64_ST_TYPE(sym->st_info);
	struct elf_section section;

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) || !sym->st_shndx ||
	    !elf_file_section(elf, sym->st_shndx, &section) || section.type == SHT_NOBITS ||
	    sym->st_value < section.address)
		return 0;
	return sym->st_value - section.address + section.offset;
}

/* 1 when fn has seen enough. */
static int walk_table(const struct elf_file *elf, const struct elf_section *table, elf_symbol_fn *fn,
		      void *ctx)
{
	const char *symbols = elf_bytes(elf, table->offset, table->size);
	uint64_t count = table->size / sizeof(symbol);
	struct elf_section strings;

	if (!symbols || !elf_file_section(elf, table->link, &strings) ||
	    !elf_bytes(elf, strings.offset, strings.size))
		return mem__error(EINVAL, "%s: its symbol table lies outside the file", elf->path);
	for (uint64_t i = 0; i < count; i++) {
		const char *name;
		uint64_t offset;
		symbol sym;

		memcpy(&sym, symbols + i * sizeof(sym), sizeof(sym)); /* at any offset */
		name = elf_string(elf, &strings, sym.st_name);
		offset = name ? symbol_offset(elf, &sym) : 0;
		if (offset && !fn(ctx, name, offset, ELF64_ST_BIND(sym.st_info) == STB_GLOBAL))
			return 1;
	}
	return 0;
}

int elf_file_symbols(const struct elf_file *elf, elf_symbol_fn *fn, void *ctx)
{
	static const unsigned int types[] = { SHT_DYNSYM, SHT_SYMTAB };
	struct elf_section section;
	int ret = 0;

	for (size_t t = 0; !ret && t < sizeof(types) / sizeof(types[0]); t++)
		for (uint32_t i = 0; !ret && elf_file_section(elf, i, &section); i++)
			if (section.type == types[t])
				ret = walk_table(elf, &section, fn, ctx);
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

/* Where Debian and its kin have the libraries of this machine. */
#if defined(__x86_64__)
#define OWN_LIBRARIES ":/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu"
#elif defined(__aarch64__)
#define OWN_LIBRARIES ":/lib/aarch64-linux-gnu:/usr/lib/aarch64-linux-gnu"
#elif defined(__s390x__)
#define OWN_LIBRARIES ":/lib/s390x-linux-gnu:/usr/lib/s390x-linux-gnu"
#elif defined(__riscv)
#define OWN_LIBRARIES ":/lib/riscv64-linux-gnu:/usr/lib/riscv64-linux-gnu"
#else
#define OWN_LIBRARIES
#endif

int elf_find_binary(const char *name, char *path, size_t size)
{
	static const char libraries[] = "/lib:/usr/lib:/lib64:/usr/lib64:/usr/local/lib" OWN_LIBRARIES;
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
