/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache: the application's end of the memory that kv.bpf.c reads. The only file that uses libmem.
 *
 * One thread calls these functions. What the program reads meanwhile is in order at every instant:
 * see kv.h.
 */
#ifndef KV_CACHE_H
#define KV_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "options.h"

#define VALUE_MAX (1U << 20) /* bytes, memcached's limit */

struct cache;

/* A value that was found. It is the cache's, until the next call that changes the cache. */
struct value {
	const char *text; /* "VALUE key flags bytes\r\n", the data, "\r\nEND\r\n" */
	const char *data; /* in text */
	size_t size;	  /* of the data, bytes */
	size_t text_size; /* bytes */
	uint32_t flags;
	uint64_t version;
	uint64_t expires; /* as in struct entry */
};

enum cache_store {
	STORE_SET,
	STORE_ADD,     /* only if it is not there */
	STORE_REPLACE, /* only if it is */
	STORE_APPEND,  /* to what is there */
	STORE_PREPEND,
	STORE_CAS /* only if it has the version */
};

/* A key, and what is to be its value. */
struct entry {
	const char *key;
	size_t key_size; /* 1 to KV_KEY_MAX */
	const char *data;
	size_t size; /* up to VALUE_MAX */
	uint32_t flags;
	uint64_t expires; /* nanoseconds of the monotonic clock; 0 never */
	uint64_t version; /* for STORE_CAS */
};

struct cache_stats {
	uint64_t hits, misses, passed, raced; /* of the program */
	uint64_t items, bytes, limit;
	uint64_t total_items; /* ever stored */
	uint64_t evicted;     /* to make room */
	uint64_t expired;     /* removed for their age */
};

/*
 * Make the cache, and attach the program where the options say. Returns NULL with a message on stderr.
 */
struct cache *cache_open(const struct options *options);

/* Detach. NULL does nothing. */
void cache_close(struct cache *cache);

/* 0 or -ENOENT. */
int cache_get(struct cache *cache, const char *key, size_t key_size, struct value *value);

/*
 * 0, or -ENOENT, -EEXIST: the condition isn't met (-EEXIST for STORE_CAS: another version);
 * -E2BIG; -ENOMEM: there is no room, whatever is evicted.
 */
int cache_store(struct cache *cache, enum cache_store how, const struct entry *entry);

/* 0 or -ENOENT. */
int cache_remove(struct cache *cache, const char *key, size_t key_size);

/* Change when a key expires. 0 or -ENOENT. */
int cache_touch(struct cache *cache, const char *key, size_t key_size, uint64_t expires);

/* Remove everything, now or later: nanoseconds of the monotonic clock, 0 is now. */
void cache_flush(struct cache *cache, uint64_t when);

/* Remove some of what has expired, and see to memory: once a second. */
void cache_tick(struct cache *cache);

void cache_stats(const struct cache *cache, struct cache_stats *stats);

/* Nanoseconds of the monotonic clock. */
uint64_t cache_now(void);

/* For tests: the program, as struct mem_prog. */
void *cache_program(struct cache *cache);

#endif /* KV_CACHE_H */
