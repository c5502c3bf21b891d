/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Option structs that grow: sz says how much of one the application knew. Members it did not know
 * are zero; members it knew and this library does not must be.
 */
#ifndef LIBMEM_OPTS_H
#define LIBMEM_OPTS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

static inline bool opts_valid(const char *opts, size_t user_size, size_t our_size, const char *type)
{
	if (!opts)
		return true;
	if (user_size < sizeof(size_t)) {
		mem__error(EINVAL, "struct %s: sz is %zu; set it to sizeof(struct %s)", type, user_size,
			   type);
		return false;
	}
	for (size_t i = our_size; i < user_size; i++) {
		if (opts[i]) {
			mem__error(ENOTSUP, "struct %s: a member at byte %zu needs a newer libmem than %s",
				   type, i, mem_version());
			return false;
		}
	}
	return true;
}

#define OPTS_VALID(opts, type)                                                                     \
	opts_valid((const char *)(opts), (opts) ? (opts)->sz : 0, sizeof(struct type), #type)

/* Whether the application's struct has the member. */
#define OPTS_HAS(opts, member)                                                                     \
	((opts) &&                                                                                 \
	 offsetof(__typeof__(*(opts)), member) + sizeof((opts)->member) <= (opts)->sz)

#define OPTS_GET(opts, member, otherwise) (OPTS_HAS(opts, member) ? (opts)->member : (otherwise))

#define OPTS_SET(opts, member, value)                                                              \
	do {                                                                                       \
		if (OPTS_HAS(opts, member))                                                        \
			(opts)->member = (value);                                                  \
	} while (0)

#endif /* LIBMEM_OPTS_H */
