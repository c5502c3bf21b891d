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
/** @endcond */

#endif /* MEM_HASH_QUICK_H */
