/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is released all at once. An image is one pool; what the reader needs only while it
 * works is another.
 */
#ifndef READER_POOL_H
#define READER_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_chunk;

/* Zero-initialised is empty. */
struct pool {
	struct pool_chunk *chunks; /* newest first */
	char *next;		   /* free memory in the newest */
	size_t left;		   /* bytes at next */
};

/* count * size bytes, zeroed, aligned for any type. NULL if there is no memory; not for size 0. */
void *pool_alloc(struct pool *pool, size_t count, size_t size);

/* A copy of len characters and a NUL, or NULL. */
char *pool_text(struct pool *pool, const char *text, size_t len);

/* Release everything. The pool is empty afterwards. */
void pool_free(struct pool *pool);

/* A table that grows; its old contents stay in the pool until that is freed. */
struct rows {
	void *data;
	uint32_t count;	   /* rows in use */
	uint32_t capacity; /* rows */
};

/* Append n zeroed rows of a size and return the first; NULL if there is no memory. */
void *rows_add(struct pool *pool, struct rows *rows, uint32_t n, size_t row_size);

#endif /* READER_POOL_H */
