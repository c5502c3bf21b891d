/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an object needs from a kernel: which version has all that it uses, as far as the object
 * itself says so. Programs that are not loaded unless asked for ('?') and weak externs don't count.
 */
#ifndef MEMGEN_NEEDS_H
#define MEMGEN_NEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "reader/pool.h"

/* One feature, and who is the first to use it. */
struct need {
	uint32_t major, minor; /* version of Linux that has it first */
	const char *feature;
	const char *user; /* name of a map, a program, a function or an extern */
};

struct needs {
	struct pool *pool;
	struct rows rows;       /* struct need: the newest first, each feature once */
	const char *kernel_btf; /* who looks something up in the kernel's BTF; NULL: nobody */
	bool failed;            /* no memory */
};

/* 0 or -ENOMEM. */
int needs_find(struct needs *needs, const struct image_view *view, struct pool *pool);

#endif /* MEMGEN_NEEDS_H */
