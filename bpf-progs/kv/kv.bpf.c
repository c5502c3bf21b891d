/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * kv, kernel side: answers "get KEY" over UDP and IPv4 before the network stack sees the packet.
 *
 *     request_parse    is this one well-formed request for one key, to us?
 *     item_find        its word in the table
 *     room_make        space for the answer, in front of the request or behind it
 *     answer_write     headers, and the item's text
 *     item_find        is the item still the same? Then the request is cut off, and the answer sent
 *
 * The request stays whole until the answer is known to be: whatever goes wrong, the packet is passed
 * on as it came, to the application, which answers everything. Nothing here writes to the cache.
 */
#include <stddef.h>
#include <mem/bpf.h>
#include <bpf/bpf_endian.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include "kv.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the last bytes of keys are taken out of words as little-endian machines have them"
#endif

#define GET	      4 /* bytes of "get " */
#define PACKET_MAX    0x7ff
#define PROTOCOL_UDP  17
#define FRAGMENTS     0x3fff /* of frag_off: the offset, and that there is more */
#define DONT_FRAGMENT 0x4000

/* Settings: the application sets them before the program is loaded. */
const volatile __u64 seed;			/* of the hash of keys */
const volatile __be32 addresses[KV_ADDRESSES];	/* that requests may be for; 0: no more */
const volatile __be16 port;

/* The application sizes the arena, and has populated what it puts into the table. */
MEM_ARENA(arena, 1024);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table;
MEM_ARENA_VAR struct kv_counts counts;
/* Not 0: an item whose hash ends so was asked for since the application last looked. */
MEM_ARENA_VAR unsigned char recent[KV_RECENT];

/* Always 0, which the verifier doesn't know: a loop that starts here is the same to it in every round. */
static volatile __u32 zero;

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__be16 id, number, count, zero; /* memcached's frame */
} __attribute__((packed));

/* A request, as far as it is of interest. */
struct request {
	__u64 hash;	/* of the key */
	__u32 key_size; /* bytes */
	__u32 size;	/* bytes of the packet */
};

static int is_our_address(__be32 address)
{
	int i;

	for (i = 0; i < KV_ADDRESSES && addresses[i]; i++)
		if (address == addresses[i])
			return 1;
	return 0;
}

/* The sum of the IPv4 header: 0xffff if its checksum is right. */
static __u32 ip_sum(const struct headers *h)
{
	const __u16 *word = (const void *)h + offsetof(struct headers, ip);
	__u32 sum = 0, i;

	for (i = 0; i < sizeof(h->ip) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

static int is_ours(const struct headers *h)
{
	return h->eth.h_proto == bpf_htons(ETH_P_IP) && !(h->eth.h_dest[0] & 1) && h->ip.version == 4 &&
	       h->ip.ihl == 5 && h->ip.protocol == PROTOCOL_UDP && h->udp.dest == port &&
	       is_our_address(h->ip.daddr);
}

/* One datagram, whole, of one piece, with nothing around it but padding. */
static int is_sound(const struct headers *h, __u32 size)
{
	__u32 length = bpf_ntohs(h->ip.tot_len);

	return length <= size - sizeof(h->eth) && !(h->ip.frag_off & bpf_htons(FRAGMENTS)) &&
	       bpf_ntohs(h->udp.len) == length - sizeof(h->ip) && ip_sum(h) == 0xffff &&
	       h->udp.source && !h->number && h->count == bpf_htons(1);
}

#define EACH(byte)	     ((byte) * 0x0101010101010101ULL)
#define HAS_ZERO(word)	     ((((word) - EACH(1)) & ~(word) & EACH(0x80)) != 0)
#define HAS_BYTE(word, byte) HAS_ZERO((word) ^ EACH(byte))

/* Whether the word has a byte that ends a key, or that the server doesn't allow in one. */
static int has_blank(__u64 word)
{
	return HAS_BYTE(word, ' ') | HAS_BYTE(word, '\n') | HAS_BYTE(word, 0);
}

/*
 * The key's last bytes, fewer than 8, as a word. They end at `end`; in front of them there are always
 * enough others to read, which are shifted out.
 */
static __u64 last_word(const void *end, __u32 bytes)
{
	__u64 word = *(const __u64 *)(end - 8);

	return word >> (64 - bytes * 8);
}

/*
 * 1: the packet is one request for one key; 0: it is for the application; -1: it is not for the cache.
 * Not static: the verifier then checks it by itself.
 */
__noinline int request_parse(struct xdp_md *ctx, struct request *request)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *key;
	const struct headers *h = data;
	__u64 hash = seed, word;
	__u32 size, i;

	if (!request || data + sizeof(*h) + GET > end || !is_ours(h))
		return -1;
	if (!is_sound(h, end - data) || *(const __u32 *)(h + 1) != *(const __u32 *)"get ")
		return 0;
	size = bpf_ntohs(h->udp.len) - sizeof(h->udp) - KV_FRAME - GET - 2;
	if (size - 1 >= KV_KEY_MAX)
		return 0;
	key = data + sizeof(*h) + GET;
	for (i = zero; i + 8 <= size && mem_can_loop; i += 8) {
		if (key + (i & 0xf8) + 8 > end)
			return 0;
		word = *(const __u64 *)(key + (i & 0xf8));
		if (has_blank(word))
			return 0;
		hash = kv_mix(hash, word);
	}
	if (i + 8 <= size)
		return 0;
	key += size & 0xff;
	if (key + 2 > end || *(const __u16 *)key != *(const __u16 *)"\r\n")
		return 0;
	if (size & 7) {
		word = last_word(key, size & 7);
		if (has_blank(word | ~0ULL << (size & 7) * 8))
			return 0;
		hash = kv_mix(hash, word);
	}
	request->hash = kv_mix(hash, size);
	request->key_size = size;
	request->size = end - data;
	return 1;
}

/* Whether an item has the key that the request asks for. */
__noinline int key_matches(struct xdp_md *ctx, __u64 address, __u32 size)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const struct kv_item __arena *item = (const struct kv_item __arena *)address;
	const void *key = data + sizeof(struct headers) + GET;
	__u64 theirs;
	__u32 i;

	if (mem_load(&item->key_size) != size)
		return 0;
	for (i = zero; i + 8 <= size && mem_can_loop; i += 8) {
		if (key + (i & 0xf8) + 8 > end)
			return 0;
		theirs = mem_load((const __u64 __arena *)(item->text + 6 + i));
		if (theirs != *(const __u64 *)(key + (i & 0xf8)))
			return 0;
	}
	if (i + 8 <= size)
		return 0;
	if (!(size & 7))
		return 1;
	key += size & 0xff;
	if (key > end)
		return 0;
	return last_word(key, size & 7) ==
	       mem_load((const __u64 __arena *)(item->text + 6 + i)) << (64 - (size & 7) * 8) >>
		       (64 - (size & 7) * 8);
}

/* The answer's headers, made of the request's. */
static void headers_write(struct headers *to, const struct headers *from, __u32 size)
{
	__builtin_memcpy(to->eth.h_dest, from->eth.h_source, ETH_ALEN);
	__builtin_memcpy(to->eth.h_source, from->eth.h_dest, ETH_ALEN);
	to->eth.h_proto = from->eth.h_proto;
	to->ip.version = 4;
	to->ip.ihl = 5;
	to->ip.tos = 0;
	to->ip.tot_len = bpf_htons(size - sizeof(to->eth));
	to->ip.id = 0;
	to->ip.frag_off = bpf_htons(DONT_FRAGMENT);
	to->ip.ttl = 64;
	to->ip.protocol = PROTOCOL_UDP;
	to->ip.check = 0;
	to->ip.saddr = from->ip.daddr;
	to->ip.daddr = from->ip.saddr;
	to->ip.check = ~ip_sum(to);
	to->udp.source = from->udp.dest;
	to->udp.dest = from->udp.source;
	to->udp.len = bpf_htons(size - sizeof(to->eth) - sizeof(to->ip));
	to->udp.check = 0; /* none, as IPv4 allows */
	to->id = from->id;
	to->number = 0;
	to->count = bpf_htons(1);
	to->zero = 0;
}

/*
 * Write an answer of `size` bytes of text at offset `to`; the request is at offset `from`. Without an
 * item: that there is none. 0, or -1.
 */
__noinline int answer_write(struct xdp_md *ctx, __u32 to, __u32 from, __u64 address, __u32 size)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end, *text;
	const struct kv_item __arena *item = (const struct kv_item __arena *)address;
	const struct headers *request = data + (from & PACKET_MAX);
	struct headers *answer = data + (to & PACKET_MAX);
	__u32 i;

	text = answer + 1;
	if ((const void *)(request + 1) > end || text + 5 > end)
		return -1;
	headers_write(answer, request, sizeof(*answer) + size);
	if (!address) {
		__builtin_memcpy(text, "END\r\n", 5);
		return 0;
	}
	for (i = zero; i + 8 <= size && mem_can_loop; i += 8) {
		if (text + (i & PACKET_MAX) + 8 > end)
			return -1;
		*(__u64 *)(text + (i & PACKET_MAX)) = mem_load((const __u64 __arena *)(item->text + i));
	}
	if (i + 8 <= size || size < 8)
		return -1;
	i = (size - 8) & PACKET_MAX; /* the last 8 bytes, of which some are there already */
	if (text + i + 8 > end)
		return -1;
	*(__u64 *)(text + i) = mem_load((const __u64 __arena *)(item->text + i));
	return 0;
}

/* Answer with an item, or without; `word` is what the table said then. The program's result. */
static int answer(struct xdp_md *ctx, struct request *request, __u64 word, __u64 item, __u32 text)
{
	__u32 size = sizeof(struct headers) + text, now_to, now_from;
	int behind = !bpf_xdp_adjust_tail(ctx, size), err;
	__u64 now = 0;

	/* Drivers give little room behind a packet, or much; in front there are 256 bytes. */
	if (!behind && bpf_xdp_adjust_head(ctx, -(int)size))
		return XDP_PASS;
	now_to = behind ? request->size : 0;
	now_from = behind ? 0 : size;
	err = answer_write(ctx, now_to, now_from, item, text);
	if (!err && item && (kv_table_find(&heap, &table, &request->hash, &now) || now != word)) {
		mem_counter_add(&counts.raced, 1);
		err = -1;
	}
	if (err) { /* as it was */
		err = behind ? bpf_xdp_adjust_tail(ctx, -(int)size) : bpf_xdp_adjust_head(ctx, (int)size);
		return err ? XDP_DROP : XDP_PASS;
	}
	err = behind ? bpf_xdp_adjust_head(ctx, request->size) : bpf_xdp_adjust_tail(ctx, -(int)request->size);
	return err ? XDP_DROP : XDP_TX;
}

static int answer_hit(struct xdp_md *ctx, struct request *request, __u64 word)
{
	struct kv_item __arena *item = mem_at(struct kv_item, &heap, word);
	__u64 expires = mem_load(&item->expires);
	__u32 text = mem_load(&item->text_size);
	unsigned char __arena *mark = &recent[request->hash & (KV_RECENT - 1)];
	int result;

	/* The application says of what has expired that it isn't there, and removes it. */
	if (text > KV_UDP_TEXT || (expires && expires <= bpf_ktime_get_ns()) ||
	    !key_matches(ctx, (__u64)item, request->key_size))
		return XDP_PASS;
	result = answer(ctx, request, word, (__u64)item, text);
	if (result == XDP_TX) {
		mem_counter_add(&counts.hits, 1);
		if (!mem_load(mark))
			mem_store(mark, 1);
	}
	return result;
}

SEC("xdp")
int kv_get(struct xdp_md *ctx)
{
	struct request request = {};
	int result = XDP_PASS, err;
	__u64 word = 0;

	err = request_parse(ctx, &request);
	if (err < 0)
		return XDP_PASS;
	if (err && request.size <= 1024) { /* what is longer has more than a key in it */
		err = kv_table_find(&heap, &table, &request.hash, &word);
		if (!err)
			result = answer_hit(ctx, &request, word);
		else if (err == -MEM_ENOENT)
			result = answer(ctx, &request, 0, 0, 5);
		if (err && result == XDP_TX)
			mem_counter_add(&counts.misses, 1);
	}
	if (result != XDP_TX)
		mem_counter_add(&counts.passed, 1);
	return result;
}
