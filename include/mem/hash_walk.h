/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Walks of a hash table, which go on while it grows. For mem/hash.h.
 *
 * Where a walk is: a bucket of the table that it began in, and, when that has moved, which of the
 * buckets that it was split into. `within` plus 1 is the way there in binary: 1, then 0 or 1 for the
 * left or right half of each split. So a walk goes on in order whatever the tables say.
 */
#ifndef MEM_HASH_WALK_H
#define MEM_HASH_WALK_H

#include <mem/hash_find.h>

/** @cond */
/* The bucket that the cursor is at. 0, or -EINVAL: it is damaged; -EAGAIN (program) it has looped for too long. */
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
	unsigned int table;
	int err = mem__hash_check(h, k, &table);

	if (err)
		return err;
	if (!cursor->table)
		cursor->table = table;
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

#endif /* MEM_HASH_WALK_H */
