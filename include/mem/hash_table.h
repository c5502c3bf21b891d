/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief What a hash table is in memory: its buckets, where a key belongs, what is behind a bucket. For mem/hash.h.
 *
 * A table is an array of buckets, each with seven slots, in one piece:
 *
 *     bucket   | lock | 7 tags, a byte each, and flags | key value | key value | ... 7 times |
 *              8 bytes             8 bytes
 *
 * A value that has 8-byte members is at a multiple of 8, whatever the key, so that NAME_at() can be counted in.
 *
 * A tag is 0 (free slot) or 7 bits of the key's hash with the highest bit set, so that a search that
 * fails reads the first 16 bytes, and one that succeeds one slot besides. With keys and values of 8 bytes a
 * bucket is two cache lines, and what a search or a change wants is in the first one more often than not,
 * for slots are taken from there on. A bucket that is full gets seven more slots from the heap, up to
 * three times; a list of pointers to those is behind the buckets. Four of the flags say for which hashes, by
 * two bits, there is something, so that most searches that fail need not look. Memory per element at 76 % load:
 * 4 bytes and 1.3 slots.
 */
#ifndef MEM_HASH_TABLE_H
#define MEM_HASH_TABLE_H

#include <mem/alloc.h>

#ifndef MEM_TYPE_struct_mem_bucket
#define MEM_TYPE_struct_mem_bucket
/** The head of a bucket; seven slots follow. */
struct mem_bucket {
	struct mem_lock lock;    /**< covers those behind it, too; there: low address of the next one */
	unsigned long long tags; /**< a byte per slot, 0: free; then flags: more behind it, moved, what is behind */
};
#endif

#ifndef MEM_TYPE_struct_mem_hash_table
#define MEM_TYPE_struct_mem_hash_table
/** One size of a table. */
struct mem_hash_table {
	unsigned int count;   /**< buckets */
	unsigned int buckets; /**< low address; after them one low address for each of what is behind it */
	unsigned int next;    /**< low address of the table that this one moves to; 0: none */
	unsigned int older;   /**< low address of the table that this one came from; 0: none */
};
#endif

#ifndef MEM_TYPE_struct_mem_hash
#define MEM_TYPE_struct_mem_hash
/** A hash table: an arena variable, zero until NAME_create(). */
struct mem_hash {
	unsigned int shape;      /**< of layout, keys and values, see MEM_HASH_LAYOUT; 0: there is no table */
	unsigned int table;      /**< low address of the struct mem_hash_table */
	unsigned int key_size;   /**< bytes */
	unsigned int value_size; /**< bytes */
	unsigned int overflows;  /**< buckets that had to be added since it last grew */
	unsigned int pad;        /**< 0 */
	struct mem_lock grower;  /**< held while it grows */
};
#endif

/**
 * The layout that these headers give tables: everything that the file's beginning says, the hash function included. A
 * table tells its own in its `shape`, bits 24 and up; below are the sizes of keys and values. Each operation on either
 * side looks there first, so a table of another layout, or of a struct that has grown since, gives -ESTALE and
 * is not touched. NAME_check() says what is different.
 */
#ifndef MEM_HASH_LAYOUT
#define MEM_HASH_LAYOUT 1
#endif

#ifndef MEM_TYPE_enum_mem_hash_flags
#define MEM_TYPE_enum_mem_hash_flags
/** What NAME_set() may do. */
enum mem_hash_flags {
	MEM_HASH_ANY = 0,     /**< add or replace */
	MEM_HASH_NOEXIST = 1, /**< add; -EEXIST if it is there */
	MEM_HASH_EXIST = 2    /**< replace; -ENOENT if it isn't */
};
#endif

#ifndef MEM_TYPE_struct_mem_hash_cursor
#define MEM_TYPE_struct_mem_hash_cursor
/** Where a walk is; zero at its start. */
struct mem_hash_cursor {
	unsigned int table;  /**< low address of the table that the walk began in */
	unsigned int bucket; /**< number */
	unsigned int slot;   /**< number in the bucket and those behind it */
	unsigned int within; /**< which of those that the bucket was split into */
};
#endif

/** @cond */
#define MEM__PARTS 4 /* a bucket and those behind it */
#define MEM__SLOTS 7 /* of a bucket */
#define MEM__READS 100 /* of a slot, for a walk, while the bucket is written to */
#define MEM__ONES 0x0101010101010101ULL
#define MEM__HIGH 0x0080808080808080ULL /* of the tags; the eighth byte has flags */
#define MEM__MORE (1ULL << 56)
#define MEM__MOVED (1ULL << 57)
/* By two bits of the hash, which are the tag's, too: may it be behind the bucket? All four when it has moved. */
#define MEM__KINDS (15ULL << 60)
#define mem__kind(hash) (60 + ((hash) >> 29 & 3))
/* The highest bit of each free slot. */
#define MEM__FREE(tags) (~(tags) & MEM__HIGH)
/* The number of the first byte that has its highest bit in mask, which is not 0. */
#define MEM__FIRST(mask) \
	((unsigned int)((((mask) & -(mask)) >> 7) * 0x0001020304050607ULL >> 56))

/* A key with its hash, and what sizes there are: constants where it matters. */
struct mem__key {
	const void *key;
	unsigned long long hash;
	unsigned int size, value, wide;
	unsigned int at; /* bytes from the key to the value */
};

#define MEM__KEY(k, type, value_type)                                                              \
	{                                                                                          \
		k, mem__hash(k, sizeof(type), MEM__WIDE(type, value_type)), sizeof(type),          \
			sizeof(value_type), MEM__WIDE(type, value_type), MEM__AT(type, value_type)  \
	}
/* Where a value is behind its key: at a multiple of 8 if it wants to be, so that it can be counted in with mem_add(). */
#define MEM__AT(type, value_type)                                                                  \
	((unsigned int)(__alignof__(value_type) >= 8 ? (sizeof(type) + 7) & ~7UL : sizeof(type)))
#define MEM__WIDE(type, value_type)                                                                \
	(__alignof__(type) >= 8 && __alignof__(value_type) >= 8 && sizeof(type) % 8 == 0 &&        \
	 sizeof(value_type) % 8 == 0)

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
	unsigned long long hash = 0;
	unsigned int i;

	for (i = 0; wide && i < size / 8; i++) {
		hash = (hash ^ ((const unsigned long long *)key)[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	for (i = 0; !wide && i < size / 4; i++) {
		hash = (hash ^ ((const unsigned int *)key)[i]) * 0x9e3779b97f4a7c15ULL;
		hash ^= hash >> 32;
	}
	return hash * 0xbf58476d1ce4e5b9ULL;
}

/* struct mem_hash.shape of such a table. */
MEM_INLINE unsigned int mem__shape(const struct mem__key *k)
{
	unsigned int type = k->size / 4 * 4099 + k->value / 4 * 4 + (k->at != k->size) * 2U + k->wide;

	return (unsigned int)MEM_HASH_LAYOUT << 24 | (type & 0xffffff);
}

/* The first two members of a struct mem_hash, written and read as one, so that who sees the shape has the address. */
typedef unsigned long long __attribute__((may_alias)) mem__hash_head;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MEM__SHAPE_AT 0
#else
#define MEM__SHAPE_AT 32
#endif
#define mem__head(shape, table) \
	((mem__hash_head)(shape) << MEM__SHAPE_AT | (mem__hash_head)(table) << (32 - MEM__SHAPE_AT))
/* Programs need no acquire, a fence on some CPUs: what a loaded address leads to is loaded after it. */
#ifdef __bpf__
#define mem__head_load(h) mem_load((const mem__hash_head __arena *)(h))
#else
#define mem__head_load(h) mem_load_acquire((const mem__hash_head *)(h))
#endif

/*
 * Whether a table is what these functions are for: 0, and where its struct mem_hash_table is; -EINVAL there is none;
 * -ESTALE it is something else.
 */
MEM_INLINE int mem__hash_check(const struct mem_hash __arena *h, const struct mem__key *k, unsigned int *table)
{
	mem__hash_head head = mem__head_load(h);
	unsigned int shape = (unsigned int)(head >> MEM__SHAPE_AT);

	*table = (unsigned int)(head >> (32 - MEM__SHAPE_AT));
	return shape == mem__shape(k) ? 0 : shape ? -MEM_ESTALE : -MEM_EINVAL;
}

/* The bucket's number is made of the upper half, so the tag comes from the lower one. */
#define mem__tag(hash) (0x80 | ((hash) >> 24 & 0x7f))
/* The highest bit of each slot with this tag; after the first one there may be others in use besides. */
MEM_INLINE unsigned long long mem__matches(unsigned long long tags, unsigned long long hash)
{
	unsigned long long tag = mem__tag(hash), ones = MEM__ONES;

	mem__apart(tag);
	mem__apart(ones);
	return ((tags ^ tag * ones) - ones) & tags & MEM__HIGH;
}
/* The bucket of a hash among count: twice as many split each into two neighbours. */
#define mem__number(hash, count) \
	((unsigned int)(((hash) >> 32) * (count) >> 32))

/* A pointer that was read, if what it points to is inside the heap; NULL otherwise. */
#ifdef __bpf__
#define mem__part(v, type, low, bytes) ((void)(bytes), mem__ref(type, v, low))
#else
#define mem__part(v, type, low, bytes)                                                             \
	__extension__({                                                                            \
		unsigned int low_ = (low); /* once: it may change */                               \
		low_ && mem__inside(v, low_ >> 4, bytes) ? mem_at(type, mem__heap(v), low_) :      \
							   (type __arena *)NULL;                   \
	})
#endif

/* An address that was read and is not aligned. A program's access there does no harm. */
#ifdef __bpf__
#define mem__misaligned(low, to) 0
#else
#define mem__misaligned(low, to) ((low) % (to) != 0)
#endif

MEM_INLINE unsigned int mem__slot_size(const struct mem__key *k)
{
	return k->at + k->value;
}

/* Whether values are replaced where they are, by one store. */
#define mem__is_word(k) ((k)->value == ((k)->wide ? 8 : 4))

/* Bytes of a bucket with its slots: whole cache lines where they are not much more. */
MEM_INLINE unsigned int mem__bucket_size(const struct mem__key *k)
{
	unsigned int size = (unsigned int)sizeof(struct mem_bucket) + MEM__SLOTS * mem__slot_size(k);
	unsigned int lines = (size + 63) & ~63U;

	return lines - size <= size / 8 ? lines : (size + 15) & ~15U;
}

/* Where a search in a bucket stands. */
struct mem__place {
	struct mem_bucket __arena *main;      /* has the lock */
	struct mem_bucket __arena *part;      /* main, or one behind it */
	struct mem_hash_table __arena *table; /* that main is of */
	unsigned int number;                  /* of main in it */
	unsigned int slot;                    /* of part */
};

/* A table, if it is one. */
MEM_INLINE struct mem_hash_table __arena *mem__table(mem__view v, unsigned int low)
{
	return mem__misaligned(low, 16) ? NULL : mem__part(v, struct mem_hash_table, low, sizeof(struct mem_hash_table));
}

/* A bucket of a table. 0, or -EINVAL: it is damaged. */
MEM_INLINE int mem__place_bucket(mem__view v, struct mem_hash_table __arena *t, unsigned int number,
				 const struct mem__key *k, struct mem__place *at)
{
	unsigned int size = mem__bucket_size(k), low = mem_load(&t->buckets) + number * size;

	at->main = mem__misaligned(low, 16) ? NULL : mem__part(v, struct mem_bucket, low, size);
	at->part = at->main;
	at->table = t;
	at->number = number;
	return at->main ? 0 : -MEM_EINVAL;
}

/* The pointer to what is behind a bucket; NULL: damaged. */
MEM_INLINE unsigned int __arena *mem__place_link(mem__view v, const struct mem__key *k, const struct mem__place *at)
{
	unsigned int low = mem_load(&at->table->buckets) + at->number * 4;

	low += mem_load(&at->table->count) * mem__bucket_size(k);
	return mem__misaligned(low, 4) ? NULL : mem__part(v, unsigned int, low, 4);
}

/* The bucket of a key in a table. 0, or -EINVAL: none, or damaged. */
MEM_INLINE int mem__place_key(mem__view v, unsigned int low, const struct mem__key *k, struct mem__place *at)
{
	struct mem_hash_table __arena *t = mem__table(v, low);

	if (!t) { /* clang -O1 copies what it won't use, and the verifier wants that to be there */
		at->main = at->part = NULL;
		at->table = NULL;
		at->number = 0;
		return -MEM_EINVAL;
	}
	return mem__place_bucket(v, t, mem__number(k->hash, mem_load(&t->count)), k, at);
}

/* On to the next slots: 0, or -ENOENT. */
MEM_INLINE int mem__place_more(mem__view v, const struct mem__key *k, struct mem__place *at)
{
	unsigned int __arena *more;
	unsigned int low;

	if (at->part == at->main) {
		more = mem__place_link(v, k, at);
		low = more ? mem_load_acquire(more) : 0;
	} else {
		low = (unsigned int)mem_load_acquire(&at->part->lock.word);
	}
	at->part = mem__misaligned(low, 16) ? NULL : mem__part(v, struct mem_bucket, low, mem__bucket_size(k));
	return at->part ? 0 : -MEM_ENOENT;
}

/* The tags without that of a slot. */
#define mem__without(tags, slot) ((tags) & ~(0xffULL << 8 * (slot)))
#define mem__slot_of(part, slot, k) ((char __arena *)((part) + 1) + (slot) * mem__slot_size(k))
#define mem__slot(at, k) mem__slot_of((at)->part, (at)->slot, k)
/** @endcond */

#endif /* MEM_HASH_TABLE_H */
