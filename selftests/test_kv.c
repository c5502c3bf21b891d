/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kv without a network: its cache, its server's side of the protocol, and its XDP program, which
 * BPF_PROG_TEST_RUN gives packets to. What the program answers has to be what the server would.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <mem/mem.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../bpf-progs/kv/cache.h"
#include "../bpf-progs/kv/command.h"
#include "../bpf-progs/kv/kv.h"
#include "harness.h"

#define US   0x0a000001 /* 10.0.0.1 */
#define PORT 11211
#define HEAD 42 /* bytes in front of the frame */

static struct cache *cache;
static struct command_counts counts;

static void open_cache(size_t megabytes, size_t items)
{
	struct options options = {.address = {htonl(US)}, .port = PORT, .memory = megabytes << 20, .items = items};

	need_bpf();
	need_linux(6, 10, "atomic operations in arenas");
	memset(&counts, 0, sizeof(counts));
	cache = cache_open(&options);
	ck_assert_ptr_nonnull(cache);
}

/* The server's answer to a request; static. */
static const struct bytes *serve(const char *request, size_t size)
{
	static struct bytes reply;
	struct client client = {.cache = cache, .counts = &counts, .reply = &reply};
	size_t used = 1;

	bytes_free(&reply);
	for (size_t at = 0; at < size && used && !client.quit; at += used)
		used = command_run(&client, request + at, size - at);
	bytes_add(&reply, "", 1);
	reply.size--;
	return &reply;
}

static const char *say(const char *request)
{
	return serve(request, strlen(request))->data;
}

static void set(const char *key, const char *value, size_t size)
{
	struct entry entry = {.key = key, .key_size = strlen(key), .data = value, .size = size};

	ck_assert_int_eq(cache_store(cache, STORE_SET, &entry), 0);
}

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void put_ip_sum(unsigned char *ip)
{
	unsigned int sum = 0;

	put16(ip + 10, 0);
	for (int i = 0; i < 20; i += 2)
		sum += (unsigned int)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, ~((sum & 0xffff) + (sum >> 16)));
}

/* A packet with a request in it: its size. */
static uint32_t packet(unsigned char *bytes, const char *request, size_t size)
{
	static const unsigned char start[HEAD] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 0, 0, 7, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1,
		0x30, 0x39, PORT >> 8, PORT & 255, 0, 0, 0, 0};

	memcpy(bytes, start, HEAD);
	put16(bytes + 16, (unsigned int)(20 + 8 + KV_FRAME + size));
	put16(bytes + 38, (unsigned int)(8 + KV_FRAME + size));
	put_ip_sum(bytes + 14);
	memcpy(bytes + HEAD, "\x12\x34\0\0\0\1\0\0", KV_FRAME);
	memcpy(bytes + HEAD + KV_FRAME, request, size);
	return (uint32_t)(HEAD + KV_FRAME + size);
}

struct result {
	uint32_t action;
	uint32_t size;
	unsigned char bytes[4096];
};

static void run(const unsigned char *bytes, uint32_t size, struct result *result)
{
	struct mem_run_opts opts = {.sz = sizeof(opts), .data_in = bytes, .data_size_in = size,
				    .data_out = result->bytes, .data_size_out = sizeof(result->bytes)};

	assert_ok(mem_prog_run(cache_program(cache), &opts));
	result->action = opts.retval;
	result->size = opts.data_size_out;
}

/* Whether the packet is an answer to ours, with this text. */
static bool is_answer(const struct result *result, const char *text, size_t size)
{
	unsigned char expected[4096], *ip = expected + 14;

	packet(expected, text, size);
	memcpy(expected, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
	memcpy(ip + 12, "\12\0\0\1\12\0\0\2", 8);
	put16(ip + 4, 0);
	put_ip_sum(ip);
	memcpy(ip + 20, "\x2b\xcb\x30\x39", 4);
	return result->action == XDP_TX && result->size == HEAD + KV_FRAME + size &&
	       !memcmp(result->bytes, expected, result->size);
}

static void get_by_xdp(const char *key, struct result *result)
{
	unsigned char bytes[2048];
	char request[512];
	int size = snprintf(request, sizeof(request), "get %s\r\n", key);

	run(bytes, packet(bytes, request, (size_t)size), result);
}

static bool passed_whole(const struct result *result, const unsigned char *bytes, uint32_t size)
{
	return result->action == XDP_PASS && result->size == size && !memcmp(result->bytes, bytes, size);
}

TEST(what_the_server_sets_the_program_gets)
{
	struct result result;

	open_cache(8, 1000);
	ck_assert_str_eq(say("set hello 5 0 5\r\nworld\r\n"), "STORED\r\n");
	get_by_xdp("hello", &result);
	ck_assert(is_answer(&result, "VALUE hello 5 5\r\nworld\r\nEND\r\n", 29));
	ck_assert_str_eq(say("append hello 0 0 1\r\n!\r\n"), "STORED\r\n");
	get_by_xdp("hello", &result);
	ck_assert(is_answer(&result, "VALUE hello 5 6\r\nworld!\r\nEND\r\n", 30));
	get_by_xdp("nothing", &result);
	ck_assert(is_answer(&result, "END\r\n", 5));
	ck_assert_str_eq(say("delete hello\r\n"), "DELETED\r\n");
	get_by_xdp("hello", &result);
	ck_assert(is_answer(&result, "END\r\n", 5));
	ck_assert_str_eq(say("set hello 0 0 3\r\nnew\r\nflush_all\r\n"), "STORED\r\nOK\r\n");
	get_by_xdp("hello", &result);
	ck_assert(is_answer(&result, "END\r\n", 5));
	cache_close(cache);
}
END_TEST

/* Keys of every size, of any bytes that a key may have, and values up to what fits into a datagram. */
TEST(program_and_server_say_the_same)
{
	static char value[KV_UDP_TEXT + 100];
	char key[KV_KEY_MAX + 1];
	const struct bytes *reply;
	struct result result;
	char request[300];

	open_cache(8, 4000);
	srandom(1);
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)random();
	for (int i = 0; i < (in_emulator() ? 400 : 3000); i++) {
		size_t key_size = i < KV_KEY_MAX ? (size_t)i + 1 : (size_t)random() % KV_KEY_MAX + 1;
		size_t size = i < KV_KEY_MAX ? 7 : (size_t)random() % sizeof(value);

		for (size_t at = 0; at < key_size; at++)
			do
				key[at] = (char)(random() % (i % 2 ? 255 : 93) + (i % 2 ? 1 : 33));
			while (key[at] == ' ' || key[at] == '\n' || (key[at] == '\r' && at + 1 == key_size));
		key[key_size] = 0;
		set(key, value, size);
		reply = serve(request, (size_t)snprintf(request, sizeof(request), "get %s\r\n", key));
		ck_assert_uint_gt(reply->size, size);
		get_by_xdp(key, &result);
		if (reply->size > KV_UDP_TEXT)
			ck_assert_uint_eq(result.action, XDP_PASS);
		else
			ck_assert_msg(is_answer(&result, reply->data, reply->size),
				      "key of %zu, value of %zu bytes: %u", key_size, size, result.action);
	}
	cache_close(cache);
}
END_TEST

TEST(what_has_expired_is_not_answered)
{
	struct entry entry = {.key = "key", .key_size = 3, .data = "x", .size = 1};
	struct result result;

	open_cache(4, 100);
	entry.expires = cache_now() + 300000000;
	ck_assert_int_eq(cache_store(cache, STORE_SET, &entry), 0);
	get_by_xdp("key", &result);
	ck_assert(is_answer(&result, "VALUE key 0 1\r\nx\r\nEND\r\n", 23) || cache_now() > entry.expires);
	usleep(310000);
	get_by_xdp("key", &result);
	ck_assert_uint_eq(result.action, XDP_PASS); /* the server removes it, and says so */
	ck_assert_str_eq(say("get key\r\n"), "END\r\n");
	get_by_xdp("key", &result);
	ck_assert(is_answer(&result, "END\r\n", 5));
	cache_close(cache);
}
END_TEST

TEST(clock_removes_what_has_expired)
{
	struct cache_stats stats;

	open_cache(4, 100);
	for (int i = 0; i < 50; i++) {
		char text[64];

		snprintf(text, sizeof(text), "set old%d 0 -1 1\r\nx\r\nset new%d 0 100 1\r\nx\r\n", i, i);
		ck_assert_str_eq(say(text), "STORED\r\nSTORED\r\n");
	}
	cache_stats(cache, &stats);
	ck_assert_uint_eq(stats.items, 100);
	cache_tick(cache);
	cache_stats(cache, &stats);
	ck_assert_uint_eq(stats.items, 50);
	ck_assert_uint_eq(stats.expired, 50);
	ck_assert_str_eq(say("touch new1 -1\r\nget new1\r\n"), "TOUCHED\r\nEND\r\n");
	cache_close(cache);
}
END_TEST

TEST(protocol_of_the_server)
{
	open_cache(4, 100);
	ck_assert_str_eq(say("add n 3 0 2\r\n10\r\n"), "STORED\r\n");
	ck_assert_str_eq(say("add n 3 0 2\r\n10\r\n"), "NOT_STORED\r\n");
	ck_assert_str_eq(say("replace m 3 0 2\r\n10\r\n"), "NOT_STORED\r\n");
	ck_assert_str_eq(say("incr n 90\r\n"), "100\r\n");
	ck_assert_str_eq(say("decr n 200\r\n"), "0\r\n");
	ck_assert_str_eq(say("incr m 1\r\n"), "NOT_FOUND\r\n");
	ck_assert_str_eq(say("incr n x\r\n"), "CLIENT_ERROR invalid numeric delta argument\r\n");
	ck_assert_str_eq(say("get n m n\r\n"), "VALUE n 3 1\r\n0\r\nVALUE n 3 1\r\n0\r\nEND\r\n");
	ck_assert_str_eq(say("prepend n 0 0 1\r\n7\r\nget n\r\n"), "STORED\r\nVALUE n 3 2\r\n70\r\nEND\r\n");
	ck_assert_str_eq(say("gets n\r\n"), "VALUE n 3 2 4\r\n70\r\nEND\r\n");
	ck_assert_str_eq(say("cas n 0 0 1 3\r\nx\r\n"), "EXISTS\r\n");
	ck_assert_str_eq(say("cas n 0 0 1 4\r\nx\r\n"), "STORED\r\n");
	ck_assert_str_eq(say("cas m 0 0 1 4\r\nx\r\n"), "NOT_FOUND\r\n");
	ck_assert_str_eq(say("gat 100 n\r\n"), "VALUE n 0 1\r\nx\r\nEND\r\n");
	ck_assert_str_eq(say("set n 0 0 1 noreply\r\ny\r\nget n\r\n"), "VALUE n 0 1\r\ny\r\nEND\r\n");
	ck_assert_str_eq(say("set n 0 0 3\r\nwrong"), "CLIENT_ERROR bad data chunk\r\n");
	ck_assert_str_eq(say("set n 0 0 -1\r\n"), "CLIENT_ERROR bad command line format\r\n");
	ck_assert_str_eq(say("set n 0 0\r\nnonsense\r\n\r\n"), "ERROR\r\nERROR\r\nERROR\r\n");
	ck_assert_str_eq(say("delete n\r\ndelete n\r\n"), "DELETED\r\nNOT_FOUND\r\n");
	ck_assert_str_eq(say("set n 0 0 1048577\r\n"), "SERVER_ERROR object too large for cache\r\n");
	cache_close(cache);
}
END_TEST

/* More than there is memory for, of sizes that change: every answer is whole, and there are some. */
TEST(old_items_make_room, .timeout = 40, .slow_emulated = "looks for old items thousands of times")
{
	static char value[60000];
	struct cache_stats stats;
	struct value found;
	unsigned int there = 0;
	char key[32];

	open_cache(4, 4000);
	for (int size = 20; size < 60000; size *= 4) {
		memset(value, 'a' + size % 26, sizeof(value));
		for (int i = 0; i < 5000000 / size && i < 4000; i++) {
			snprintf(key, sizeof(key), "key%d.%d", size, i);
			set(key, value, (size_t)size);
			if (cache_get(cache, key, strlen(key), &found))
				ck_abort_msg("%s is gone at once", key);
		}
		for (int i = 0; i < 5000000 / size && i < 4000; i++) {
			snprintf(key, sizeof(key), "key%d.%d", size, i);
			if (cache_get(cache, key, strlen(key), &found))
				continue;
			there++;
			ck_assert_uint_eq(found.size, size);
			ck_assert(!memcmp(found.data, value, (size_t)size));
		}
	}
	cache_stats(cache, &stats);
	ck_assert_uint_gt(there, 1000);
	ck_assert_uint_gt(stats.evicted, 1000);
	cache_close(cache);
}
END_TEST

TEST(table_grows_with_its_items)
{
	struct cache_stats stats;
	struct result result;
	char key[32];

	open_cache(16, 100);
	for (int i = 0; i < 20000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		set(key, key, strlen(key));
		if (i % 1000 == 0)
			cache_tick(cache);
	}
	cache_stats(cache, &stats);
	ck_assert_uint_eq(stats.items, 20000);
	ck_assert_uint_eq(stats.evicted, 0);
	for (int i = 0; i < 20000; i += 7) {
		snprintf(key, sizeof(key), "key%d", i);
		get_by_xdp(key, &result);
		ck_assert_uint_eq(result.action, XDP_TX);
	}
	cache_close(cache);
}
END_TEST

/* Change some of a packet; how many of its bytes are still right doesn't matter. */
static uint32_t spoil(unsigned char *bytes, uint32_t size)
{
	for (long changes = random() % 4; changes; changes--)
		bytes[random() % size] = (unsigned char)(random() % 3 ? random() : random() % 2 * 0xff);
	if (random() % 4 == 0)
		size -= (uint32_t)random() % (size - ETH_HLEN);
	else if (random() % 4 == 0)
		for (long more = random() % 50; more; more--)
			bytes[size++] = (unsigned char)random();
	if (random() % 2 && size > 34)
		put_ip_sum(bytes + 14); /* or hardly anything would get further */
	if (random() % 2 && size > 42) {
		put16(bytes + 16, size - 14);
		put16(bytes + 38, size - 34);
		put_ip_sum(bytes + 14);
	}
	return size;
}

/* A packet that was sent back has to be what its request deserves, said by the server. */
static void check_answer(const unsigned char *bytes, uint32_t size, const struct result *result)
{
	uint32_t length = (uint32_t)bytes[38] << 8 | bytes[39];
	const struct bytes *reply;

	ck_assert_uint_ge(length, 8 + KV_FRAME + 7);
	ck_assert_uint_le(34 + length, size);
	reply = serve((const char *)bytes + HEAD + KV_FRAME, length - 8 - KV_FRAME);
	ck_assert_uint_eq(result->size, HEAD + KV_FRAME + reply->size);
	ck_assert(!memcmp(result->bytes + HEAD + KV_FRAME, reply->data, reply->size));
	ck_assert(!memcmp(result->bytes, bytes + 6, 6) && !memcmp(result->bytes + 6, bytes, 6));
	ck_assert(!memcmp(result->bytes + 26, bytes + 30, 4) && !memcmp(result->bytes + 30, bytes + 26, 4));
	ck_assert(!memcmp(result->bytes + HEAD, bytes + HEAD, 2));
}

TEST(malformed_packets_pass_as_they_came)
{
	static const char *const request[] = {
		"get key\r\n", "get a-rather-long-key-of-many-bytes\r\n", "get nothing\r\n", "get key key\r\n",
		"gets key\r\n", "set key 0 0 1\r\nx\r\n", "get key\n", "get  key\r\n", "\r\n", "get \r\n",
	};
	unsigned int answered = 0, passed = 0;
	unsigned char bytes[512];
	struct result result;

	open_cache(4, 100);
	set("key", "value", 5);
	set("a-rather-long-key-of-many-bytes", "another value", 13);
	srandom((unsigned int)getpid());
	for (int i = 0; i < (in_emulator() ? 10000 : 60000); i++) {
		const char *text = request[random() % 10];
		uint32_t size = spoil(bytes, packet(bytes, text, strlen(text)));

		memset(result.bytes, 0, size);
		run(bytes, size, &result);
		if (result.action == XDP_TX) {
			answered++;
			check_answer(bytes, size, &result);
		} else {
			passed++;
			ck_assert_msg(passed_whole(&result, bytes, size), "changed, or not passed: %u", result.action);
		}
	}
	ck_assert_uint_gt(answered, 100);
	ck_assert_uint_gt(passed, 1000);
	cache_close(cache);
}
END_TEST

TEST(requests_for_others_pass)
{
	struct result result;
	unsigned char bytes[128];
	static const struct {
		int at;
		unsigned char value;
	} change[] = {{0, 3}, {12, 0x86}, {14, 0x46}, {20, 0x20}, {23, 6}, {33, 9}, {37, 1}, {45, 1}, {47, 2}};

	open_cache(4, 100);
	set("key", "value", 5);
	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		uint32_t size = packet(bytes, "get key\r\n", 9);

		bytes[change[i].at] = change[i].value;
		put_ip_sum(bytes + 14);
		run(bytes, size, &result);
		ck_assert_msg(passed_whole(&result, bytes, size), "byte %d", change[i].at);
	}
	cache_close(cache);
}
END_TEST

TEST(any_bytes_are_a_request_to_the_server)
{
	static const char *const word[] = {"get ", "set ", "k ", "5", " 0 0 3\r\n", "\r\n", "noreply", "incr ", "1 ",
					   "touch ", "flush_all ", "stats ", "cas ", "-", "gat ", "delete ",
					   "99999999999999999999 ", "abc\r\n", "append ", "\n"};
	struct bytes reply = {0};
	struct client client = {.cache = NULL, .counts = &counts, .reply = &reply};
	char bytes[256];

	open_cache(4, 100);
	client.cache = cache;
	srandom((unsigned int)getpid());
	for (int i = 0; i < test_rounds(100000); i++) {
		size_t size = 0, at = 0, used = 1;

		while (size < 200 && random() % 12) {
			const char *next = word[random() % 20];

			if (random() % 20)
				size += (size_t)snprintf(bytes + size, sizeof(bytes) - size, "%s", next);
			else
				bytes[size++] = (char)random();
		}
		reply.size = 0;
		client.skip = 0;
		client.quit = false;
		for (; at < size && used; at += used) {
			used = command_run(&client, bytes + at, size - at);
			ck_assert_uint_le(used, size - at);
		}
	}
	bytes_free(&reply);
	cache_close(cache);
}
END_TEST

/* Gets by one thread, through the program, while this one sets and deletes the same keys. */
static volatile bool over;
static volatile unsigned int hits, misses;
static unsigned int others, torn;

static void *get_always(void *unused)
{
	struct result result;
	char key[16];

	for (unsigned int i = 0; !over; i++) {
		const unsigned char *value;
		unsigned int size, n;

		snprintf(key, sizeof(key), "key%u", i % 8);
		get_by_xdp(key, &result);
		if (result.action != XDP_TX) {
			others++;
			continue;
		}
		if (result.size == HEAD + KV_FRAME + 5) {
			misses++;
			continue;
		}
		hits++;
		n = 0;
		result.bytes[result.size] = 0;
		if (sscanf((char *)result.bytes + HEAD + KV_FRAME, "VALUE key%u 0 %u\r\n", &n, &size) != 2 ||
		    n != i % 8) {
			torn++;
			continue;
		}
		value = (unsigned char *)strchr((char *)result.bytes + HEAD + KV_FRAME, '\n') + 1;
		for (unsigned int at = 0; at < size; at++)
			torn += value[at] != value[0];
		torn += memcmp(value + size, "\r\nEND\r\n", 7) != 0;
	}
	return unused;
}

TEST(answers_are_whole_while_values_change)
{
	static char value[1000];
	uint64_t end;
	pthread_t thread;
	char key[16];

	open_cache(4, 100);
	over = false;
	hits = misses = others = torn = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, get_always, NULL), 0);
	end = cache_now() + 2000000000;
	for (unsigned int i = 0; cache_now() < end || hits < 100 || misses < 10; i++) {
		unsigned int n = (unsigned int)random() % 8;

		snprintf(key, sizeof(key), "key%u", n);
		memset(value, 'a' + (int)i % 26, sizeof(value));
		if (i % 5)
			set(key, value, (size_t)random() % sizeof(value));
		else
			cache_remove(cache, key, strlen(key));
	}
	over = true;
	pthread_join(thread, NULL);
	ck_assert_uint_eq(torn, 0);
	cache_close(cache);
}
END_TEST
