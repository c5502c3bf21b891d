/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas lie where hardly any process has anything else. A test that wants them among other mappings takes
 * that place first.
 */
#ifndef SELFTESTS_APART_H
#define SELFTESTS_APART_H

#include <stdint.h>
#include <sys/mman.h>

#define APART_AT   (0x5501ULL << 32)
#define APART_SIZE (0x54ULL << 32)

/* Nothing but addresses; munmap(2) with APART_SIZE gives them back. */
static inline void *apart_take(void)
{
	return mmap((void *)(uintptr_t)APART_AT, APART_SIZE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
}

#endif /* SELFTESTS_APART_H */
