/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "cache.h"
#include "kv.h"
#include "kv.skel.h"

#define XDP_GENERIC 2 /* XDP_FLAGS_SKB_MODE */
#define FRESH_PAGES 64 /* populated ahead */
#define ITEM_TABLE  24 /* bytes of the table for each item */
#define BUCKET_MAX  1024 /* bytes of a part of the table, or less */
#define TICK_ITEMS  20000 /* looked at once a second */
#define EVICT_ITEMS 100000 /* looked at to make room once */

struct cache {
	struct kv *skel;
	struct mem_heap *heap;
	struct mem_hash *table;
	uintptr_t base; /* of the arena */
	size_t size;
	struct mem_link *link[MAX_INTERFACES];
	struct mem_hash_cursor tick, evict; /* where the walks are */
	uint64_t flush_at; /* 0: never */
	uint64_t seed;
	uint64_t version; /* of the item stored last */
	uint64_t room;	  /* items that the table should have at most */
	uint64_t items, bytes, total_items, evicted, expired;
};

uint64_t cache_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- opening */

/* Addresses that requests may be for: the one that is listened on, or all that the interfaces have. */
static int set_addresses(struct cache *cache, const struct options *options)
{
	struct ifaddrs *all, *at;
	unsigned int count = 0;

	if (options->address.s_addr) {
		cache->skel->rodata->addresses[0] = options->address.s_addr;
		return 0;
	}
	if (getifaddrs(&all)) {
		fprintf(stderr, "kv: addresses of this machine: %s\n", strerror(errno));
		return -errno;
	}
	for (unsigned int i = 0; i < options->interfaces; i++) {
		if (if_nametoindex(options->interface[i]))
			continue;
		fprintf(stderr, "kv: no interface '%s': %s\n", options->interface[i], strerror(errno));
		freeifaddrs(all);
		return -ENODEV;
	}
	for (at = all; at; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET)
			continue;
		for (unsigned int i = 0; i < options->interfaces && count < KV_ADDRESSES; i++)
			if (!strcmp(options->interface[i], at->ifa_name))
				cache->skel->rodata->addresses[count++] =
					((struct sockaddr_in *)at->ifa_addr)->sin_addr.s_addr;
	}
	freeifaddrs(all);
	if (options->interfaces && !count) {
		fprintf(stderr, "kv: no interface of -i has an IPv4 address\n");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static int set_up(struct cache *cache, const struct options *options)
{
	if (getrandom(&cache->seed, sizeof(cache->seed), 0) != sizeof(cache->seed)) {
		fprintf(stderr, "kv: no random numbers: %s\n", strerror(errno));
		return -EIO;
	}
	cache->skel->rodata->seed = cache->seed;
	cache->skel->rodata->port = htons(options->port);
	return set_addresses(cache, options);
}

static int grow(struct cache *cache)
{
	int err = kv_table_grow(cache->heap, cache->table);

	if (!err)
		cache->room *= 2;
	return err;
}

/* The table, and some memory for items; more is populated as they come. */
static int make_table(struct cache *cache, const struct options *options)
{
	struct mem_region *region = mem_object_find_region(cache->skel->obj, "arena");
	struct mem_heap_opts opts = {.sz = sizeof(opts), .threads = 4};
	int err;

	opts.present = options->items * 2 * ITEM_TABLE + FRESH_PAGES * MEM_HEAP_PAGE;
	cache->base = (uintptr_t)mem_region_data(region, &cache->size);
	cache->heap = &cache->skel->arena->heap;
	cache->table = &cache->skel->arena->table;
	err = mem_heap_create(region, cache->heap, &opts);
	err = err ?: kv_table_create(cache->heap, cache->table, options->items);
	cache->room = options->items * 7 / 5 + 7; /* slots that it has then */
	return err;
}

static int attach(struct cache *cache, const struct options *options)
{
	for (unsigned int i = 0; i < options->interfaces; i++) {
		unsigned int number = if_nametoindex(options->interface[i]);

		if (!number) {
			fprintf(stderr, "kv: -i %s: %s\n", options->interface[i], strerror(errno));
			return -ENODEV;
		}
		cache->link[i] = mem_prog_attach_xdp(cache->skel->progs.kv_get, (int)number,
						     options->generic ? XDP_GENERIC : 0);
		if (!cache->link[i]) {
			fprintf(stderr, "kv: -i %s: %s\n", options->interface[i], mem_error_message());
			return -errno;
		}
	}
	return 0;
}

struct cache *cache_open(const struct options *options)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	int err;

	if (!cache) {
		fprintf(stderr, "kv: out of memory\n");
		return NULL;
	}
	if (options->verbose)
		mem_log_set(MEM_LOG_INFO, NULL, NULL);
	cache->skel = kv__open();
	if (!cache->skel)
		goto fail;
	if (set_up(cache, options))
		goto quiet;
	err = mem_map_max_entries_set(cache->skel->maps.arena, (uint32_t)(options->memory / MEM_HEAP_PAGE));
	err = err ?: kv__load(cache->skel);
	err = err ?: make_table(cache, options);
	if (err)
		goto fail;
	if (!attach(cache, options))
		return cache;
	goto quiet;
fail:
	fprintf(stderr, "%s\n", mem_error_message()); /* begins with the object's name, kv */
quiet:
	cache_close(cache);
	return NULL;
}

void cache_close(struct cache *cache)
{
	if (!cache)
		return;
	for (unsigned int i = 0; i < MAX_INTERFACES; i++)
		mem_link_destroy(cache->link[i]);
	kv__destroy(cache->skel);
	free(cache);
}

void *cache_program(struct cache *cache)
{
	return cache->skel->progs.kv_get;
}

/* ---- items */

static uint64_t hash_of(const struct cache *cache, const char *key, size_t size)
{
	uint64_t hash = cache->seed, word;

	for (size_t i = 0; i < size; i += 8) {
		word = 0;
		memcpy(&word, key + i, size - i < 8 ? size - i : 8);
		hash = kv_mix(hash, word);
	}
	return kv_mix(hash, size);
}

/* The item of a word of the table; NULL if the word, or what is there, makes no sense. */
static struct kv_item *item_of(const struct cache *cache, uint64_t word)
{
	struct kv_item *item = mem_at(struct kv_item, cache->heap, word);
	uintptr_t at = (uintptr_t)item - cache->base;

	if (!(uint32_t)word || at >= cache->size || cache->size - at < sizeof(*item) ||
	    item->text_size > cache->size - at - sizeof(*item) ||
	    (size_t)item->value_at + item->value_size > item->text_size ||
	    item->key_size + 6U > item->value_at)
		return NULL;
	return item;
}

static int is_old(const struct kv_item *item)
{
	uint64_t expires = mem_load(&item->expires);

	return expires && expires <= cache_now();
}

/* Out of the table first; the program may go on reading it for a moment, and then notices. */
static void item_remove(struct cache *cache, uint64_t hash, struct kv_item *item)
{
	unsigned long long key = hash;

	if (kv_table_remove(cache->heap, cache->table, &key) || !item)
		return;
	cache->items--;
	cache->bytes -= item->text_size;
	mem_free(cache->heap, item);
}

static struct kv_item *item_find(struct cache *cache, uint64_t hash, const char *key, size_t key_size)
{
	unsigned long long word, at = hash;
	struct kv_item *item;

	if (kv_table_find(cache->heap, cache->table, &at, &word))
		return NULL;
	item = item_of(cache, word);
	if (!item || is_old(item)) {
		cache->expired += item != NULL;
		item_remove(cache, hash, item);
		return NULL;
	}
	return item->key_size == key_size && !memcmp(item->text + 6, key, key_size) ? item : NULL;
}

/*
 * Look at the next item of a walk: remove it if it is too old, or if it may be evicted: of a size
 * class that is of use, and not asked for since the walk came by the last time. 1: it is gone.
 */
static int walk_step(struct cache *cache, struct mem_hash_cursor *cursor, unsigned int from,
		     unsigned int to)
{
	unsigned long long hash, word;
	struct kv_item *item;
	unsigned char *mark;
	unsigned int class;

	if (kv_table_next(cache->heap, cache->table, cursor, &hash, &word) <= 0) {
		memset(cursor, 0, sizeof(*cursor));
		return 0;
	}
	item = item_of(cache, word);
	if (!item || is_old(item)) {
		cache->expired++;
		item_remove(cache, hash, item);
		return 1;
	}
	class = mem_class(sizeof(*item) + item->text_size);
	if (class < from || class > to)
		return 0;
	mark = &cache->skel->arena->recent[hash % KV_RECENT];
	if (mem_load(mark)) {
		mem_store(mark, 0);
		return 0;
	}
	cache->evicted++;
	item_remove(cache, hash, item);
	return 1;
}

/* Whether the last quarter of the arena begins with so many bytes more. */
static bool is_scarce(const struct cache *cache, size_t bytes)
{
	return mem_load(&cache->heap->present) + bytes / MEM_HEAP_PAGE >
	       mem_load(&cache->heap->total) / 4 * 3;
}

/* Populate pages so that a block of a class can be made of fresh ones. */
static void refill(struct cache *cache, unsigned int class, unsigned int pages)
{
	unsigned int present = mem_load(&cache->heap->present), fresh = mem_load(&cache->heap->fresh);

	pages += mem_class_pages(class);
	if (present - fresh < pages)
		mem_heap_refill(cache->heap, pages * (size_t)MEM_HEAP_PAGE);
}

/*
 * Memory of the arena: fresh, or of what nobody asked for in a while. Blocks don't change their class,
 * so the last quarter of the arena is kept for classes that have no item to be evicted.
 */
static struct kv_item *item_alloc(struct cache *cache, size_t size)
{
	unsigned int class = mem_class(size);
	struct kv_item *item;

	if (!is_scarce(cache, 0))
		refill(cache, class, FRESH_PAGES);
	item = mem_alloc(cache->heap, size);
	for (int i = 0; i < EVICT_ITEMS && !item; i++)
		if (walk_step(cache, &cache->evict, class, class + 4))
			item = mem_alloc(cache->heap, size);
	if (!item) {
		refill(cache, class, 0);
		item = mem_alloc(cache->heap, size);
	}
	return item;
}

/* A new item; before and after: what goes around the entry's data. */
static struct kv_item *item_make(struct cache *cache, const struct entry *entry, const struct value *before,
				 const struct value *after)
{
	size_t size = before->size + entry->size + after->size, text_size;
	char numbers[48];
	int digits = snprintf(numbers, sizeof(numbers), " %u %zu\r\n", entry->flags, size);
	struct kv_item *item;
	char *to;

	text_size = 6 + entry->key_size + (size_t)digits + size + 7;
	item = item_alloc(cache, sizeof(*item) + text_size);
	if (!item)
		return NULL;
	item->expires = entry->expires;
	item->version = ++cache->version;
	item->flags = entry->flags;
	item->value_size = (uint32_t)size;
	item->text_size = (uint32_t)text_size;
	item->key_size = (uint16_t)entry->key_size;
	to = mempcpy(item->text, "VALUE ", 6);
	to = mempcpy(to, entry->key, entry->key_size);
	to = mempcpy(to, numbers, (size_t)digits);
	item->value_at = (uint16_t)(to - item->text);
	to = mempcpy(to, before->data, before->size);
	to = mempcpy(to, entry->data, entry->size);
	to = mempcpy(to, after->data, after->size);
	memcpy(to, "\r\nEND\r\n", 7);
	return item;
}

/* Into the table. A bucket that is full may need some memory more, and one that has that, a larger table. */
static int table_set(struct cache *cache, uint64_t hash, uint64_t word)
{
	unsigned long long key = hash, value = word;
	int err = kv_table_set(cache->heap, cache->table, &key, &value, MEM_HASH_ANY);

	if (err == -ENOMEM)
		refill(cache, mem_class(BUCKET_MAX), 0);
	for (int i = 0; i < EVICT_ITEMS && err == -ENOMEM; i++) {
		if (!i || walk_step(cache, &cache->evict, 0, ~0U))
			err = kv_table_set(cache->heap, cache->table, &key, &value, MEM_HASH_ANY);
	}
	if (err == -ENOSPC && !grow(cache))
		err = kv_table_set(cache->heap, cache->table, &key, &value, MEM_HASH_ANY);
	return err;
}

/* A table has room for so many: it grows while there is memory enough, then the oldest go. */
static void limit_items(struct cache *cache)
{
	size_t table = cache->room * 2 * ITEM_TABLE;

	if (cache->items < cache->room)
		return;
	if (!is_scarce(cache, table)) {
		mem_heap_refill(cache->heap, table + FRESH_PAGES * MEM_HEAP_PAGE);
		if (!grow(cache))
			return;
	}
	for (int i = 0; i < EVICT_ITEMS && cache->items >= cache->room; i++)
		walk_step(cache, &cache->evict, 0, ~0U);
}

/* Put an item where another one may be. */
static int item_put(struct cache *cache, uint64_t hash, struct kv_item *item)
{
	unsigned long long key = hash, old = 0;
	int err;

	item->hash = hash;
	limit_items(cache);
	if (kv_table_find(cache->heap, cache->table, &key, &old))
		old = 0;
	err = table_set(cache, hash, item->version << 32 | mem_low(item));
	if (err) {
		mem_free(cache->heap, item);
		return -ENOMEM;
	}
	cache->items++;
	cache->total_items++;
	cache->bytes += item->text_size;
	item = old ? item_of(cache, old) : NULL;
	if (item) {
		cache->items--;
		cache->bytes -= item->text_size;
		mem_free(cache->heap, item);
	}
	return 0;
}

/* ---- what the protocol asks for */

static void value_of(struct value *value, const struct kv_item *item)
{
	value->text = item->text;
	value->text_size = item->text_size;
	value->data = item->text + item->value_at;
	value->size = item->value_size;
	value->flags = item->flags;
	value->version = item->version;
	value->expires = item->expires;
}

int cache_get(struct cache *cache, const char *key, size_t key_size, struct value *value)
{
	uint64_t hash = hash_of(cache, key, key_size);
	struct kv_item *item = item_find(cache, hash, key, key_size);

	if (!item)
		return -ENOENT;
	cache->skel->arena->recent[hash % KV_RECENT] = 1;
	value_of(value, item);
	return 0;
}

/* Whether a store's condition is met. */
static int may_store(enum cache_store how, const struct entry *entry, const struct kv_item *item)
{
	if (how == STORE_SET)
		return 0;
	if (how == STORE_ADD)
		return item ? -EEXIST : 0;
	if (!item)
		return -ENOENT;
	return how == STORE_CAS && item->version != entry->version ? -EEXIST : 0;
}

/* To add to a value is to make another: of copies, since making room may evict what is added to. */
static int store_joined(struct cache *cache, enum cache_store how, const struct entry *entry,
			const struct kv_item *item, uint64_t hash)
{
	struct entry joined = *entry;
	struct value old, none = {.data = ""};
	char *copy;

	value_of(&old, item);
	if (old.size + entry->size > VALUE_MAX)
		return -E2BIG;
	copy = malloc(old.size + 1);
	if (!copy)
		return -ENOMEM;
	old.data = memcpy(copy, old.data, old.size);
	joined.flags = item->flags;
	joined.expires = item->expires;
	item = item_make(cache, &joined, how == STORE_APPEND ? &old : &none,
			 how == STORE_APPEND ? &none : &old);
	free(copy);
	return item ? item_put(cache, hash, (struct kv_item *)item) : -ENOMEM;
}

int cache_store(struct cache *cache, enum cache_store how, const struct entry *entry)
{
	uint64_t hash = hash_of(cache, entry->key, entry->key_size);
	struct kv_item *item = item_find(cache, hash, entry->key, entry->key_size);
	struct value none = {.data = ""};
	int err = may_store(how, entry, item);

	if (err)
		return err;
	if (entry->size > VALUE_MAX)
		return -E2BIG;
	if (how == STORE_APPEND || how == STORE_PREPEND)
		return store_joined(cache, how, entry, item, hash);
	item = item_make(cache, entry, &none, &none);
	return item ? item_put(cache, hash, item) : -ENOMEM;
}

int cache_remove(struct cache *cache, const char *key, size_t key_size)
{
	uint64_t hash = hash_of(cache, key, key_size);
	struct kv_item *item = item_find(cache, hash, key, key_size);

	if (!item)
		return -ENOENT;
	item_remove(cache, hash, item);
	return 0;
}

int cache_touch(struct cache *cache, const char *key, size_t key_size, uint64_t expires)
{
	struct kv_item *item = item_find(cache, hash_of(cache, key, key_size), key, key_size);

	if (!item)
		return -ENOENT;
	mem_store(&item->expires, (unsigned long long)expires);
	return 0;
}

static void flush(struct cache *cache)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long hash, word;

	while (kv_table_next(cache->heap, cache->table, &cursor, &hash, &word) > 0)
		item_remove(cache, hash, item_of(cache, word));
	cache->flush_at = 0;
}

void cache_flush(struct cache *cache, uint64_t when)
{
	cache->flush_at = when;
	if (!when)
		flush(cache);
}

void cache_tick(struct cache *cache)
{
	if (cache->flush_at && cache->flush_at <= cache_now())
		flush(cache);
	for (int i = 0; i < TICK_ITEMS; i++) {
		walk_step(cache, &cache->tick, 1, 0); /* of no class: only what is too old */
		if (!cache->tick.table)
			break;
	}
	if (mem_load(&cache->table->overflows) > cache->items / 48 + 64)
		grow(cache); /* if it can't, it goes on as it is */
}

void cache_stats(const struct cache *cache, struct cache_stats *stats)
{
	const struct kv_counts *counts = &cache->skel->arena->counts;

	*stats = (struct cache_stats){
		.hits = mem_counter_sum(&counts->hits),
		.misses = mem_counter_sum(&counts->misses),
		.passed = mem_counter_sum(&counts->passed),
		.raced = mem_counter_sum(&counts->raced),
		.items = cache->items,
		.bytes = cache->bytes,
		.limit = cache->size,
		.total_items = cache->total_items,
		.evicted = cache->evicted,
		.expired = cache->expired,
	};
}
