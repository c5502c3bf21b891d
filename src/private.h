/* SPDX-License-Identifier: BSD-2-Clause */
/* What libmem-elf uses of libmem beyond the public headers (version node LIBMEM_PRIVATE). */
#ifndef LIBMEM_PRIVATE_H
#define LIBMEM_PRIVATE_H

#include <mem/mem.h>

#include "error.h"

#pragma GCC visibility push(default)

/* From now on mem_object_close() releases the image, last of all. */
void mem__object_own_image(struct mem_object *obj, struct mem_image *image,
			   void (*release)(struct mem_image *));

#pragma GCC visibility pop

#endif /* LIBMEM_PRIVATE_H */
