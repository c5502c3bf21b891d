/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads as owners of memory that outlives them. */
#ifndef LIBMEM_THREAD_H
#define LIBMEM_THREAD_H

#include <stdint.h>

/*
 * The calling thread: its id, and when it started << 32, so that a later thread with the same id is
 * another one. Reads /proc.
 */
uint64_t thread_owner(void);

/* Whether that thread may still run. */
int thread_owner_lives(uint64_t owner);

#endif /* LIBMEM_THREAD_H */
