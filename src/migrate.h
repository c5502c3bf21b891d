/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps whose contents move into another layout. The functions are called for maps that have a
 * migration only, and not linked into a static program that sets none.
 */
#ifndef LIBMEM_MIGRATE_H
#define LIBMEM_MIGRATE_H

#include <linux/bpf.h>
#include <mem/migrate.h>

#include "object.h"
#include "parts.h"

/*
 * What is at the pin path, *fd, against what the map declares. 0: take it on. 1: *fd is kept for the
 * map that is made instead. -errno with a message, and *fd closed.
 */
int migrate_meet(struct mem_map *map, int *fd, const char *who) PART;

/* Whether an old map waits for its contents to be carried over. */
bool migrate_pending(const struct mem_map *map) PART;

/* Carry them over and put the new map's pin in the place of the old one's. 0 or -errno with a message. */
int migrate_swap(struct mem_map *map) PART;

/* The object failed: the old map back to the path. */
void migrate_undo(struct mem_map *map) PART;

/* It got through: the old map is no longer needed. */
void migrate_settle(struct mem_map *map) PART;

void migrate_free(struct mem_map *map) PART;

#endif /* LIBMEM_MIGRATE_H */
