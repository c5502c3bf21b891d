/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to a region of which more is known than its map. */
#ifndef LIBMEM_REGION_ATTACH_H
#define LIBMEM_REGION_ATTACH_H

#include <mem/mem.h>

/* mem_region_attach() with a descriptor of the map's BTF, which stays the caller's; -1: none. */
struct mem_region *region_attach_typed(const struct mem_image *image, const char *name,
				       struct mem_source source, const struct mem_attach_opts *opts,
				       int btf_fd);

#endif /* LIBMEM_REGION_ATTACH_H */
