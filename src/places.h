/* SPDX-License-Identifier: BSD-2-Clause */
/* Many places for one program: the functions whose names match a pattern. */
#ifndef LIBMEM_PLACES_H
#define LIBMEM_PLACES_H

#include <stdbool.h>
#include <stdint.h>

/* A growing list of addresses, file offsets, or pointers to names that it owns. */
struct places {
	const char *pattern;
	uint64_t *at;
	bool names; /* set by the caller: names of the kernel's own functions, whatever the kernel lists */
	uint32_t count, room;
	bool no_memory;
};

bool places_add(struct places *places, uint64_t at);

/* Sort, and leave one of each. */
void places_unique(struct places *places);

/* The functions of the kernel that can be probed: addresses, or names. 0, or -errno without a message. */
int places_of_kernel(struct places *places);

void places_free(struct places *places);

#endif /* LIBMEM_PLACES_H */
