/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the functions of a program or library are, for uprobes. */
#ifndef LIBMEM_ELF_SYMBOLS_H
#define LIBMEM_ELF_SYMBOLS_H

#include "elf_file.h"

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
