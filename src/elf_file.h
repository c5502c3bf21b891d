/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Executables and shared objects of the running machine, for probes. libmem links nothing but libc, so
 * it reads the few ELF structures itself; the file may be anybody's, so every offset is checked against
 * its size.
 */
#ifndef LIBMEM_ELF_FILE_H
#define LIBMEM_ELF_FILE_H

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

/* One section; name is "" if it has none that can be read. */
struct elf_section {
	const char *name;
	uint32_t type;    /* SHT_* */
	uint32_t link;    /* section index */
	uint64_t address; /* in memory */
	uint64_t offset;  /* bytes into the file */
	uint64_t size;    /* bytes */
};

/* Section by index; false past the last one. */
bool elf_file_section(const struct elf_file *elf, uint32_t index, struct elf_section *section);

/* The bytes of the file from offset on, or NULL if they are not all there. */
const void *elf_bytes(const struct elf_file *elf, uint64_t offset, uint64_t size);

/* A string in a string table; NULL if it isn't whole. */
const char *elf_string(const struct elf_file *elf, const struct elf_section *strings, uint64_t at);

/* Where an address of a loaded segment is in the file; false if it is in none. */
bool elf_file_offset(const struct elf_file *elf, uint64_t address, uint64_t *offset);

#endif /* LIBMEM_ELF_FILE_H */
