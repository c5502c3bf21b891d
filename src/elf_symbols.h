/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the functions of a program or library are, for uprobes. */
#ifndef LIBMEM_ELF_SYMBOLS_H
#define LIBMEM_ELF_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An executable or shared object, mapped read-only. */
struct elf_file {
	const char *path;
	const unsigned char *data;
	size_t size; /* bytes */
};

/* Map a file and look at its header. 0, or -errno with a message. */
int elf_file_open(struct elf_file *elf, const char *path);

void elf_file_close(struct elf_file *elf);

/* Receives a function that has the wanted name; offset: bytes into the file. False ends the walk. */
typedef bool elf_symbol_fn(void *ctx, const char *name, uint64_t offset, bool is_global);

/*
 * Walk the functions of the file: those of the dynamic symbol table, then the others. A name may
 * come several times. 0, or -EINVAL with a message when the tables are inconsistent.
 */
int elf_file_symbols(const struct elf_file *elf, elf_symbol_fn *fn, void *ctx);

/* "libc.so.6" or "bash" to the path that would be used; 0, or -ENOENT with a message. */
int elf_find_binary(const char *name, char *path, size_t size);

#endif /* LIBMEM_ELF_SYMBOLS_H */
