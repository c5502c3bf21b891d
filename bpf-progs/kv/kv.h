/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the program and the application of kv have in common.
 *
 * The cache is a hash table of 8 bytes to 8 bytes, and items:
 *
 *     table    hash of the key  ->  | version of the item | low address of the item |
 *     item     numbers, then the whole answer to "get KEY" as it goes over the wire:
 *              "VALUE key flags bytes\r\n" value "\r\nEND\r\n"
 *
 * Only the application writes. An item never changes after it is in the table, but for the time it
 * expires at: who replaces a value makes a new item, puts its word into the table and then frees the
 * old item. So the program copies an item into the packet, and looks for the word again: if it is
 * still there, the copy is of that item. Versions are not used twice within 4 billion changes.
 *
 * Two keys of the same hash can't both be in the cache: the later one replaces the earlier one. The
 * hash has a secret seed, so nobody makes such keys on purpose.
 */
#ifndef KV_H
#define KV_H

#include <mem/counter.h>
#include <mem/hash.h>

#define KV_KEY_MAX   250	/* bytes, memcached's limit */
#define KV_FRAME     8		/* bytes in front of each UDP datagram: id, number, count, 0 */
#define KV_UDP_TEXT  1392	/* bytes of text that go into one datagram */
#define KV_ADDRESSES 16		/* that the program answers for */
#define KV_RECENT    (1 << 16)	/* marks of items that were asked for, by hash */

#ifndef MEM_TYPE_struct_kv_item
#define MEM_TYPE_struct_kv_item
/* One key and its value, in the arena. */
struct kv_item {
	unsigned long long hash;    /* of the key */
	unsigned long long expires; /* nanoseconds of the monotonic clock; 0 never */
	unsigned long long version; /* the protocol's cas number; its low half is in the table */
	unsigned int flags;	    /* the client's */
	unsigned int value_size;    /* bytes */
	unsigned int text_size;	    /* bytes */
	unsigned short key_size;    /* bytes */
	unsigned short value_at;    /* bytes from the text's start */
	char pad[2];		    /* the key, behind "VALUE ", is aligned to 8 bytes */
	char text[];
};
#endif

/* What the program did with requests to the cache's port. */
#ifndef MEM_TYPE_struct_kv_counts
#define MEM_TYPE_struct_kv_counts
struct kv_counts {
	struct mem_counter hits;   /* answered */
	struct mem_counter misses; /* answered: there is no such key */
	struct mem_counter passed; /* not for the program, or too large for the packet: up to the server */
	struct mem_counter raced;  /* passed, since the item was replaced while it was copied */
};
#endif

MEM_HASH(kv_table, unsigned long long, unsigned long long)

/* One step of the hash of a key: 8 bytes, the last ones filled up with zeros. */
MEM_INLINE unsigned long long kv_mix(unsigned long long hash, unsigned long long word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

#endif /* KV_H */
