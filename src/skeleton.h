/* SPDX-License-Identifier: BSD-2-Clause */
/* The members of generated structs. */
#ifndef LIBMEM_SKELETON_H
#define LIBMEM_SKELETON_H

#include "object.h"

struct mem_object *skeleton_object(const void *skel, const struct mem_skeleton_layout *layout);

/* Links of a struct: one for each program, then one for each struct_ops map. NULL: not attached. */
uint32_t skeleton_link_count(const struct mem_object *obj);
struct mem_link *skeleton_link(const void *skel, const struct mem_skeleton_layout *layout, uint32_t i);
void skeleton_link_set(void *skel, const struct mem_skeleton_layout *layout, uint32_t i,
		       const struct mem_link *link);

/* The struct_ops map that a link behind those of programs is for. */
const struct mem_map *skeleton_link_map(const struct mem_object *obj, uint32_t link);

#endif /* LIBMEM_SKELETON_H */
