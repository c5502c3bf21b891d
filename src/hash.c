/* SPDX-License-Identifier: BSD-2-Clause */
/* The application's part of mem/hash.h: tables come, grow, are walked and go. */
#include <errno.h>
#include <string.h>

#include <mem/hash.h>

#include "error.h"

#define PER_BUCKET  5	      /* elements that are meant to be in a bucket of seven */
#define MAX_BUCKETS (1U << 28)

/* What headers that are older than values' places give says nothing of these. */
static int check_type_size(const struct mem_hash *hash, const struct mem_hash_type *type)
{
	if (type->sz >= sizeof(*type))
		return 0;
	return mem__error(EINVAL, "hash table at %p: its type has %zu bytes, not %zu: it was compiled with headers that "
			  "are older than libmem %s", (const void *)hash, type->sz, sizeof(*type), mem_version());
}

/* Is this a type, a heap, and a place for a table beside it? */
static int check_arguments(struct mem_heap *heap, const struct mem_hash *hash, const struct mem_hash_type *type)
{
	if (!mem_heap_view(heap))
		return -errno;
	if (type && check_type_size(hash, type))
		return -EINVAL;
	if (!type || !type->key || !type->value || (type->key | type->value) % 4 ||
	    type->wide > 1 || (type->wide && (type->key | type->value) % 8) || type->at % 4 || type->at < type->key ||
	    type->at - type->key > 4)
		return mem__error(EINVAL, "hash table at %p: keys of %u bytes and values of %u make no table", (void *)hash,
				  type ? type->key : 0, type ? type->value : 0);
	if (!hash || (uintptr_t)hash % sizeof(uint64_t) ||
	    (uint64_t)(uintptr_t)hash >> 32 != (uint64_t)(uintptr_t)heap >> 32)
		return mem__error(EINVAL, "hash table at %p: it is not in the arena of the heap at %p", (void *)hash,
				  (void *)heap);
	return 0;
}

static struct mem__key key_of(const struct mem_hash_type *type, const void *key)
{
	struct mem__key k = {key, 0, type->key, type->value, type->wide, type->at};

	if (key)
		k.hash = mem__hash(key, type->key, type->wide);
	return k;
}

static struct mem_hash_table *table_make(struct mem_heap *heap, const struct mem_hash_type *type,
					 uint64_t buckets)
{
	struct mem__key k = key_of(type, NULL);
	size_t bytes = buckets * (mem__bucket_size(&k) + sizeof(uint32_t));
	struct mem_hash_table *table = mem_new(heap, struct mem_hash_table);
	void *memory = mem_alloc(heap, bytes);

	if (!table || !memory) {
		mem_free(heap, table);
		mem_free(heap, memory);
		mem__error(ENOMEM, "hash table: the heap at %p has no room for %llu buckets", (void *)heap,
			   (unsigned long long)buckets);
		return NULL;
	}
	memset(memory, 0, bytes);
	memset(table, 0, sizeof(*table));
	table->count = (uint32_t)buckets;
	table->buckets = mem_low(memory);
	return table;
}

int mem_hash_create(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type,
		    size_t elements)
{
	struct mem_hash_table *table;
	struct mem__key k;
	int err = check_arguments(heap, hash, type);

	if (err)
		return err;
	if (elements > 1U << 30)
		return mem__error(EINVAL, "hash table: %zu elements of %u and %u bytes", elements,
				  type->key, type->value);
	if (mem_load(&hash->shape)) /* an address alone is from one who died in mem_hash_destroy() */
		return mem__error(EBUSY, "hash table at %p exists already", (void *)hash);
	table = table_make(heap, type, elements / PER_BUCKET + 1);
	if (!table)
		return -ENOMEM;
	hash->key_size = type->key;
	hash->value_size = type->value;
	hash->overflows = 0;
	k = key_of(type, NULL);
	/* what is in it, and what is said above, is seen by who sees where it is */
	mem_store_release((mem__hash_head *)hash, mem__head(mem__shape(&k), mem_low(table)));
	return 0;
}

int mem_hash_check(struct mem_heap *heap, const struct mem_hash *hash, const struct mem_hash_type *type)
{
	struct mem__key k;
	uint32_t shape, table;
	int err = check_arguments(heap, hash, type);

	if (err)
		return err;
	k = key_of(type, NULL);
	err = mem__hash_check(hash, &k, &table);
	if (err == -EINVAL)
		return mem__error(EINVAL, "hash table at %p: there is none", (void *)hash);
	if (!err && mem_load(&hash->key_size) == k.size && mem_load(&hash->value_size) == k.value)
		return 0;
	shape = mem_load(&hash->shape);
	if (shape >> 24 != MEM_HASH_LAYOUT)
		return mem__error(ESTALE, "hash table at %p has layout %u, libmem %s knows %u: it was made with another "
				  "version", (void *)hash, shape >> 24, mem_version(), MEM_HASH_LAYOUT);
	return mem__error(ESTALE, "hash table at %p is of keys of %u bytes and values of %u, or of other alignment, not of "
			  "%u and %u", (void *)hash, mem_load(&hash->key_size), mem_load(&hash->value_size), k.size,
			  k.value);
}

static void table_free(struct mem_heap *heap, const struct mem_heap_view *view,
		       struct mem_hash_table *table, const struct mem_hash_type *type)
{
	struct mem__key k = key_of(type, NULL);
	struct mem__place at;

	for (unsigned int i = 0; i < table->count; i++) {
		if (mem__place_bucket(view, table, i, &k, &at))
			break;
		for (int more = 0, end = mem__place_more(view, &k, &at); more < MEM__PARTS && !end; more++) {
			struct mem_bucket *part = at.part;

			end = mem__place_more(view, &k, &at);
			mem_free(heap, part);
		}
	}
	mem_free(heap, mem_at(void, heap, table->buckets));
	mem_free(heap, table);
}

void mem_hash_destroy(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type)
{
	const struct mem_heap_view *view = mem_heap_view(heap);
	struct mem_hash_table *table, *other;

	if (!view || check_arguments(heap, hash, type) || !mem_load(&hash->shape) || mem_hash_check(heap, hash, type))
		return;
	mem_store(&hash->shape, 0U); /* who dies now leaves no table, not one that is partly free */
	mem_order();
	table = mem__table(view, hash->table);
	other = table ? mem__table(view, table->next) : NULL;
	if (other) /* somebody died while it grew */
		table_free(heap, view, other, type);
	for (int i = 0; table && i < 32; i++) {
		other = mem__table(view, table->older);
		table_free(heap, view, table, type);
		table = other;
	}
	memset(hash, 0, sizeof(*hash));
}

int mem_hash_next(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type,
		  struct mem_hash_cursor *cursor, void *key, void *value)
{
	const struct mem_heap_view *view = mem_heap_view(heap);
	struct mem__key k;
	int err;

	if (!view)
		return -errno;
	if (!hash || !type || !cursor || !key || !value)
		return mem__error(EINVAL, "hash table at %p: a walk needs a type, a cursor, a key and a value",
				  (void *)hash);
	err = check_type_size(hash, type);
	if (err)
		return err;
	k = key_of(type, NULL);
	err = mem__hash_next(view, hash, &k, cursor, key, value);
	if (err >= 0)
		return err;
	return mem_hash_check(heap, hash, type) ?: mem__error(-err, "hash table at %p is damaged", (void *)hash);
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

		for (at.slot = 0; at.slot < MEM__SLOTS && !err; at.slot++) {
			unsigned long long copy[64];
			void *key = type->at + type->value <= sizeof(copy) ? copy : NULL;

			if (!(tags >> 8 * at.slot & 0x80))
				continue;
			if (!key)
				key = mem__slot(&at, &k);
			else
				memcpy(copy, mem__slot(&at, &k), type->at + type->value);
			k = key_of(type, key);
			err = mem__place_key(view, next, &k, &to);
			err = err ?: mem__hash_put(view, hash, &k, (char *)key + type->at, &to, NULL);
		}
		if (!(tags & MEM__MORE) || mem__place_more(view, &k, &at))
			break;
	}
	return err;
}

/* Forget what a bucket of the next table got from one who died in the middle. */
static int bucket_clear(const struct mem_heap_view *view, const struct mem__key *k,
			struct mem_hash_table *next, unsigned int number)
{
	struct mem__place at;

	if (mem__place_bucket(view, next, number, k, &at))
		return -EINVAL;
	for (int part = 0; part < MEM__PARTS; part++) {
		unsigned long long tags = mem_load(&at.part->tags);

		mem_store(&at.part->tags, tags & MEM__MORE);
		if (!(tags & MEM__MORE) || mem__place_more(view, k, &at))
			break;
	}
	return 0;
}

static int bucket_move(const struct mem_heap_view *view, struct mem_hash *hash,
		       const struct mem_hash_type *type, struct mem_hash_table *table,
		       struct mem_hash_table *next, unsigned int number)
{
	struct mem__key k = key_of(type, NULL);
	struct mem__place at;
	int err = mem__place_bucket(view, table, number, &k, &at);

	if (err || mem_load(&at.main->tags) & MEM__MOVED)
		return err;
	err = mem_lock(&at.main->lock);
	if (err < 0)
		return err;
	if (err)
		mem__repair(view, &k, at);
	err = bucket_clear(view, &k, next, number * 2) ?: bucket_clear(view, &k, next, number * 2 + 1);
	err = err ?: bucket_copy(view, hash, type, mem_low(next), at);
	if (err == -ENOMEM)
		mem__error(ENOMEM, "hash table at %p: can't grow: its heap has no room for another bucket",
			   (void *)hash);
	if (!err)
		mem_store_release(&at.main->tags, mem_load(&at.main->tags) | MEM__MOVED | MEM__KINDS);
	mem_unlock(&at.main->lock);
	return err;
}

/* The table to move to, made if there is none. */
static int next_table(struct mem_heap *heap, const struct mem_heap_view *view,
		      const struct mem_hash_type *type, struct mem_hash_table *table,
		      struct mem_hash_table **next)
{
	uint64_t count = mem_load(&table->count);

	if (!count || count > MAX_BUCKETS)
		return -EINVAL;
	if (!mem_load(&table->next)) {
		*next = table_make(heap, type, count * 2);
		if (!*next)
			return -ENOMEM;
		(*next)->older = mem_low(table);
		mem_store_release(&table->next, mem_low(*next));
	}
	*next = mem__table(view, mem_load(&table->next));
	return *next && mem_load(&(*next)->count) == count * 2 ? 0 : -EINVAL;
}

int mem_hash_grow(struct mem_heap *heap, struct mem_hash *hash, const struct mem_hash_type *type)
{
	const struct mem_heap_view *view;
	struct mem_hash_table *table, *next;
	int err = mem_hash_check(heap, hash, type);

	if (err)
		return err;
	view = mem_heap_view(heap);
	if (!view)
		return -errno;
	err = mem_lock(&hash->grower);
	if (err < 0)
		return mem__error(-err, "hash table at %p: %s is growing it", (void *)hash,
				  err == -EDEADLK ? "this thread" : "somebody else");
	table = mem__table(view, mem_load(&hash->table));
	err = table ? next_table(heap, view, type, table, &next) : -EINVAL;
	for (uint32_t i = 0; !err && i < mem_load(&table->count); i++)
		err = bucket_move(view, hash, type, table, next, i);
	if (!err) {
		mem_store(&hash->overflows, 0U);
		mem_store_release(&hash->table, mem_low(next));
	}
	mem_unlock(&hash->grower);
	if (err && err != -ENOMEM) /* that was told where it was missing */
		mem__error(-err, "hash table at %p: can't grow: %s", (void *)hash, strerror(-err));
	return err;
}
