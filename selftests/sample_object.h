/* SPDX-License-Identifier: BSD-2-Clause */
/* A small good object made with elf_builder.h, for tests that break it. */
#ifndef SELFTESTS_SAMPLE_OBJECT_H
#define SELFTESTS_SAMPLE_OBJECT_H

#include "elf_builder.h"

/*
 * .text   helper() { return 1; }                 static
 * xdp     prog()   { &map; &counter; helper(); kfunc(); }
 * .data   int counter = 5; static int fixed;
 * .maps   map: a hash of 16 ints
 */
struct elf_builder *sample_builder(void);
struct elf_bytes sample_object(void);

/* BTF ids in it. */
enum sample_type {
	SAMPLE_INT = 1,
	SAMPLE_ARRAY_1,
	SAMPLE_PTR_ARRAY_1, /* type: BPF_MAP_TYPE_HASH */
	SAMPLE_ARRAY_16,
	SAMPLE_PTR_ARRAY_16, /* max_entries */
	SAMPLE_PTR_INT,	     /* key and value */
	SAMPLE_STRUCT,	     /* type, max_entries, key, value: the map's definition */
	SAMPLE_MAP,	     /* VAR map */
	SAMPLE_MAPS,	     /* DATASEC .maps */
	SAMPLE_COUNTER,	     /* VAR counter */
	SAMPLE_FIXED,	     /* VAR fixed */
	SAMPLE_DATA,	     /* DATASEC .data */
	SAMPLE_PROTO,	     /* int (void) */
	SAMPLE_HELPER,	     /* FUNC helper */
	SAMPLE_PROG,	     /* FUNC prog */
	SAMPLE_KFUNC,	     /* FUNC kfunc, extern */
	SAMPLE_KSYMS,	     /* DATASEC .ksyms */
};

/* Symbols in it. */
enum sample_symbol {
	SAMPLE_SYM_TEXT = 1,
	SAMPLE_SYM_HELPER,
	SAMPLE_SYM_PROG,
	SAMPLE_SYM_MAP,
	SAMPLE_SYM_COUNTER,
	SAMPLE_SYM_KFUNC,
};

/* Bytes from the start of .BTF to a type. */
uint32_t sample_type_place(struct elf_bytes file, uint32_t id);

#endif /* SELFTESTS_SAMPLE_OBJECT_H */
