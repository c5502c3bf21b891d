/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Changes to a hash table: under the bucket's lock, with slots behind it if need be. For mem/hash.h.
 *
 * Each step leaves a bucket that searches can use: a slot is filled first and then made visible, and taken out by one
 * store. Where a killed application stopped between two such steps, the next one mends (mem__repair()). The usual
 * case goes by mem/hash_quick.h.
 */
#ifndef MEM_HASH_CHANGE_H
#define MEM_HASH_CHANGE_H

#include <mem/hash_find.h>

/** @cond */
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
	unsigned int low;
	int i, err = mem__hash_check(h, k, &low);

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
/** @endcond */

#endif /* MEM_HASH_CHANGE_H */
