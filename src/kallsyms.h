/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of the running kernel's symbols, which only /proc/kallsyms knows. */
#ifndef LIBMEM_KALLSYMS_H
#define LIBMEM_KALLSYMS_H

#include <stdbool.h>
#include <stdint.h>

/* A symbol that is looked for, and what was found. */
struct kallsyms_want {
	const char *name;
	uint64_t address;
	uint32_t found; /* symbols of this name with different addresses */
};

/*
 * Fill in the addresses in one pass over the file. 0, or -errno with a message when it can't be
 * read or hides its addresses from this process.
 */
int kallsyms_find(struct kallsyms_want *wants, uint32_t count, const char *object);

#endif /* LIBMEM_KALLSYMS_H */
