/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parts of the library that a static program has only if it uses them.
 *
 * The entry points of a part are weak, and NULL in a program that neither calls its mem_..._use() nor any
 * other function of it. Generated headers call the mem_..._use() of what their object needs;
 * mem_object_open(), which takes any image, calls them all. Parts that are in libmem-parts.so are called
 * through src/shared/.
 */
#ifndef LIBMEM_PARTS_H
#define LIBMEM_PARTS_H

#include "error.h"

/*
 * Hidden, or a library that has libmem.a without a part would have that of another one in the same process, be it
 * of another version. What libmem-parts.so takes from libmem.so can't be.
 */
#define PART	    __attribute__((weak, visibility("hidden")))
#define PART_SHARED __attribute__((weak))

/* What an object has ("arenas") needs a part that is not there. Returns -ENOSYS with a message. */
#define part_missing(object, what, use)                                                            \
	mem__error(ENOSYS, "%s: %s are not linked into this program: call " use "() in it", object, what)

#endif /* LIBMEM_PARTS_H */
