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
 * Layout. A table is an array of buckets, each with seven slots, in one piece:
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
	return (unsigned int)MEM_HASH_LAYOUT << 24 | ((k->size / 4 * 4099 + k->value / 4 * 4 + (k->at != k->size) * 2U + k->wide) & 0xffffff);
}

/* Whether a table is what these functions are for: 0; -EINVAL there is none; -ESTALE it is something else. */
MEM_INLINE int mem__hash_check(const struct mem_hash __arena *h, const struct mem__key *k)
{
	unsigned int shape = mem_load(&h->shape); /* of what was made before anybody else knew it */

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

/* Find the key in one part, whose tags are given: 1, and at->slot, or 0. */
MEM_INLINE int mem__search_part(const struct mem__key *k, struct mem__place *at, unsigned long long tags)
{
	unsigned long long match = mem__matches(tags, k->hash);
	int i;

	for (i = 0; i < MEM__SLOTS && match; i++) {
		at->slot = MEM__FIRST(match);
		if (mem__same(mem__slot(at, k), k->key, k->size, k->wide))
			return 1;
		match &= match - 1;
	}
	return 0;
}

/* Find the key in a bucket, whose tags are given, and those behind it. */
MEM_INLINE int mem__search(mem__view v, const struct mem__key *k, struct mem__place *at,
			   unsigned long long tags)
{
	int i;

	for (i = 0; i < MEM__PARTS; i++) {
		if (mem__search_part(k, at, tags))
			return 1;
		if (!(tags & MEM__MORE) || mem__place_more(v, k, at))
			return 0;
		tags = mem_load_acquire(&at->part->tags);
	}
	return 0;
}

/* 0: not a constant, since the verifier would follow rounds that are counted from there one by one. */
#define mem__first_round(h, k) (mem_load(&(h)->key_size) - (k)->size)

/* Copy a value, or with value NULL only find it: `where`, a low address. */
MEM_INLINE int mem__hash_find(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      void *value, unsigned int *where)
{
	unsigned int low = mem_load_acquire(&h->table), i;
	unsigned long long begun, tags;
	struct mem__place place, *at = &place;
	int found = mem__hash_check(h, k);

	if (found)
		return found;
	for (i = mem__first_round(h, k); i < 8 && mem_can_loop; i++) {
		if (mem__place_key(v, low, k, at))
			return -MEM_EINVAL;
		begun = mem_load_acquire(&at->main->lock.word);
		tags = mem_load_acquire(&at->main->tags);
		if (tags & MEM__MOVED) {
			low = mem_load(&at->table->next);
			continue;
		}
		found = mem__search(v, k, at, tags);
		if (found)
			*where = mem_low(mem__slot(at, k) + k->at);
		if (found && value)
			mem__copy_out(value, mem__ref(char, h, *where), k->value, k->wide);
		mem_acquire_fence();
		if (mem_load(&at->main->lock.word) >> 32 == begun >> 32)
			return found ? 0 : -MEM_ENOENT;
	}
	return -MEM_EAGAIN;
}

#ifndef __bpf__
/* Take a slot out of `two` that has the key of `one`, if both are in use. */
MEM_CALLED void mem__repair_slot(const struct mem__key *k, const struct mem__place *one,
				 const struct mem__place *two)
{
	unsigned long long tags = mem_load(&two->part->tags);

	if (mem_load(&one->part->tags) >> 8 * one->slot & tags >> 8 * two->slot & 0x80 &&
	    mem__same(mem__slot(one, k), mem__slot(two, k), k->size, k->wide))
		mem_store_release(&two->part->tags, mem__without(tags, two->slot));
}

/* A writer died in the middle of moving a value from one part to another: the key may be there twice. */
MEM_CALLED void mem__repair(mem__view v, const struct mem__key *k, struct mem__place at)
{
	struct mem__place one = at, two;

	for (int i = 0; i < MEM__PARTS; i++) {
		two = one;
		for (int j = i + 1; j < MEM__PARTS && !mem__place_more(v, k, &two); j++)
			for (one.slot = 0; one.slot < MEM__SLOTS; one.slot++)
				for (two.slot = 0; two.slot < MEM__SLOTS; two.slot++)
					mem__repair_slot(k, &one, &two);
		if (mem__place_more(v, k, &one))
			break;
	}
}
#endif

/* Lock the bucket that the key belongs into. */
MEM_INLINE int mem__hash_lock(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      struct mem__place *at)
{
	unsigned int low = mem_load_acquire(&h->table);
	int i, err = mem__hash_check(h, k);

	if (err)
		return err;
	for (i = 0; i < 8; i++) {
		if (mem__place_key(v, low, k, at))
			return -MEM_EINVAL;
		err = mem_lock(&at->main->lock);
		if (err < 0)
			return err;
#ifndef __bpf__
		if (err)
			mem__repair(v, k, *at);
#endif
		if (!(mem_load(&at->main->tags) & MEM__MOVED))
			return 0;
		mem_unlock(&at->main->lock);
		low = mem_load(&at->table->next);
	}
	return -MEM_EAGAIN;
}

/* Put another part behind the last one. */
MEM_INLINE int mem__part_add(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			     struct mem__place *at)
{
	struct mem_bucket __arena *part = at->part;
	unsigned int __arena *more = mem__place_link(v, k, at);
	struct mem_bucket __arena *added =
		(struct mem_bucket __arena *)mem__alloc(mem__heap(v), mem__bucket_size(k), MEM_SITE);

	if (!added)
		return -MEM_ENOMEM;
	mem_store(&added->lock.word, 0ULL);
	mem_store(&added->tags, 0ULL);
	if (part != at->main)
		mem_store(&part->lock.word, (unsigned long long)mem_low(added));
	else if (more)
		mem_store(more, mem_low(added));
	mem_store_release(&part->tags, mem_load(&part->tags) | MEM__MORE);
	mem_add(&h->overflows, 1U);
	at->part = added;
	at->slot = 0;
	return 0;
}

/* A free slot in a bucket or behind it; with a new part if need be. */
MEM_INLINE int mem__free_slot(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      struct mem__place *at)
{
	unsigned long long tags, zeros;
	int i;

	for (i = 0; i < MEM__PARTS; i++) {
		tags = mem_load(&at->part->tags);
		zeros = MEM__FREE(tags);
		if (zeros) {
			at->slot = MEM__FIRST(zeros);
			return 0;
		}
		if (!(tags & MEM__MORE))
			break;
		if (mem__place_more(v, k, at))
			return -MEM_EINVAL;
	}
	return i >= MEM__PARTS - 1 ? -MEM_ENOSPC : mem__part_add(v, h, k, at);
}

/* The flags of the kinds of tags that are behind a bucket. */
MEM_INLINE unsigned long long mem__kinds(mem__view v, const struct mem__key *k, struct mem__place at)
{
	unsigned long long tags = mem_load(&at.main->tags), kinds = 0;
	int i, slot;

	at.part = at.main;
	for (i = 1; i < MEM__PARTS && tags & MEM__MORE && !mem__place_more(v, k, &at); i++) {
		tags = mem_load(&at.part->tags);
		for (slot = 0; slot < MEM__SLOTS; slot++)
			kinds |= (tags >> (8 * slot + 7) & 1) << (60 + (tags >> (8 * slot + 5) & 3));
	}
	return kinds;
}

/* Take an element out of a bucket that is locked. */
MEM_INLINE void mem__take_out(mem__view v, const struct mem__key *k, const struct mem__place *at)
{
	mem_store_release(&at->part->tags, mem__without(mem_load(&at->part->tags), at->slot));
	if (at->part != at->main)
		mem_store_release(&at->main->tags,
				  (mem_load(&at->main->tags) & ~MEM__KINDS) | mem__kinds(v, k, *at));
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
	mem__copy_in(mem__slot(at, k) + k->at, value, k->value, k->wide);
	tags = mem_load(&at->part->tags) | mem__tag(k->hash) << 8 * at->slot;
	if (old && old->part == at->part)
		tags = mem__without(tags, old->slot);
	if (at->part != at->main)
		mem_store_release(&at->main->tags,
				  mem_load(&at->main->tags) | 1ULL << mem__kind(k->hash));
	mem_store_release(&at->part->tags, tags);
	if (old && old->part != at->part) {
		/* who has seen this part without it, and will see the other one so, has to notice */
		mem_store_release(&at->main->lock.word, mem_load(&at->main->lock.word) + (1ULL << 32));
		mem__take_out(v, k, old);
	}
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
	found = mem__search(v, k, &old, mem_load(&old.main->tags));
	if (found && flags & MEM_HASH_NOEXIST)
		err = -MEM_EEXIST;
	else if (!found && flags & MEM_HASH_EXIST)
		err = -MEM_ENOENT;
	else if (found && mem__is_word(k))
		mem__copy_in(mem__slot(&old, k) + k->at, value, k->value, k->wide);
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
	if (mem__search(v, k, &old, mem_load(&old.main->tags)))
		mem__take_out(v, k, &old);
	else
		err = -MEM_ENOENT;
	mem_unlock(&at.main->lock);
	return err;
}

/*
 * What goes without a detour: a bucket that nobody works on, that has not moved, and whose first seven slots
 * say all there is to say. Each returns 1 where that is not so, and has done nothing then. Few instructions
 * are worth the repetition: the CPU starts on the next search while this one waits for memory.
 */
#define MEM__DETOUR 1

/* A pointer that a program need not look at: what has a shape has tables and buckets. */
#ifdef __bpf__
#define mem__is_there(p) ((p) ? 1 : (__builtin_unreachable(), 0))
#else
#define mem__is_there(p) ((p) != NULL)
#endif

/* The bucket of a key in a table that mem__hash_check() has passed; NULL: it is damaged. */
MEM_INLINE struct mem_bucket __arena *mem__bucket(mem__view v, struct mem_hash __arena *h, const struct mem__key *k)
{
	struct mem_hash_table __arena *t = mem__table(v, mem_load_acquire(&h->table));
	unsigned int low;

	if (!mem__is_there(t))
		return NULL;
	low = mem_load(&t->buckets) + mem__number(k->hash, mem_load(&t->count)) * mem__bucket_size(k);
	return mem__misaligned(low, 16) ? NULL : mem__part(v, struct mem_bucket, low, mem__bucket_size(k));
}

/* The slot with the key: 0; -ENOENT; or 1. */
MEM_INLINE int mem__bucket_search(struct mem_bucket __arena *b, const struct mem__key *k,
				  unsigned long long tags, unsigned int *slot)
{
	unsigned long long match = mem__matches(tags, k->hash);

	if (!match)
		return tags >> mem__kind(k->hash) & 1 ? MEM__DETOUR : -MEM_ENOENT;
	*slot = MEM__FIRST(match);
	if (!mem__same(mem__slot_of(b, *slot, k), k->key, k->size, k->wide))
		return MEM__DETOUR;
	return tags & MEM__MOVED ? MEM__DETOUR : 0;
}

/* Whether nobody has locked a bucket since this word of its lock was read. */
MEM_INLINE int mem__bucket_same(struct mem_bucket __arena *b, unsigned long long word)
{
	mem_acquire_fence();
	return mem_load(&b->lock.word) >> 32 == word >> 32;
}

/* Copy a value, or with value NULL only find it, in this slot. */
MEM_INLINE int mem__quick_find(struct mem_bucket __arena *b, const struct mem__key *k, void *value,
			       unsigned int *slot)
{
	unsigned long long begun;
	int err;

	if (!mem__is_there(b))
		return -MEM_EINVAL;
	begun = mem_load_acquire(&b->lock.word);
	err = mem__bucket_search(b, k, mem_load_acquire(&b->tags), slot);
	if (!err && value)
		mem__copy_out(value, mem__slot_of(b, *slot, k) + k->at, k->value, k->wide);
	return mem__bucket_same(b, begun) ? err : MEM__DETOUR;
}

/* Lock a bucket that nobody has locked since this word of its lock was read: 1; 0 somebody has. */
MEM_INLINE int mem__bucket_lock(struct mem_bucket __arena *b, unsigned long long word, unsigned int self)
{
	return mem_cas(&b->lock.word, word, word + (1ULL << 32) + self) == word;
}

#define mem__bucket_unlock(b, word) mem_store_release(&(b)->lock.word, (word) + (1ULL << 32))

/*
 * Changes. What was read of a bucket before it was locked is still so afterwards, if the word of its lock is. Who
 * locks it is asked for first: a call in the middle has a program put its registers aside, and fetch them back around
 * the one instruction that waits for both.
 */
MEM_INLINE int mem__quick_set(struct mem_bucket __arena *b, const struct mem__key *k, const void *value,
			      unsigned int flags)
{
	unsigned int self = mem__lock_self(), slot, old;
	unsigned long long word, tags, zeros;
	int err;

	if (!mem__is_there(b))
		return -MEM_EINVAL;
	word = mem_load_acquire(&b->lock.word);
	if ((unsigned int)word)
		return MEM__DETOUR;
	tags = mem_load_acquire(&b->tags);
	err = mem__bucket_search(b, k, tags, &old);
	if (err == MEM__DETOUR)
		return err;
	if (flags & (err ? MEM_HASH_EXIST : MEM_HASH_NOEXIST))
		return !mem__bucket_same(b, word) ? MEM__DETOUR : err ? err : -MEM_EEXIST;
	if (!err && mem__is_word(k)) {
		if (!mem__bucket_lock(b, word, self))
			return MEM__DETOUR;
		mem__copy_in(mem__slot_of(b, old, k) + k->at, value, k->value, k->wide);
	} else {
		zeros = MEM__FREE(tags);
		slot = MEM__FIRST(zeros);
		if (!zeros || !mem__bucket_lock(b, word, self))
			return MEM__DETOUR;
		mem__copy_in(mem__slot_of(b, slot, k), k->key, k->size, k->wide);
		mem__copy_in(mem__slot_of(b, slot, k) + k->at, value, k->value, k->wide);
		if (!err)
			tags = mem__without(tags, old);
		mem_store_release(&b->tags, tags | mem__tag(k->hash) << 8 * slot);
	}
	mem__bucket_unlock(b, word);
	return 0;
}

MEM_INLINE int mem__quick_remove(struct mem_bucket __arena *b, const struct mem__key *k)
{
	unsigned int self = mem__lock_self(), slot;
	unsigned long long word, tags;
	int err;

	if (!mem__is_there(b))
		return -MEM_EINVAL;
	word = mem_load_acquire(&b->lock.word);
	if ((unsigned int)word)
		return MEM__DETOUR;
	tags = mem_load_acquire(&b->tags);
	err = mem__bucket_search(b, k, tags, &slot);
	if (err)
		return mem__bucket_same(b, word) ? err : MEM__DETOUR;
	if (!mem__bucket_lock(b, word, self))
		return MEM__DETOUR;
	mem_store_release(&b->tags, mem__without(tags, slot));
	mem__bucket_unlock(b, word);
	return 0;
}

/*
 * Where a walk is: a bucket of the table that it began in, and, when that has moved, which of the
 * buckets that it was split into. `within` plus 1 is the way there in binary: 1, then 0 or 1 for the
 * left or right half of each split. So a walk goes on in order whatever the tables say.
 */
MEM_INLINE int mem__cursor_place(mem__view v, const struct mem__key *k, struct mem_hash_cursor *cursor,
				 struct mem__place *at)
{
	struct mem_hash_table __arena *table = mem__table(v, cursor->table), *next;
	unsigned int way = cursor->within + 1, number = cursor->bucket, splits;

	at->main = at->part = NULL; /* see mem__place_key() */
	at->table = NULL;
	at->number = at->slot = 0;
	if (!way || !table)
		return -MEM_EINVAL;
	for (splits = 31 - (unsigned int)__builtin_clz(way); mem_can_loop; splits--) {
		if (number >= mem_load(&table->count) || mem__place_bucket(v, table, number, k, at))
			return -MEM_EINVAL;
		if (!splits && !(mem_load_acquire(&at->main->tags) & MEM__MOVED))
			return 0;
		next = mem__table(v, mem_load_acquire(&table->next));
		if (!splits && cursor->slot)
			return 0; /* it moved while it was walked: what was there still is */
		if (!next || mem_load(&next->count) != (unsigned long long)mem_load(&table->count) * 2)
			return -MEM_EINVAL;
		if (!splits) {
			splits = 1;
			cursor->within = way * 2 - 1;
			way *= 2;
		}
		number = number * 2 + (way >> (splits - 1) % 32 & 1);
		table = next;
	}
	return -MEM_EAGAIN;
}

/* On to the next bucket: 0 there is none. */
MEM_INLINE int mem__cursor_step(mem__view v, struct mem_hash_cursor *cursor)
{
	struct mem_hash_table __arena *table = mem__table(v, cursor->table);
	unsigned int way = cursor->within + 1, i;

	cursor->slot = 0;
	for (i = 0; i < 32 && way > 1 && way & 1; i++)
		way /= 2;
	cursor->within = way > 1 ? way : 0; /* way + 1, minus 1 */
	if (way <= 1)
		cursor->bucket++;
	return table && cursor->bucket < mem_load(&table->count);
}

/* The element at the cursor: 1; 0 there is none; 2 no more slots. */
MEM_INLINE int mem__cursor_read(mem__view v, const struct mem__key *k, const struct mem_hash_cursor *cursor,
				struct mem__place at, void *key, void *value)
{
	unsigned int slot = cursor->slot;
	int i;

	for (i = 1; i < MEM__PARTS && slot >= MEM__SLOTS; i++, slot -= MEM__SLOTS)
		if (!(mem_load_acquire(&at.part->tags) & MEM__MORE) || mem__place_more(v, k, &at))
			return 2;
	if (slot >= MEM__SLOTS)
		return 2;
	at.slot = slot;
	if (!(mem_load_acquire(&at.part->tags) >> 8 * slot & 0x80))
		return 0;
	mem__copy_out(key, mem__slot(&at, k), k->size, k->wide);
	mem__copy_out(value, mem__slot(&at, k) + k->at, k->value, k->wide);
	return 1;
}

/* One bucket, from the cursor on. 1 an element, 0 it has no more. */
MEM_INLINE int mem__cursor_bucket(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
				  struct mem_hash_cursor *cursor, const struct mem__place *at, void *key, void *value)
{
	unsigned int tries = mem__first_round(h, k);
	unsigned long long begun;
	int found;

	while (cursor->slot < MEM__SLOTS * MEM__PARTS && mem_can_loop) {
		begun = mem_load_acquire(&at->main->lock.word);
		found = mem__cursor_read(v, k, cursor, *at, key, value);
		if (!mem__bucket_same(at->main, begun)) {
			if (tries++ < MEM__READS)
				continue;
			found = 0; /* given up: what was read may be of two elements */
		}
		if (found == 2)
			break;
		cursor->slot++;
		if (found)
			return 1;
		tries = mem__first_round(h, k);
	}
	return 0;
}

MEM_INLINE int mem__hash_next(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      struct mem_hash_cursor *cursor, void *key, void *value)
{
	struct mem__place at;
	int err = mem__hash_check(h, k);

	if (err)
		return err;
	if (!cursor->table)
		cursor->table = mem_load_acquire(&h->table);
	do {
		err = mem__cursor_place(v, k, cursor, &at);
		if (err)
			return err;
		if (mem__cursor_bucket(v, h, k, cursor, &at, key, value))
			return 1;
		if (!mem__cursor_step(v, cursor))
			return 0;
	} while (mem_can_loop);
	return -MEM_EAGAIN;
}
/** @endcond */

#ifndef __bpf__
#include <mem/hash_app.h>
#endif

/** @cond */
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
		unsigned int slot;                                                                 \
		int err;                                                                           \
                                                                                                   \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		err = mem__hash_check(mem__hash_of(h), &k);                                        \
		if (err)                                                                           \
			return err;                                                                \
		return mem__quick_find(mem__bucket(mem__handle_view(v), mem__hash_of(h), &k), &k,  \
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
		unsigned int slot;                                                                 \
		int err;                                                                           \
                                                                                                   \
		if (!key)                                                                          \
			return 0;                                                                  \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		if (mem__hash_check(mem__hash_of(h), &k))                                          \
			return 0;                                                                  \
		b = mem__bucket(mem__handle_view(v), mem__hash_of(h), &k);                         \
		err = mem__quick_find(b, &k, NULL, &slot);                                         \
		if (err)                                                                           \
			return err == MEM__DETOUR;                                                 \
		return (unsigned long long)mem_at(                                                 \
			char, h, mem_low(mem__slot_of(b, slot, &k) + k.at));                     \
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
		int err;                                                                           \
                                                                                                   \
		if (!key || !value)                                                                \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		err = mem__hash_check(mem__hash_of(h), &k);                                        \
		if (err)                                                                           \
			return err;                                                                \
		return mem__quick_set(mem__bucket(mem__handle_view(v), mem__hash_of(h), &k), &k,   \
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
		int err;                                                                           \
                                                                                                   \
		if (!key)                                                                          \
			return -MEM_EINVAL;                                                        \
		struct mem__key k = MEM__KEY(key, key_type, value_type);                           \
		err = mem__hash_check(mem__hash_of(h), &k);                                        \
		if (err)                                                                           \
			return err;                                                                \
		return mem__quick_remove(mem__bucket(mem__handle_view(v), mem__hash_of(h), &k),    \
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
