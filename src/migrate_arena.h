/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas whose contents are of another version. */
#ifndef LIBMEM_MIGRATE_ARENA_H
#define LIBMEM_MIGRATE_ARENA_H

#include <linux/bpf.h>

#include "migrate.h"
#include "migrate_plan.h"

/* How to read a map of another layout. */
struct source_layout {
	void *btf; /* from the kernel; the plan refers to it */
	struct plan plan;
};

/*
 * Look into the arena that fd is. 0: it is what region declares, in size, variables and version.
 * 1: it is not, and *old is it, mapped read-only; region's own reservation gave way if it was there.
 * -errno with a message.
 */
int migrate_arena_open(struct mem_region *region, int fd, const struct bpf_map_info *info,
		       struct mem_region **old);

/* Let the application copy. 0, or -errno with a message. */
int migrate_arena_carry(struct mem_region *region, struct mem_region *old,
			const struct mem_migrate_opts *opts);

#endif /* LIBMEM_MIGRATE_ARENA_H */
