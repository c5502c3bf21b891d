/* SPDX-License-Identifier: BSD-2-Clause */
/* The application's part of mem/hash.h: tables come, grow, are walked and go. */
#include <errno.h>
#include <string.h>

#include <mem/hash.h>

#include "error.h"

#define PER_BUCKET 6 /* elements that are meant to be in a bucket of eight */

static struct mem__key key_of(const struct mem_hash_type *type, const void *key)
{
	struct mem__key k = {key, 0, type->key, type->value, type->wide};

	if (key)
		k.hash = mem__hash(key, type->key, type->wide);
	return k;
}

/* The bucket of a table by its number. */
static int place(const struct mem_heap_view *view, unsigned int table, unsigned int number,
		 const struct mem_hash_type *type, struct mem__place *at)
{
	struct mem__key k = key_of(type, NULL);

	return mem__place(view, table, number, &k, at);
}

static struct mem_hash_table *table_at(const struct mem_heap_view *view, unsigned int low)
{
	return low & 15 ? NULL : mem__part(view, struct mem_hash_table, low, sizeof(struct mem_hash_table));
}

static struct mem_hash_table *table_make(struct mem_heap *heap, const struct mem_hash_type *type,
					 uint64_t buckets)
{
	struct mem_hash_table *table = mem_new(heap, struct mem_hash_table);
	void *heads = mem_alloc(heap, buckets * sizeof(struct mem_bucket));
	void *slots = mem_alloc(heap, buckets * 8 * (type->key + type->value));

	if (!table || !heads || !slots) {
		mem_free(heap, table);
		mem_free(heap, heads);
		mem_free(heap, slots);
		mem__error(ENOMEM, "hash table: the heap at %p has no room for %llu buckets", (void *)heap,
			   (unsigned long long)buckets);
		return NULL;
	}
	memset(heads, 0, buckets * sizeof(struct mem_bucket));
	memset(table, 0, sizeof(*table));
	table->mask = (uint32_t)buckets - 1;
	table->buckets = mem_low(heads);
	table->slots = mem_low(slots);
	return table;
}

int mem_hash_create(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type,
		    size_t elements)
{
	struct mem_hash_table *table;
	uint64_t buckets = 1;

	while (buckets * PER_BUCKET < elements && buckets < 1U << 28)
		buckets *= 2;
	if (!mem_heap_view(heap))
		return -EINVAL;
	if (elements > 1U << 30 || !type->key || !type->value)
		return mem__error(EINVAL, "hash table: %zu elements of %u and %u bytes", elements,
				  type->key, type->value);
	if (mem_load(&hash->table))
		return mem__error(EBUSY, "hash table at %p exists already", (void *)hash);
	table = table_make(heap, type, buckets);
	if (!table)
		return -ENOMEM;
	hash->key_size = type->key;
	hash->value_size = type->value;
	hash->overflows = 0;
	mem_store_release(&hash->table, mem_low(table));
	return 0;
}

static void table_free(struct mem_heap *heap, const struct mem_heap_view *view,
		       struct mem_hash_table *table, const struct mem_hash_type *type)
{
	struct mem__key k = key_of(type, NULL);
	struct mem__place at;

	for (uint64_t i = 0; i <= table->mask; i++) {
		if (place(view, mem_low(table), (unsigned int)i, type, &at))
			break;
		for (int more = 0, end = mem__place_more(view, &k, &at); more < MEM__PARTS && !end; more++) {
			struct mem_bucket *part = at.part;

			end = mem__place_more(view, &k, &at);
			mem_free(heap, part);
		}
	}
	mem_free(heap, mem_at(void, heap, table->buckets));
	mem_free(heap, mem_at(void, heap, table->slots));
	mem_free(heap, table);
}

void mem_hash_destroy(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type)
{
	const struct mem_heap_view *view = mem_heap_view(heap);
	struct mem_hash_table *table, *other;

	if (!view)
		return;
	table = table_at(view, hash->table);
	other = table ? table_at(view, table->next) : NULL;
	if (other) /* somebody died while it grew */
		table_free(heap, view, other, type);
	for (int i = 0; table && i < 32; i++) {
		other = table_at(view, table->older);
		table_free(heap, view, table, type);
		table = other;
	}
	memset(hash, 0, sizeof(*hash));
}

/* On to the next bucket: from one that has moved through those that it was split into. */
static int cursor_step(const struct mem_heap_view *view, struct mem_hash_cursor *cursor)
{
	const struct mem_hash_table *table = table_at(view, cursor->table);
	unsigned int half;

	cursor->slot = 0;
	for (int i = 0; i < 32 && table; i++) {
		half = mem_load(&table->mask) / 2 + 1;
		if (cursor->table == cursor->pad) {
			cursor->bucket++;
			return cursor->bucket <= mem_load(&table->mask);
		}
		if (cursor->bucket < half) {
			cursor->bucket += half;
			return 1;
		}
		cursor->bucket -= half;
		cursor->table = mem_load(&table->older);
		table = table_at(view, cursor->table);
	}
	return 0;
}

/* The element at the cursor: 1; 0 there is none, and the cursor is at the next slot; 2 no more slots. */
static int cursor_read(const struct mem_heap_view *view, const struct mem_hash_type *type,
		       const struct mem_hash_cursor *cursor, struct mem__place at, void *key, void *value)
{
	struct mem__key k = key_of(type, NULL);
	unsigned int slot = cursor->slot;
	int used;

	for (; slot >= 8; slot -= 8)
		if (mem__place_more(view, &k, &at))
			return 2;
	at.slot = slot;
	used = mem_load_acquire(&at.part->tags) >> 8 * slot & 0x80;
	if (!used)
		return 0;
	mem__copy_out(key, mem__slot(&at, &k), type->key, type->wide);
	mem__copy_out(value, mem__slot(&at, &k) + type->key, type->value, type->wide);
	return 1;
}

/* One bucket, from the cursor on. 1 an element, 0 it has no more. */
static int cursor_bucket(const struct mem_heap_view *view, const struct mem_hash_type *type,
			 struct mem_hash_cursor *cursor, struct mem__place at, void *key, void *value)
{
	int tries = 0, found;

	while (cursor->slot < 8 * MEM__PARTS) {
		unsigned long long begun = mem_load_acquire(&at.main->lock.word);

		found = cursor_read(view, type, cursor, at, key, value);
		mem_acquire_fence();
		if (mem_load(&at.main->lock.word) >> 32 != begun >> 32 && tries++ < 100)
			continue;
		if (found == 2)
			break;
		cursor->slot++;
		if (found && tries < 100)
			return 1;
		tries = 0;
	}
	return 0;
}

int mem_hash_next(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type,
		  struct mem_hash_cursor *cursor, void *key, void *value)
{
	const struct mem_heap_view *view = mem_heap_view(heap);
	const struct mem_hash_table *table;
	struct mem__place at;

	if (!view)
		return -EINVAL;
	if (!cursor->table)
		cursor->table = cursor->pad = mem_load_acquire(&hash->table);
	for (uint64_t i = 0; i < 1ULL << 32; i++) {
		table = table_at(view, cursor->table);
		if (!table || place(view, cursor->table, cursor->bucket, type, &at))
			return mem__error(EINVAL, "hash table at %p: not a table, or a damaged one",
					  (void *)hash);
		if (cursor->bucket > mem_load(&table->mask))
			return 0;
		if (!cursor->slot && mem_load_acquire(&at.main->moved) && i < 1ULL << 31) {
			cursor->table = mem_load(&table->next);
			continue;
		}
		if (cursor_bucket(view, type, cursor, at, key, value))
			return 1;
		if (!cursor_step(view, cursor))
			return 0;
	}
	return 0;
}

/* Copy what is in a bucket to where it belongs in the next table, which nobody else looks at yet. */
static int bucket_copy(const struct mem_heap_view *view, struct mem_hash *hash,
		       const struct mem_hash_type *type, unsigned int next, struct mem__place at)
{
	struct mem__key k = key_of(type, NULL);
	struct mem__place to;
	int err = 0;

	for (int part = 0; part < MEM__PARTS && !err; part++) {
		unsigned long long tags = mem_load(&at.part->tags);

		for (at.slot = 0; at.slot < 8 && !err; at.slot++) {
			unsigned long long copy[64];
			void *key = type->key + type->value <= sizeof(copy) ? copy : NULL;

			if (!(tags >> 8 * at.slot & 0x80))
				continue;
			if (!key)
				key = mem__slot(&at, &k);
			else
				memcpy(copy, mem__slot(&at, &k), type->key + type->value);
			k = key_of(type, key);
			err = mem__place(view, next, mem__number(k.hash), &k, &to);
			err = err ?: mem__hash_put(view, hash, &k, (char *)key + type->key, &to, NULL);
		}
		if (mem__place_more(view, &k, &at))
			break;
	}
	return err;
}

/* Forget what a bucket of the next table got from one who died in the middle. */
static void bucket_clear(const struct mem_heap_view *view, const struct mem_hash_type *type,
			 unsigned int next, unsigned int number)
{
	struct mem__key k = key_of(type, NULL);
	struct mem__place at;

	if (mem__place(view, next, number, &k, &at))
		return;
	for (int part = 0; part < MEM__PARTS; part++) {
		mem_store(&at.part->tags, 0ULL);
		if (mem__place_more(view, &k, &at))
			break;
	}
}

static int bucket_move(const struct mem_heap_view *view, struct mem_hash *hash,
		       const struct mem_hash_type *type, const struct mem_hash_table *table,
		       unsigned int number)
{
	struct mem__key k = key_of(type, NULL);
	unsigned int next = mem_load(&table->next);
	struct mem__place at;
	int err = mem__place(view, mem_low(table), number, &k, &at);

	if (err || mem_load(&at.main->moved))
		return err;
	err = mem_lock(&at.main->lock);
	if (err < 0)
		return err;
	if (err)
		mem__repair(view, &k, at);
	bucket_clear(view, type, next, number);
	bucket_clear(view, type, next, number + mem_load(&table->mask) + 1);
	err = bucket_copy(view, hash, type, next, at);
	if (!err)
		mem_store_release(&at.main->moved, 1U);
	mem_unlock(&at.main->lock);
	return err;
}

int mem_hash_grow(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type)
{
	const struct mem_heap_view *view = mem_heap_view(heap);
	struct mem_hash_table *table, *next;
	int err;

	if (!view)
		return -EINVAL;
	err = mem_lock(&hash->grower);
	if (err < 0)
		return mem__error(-err, "hash table at %p: this thread is growing it", (void *)hash);
	table = table_at(view, mem_load(&hash->table));
	err = table && table->mask < 1U << 28 ? 0 : -EINVAL;
	if (!err && !table->next) {
		next = table_make(heap, type, ((uint64_t)table->mask + 1) * 2);
		if (next) {
			next->older = mem_low(table);
			mem_store_release(&table->next, mem_low(next));
		}
		err = next ? 0 : -ENOMEM;
	}
	for (uint64_t i = 0; !err && i <= table->mask; i++)
		err = bucket_move(view, hash, type, table, (unsigned int)i);
	if (!err) {
		mem_store(&hash->overflows, 0U);
		mem_store_release(&hash->table, mem_load(&table->next));
	}
	mem_unlock(&hash->grower);
	if (err && err != -ENOMEM)
		mem__error(-err, "hash table at %p: can't grow: %s", (void *)hash, strerror(-err));
	return err;
}
