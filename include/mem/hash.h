/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief A hash table that programs and applications fill, search and walk at the same time.
 *
 *     struct flow { __u32 from, to; };
 *     struct traffic { __u64 packets, bytes; };
 *     MEM_HASH(flows, struct flow, struct traffic)       in a header of both sides: the functions
 *
 *     MEM_ARENA_VAR struct mem_hash table;               in the program's source
 *     flows_create(&skel->arena->heap, &skel->arena->table, 100000);     in the application
 *
 *     flows_set(&heap, &table, &flow, &traffic, MEM_HASH_ANY);           on either side
 *     flows_find(&heap, &table, &flow, &traffic);
 *     flows_remove(&heap, &table, &flow);
 *     flows_at(&heap, &table, &flow)                     pointer to the value, to count in place
 *
 * What a table is in memory is in mem/hash_table.h: buckets of seven slots, with a tag of the key for each.
 *
 * Writers lock the bucket, which is bounded in programs (-ETIMEDOUT, -EDEADLK: see mem/lock.h). Readers
 * never wait and never write. A slot is written only while its tag is 0, and made visible by one store
 * of all seven tags, so a bucket is whole at every instant, even in the middle of a change by a writer
 * that was stopped or killed. Readers only have to notice that another change began while they read: by
 * the lock's count. Values of one word (8 bytes, or 4 where keys are of 4-byte words) are replaced in place
 * by one store; longer ones in a new slot, with one store of the tags for the old and the new. Where those two
 * slots are not of the same seven, the count goes on between the one store and the other.
 *
 * Memory reclamation. Readers may hold on to slots that are removed and used again. What they rely on is
 * that slots stay slots: memory of a table goes back to the heap in destroy() only, and what was read is
 * kept if the bucket's count did not change. That needs no registration of readers, so a reader may be
 * killed, or be an NMI, or have the arena mapped read-only; epochs and hazard pointers would make
 * every writer depend on all of that, and cost each read a full barrier. The price: readers copy
 * values out, and a table that has grown keeps its smaller predecessors, together less than itself.
 *
 * Growing (application): a second table of twice the size is filled bucket by bucket: one bucket becomes
 * two neighbours. A bucket that has moved says so; both sides go on meanwhile, writers wait for at most
 * one bucket.
 *
 * What a killed application leaves: at most one bucket locked, which the next application that wants
 * it takes over and puts in order. Programs get -ETIMEDOUT for changes there until then; searches work.
 */
#ifndef MEM_HASH_H
#define MEM_HASH_H

#include <mem/hash_change.h>
#include <mem/hash_find.h>
#include <mem/hash_quick.h>
#include <mem/hash_table.h>
#include <mem/hash_walk.h>

#ifndef __bpf__
#include <mem/hash_app.h>
#endif

/** @cond */
#ifdef __cplusplus
#define MEM__CHECK(condition, text) static_assert(condition, text)
#else
#define MEM__CHECK(condition, text) _Static_assert(condition, text)
#endif
/** @endcond */

/**
 * Define the functions of a hash table from one type to another, both of whole 4-byte words without
 * padding: NAME_find(), NAME_at(), NAME_set(), NAME_remove() and NAME_next(), and for applications
 * NAME_create(), NAME_destroy(), NAME_grow(), NAME_check(). In programs, each is checked by the verifier once.
 *
 *     int NAME_find(heap, hash, const key_type *key, value_type *value)
 *             0, or -ENOENT; -EAGAIN the bucket changed eight times meanwhile; -EINVAL no table; -ESTALE a
 *             table of another layout, or of other types
 *     int NAME_set(heap, hash, const key_type *key, const value_type *value, flags)
 *             0; -EEXIST, -ENOENT as flags ask; -ENOMEM, -ENOSPC no room: grow it; -EINVAL, -ESTALE as
 *             above; what mem_lock() says
 *     int NAME_remove(heap, hash, const key_type *key)
 *             0, or -ENOENT; -EINVAL, -ESTALE as above; what mem_lock() says
 *     value_type __arena *NAME_at(heap, hash, const key_type *key)
 *             where the value is, or NULL. For counting in place with mem_add(). It stays the key's until
 *             somebody removes it, sets it (unless it is one word, see above), or the table grows.
 *     int NAME_next(heap, hash, struct mem_hash_cursor *cursor, key_type *key, value_type *value)
 *             a walk, from a cursor that is zero, as mem_hash_next() says: 1 an element, 0 the end; -EINVAL
 *             no table; -ESTALE as above; -EAGAIN (program) many empty buckets: again, with the same cursor.
 *             What is found may be removed at once.
 */
#define MEM_HASH(name, key_type, value_type)                                                       \
	MEM__CHECK(sizeof(key_type) % 4 == 0 && sizeof(value_type) % 4 == 0,                       \
		   #name ": keys and values must be of whole 4-byte words");                       \
	MEM__PROGRAM int name##__find(mem__handle v, mem__hash_ref h, const key_type *key,         \
				      value_type *value)                                           \
	{                                                                                          \
		unsigned int slot, table;                                                          \
		int err;                                                                           \
                                                                                                   \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		err = mem__hash_check(mem__hash_of(h), &k, &table);                                \
		if (err)                                                                           \
			return err;                                                                \
		return mem__quick_find(mem__bucket(mem__handle_view(v), table, &k), &k,            \
				       value, &slot);                                              \
	}                                                                                          \
	MEM__PROGRAM int name##__find_slowly(mem__handle v, mem__hash_ref h, const key_type *key,  \
					     value_type *value)                                    \
	{                                                                                          \
		unsigned int where = 0;                                                            \
                                                                                                   \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		return mem__hash_find(mem__handle_view(v), mem__hash_of(h), &k, value, &where);    \
	}                                                                                          \
	MEM__PROGRAM unsigned long long name##__at(mem__handle v, mem__hash_ref h,                 \
						   const key_type *key)                            \
	{                                                                                          \
		struct mem_bucket __arena *b;                                                      \
		unsigned int slot, table;                                                          \
		int err;                                                                           \
                                                                                                   \
		if (!key)                                                                          \
			return 0;                                                                  \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		if (mem__hash_check(mem__hash_of(h), &k, &table))                                  \
			return 0;                                                                  \
		b = mem__bucket(mem__handle_view(v), table, &k);                                   \
		err = mem__quick_find(b, &k, NULL, &slot);                                         \
		if (err)                                                                           \
			return err == MEM__DETOUR;                                                 \
		return (unsigned long long)mem_at(                                                 \
			char, h, mem_low(mem__slot_of(b, slot, &k) + k.at));                       \
	}                                                                                          \
	MEM__PROGRAM unsigned long long name##__at_slowly(mem__handle v, mem__hash_ref h,          \
							  const key_type *key)                     \
	{                                                                                          \
		unsigned int where = 0;                                                            \
                                                                                                   \
		if (!key)                                                                          \
			return 0;                                                                  \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		if (mem__hash_find(mem__handle_view(v), mem__hash_of(h), &k, NULL, &where))        \
			return 0;                                                                  \
		return (unsigned long long)mem_at(char, h, where);                                 \
	}                                                                                          \
	MEM__PROGRAM int name##__set(mem__handle v, mem__hash_ref h, const key_type *key,          \
				     const value_type *value, unsigned int flags)                  \
	{                                                                                          \
		unsigned int table;                                                                \
		int err;                                                                           \
                                                                                                   \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		err = mem__hash_check(mem__hash_of(h), &k, &table);                                \
		if (err)                                                                           \
			return err;                                                                \
		return mem__quick_set(mem__bucket(mem__handle_view(v), table, &k), &k,             \
				      value, flags);                                               \
	}                                                                                          \
	MEM__PROGRAM int name##__set_slowly(mem__handle v, mem__hash_ref h, const key_type *key,   \
					    const value_type *value, unsigned int flags)           \
	{                                                                                          \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		return mem__hash_set(mem__handle_view(v), mem__hash_of(h), &k, value, flags);      \
	}                                                                                          \
	MEM__PROGRAM int name##__remove(mem__handle v, mem__hash_ref h, const key_type *key)       \
	{                                                                                          \
		unsigned int table;                                                                \
		int err;                                                                           \
                                                                                                   \
		if (!key)                                                                          \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		err = mem__hash_check(mem__hash_of(h), &k, &table);                                \
		if (err)                                                                           \
			return err;                                                                \
		return mem__quick_remove(mem__bucket(mem__handle_view(v), table, &k),              \
					 &k);                                                      \
	}                                                                                          \
	MEM__PROGRAM int name##__remove_slowly(mem__handle v, mem__hash_ref h,                     \
					       const key_type *key)                                \
	{                                                                                          \
		if (!key)                                                                          \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		return mem__hash_remove(mem__handle_view(v), mem__hash_of(h), &k);                 \
	}                                                                                          \
	MEM_INLINE int name##_find(struct mem_heap __arena *heap, struct mem_hash __arena *hash,   \
				   const key_type *key, value_type *value)                         \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		int err = -MEM_EINVAL;                                                             \
                                                                                                   \
		if (mem__is_view(v) && mem__given(hash))                                           \
			err = name##__find(mem__view_handle(v), mem__hash_to(hash), key, value);   \
		if (err == MEM__DETOUR)                                                            \
			err = name##__find_slowly(mem__view_handle(v), mem__hash_to(hash), key,    \
						  value);                                          \
		return err;                                                                        \
	}                                                                                          \
	MEM_INLINE value_type __arena *name##_at(struct mem_heap __arena *heap,                    \
						 struct mem_hash __arena *hash,                    \
						 const key_type *key)                              \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		unsigned long long p = 0;                                                          \
                                                                                                   \
		if (mem__is_view(v) && mem__given(hash))                                           \
			p = name##__at(mem__view_handle(v), mem__hash_to(hash), key);              \
		if (p == MEM__DETOUR)                                                              \
			p = name##__at_slowly(mem__view_handle(v), mem__hash_to(hash), key);       \
		return (value_type __arena *)p;                                                    \
	}                                                                                          \
	MEM_INLINE int name##_set(struct mem_heap __arena *heap, struct mem_hash __arena *hash,    \
				  const key_type *key, const value_type *value,                    \
				  unsigned int flags)                                              \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		int err = -MEM_EINVAL;                                                             \
                                                                                                   \
		if (mem__is_view(v) && mem__given(hash))                                           \
			err = name##__set(mem__view_handle(v), mem__hash_to(hash), key, value,     \
					  flags);                                                  \
		if (err == MEM__DETOUR)                                                            \
			err = name##__set_slowly(mem__view_handle(v), mem__hash_to(hash), key,     \
						 value, flags);                                    \
		return err;                                                                        \
	}                                                                                          \
	MEM_INLINE int name##_remove(struct mem_heap __arena *heap, struct mem_hash __arena *hash, \
				     const key_type *key)                                          \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		int err = -MEM_EINVAL;                                                             \
                                                                                                   \
		if (mem__is_view(v) && mem__given(hash))                                           \
			err = name##__remove(mem__view_handle(v), mem__hash_to(hash), key);        \
		if (err == MEM__DETOUR)                                                            \
			err = name##__remove_slowly(mem__view_handle(v), mem__hash_to(hash), key); \
		return err;                                                                        \
	}                                                                                          \
	MEM__HASH_APP(name, key_type, value_type)

/** @cond */
#ifdef __bpf__
typedef unsigned long long mem__hash_ref;
#define mem__hash_of(ref) ((struct mem_hash __arena *)(ref))
#define mem__hash_to(hash) ((unsigned long long)(hash))
/* A walk; the application's is in the library. */
#define MEM__HASH_APP(name, key_type, value_type)                                                  \
	MEM__PROGRAM int name##__next(mem__handle v, mem__hash_ref h, struct mem_hash_cursor *cursor, \
				      key_type *key, value_type *value)                            \
	{                                                                                          \
		struct mem__key k = {NULL, 0, sizeof(*key), sizeof(*value),                        \
				     MEM__WIDE(key_type, value_type), MEM__AT(key_type, value_type)}; \
                                                                                                   \
		if (!cursor || !key || !value)                                                     \
			return -MEM_EINVAL;                                                        \
		return mem__hash_next(mem__handle_view(v), mem__hash_of(h), &k, cursor, key, value); \
	}                                                                                          \
	MEM_INLINE int name##_next(struct mem_heap __arena *heap, struct mem_hash __arena *hash,   \
				   struct mem_hash_cursor *cursor, key_type *key,                  \
				   value_type *value)                                              \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
                                                                                                   \
		if (!mem__is_view(v))                                                              \
			return -MEM_EINVAL;                                                        \
		return name##__next(mem__view_handle(v), mem__hash_to(hash), cursor, key, value);  \
	}
#else
typedef struct mem_hash *mem__hash_ref;
#define mem__hash_of(ref) (ref)
#define mem__hash_to(hash) (hash)
#endif
/** @endcond */

#endif /* MEM_HASH_H */
