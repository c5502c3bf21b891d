/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define CHUNK_SIZE 16384 /* bytes; larger requests get a chunk of their own size */
#define ALIGNMENT  16	 /* bytes */

struct pool_chunk {
	struct pool_chunk *next;
	_Alignas(ALIGNMENT) char data[];
};

static struct pool_chunk *chunk_new(struct pool *pool, size_t size)
{
	struct pool_chunk *chunk;

	if (size > SIZE_MAX - sizeof(*chunk))
		return NULL;
	chunk = calloc(1, sizeof(*chunk) + size);
	if (chunk) {
		chunk->next = pool->chunks;
		pool->chunks = chunk;
	}
	return chunk;
}

void *pool_alloc(struct pool *pool, size_t count, size_t size)
{
	struct pool_chunk *chunk;
	char *data;

	if (size && count > (SIZE_MAX - ALIGNMENT) / size)
		return NULL;
	size = (count * size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (!size)
		size = ALIGNMENT;
	if (size > pool->left) {
		/* what is left of the newest chunk stays in use when this one is for itself */
		if (size > CHUNK_SIZE / 4) {
			chunk = chunk_new(pool, size);
			return chunk ? chunk->data : NULL;
		}
		chunk = chunk_new(pool, CHUNK_SIZE);
		if (!chunk)
			return NULL;
		pool->next = chunk->data;
		pool->left = CHUNK_SIZE;
	}
	data = pool->next;
	pool->next += size;
	pool->left -= size;
	return data;
}

char *pool_text(struct pool *pool, const char *text, size_t len)
{
	char *copy = pool_alloc(pool, len + 1, 1);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

void pool_free(struct pool *pool)
{
	struct pool_chunk *chunk = pool->chunks, *next;

	memset(pool, 0, sizeof(*pool)); /* the pool may be in one of its own chunks */
	for (; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
}

void *rows_add(struct pool *pool, struct rows *rows, uint32_t n, size_t row_size)
{
	uint32_t capacity = rows->capacity;
	char *data = rows->data;

	if (n > UINT32_MAX / 2 - rows->count)
		return NULL;
	if (n > capacity - rows->count) {
		capacity = capacity ? capacity * 2 : 16;
		if (capacity < rows->count + n)
			capacity = rows->count + n;
		data = pool_alloc(pool, capacity, row_size);
		if (!data)
			return NULL;
		if (rows->count)
			memcpy(data, rows->data, rows->count * row_size);
		rows->data = data;
		rows->capacity = capacity;
	}
	data += rows->count * row_size;
	rows->count += n;
	return data;
}
