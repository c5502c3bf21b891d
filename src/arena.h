/* SPDX-License-Identifier: BSD-2-Clause */
/* What every process that has an arena agrees on, and who in this process has it. */
#ifndef LIBMEM_ARENA_H
#define LIBMEM_ARENA_H

#include "object.h"

#define ARENA_RECORD_MAGIC   0x414d454d42494cULL /* "LIBMEMA", little endian */
#define ARENA_RECORD_VERSION 1

#define ARENA_SEGV_ON_FAULT (1U << 17) /* BPF_F_SEGV_ON_FAULT, Linux 6.9 */

/*
 * Where an arena's variables lie, for whoever finds the arena later: the last bytes of the pages
 * that have the variables. Its place and size never change: base + end - sizeof(), end being the
 * size of the arena or 512 MiB, whichever is less. Whoever reads it trusts no number in it.
 */
struct arena_record {
	uint64_t magic;    /* ARENA_RECORD_MAGIC, written last */
	uint32_t version;  /* ARENA_RECORD_VERSION */
	uint32_t reserved; /* 0 */
	uint64_t offset;   /* bytes from the arena's first byte to the first variable */
	uint64_t size;     /* bytes of the variables */
	uint64_t schema;   /* hash of their names and types, 0 if unknown */
	uint64_t contents; /* version of what is allocated, as the application counts */
	uint64_t unused[2]; /* 0 */
};

#define DIRECT_OFFSET_LIMIT (1ULL << 29) /* bytes; BPF_MAX_VAR_OFF of the verifier */

/* --- arena.c --- */

int arena_error(const struct mem_region *region, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);
int arena_check_size(const struct mem_region *region, uint64_t size, uint64_t variables);
/* Bytes: of the variables' pages, and from the arena's first byte to the end of these. */
size_t arena_variables_size(const struct mem_region *region);
size_t arena_variables_end(const struct mem_region *region);

/* Pages that are to be there. 0, or -errno with a message. */
int arena_populate(struct mem_region *region, char *from, size_t size);

/* --- arena_record.c --- */

void *arena_record_place(const struct mem_region *region);
/* 0, or -ENOMEM with a message and nothing written. */
int arena_record_write(struct mem_region *region);

/* --- arena_adopt.c --- */

/* What is recorded in a mapped arena. 0; -ENOENT without a message if there is nothing. */
int arena_record_read(const struct mem_region *region, struct arena_record *record);

/* --- arena_share.c --- */

/*
 * Map region's arena over region->size bytes at region->base, prot as for mmap(2). over: the range
 * is a reservation of the region's own; else the range has to be free, or to be mapped by another
 * region for the same arena, which then shares it. Writable falls back to read-only for a frozen
 * arena that exists already (not over). Sets region->writable. -errno with a message.
 */
int arena_share_map(struct mem_region *region, int prot, bool over);

/* Give the mapping up; it stays as long as another region uses it. */
void arena_share_unmap(struct mem_region *region) PART;

/* Whether this process (not one that it was forked from) has the mapping. */
bool arena_is_present(const struct mem_region *region);

/* --- address_space.c --- */

/* What lies in a range of addresses, for a message: "7f00-7f10 r-xp /lib/x.so". */
void address_space_describe(const void *start, size_t size, char *text, size_t text_size);

/* Whether there is more in it than reserved addresses. false where /proc does not tell. */
bool address_space_in_use(const void *start, size_t size);

#endif /* LIBMEM_ARENA_H */
