/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Operations on a table and rings that both sides do, each noted with when it began and ended. */
#ifndef ARENA_HISTORY_H
#define ARENA_HISTORY_H

#include <mem/hash.h>
#include <mem/ring.h>

#define NOTES	  (1U << 17)
#define KEYS	  24 /* half of them of either table */
#define RING_UP	  KEYS /* what a note is about: a key, or one of the rings */
#define RING_DOWN (KEYS + 1)
#define RING_SIZE 16

#ifndef MEM_TYPE_struct_note
#define MEM_TYPE_struct_note
struct note {
	unsigned long long start, end, value; /* end 0: not done yet */
	unsigned int kind;		      /* enum linear_kind */
	int result;
	unsigned int about, pad;
};
#endif

#ifndef MEM_TYPE_struct_history
#define MEM_TYPE_struct_history
struct history {
	struct mem_heap heap;
	struct mem_hash table;	       /* of values that are one word, and grows */
	struct mem_hash pairs;	       /* of longer ones, in one bucket and behind it */
	struct mem_ring up, down;      /* producers are programs; are applications */
	unsigned long long clock;      /* the time: how often somebody asked for it */
	unsigned long long notes;      /* taken */
	unsigned int log;	       /* low address of NOTES notes */
	unsigned int pad;
};
#endif

#ifndef MEM_TYPE_struct_pair
#define MEM_TYPE_struct_pair
/* One value twice, the other way round the second time. */
struct pair {
	unsigned long long value, not_value;
};
#endif

MEM_HASH(numbers, unsigned long long, unsigned long long)
MEM_HASH(pairs, unsigned long long, struct pair)

/* The number of the next tick. */
#define tick(h) (mem_add(&(h)->clock, 1ULL) + 1)

MEM_INLINE int table_do(struct history __arena *h, unsigned long long key, struct note *note)
{
	switch (note->kind) {
	case 0:
		return numbers_set(&h->heap, &h->table, &key, &note->value, MEM_HASH_ANY);
	case 1:
		return numbers_set(&h->heap, &h->table, &key, &note->value, MEM_HASH_NOEXIST);
	case 2:
		return numbers_set(&h->heap, &h->table, &key, &note->value, MEM_HASH_EXIST);
	case 3:
		return numbers_remove(&h->heap, &h->table, &key);
	default:
		return numbers_find(&h->heap, &h->table, &key, &note->value);
	}
}

MEM_INLINE int pairs_do(struct history __arena *h, unsigned long long key, struct note *note)
{
	struct pair pair = {note->value, ~note->value};
	int err;

	switch (note->kind) {
	case 0:
		return pairs_set(&h->heap, &h->pairs, &key, &pair, MEM_HASH_ANY);
	case 1:
		return pairs_set(&h->heap, &h->pairs, &key, &pair, MEM_HASH_NOEXIST);
	case 2:
		return pairs_set(&h->heap, &h->pairs, &key, &pair, MEM_HASH_EXIST);
	case 3:
		return pairs_remove(&h->heap, &h->pairs, &key);
	default:
		err = pairs_find(&h->heap, &h->pairs, &key, &pair);
		note->value = pair.value == ~pair.not_value ? pair.value : ~0ULL; /* which nobody sets */
		return err;
	}
}

/* Something at random, noted. 0, or 1: the log is full. */
MEM_INLINE int history_do(struct history __arena *h, unsigned int random, struct mem_ring __arena *mine,
			  unsigned int about_mine)
{
	unsigned long long at = mem_add(&h->notes, 1ULL);
	struct note __arena *entry = mem_at(struct note, h, h->log) + (at & (NOTES - 1));
	struct mem_ring __arena *ring = &h->up;
	struct note note;

	if (at >= NOTES)
		return 1;
	note.kind = random % 8 < 4 ? random % 4 : random % 8 < 6 ? 4 : random % 8 - 1;
	note.start = note.value = tick(h);
	if (note.kind < 5) {
		note.about = random / 8 % KEYS;
		note.result = note.about < KEYS / 2 ? table_do(h, note.about, &note) :
						      pairs_do(h, note.about, &note);
	} else if (note.kind == 5) {
		note.about = about_mine;
		note.result = mem_ring_push(&h->heap, mine, &note.value);
	} else {
		note.about = RING_UP;
		if (random & 1024) {
			note.about = RING_DOWN;
			ring = &h->down;
		}
		note.result = mem_ring_pop(&h->heap, ring, &note.value);
	}
	mem_store(&entry->start, note.start);
	mem_store(&entry->value, note.value);
	mem_store(&entry->kind, note.kind);
	mem_store(&entry->result, note.result);
	mem_store(&entry->about, note.about);
	mem_store_release(&entry->end, tick(h));
	return 0;
}

#endif /* ARENA_HISTORY_H */
