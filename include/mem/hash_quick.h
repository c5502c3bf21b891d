/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief What goes without a detour in a hash table. For mem/hash.h.
 *
 * That is a bucket that nobody works on, that has not moved, and whose first seven slots say all there is to say.
 * Each function returns MEM__DETOUR where that is not so, and has done nothing then: mem/hash_find.h and
 * mem/hash_change.h do the rest. Few instructions are worth the repetition: the CPU starts on the next search while
 * this one waits for memory.
 */
#ifndef MEM_HASH_QUICK_H
#define MEM_HASH_QUICK_H

#include <mem/hash_find.h>

/** @cond */
#define MEM__DETOUR 1 /* no errno, and no address */

/* A pointer that a program need not look at: what has a shape has tables and buckets. */
#ifdef __bpf__
#define mem__is_there(p) ((p) ? 1 : (__builtin_unreachable(), 0))
#else
#define mem__is_there(p) ((p) != NULL)
#endif

/* The bucket of a key in the table that mem__hash_check() has told; NULL: it is damaged. */
MEM_INLINE struct mem_bucket __arena *mem__bucket(mem__view v, unsigned int table, const struct mem__key *k)
{
	struct mem_hash_table __arena *t = mem__table(v, table);
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

/* What a change sees of a bucket before it locks it: that is still so afterwards, if the word of its lock is. */
struct mem__sight {
	unsigned int self;       /* who is going to lock it */
	unsigned int slot;       /* with the key, if that is there */
	unsigned long long word; /* of its lock */
	unsigned long long tags;
};

/*
 * Look for the key before a change: 0; -ENOENT; 1; -EINVAL: damaged. Who locks it is asked for first: a call in the
 * middle has a program put its registers aside, and fetch them back around the one instruction that waits for both.
 */
MEM_INLINE int mem__quick_look(struct mem_bucket __arena *b, const struct mem__key *k, struct mem__sight *seen)
{
	seen->self = mem__lock_self();
	if (!mem__is_there(b))
		return -MEM_EINVAL;
	seen->word = mem_load_acquire(&b->lock.word);
	if ((unsigned int)seen->word)
		return MEM__DETOUR;
	seen->tags = mem_load_acquire(&b->tags);
	return mem__bucket_search(b, k, seen->tags, &seen->slot);
}

/* What is to be said where nothing is changed. */
MEM_INLINE int mem__quick_leave(struct mem_bucket __arena *b, const struct mem__sight *seen, int err)
{
	return mem__bucket_same(b, seen->word) ? err : MEM__DETOUR;
}

/* Lock a bucket that nobody has locked since it was looked at: 1; 0 somebody has. */
MEM_INLINE int mem__quick_lock(struct mem_bucket __arena *b, const struct mem__sight *seen)
{
	return mem_cas(&b->lock.word, seen->word, seen->word + (1ULL << 32) + seen->self) == seen->word;
}

#define mem__quick_unlock(b, seen) mem_store_release(&(b)->lock.word, (seen)->word + (1ULL << 32))

MEM_INLINE int mem__quick_set(struct mem_bucket __arena *b, const struct mem__key *k, const void *value,
			      unsigned int flags)
{
	struct mem__sight seen;
	unsigned int slot;
	int err = mem__quick_look(b, k, &seen);

	if (err && err != -MEM_ENOENT)
		return err;
	if (flags & (err ? MEM_HASH_EXIST : MEM_HASH_NOEXIST))
		return mem__quick_leave(b, &seen, err ? err : -MEM_EEXIST);
	if (!err && mem__is_word(k)) {
		if (!mem__quick_lock(b, &seen))
			return MEM__DETOUR;
		mem__copy_in(mem__slot_of(b, seen.slot, k) + k->at, value, k->value, k->wide);
	} else {
		slot = MEM__FIRST(MEM__FREE(seen.tags));
		if (!MEM__FREE(seen.tags) || !mem__quick_lock(b, &seen))
			return MEM__DETOUR;
		mem__copy_in(mem__slot_of(b, slot, k), k->key, k->size, k->wide);
		mem__copy_in(mem__slot_of(b, slot, k) + k->at, value, k->value, k->wide);
		if (!err)
			seen.tags = mem__without(seen.tags, seen.slot);
		mem_store_release(&b->tags, seen.tags | mem__tag(k->hash) << 8 * slot);
	}
	mem__quick_unlock(b, &seen);
	return 0;
}

MEM_INLINE int mem__quick_remove(struct mem_bucket __arena *b, const struct mem__key *k)
{
	struct mem__sight seen;
	int err = mem__quick_look(b, k, &seen);

	if (err == -MEM_ENOENT)
		return mem__quick_leave(b, &seen, err);
	if (err)
		return err;
	if (!mem__quick_lock(b, &seen))
		return MEM__DETOUR;
	mem_store_release(&b->tags, mem__without(seen.tags, seen.slot));
	mem__quick_unlock(b, &seen);
	return 0;
}
/** @endcond */

#endif /* MEM_HASH_QUICK_H */
