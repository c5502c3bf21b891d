/* SPDX-License-Identifier: BSD-2-Clause */
/* The structs of blocks, as task_layout.c keeps them and task_layout_bytes.c passes them on. */
#ifndef LIBMEM_TASK_LAYOUT_H
#define LIBMEM_TASK_LAYOUT_H

#include "task.h"

struct task_field {
	char *name, *type;
	uint32_t offset, size; /* bits */
};

struct task_declared {
	struct task_declared *next;
	char *name;
	char *who;         /* whose description came first, for messages */
	uint32_t offset;   /* bytes from the start of a block */
	uint32_t size;     /* bytes; the largest that was declared */
	uint32_t room;     /* bytes until the next struct */
	uint32_t count;    /* fields */
	uint32_t shared;   /* of those, the first ones that other processes know; 0: none knows it */
	struct task_field *fields;
};

/* task_layout.c */

/* All of them, in no order. */
const struct task_declared *task_declared_first(void);
/* Take in what this process has in a struct that another one has declared. -EBUSY, -EINVAL with a message. */
int task_layout_meet(struct task_declared *d);
/* Have it in place of this process's own. */
void task_layout_add(struct task_declared *d);
void task_declared_free(struct task_declared *d);

/* task_layout_bytes.c */

/* What is declared, for another process. */
struct task_bytes {
	char *data;
	size_t size; /* bytes at data */
	size_t at;   /* read or written so far; more than size: there was no room for it */
};
void task_layout_write(struct task_bytes *bytes);
/* Take on what another process has declared; nothing is changed on failure. -EBUSY, -EINVAL. */
int task_layout_read(struct task_bytes *bytes, uint32_t block_size);
#endif /* LIBMEM_TASK_LAYOUT_H */
