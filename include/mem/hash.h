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
 * Layout. A table is an array of buckets of 32 bytes and an array of slots, eight to a bucket:
 *
 *     bucket   | lock | 8 tags, a byte each | more | moved |      slot   | key | value |
 *
 * A tag is 0 (free slot) or 7 bits of the key's hash with the highest bit set, so that a search that
 * fails reads one bucket and no slot, and one that succeeds reads one slot. A bucket that is full gets
 * another eight slots from the heap (`more`), up to three times. Memory per element at 76 % load: 5 bytes
 * and 1.3 slots.
 *
 * Writers lock the bucket, which is bounded in programs (-ETIMEDOUT, -EDEADLK: see mem/lock.h). Readers
 * never wait and never write. A slot is written only while its tag is 0, and made visible by one store
 * of all eight tags, so a bucket is whole at every instant, even in the middle of a change by a writer
 * that was stopped or killed. Readers only have to notice that another change began while they read: by
 * the lock's count. Values of 8 bytes are replaced in place by one store; longer ones in a new slot,
 * with one store of the tags for the old and the new.
 *
 * Memory reclamation. Readers may hold on to slots that are removed and used again. What they rely on is
 * that slots stay slots: memory of a table goes back to the heap in destroy() only, and what was read is
 * kept if the bucket's count did not change. That needs no registration of readers, so a reader may be
 * killed, or be an NMI, or have the arena mapped read-only; epochs and hazard pointers would make
 * every writer depend on all of that, and cost each read a full barrier. The price: readers copy
 * values out, and a table that has grown keeps its smaller predecessors, together less than itself.
 *
 * Growing (application): a second table of twice the size is filled bucket by bucket. A bucket that
 * has moved says so; both sides go on meanwhile, writers wait for at most one bucket.
 *
 * What a killed application leaves: at most one bucket locked, which the next application that wants
 * it takes over and puts in order. Programs get -ETIMEDOUT for changes there until then; searches work.
 */
#ifndef MEM_HASH_H
#define MEM_HASH_H

#include <mem/alloc.h>

#ifndef MEM_TYPE_struct_mem_bucket
#define MEM_TYPE_struct_mem_bucket
/** Eight slots of a table. */
struct mem_bucket {
	struct mem_lock lock;    /**< of a table's bucket: covers those behind it, too */
	unsigned long long tags; /**< one byte per slot, 0: free */
	unsigned int more;       /**< low address of the next eight: a bucket with its slots; 0: none */
	unsigned int moved;      /**< 1: everything is in the next table */
	unsigned int pad[2];     /**< 0 */
};
#endif

#ifndef MEM_TYPE_struct_mem_hash_table
#define MEM_TYPE_struct_mem_hash_table
/** One size of a table. */
struct mem_hash_table {
	unsigned int mask;    /**< buckets - 1: a power of two - 1 */
	unsigned int buckets; /**< low address */
	unsigned int slots;   /**< low address */
	unsigned int next;    /**< low address of the table that this one moves to; 0: none */
	unsigned int older;   /**< low address of the table that this one came from; 0: none */
	unsigned int pad[3];  /**< 0 */
};
#endif

#ifndef MEM_TYPE_struct_mem_hash
#define MEM_TYPE_struct_mem_hash
/** A hash table: an arena variable, zero until NAME_create(). */
struct mem_hash {
	unsigned int table;      /**< low address of the struct mem_hash_table; 0: there is none */
	unsigned int key_size;   /**< bytes */
	unsigned int value_size; /**< bytes */
	unsigned int overflows;  /**< buckets that had to be added since it last grew */
	struct mem_lock grower;  /**< held while it grows */
};
#endif

/** What NAME_set() may do. */
enum mem_hash_flags {
	MEM_HASH_ANY = 0,     /**< add or replace */
	MEM_HASH_NOEXIST = 1, /**< add; -EEXIST if it is there */
	MEM_HASH_EXIST = 2    /**< replace; -ENOENT if it isn't */
};

/** Where a walk is; zero at its start. */
struct mem_hash_cursor {
	unsigned int table;  /**< low address of the table walked */
	unsigned int bucket; /**< number */
	unsigned int slot;   /**< number in the bucket and those behind it */
	unsigned int pad;    /**< 0 */
};

/** @cond */
#define MEM__PARTS 4 /* a bucket and those behind it */
#define MEM__ONES 0x0101010101010101ULL
#define MEM__HIGH 0x8080808080808080ULL
/* The highest bit of every byte that is 0; of bytes after the first one there may be more. */
#define MEM__ZEROS(x) (((x) - MEM__ONES) & ~(x) & MEM__HIGH)
/* The number of the first byte that has its highest bit in mask, which is not 0. */
#define MEM__FIRST(mask) \
	((unsigned int)((((mask) & -(mask)) >> 7) * 0x0001020304050607ULL >> 56))

/* A key with its hash, and what sizes there are: constants where it matters. */
struct mem__key {
	const void *key;
	unsigned long long hash;
	unsigned int size, value, wide;
};

#define mem__words(k, bytes) ((bytes) / ((k)->wide ? 8 : 4))

MEM_INLINE void mem__copy_in(void __arena *to, const void *from, unsigned int size, unsigned int wide)
{
	unsigned int i;

	for (i = 0; wide && i < size / 8; i++)
		mem_store((unsigned long long __arena *)to + i, ((const unsigned long long *)from)[i]);
	for (i = 0; !wide && i < size / 4; i++)
		mem_store((unsigned int __arena *)to + i, ((const unsigned int *)from)[i]);
}

MEM_INLINE void mem__copy_out(void *to, const void __arena *from, unsigned int size, unsigned int wide)
{
	unsigned int i;

	for (i = 0; wide && i < size / 8; i++)
		((unsigned long long *)to)[i] = mem_load((const unsigned long long __arena *)from + i);
	for (i = 0; !wide && i < size / 4; i++)
		((unsigned int *)to)[i] = mem_load((const unsigned int __arena *)from + i);
}

MEM_INLINE int mem__same(const void __arena *a, const void *b, unsigned int size, unsigned int wide)
{
	unsigned long long differ = 0;
	unsigned int i;

	for (i = 0; wide && i < size / 8; i++)
		differ |= mem_load((const unsigned long long __arena *)a + i) ^
			  ((const unsigned long long *)b)[i];
	for (i = 0; !wide && i < size / 4; i++)
		differ |= mem_load((const unsigned int __arena *)a + i) ^ ((const unsigned int *)b)[i];
	return !differ;
}

MEM_INLINE unsigned long long mem__hash(const void *key, unsigned int size, unsigned int wide)
{
	unsigned long long hash = size;
	unsigned int i;

	for (i = 0; wide && i < size / 8; i++) {
		hash = (hash ^ ((const unsigned long long *)key)[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	for (i = 0; !wide && i < size / 4; i++) {
		hash = (hash ^ ((const unsigned int *)key)[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ULL;
}

#define mem__tag(hash) (0x80 | ((hash) >> 57))
#define mem__number(hash) ((unsigned int)((hash) >> 20))

/* A pointer that was read, if what it points to is inside the heap; NULL otherwise. */
#define mem__part(v, type, low, bytes)                                                             \
	__extension__({                                                                            \
		unsigned int low_ = (low); /* once: it may change */                               \
		low_ && mem__inside(v, low_ >> 4, bytes) ? mem_at(type, mem__heap(v), low_) :      \
							   (type __arena *)NULL;                   \
	})

MEM_INLINE unsigned int mem__slot_size(const struct mem__key *k)
{
	return k->size + k->value;
}

/* Where a search in a bucket stands. */
struct mem__place {
	struct mem_bucket __arena *main;  /* has the lock */
	struct mem_bucket __arena *part;  /* main, or one behind it */
	char __arena *slots;              /* of part */
	unsigned int slot;
};

/* The bucket of a hash in a table. 0, or -EINVAL: none, or damaged. */
MEM_INLINE int mem__place(mem__view v, unsigned int low, unsigned int number, const struct mem__key *k,
			  struct mem__place *at)
{
	struct mem_hash_table __arena *t = mem__part(v, struct mem_hash_table, low, sizeof(*t));
	unsigned int bucket, slots, size = mem__slot_size(k) * 8;

	if (!t)
		return -MEM_EINVAL;
	number &= mem_load(&t->mask);
	bucket = mem_load(&t->buckets) + number * (unsigned int)sizeof(struct mem_bucket);
	slots = mem_load(&t->slots) + number * size;
	at->main = mem__part(v, struct mem_bucket, bucket, sizeof(struct mem_bucket));
	at->slots = mem__part(v, char, slots, size);
	at->part = at->main;
	return at->main && at->slots && !((bucket | slots) & 15) ? 0 : -MEM_EINVAL;
}

/* On to the next eight slots: 0, or -ENOENT. */
MEM_INLINE int mem__place_more(mem__view v, const struct mem__key *k, struct mem__place *at)
{
	unsigned int low = mem_load_acquire(&at->part->more);
	unsigned int size = (unsigned int)sizeof(struct mem_bucket) + mem__slot_size(k) * 8;

	at->part = mem__part(v, struct mem_bucket, low & ~15U, size);
	if (!at->part)
		return -MEM_ENOENT;
	at->slots = (char __arena *)(at->part + 1);
	return 0;
}

#define mem__slot(at, k) ((at)->slots + (at)->slot * mem__slot_size(k))

/* Find the key in one part: 1, and at->slot, or 0. */
MEM_INLINE int mem__search_part(const struct mem__key *k, struct mem__place *at)
{
	unsigned long long tags = mem_load_acquire(&at->part->tags);
	unsigned long long match = tags ^ mem__tag(k->hash) * MEM__ONES;
	int i;

	match = MEM__ZEROS(match);
	for (i = 0; i < 8 && match; i++) {
		at->slot = MEM__FIRST(match);
		if (mem__same(mem__slot(at, k), k->key, k->size, k->wide))
			return 1;
		match &= match - 1;
	}
	return 0;
}

/* Find the key in a bucket and those behind it. */
MEM_INLINE int mem__search(mem__view v, const struct mem__key *k, struct mem__place *at)
{
	int i;

	for (i = 0; i < MEM__PARTS; i++) {
		if (mem__search_part(k, at))
			return 1;
		if (!mem_load(&at->part->more) || mem__place_more(v, k, at))
			return 0;
	}
	return 0;
}

/* Copy a value, or with value NULL only find it; at says where. */
MEM_INLINE int mem__hash_find(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      void *value, struct mem__place *at)
{
	unsigned int low = mem_load_acquire(&h->table);
	unsigned long long begun;
	int i, found;

	for (i = 0; i < 8; i++) {
		if (mem__place(v, low, mem__number(k->hash), k, at))
			return -MEM_EINVAL;
		begun = mem_load_acquire(&at->main->lock.word);
		if (mem_load_acquire(&at->main->moved)) {
			low = mem_load(&mem_at(struct mem_hash_table, h, low)->next);
			continue;
		}
		found = mem__search(v, k, at);
		if (found && value)
			mem__copy_out(value, mem__slot(at, k) + k->size, k->value, k->wide);
		mem_acquire_fence();
		if (mem_load(&at->main->lock.word) >> 32 == begun >> 32)
			return found ? 0 : -MEM_ENOENT;
	}
	return -MEM_EAGAIN;
}

#ifndef __bpf__
/* A writer died in the middle of moving a value from one part to another: the key may be there twice. */
MEM_CALLED void mem__repair(mem__view v, const struct mem__key *k, struct mem__place at)
{
	struct mem__place seen = at, other;

	for (int i = 0; i < MEM__PARTS; i++) {
		other = seen;
		for (int j = i; j < MEM__PARTS; j++) {
			if (j > i && mem__place_more(v, k, &other))
				break;
			for (unsigned int a = 0; a < 8; a++)
				for (unsigned int b = j > i ? 0 : a + 1; b < 8; b++) {
					unsigned long long tags = mem_load(&other.part->tags);
					const char *one = seen.slots + a * mem__slot_size(k);
					const char *two = other.slots + b * mem__slot_size(k);

					if (mem_load(&seen.part->tags) >> 8 * a & 0x80 &&
					    tags >> 8 * b & 0x80 && !__builtin_memcmp(one, two, k->size))
						mem_store_release(&other.part->tags,
								  tags & ~(0xffULL << 8 * b));
				}
		}
		if (mem__place_more(v, k, &seen))
			break;
	}
}
#endif

/* Lock the bucket that the key belongs into. */
MEM_INLINE int mem__hash_lock(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      struct mem__place *at)
{
	unsigned int low = mem_load_acquire(&h->table);
	int i, err;

	for (i = 0; i < 8; i++) {
		if (mem__place(v, low, mem__number(k->hash), k, at))
			return -MEM_EINVAL;
		err = mem_lock(&at->main->lock);
		if (err < 0)
			return err;
#ifndef __bpf__
		if (err)
			mem__repair(v, k, *at);
#endif
		if (!mem_load(&at->main->moved))
			return 0;
		mem_unlock(&at->main->lock);
		low = mem_load(&mem_at(struct mem_hash_table, h, low)->next);
	}
	return -MEM_EAGAIN;
}

/* A free slot in a bucket or behind it; with a new one if need be. */
MEM_INLINE int mem__free_slot(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      struct mem__place *at)
{
	struct mem_bucket __arena *more;
	unsigned long long zeros;
	int i;

	for (i = 0; i < MEM__PARTS; i++) {
		zeros = mem_load(&at->part->tags);
		zeros = MEM__ZEROS(zeros);
		if (zeros) {
			at->slot = MEM__FIRST(zeros);
			return 0;
		}
		if (!mem_load(&at->part->more))
			break;
		if (mem__place_more(v, k, at))
			return -MEM_EINVAL;
	}
	if (i >= MEM__PARTS - 1)
		return -MEM_ENOSPC;
	more = (struct mem_bucket __arena *)mem__alloc(mem__heap(v), sizeof(*more) + mem__slot_size(k) * 8,
						       MEM_SITE);
	if (!more)
		return -MEM_ENOMEM;
	mem_store(&more->lock.word, 0ULL);
	mem_store(&more->tags, 0ULL);
	mem_store(&more->more, 0U);
	mem_store(&more->moved, 0U);
	mem_store_release(&at->part->more, mem_low(more));
	mem_add(&h->overflows, 1U);
	at->part = more;
	at->slots = (char __arena *)(more + 1);
	at->slot = 0;
	return 0;
}

/* Put key and value into a bucket that is locked. old: where the key is now, or NULL. */
MEM_INLINE int mem__hash_put(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			     const void *value, struct mem__place *at, struct mem__place *old)
{
	unsigned long long tags;
	int err = mem__free_slot(v, h, k, at);

	if (err)
		return err;
	mem__copy_in(mem__slot(at, k), k->key, k->size, k->wide);
	mem__copy_in(mem__slot(at, k) + k->size, value, k->value, k->wide);
	tags = mem_load(&at->part->tags) | mem__tag(k->hash) << 8 * at->slot;
	if (old && old->part == at->part)
		tags &= ~(0xffULL << 8 * old->slot);
	mem_store_release(&at->part->tags, tags);
	if (old && old->part != at->part)
		mem_store_release(&old->part->tags,
				  mem_load(&old->part->tags) & ~(0xffULL << 8 * old->slot));
	return 0;
}

MEM_INLINE int mem__hash_set(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			     const void *value, unsigned int flags)
{
	struct mem__place at, old, first;
	int err = mem__hash_lock(v, h, k, &at), found;

	if (err)
		return err;
	first = old = at;
	found = mem__search(v, k, &old);
	if (found && flags & MEM_HASH_NOEXIST)
		err = -MEM_EEXIST;
	else if (!found && flags & MEM_HASH_EXIST)
		err = -MEM_ENOENT;
	else if (found && k->value == 8 && k->wide)
		mem__copy_in(mem__slot(&old, k) + k->size, value, 8, 1);
	else
		err = mem__hash_put(v, h, k, value, &at, found ? &old : NULL);
	mem_unlock(&first.main->lock);
	return err;
}

MEM_INLINE int mem__hash_remove(mem__view v, struct mem_hash __arena *h, const struct mem__key *k)
{
	struct mem__place at, old;
	int err = mem__hash_lock(v, h, k, &at);

	if (err)
		return err;
	old = at;
	if (mem__search(v, k, &old))
		mem_store_release(&old.part->tags,
				  mem_load(&old.part->tags) & ~(0xffULL << 8 * old.slot));
	else
		err = -MEM_ENOENT;
	mem_unlock(&at.main->lock);
	return err;
}
/** @endcond */

#ifndef __bpf__
#include <mem/hash_app.h>
#endif

/** @cond */
#define MEM__KEY(k, type, value_type)                                                              \
	{                                                                                          \
		k, mem__hash(k, sizeof(type), MEM__WIDE(type, value_type)), sizeof(type),          \
			sizeof(value_type), MEM__WIDE(type, value_type)                            \
	}
#define MEM__WIDE(type, value_type)                                                                \
	(__alignof__(type) >= 8 && __alignof__(value_type) >= 8 && sizeof(type) % 8 == 0 &&        \
	 sizeof(value_type) % 8 == 0)
#ifdef __cplusplus
#define MEM__CHECK(condition, text) static_assert(condition, text)
#else
#define MEM__CHECK(condition, text) _Static_assert(condition, text)
#endif
/** @endcond */

/**
 * Define the functions of a hash table from one type to another, both of whole 4-byte words without
 * padding: NAME_find(), NAME_at(), NAME_set() and NAME_remove(), and for applications NAME_create(),
 * NAME_destroy(), NAME_next(), NAME_grow(). In programs, each is checked by the verifier once.
 *
 *     int NAME_find(heap, hash, const key_type *key, value_type *value)
 *             0, or -ENOENT; -EAGAIN the bucket changed eight times meanwhile; -EINVAL no table
 *     int NAME_set(heap, hash, const key_type *key, const value_type *value, flags)
 *             0; -EEXIST, -ENOENT as flags ask; -ENOMEM, -ENOSPC no room: grow it; what mem_lock() says
 *     int NAME_remove(heap, hash, const key_type *key)
 *             0, or -ENOENT; what mem_lock() says
 *     value_type __arena *NAME_at(heap, hash, const key_type *key)
 *             where the value is, or NULL. For counting in place with mem_add(). It stays the key's until
 *             somebody removes it, sets it (unless it has 8 bytes), or the table grows.
 */
#define MEM_HASH(name, key_type, value_type)                                                       \
	MEM__CHECK(sizeof(key_type) % 4 == 0 && sizeof(value_type) % 4 == 0,                       \
		   #name ": keys and values must be of whole 4-byte words");                       \
	MEM__PROGRAM int name##__find(mem__handle v, mem__hash_ref h, const key_type *key,         \
				      value_type *value)                                           \
	{                                                                                          \
		struct mem__place at;                                                              \
                                                                                                   \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		return mem__hash_find(mem__handle_view(v), mem__hash_of(h), &k, value, &at);       \
	}                                                                                          \
	MEM__PROGRAM unsigned long long name##__at(mem__handle v, mem__hash_ref h,                 \
						   const key_type *key)                            \
	{                                                                                          \
		struct mem__place at;                                                              \
                                                                                                   \
		if (!key)                                                                          \
			return 0;                                                                  \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		if (mem__hash_find(mem__handle_view(v), mem__hash_of(h), &k, NULL, &at))           \
			return 0;                                                                  \
		return (unsigned long long)(mem__slot(&at, &k) + k.size);                          \
	}                                                                                          \
	MEM__PROGRAM int name##__set(mem__handle v, mem__hash_ref h, const key_type *key,          \
				     const value_type *value, unsigned int flags)                  \
	{                                                                                          \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		return mem__hash_set(mem__handle_view(v), mem__hash_of(h), &k, value, flags);      \
	}                                                                                          \
	MEM__PROGRAM int name##__remove(mem__handle v, mem__hash_ref h, const key_type *key)       \
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
		return mem__is_view(v) ? name##__find(mem__view_handle(v), mem__hash_to(hash),     \
						      key, value)                                  \
				       : -MEM_EINVAL;                                              \
	}                                                                                          \
	MEM_INLINE value_type __arena *name##_at(struct mem_heap __arena *heap,                    \
						 struct mem_hash __arena *hash,                    \
						 const key_type *key)                              \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		return (value_type __arena *)(mem__is_view(v) ? name##__at(mem__view_handle(v),    \
									   mem__hash_to(hash), key) \
							      : 0);                                \
	}                                                                                          \
	MEM_INLINE int name##_set(struct mem_heap __arena *heap, struct mem_hash __arena *hash,    \
				  const key_type *key, const value_type *value,                    \
				  unsigned int flags)                                              \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		return mem__is_view(v) ? name##__set(mem__view_handle(v), mem__hash_to(hash), key, \
						     value, flags)                                 \
				       : -MEM_EINVAL;                                              \
	}                                                                                          \
	MEM_INLINE int name##_remove(struct mem_heap __arena *heap, struct mem_hash __arena *hash, \
				     const key_type *key)                                          \
	{                                                                                          \
		mem__view v = mem__view_of(heap);                                                  \
		return mem__is_view(v) ? name##__remove(mem__view_handle(v), mem__hash_to(hash),   \
							key)                                       \
				       : -MEM_EINVAL;                                              \
	}                                                                                          \
	MEM__HASH_APP(name, key_type, value_type)

/** @cond */
#ifdef __bpf__
typedef unsigned long long mem__hash_ref;
#define mem__hash_of(ref) ((struct mem_hash __arena *)(ref))
#define mem__hash_to(hash) ((unsigned long long)(hash))
#define MEM__HASH_APP(name, key_type, value_type)
#else
typedef struct mem_hash *mem__hash_ref;
#define mem__hash_of(ref) (ref)
#define mem__hash_to(hash) (hash)
#endif
/** @endcond */

#endif /* MEM_HASH_H */
