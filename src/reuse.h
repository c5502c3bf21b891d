/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps that an object takes on instead of making them. */
#ifndef LIBMEM_REUSE_H
#define LIBMEM_REUSE_H

#include "object.h"

/* LIBBPF_PIN_*, as maps rows have it. */
enum { MEM_PIN_NONE = 0, MEM_PIN_BY_NAME = 1 };

/* In the order of a map's life. 0, or -errno with a message. */
int reuse_set_default_path(struct mem_map *map, const char *folder) PART;
int reuse_find_pin(struct mem_map *map) PART;
int reuse_make_pin(struct mem_map *map) PART;

/*
 * Whether a map is what is declared; 0 as max_entries declares nothing. may_be_longer: variables may be
 * followed by more of them. 0 or -EINVAL with a message.
 */
int reuse_check(const struct mem_map *map, const struct bpf_map_info *info, bool may_be_longer,
		const char *who);

/* reuse_check() without a message. */
bool reuse_fits(const struct mem_map *map, const struct bpf_map_info *info);

/* fd, which is taken over, becomes the map's, and its memory the region's; on failure nothing changes. */
int reuse_take(struct mem_map *map, int fd, const char *who);

void reuse_undo_pins(struct mem_object *obj) PART;

#endif /* LIBMEM_REUSE_H */
