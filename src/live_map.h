/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps that exist already: finding one by descriptor, pin or id, and what the kernel says of it.
 * Nothing here trusts what it is given: a descriptor may be of anything.
 */
#ifndef LIBMEM_LIVE_MAP_H
#define LIBMEM_LIVE_MAP_H

#include <linux/bpf.h>
#include <mem/mem.h>
#include <stdbool.h>

/*
 * A descriptor of its own for the map that source names: close-on-exec, above stderr. -errno with a
 * message that starts with who.
 */
int live_map_open(const struct mem_source *source, const char *who);

/* What source names, for messages: "pin '/sys/fs/bpf/x'", "map id 12", "descriptor 5". */
void live_map_describe(const struct mem_source *source, char *text, size_t size);

/*
 * What the kernel knows of a map. -EINVAL with a message (after who) if fd is not a map's.
 * The kernel before 5.16 leaves map_extra at 0.
 */
int live_map_info(int fd, const char *who, struct bpf_map_info *info);

/* live_map_info() without a message. */
int live_map_peek(int fd, struct bpf_map_info *info);

/* Whether both are the same map. */
bool live_map_same(int fd, int other);

/* Whether fd was opened for reading only, so that the kernel maps it for nobody. */
bool live_map_fd_is_read_only(int fd);

/* Whether no application can write to the map, by fd or any other descriptor. */
bool live_map_is_frozen(int fd);

#endif /* LIBMEM_LIVE_MAP_H */
