/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief What an application does with a hash table besides what programs do: make it, walk it, let it
 * grow. Included by mem/hash.h; MEM_HASH() makes typed forms of these functions.
 */
#ifndef MEM_HASH_APP_H
#define MEM_HASH_APP_H

#include <stddef.h>

#include <mem/alloc.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct mem_hash;
struct mem_hash_cursor;

/** What a table is of, as MEM_HASH() knows it. */
struct mem_hash_type {
	size_t sz;           /**< sizeof(struct mem_hash_type) */
	unsigned int key;    /**< bytes of a key */
	unsigned int value;  /**< bytes of a value */
	unsigned int wide;   /**< 1: both are of 8-byte words */
	unsigned int at;     /**< bytes from a key to its value */
};

/**
 * @brief Make a table: NAME_create(heap, hash, elements).
 * @param heap      of this process, with memory for it: elements * (key + value) * 4 / 3, and a half more
 * @param hash      zero, in the same arena
 * @param type      of keys and values
 * @param elements  that it has room for before NAME_grow() is of use
 * @return 0, or -EBUSY it is a table already, -EINVAL not a heap, or too large, -ENOMEM the heap has
 *         not enough populated memory
 */
int mem_hash_create(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type,
		    size_t elements);

/**
 * @brief Whether these functions are for a table: NAME_check(heap, hash). What others made, in a pinned arena, may be
 * of another version of libmem, or have keys or values of other sizes. All operations refuse it; this one says why.
 * @param heap  of this process
 * @param hash  in the same arena
 * @param type  of keys and values
 * @return 0; -EINVAL there is no table, or no heap; -ESTALE it has another layout or other types
 */
int mem_hash_check(struct mem_heap *heap, const struct mem_hash *hash, const struct mem_hash_type *type);

/**
 * @brief Free a table that no program and no thread uses any more: NAME_destroy(heap, hash).
 * @param heap  as given to mem_hash_create()
 * @param hash  zero afterwards, or before: no table; one of another layout or other types is left alone
 * @param type  as given to mem_hash_create()
 */
void mem_hash_destroy(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type);

/**
 * @brief Walk a table: NAME_next(heap, hash, cursor, key, value).
 *
 * Sees every element that is there all the time, once, and of the others some. One that is set meanwhile
 * to a value of more than a word changes its place: it may be seen twice, or not. Each key belongs to its
 * value. An element of a bucket that somebody writes to without a pause may be left out.
 *
 * @param heap    of this process
 * @param hash    a table
 * @param type    of keys and values
 * @param cursor  where the walk is; zero at first
 * @param key     receives the next key
 * @param value   receives its value
 * @return 1 an element, 0 the end, -EINVAL not a table; -ESTALE as mem_hash_check()
 */
int mem_hash_next(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type,
		  struct mem_hash_cursor *cursor, void *key, void *value);

/**
 * @brief Let a table grow to twice its size, while others use it: NAME_grow(heap, hash).
 *
 * Worth it when `overflows` is more than an eighth of the buckets, or NAME_set() found no room. One
 * that was killed in the middle is continued by the next.
 *
 * @param heap  of this process, with memory for it
 * @param hash  a table
 * @param type  of keys and values
 * @return 0, or -ENOMEM, -EINVAL not a table, or too large; -ESTALE as mem_hash_check(); what mem_lock() says if it
 *         is being grown, or somebody does not let go of a bucket: again
 */
int mem_hash_grow(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

/** @cond */
#define MEM__HASH_APP(name, key_type, value_type)                                                  \
	MEM_INLINE struct mem_hash_type name##__type(void)                                         \
	{                                                                                          \
		struct mem_hash_type type = {sizeof(type), sizeof(key_type), sizeof(value_type),   \
					     MEM__WIDE(key_type, value_type),                      \
					     MEM__AT(key_type, value_type)};                       \
		return type;                                                                       \
	}                                                                                          \
	MEM_INLINE int name##_create(struct mem_heap *heap, struct mem_hash *hash, size_t elements) \
	{                                                                                          \
		struct mem_hash_type type = name##__type();                                        \
		return mem_hash_create(heap, hash, &type, elements);                               \
	}                                                                                          \
	MEM_INLINE void name##_destroy(struct mem_heap *heap, struct mem_hash *hash)               \
	{                                                                                          \
		struct mem_hash_type type = name##__type();                                        \
		mem_hash_destroy(heap, hash, &type);                                               \
	}                                                                                          \
	MEM_INLINE int name##_check(struct mem_heap *heap, const struct mem_hash *hash)            \
	{                                                                                          \
		struct mem_hash_type type = name##__type();                                        \
		return mem_hash_check(heap, hash, &type);                                          \
	}                                                                                          \
	MEM_INLINE int name##_next(struct mem_heap *heap, struct mem_hash *hash,                   \
				   struct mem_hash_cursor *cursor, key_type *key,                  \
				   value_type *value)                                              \
	{                                                                                          \
		struct mem_hash_type type = name##__type();                                        \
		return mem_hash_next(heap, hash, &type, cursor, key, value);                       \
	}                                                                                          \
	MEM_INLINE int name##_grow(struct mem_heap *heap, struct mem_hash *hash)                   \
	{                                                                                          \
		struct mem_hash_type type = name##__type();                                        \
		return mem_hash_grow(heap, hash, &type);                                           \
	}
/** @endcond */

#endif /* MEM_HASH_APP_H */
