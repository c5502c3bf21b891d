/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processes use one set of blocks: one of them, which has the programs, pins in a folder
 *
 *     memory   task storage of pointers (uptr), the arena, or the array of blocks
 *     index    array: how programs find a thread's block
 *     self     the program mem_task_self
 *     layout   struct task_shared, and what is declared: frozen
 *
 * and the others open that. They need no programs, and no privilege but to open the pins: all that a
 * thread does to be registered is done with these descriptors. The layout is pinned last and has the
 * others' ids, so whoever comes while a set takes another one's place notices it.
 */
#ifndef LIBMEM_TASK_SHARE_H
#define LIBMEM_TASK_SHARE_H

#include <limits.h>

#include "task_registry.h"

#define TASK_SHARED_MAGIC 0x6b736174656d656dULL /* "memetask" */

struct task_shared {
	uint64_t magic;
	uint32_t size;       /* bytes of this struct */
	uint32_t kind;       /* as in struct task_back, from here on */
	uint32_t block_size;
	uint32_t count;
	uint64_t map_size;
	uint64_t base;       /* arena: its address; else 0 */
	uint32_t memory;     /* ids in the kernel */
	uint32_t index;      /* 0: there is none */
	uint32_t self;
	uint32_t used;       /* bytes of a block */
};

/* NULL with errno and a message: it is too long. */
const char *task_share_path(const char *folder, const char *name, char path[PATH_MAX]);
/* 0: there is none. */
uint32_t task_share_map_id(int fd);
uint32_t task_share_prog_id(int fd);

#endif /* LIBMEM_TASK_SHARE_H */
