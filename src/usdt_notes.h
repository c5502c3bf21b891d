/* SPDX-License-Identifier: BSD-2-Clause */
/* The USDT probes of a binary, which it describes in notes. */
#ifndef LIBMEM_USDT_NOTES_H
#define LIBMEM_USDT_NOTES_H

#include "elf_file.h"

/* One place of a probe. */
struct usdt_note {
	const char *provider, *name;
	const char *args;     /* the assembler's words for the arguments */
	uint64_t offset;      /* bytes into the file, of the instruction */
	uint64_t ref_counter; /* bytes into the file, of the semaphore; 0 if it has none */
};

/* Receives one place; negative ends the walk, which returns it. */
typedef int usdt_note_fn(void *ctx, const struct usdt_note *note);

/* Walk the places of all probes. 0, what fn returned if negative, or -EINVAL with a message. */
int usdt_notes_walk(const struct elf_file *elf, usdt_note_fn *fn, void *ctx);

#endif /* LIBMEM_USDT_NOTES_H */
