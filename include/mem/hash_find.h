/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Searches in a hash table: any number of slots, behind the bucket as well. For mem/hash.h.
 *
 * Nothing is written, and nobody waited for: what was read counts if the bucket's lock is as it was before. The
 * usual case goes by mem/hash_quick.h.
 */
#ifndef MEM_HASH_FIND_H
#define MEM_HASH_FIND_H

#include <mem/hash_table.h>

/** @cond */
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

/* Whether nobody has locked a bucket since this word of its lock was read. */
MEM_INLINE int mem__bucket_same(struct mem_bucket __arena *b, unsigned long long word)
{
	mem_acquire_fence();
	return mem_load(&b->lock.word) >> 32 == word >> 32;
}

/* Copy a value, or with value NULL only find it: `where`, a low address. */
MEM_INLINE int mem__hash_find(mem__view v, struct mem_hash __arena *h, const struct mem__key *k,
			      void *value, unsigned int *where)
{
	unsigned int low, i;
	unsigned long long begun, tags;
	struct mem__place place, *at = &place;
	int found = mem__hash_check(h, k, &low);

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
/** @endcond */

#endif /* MEM_HASH_FIND_H */
