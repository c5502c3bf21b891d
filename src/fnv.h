/* SPDX-License-Identifier: BSD-2-Clause */
/* FNV-1a of 64 bits: hashes that pins and records of arenas keep, so its results never change. */
#ifndef LIBMEM_FNV_H
#define LIBMEM_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_START 0xcbf29ce484222325ULL

/* The hash of what gave hash (FNV_START: nothing), followed by size bytes of data. */
static inline uint64_t fnv_add(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ULL;
	return hash;
}

#endif /* LIBMEM_FNV_H */
