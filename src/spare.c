/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pieces are handed out in a row. They are not taken back one by one: when none is in use any more, all of it is
 * free again.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "spare.h"

#define SPARE_SIZE 3584 /* bytes; with the other variables, less than a page */
#define ALIGNMENT  16
#define ONE_PIECE  (1U << 16)

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
static const bool heap_only = true; /* it looks for what is not freed, or used afterwards, in the heap */
#else
static const bool heap_only;
#endif

static char spare[SPARE_SIZE] __attribute__((aligned(ALIGNMENT)));
static uint32_t state; /* low half: bytes handed out; high half: pieces in use */

void *spare_calloc(size_t count, size_t size)
{
	uint32_t was = __atomic_load_n(&state, __ATOMIC_RELAXED), is;
	size_t bytes;

	if (heap_only || __builtin_mul_overflow(count, size, &bytes) || bytes > SPARE_SIZE)
		return calloc(count, size);
	bytes = bytes ? (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : ALIGNMENT;
	do {
		if ((was % ONE_PIECE) + bytes > SPARE_SIZE)
			return calloc(count, size);
		is = was + ONE_PIECE + (uint32_t)bytes;
	} while (!__atomic_compare_exchange_n(&state, &was, is, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return memset(spare + was % ONE_PIECE, 0, bytes);
}

void spare_free(void *memory)
{
	uint32_t was = __atomic_load_n(&state, __ATOMIC_RELAXED), is;

	if ((uintptr_t)memory - (uintptr_t)spare >= SPARE_SIZE) {
		free(memory);
		return;
	}
	do {
		is = was - ONE_PIECE;
		if (is < ONE_PIECE)
			is = 0;
	} while (!__atomic_compare_exchange_n(&state, &was, is, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}
