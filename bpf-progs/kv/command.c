/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "command.h"
#include "kv.h"

#define BINARY	  0x80			 /* first byte of a request of the other protocol */
#define MAX_WORDS 8			 /* of commands that have a fixed number of them */
#define MONTH	  (60LL * 60 * 24 * 30) /* seconds: longer times are dates */
#define SECOND	  1000000000LL

/* Clients take from it which commands there are: those of memcached 1.5.3, which had the text form of gat. */
#define AS_VERSION "1.5.3-kv-" TOOL_VERSION

#define BAD_LINE "CLIENT_ERROR bad command line format\r\n"

/* Words of a line. They are not copied, and end with a space or the line. */
struct words {
	const char *at[MAX_WORDS];
	size_t size[MAX_WORDS];
	unsigned int count;
	const char *rest; /* what follows the words */
	const char *end;  /* of the line */
};

static bool next_word(const char **from, const char *end, const char **word, size_t *size)
{
	while (*from < end && **from == ' ')
		(*from)++;
	*word = *from;
	while (*from < end && **from != ' ')
		(*from)++;
	*size = (size_t)(*from - *word);
	return *size > 0;
}

static void split(struct words *words, const char *line, const char *end)
{
	words->count = 0;
	words->end = end;
	while (words->count < MAX_WORDS &&
	       next_word(&line, end, &words->at[words->count], &words->size[words->count]))
		words->count++;
	words->rest = line;
}

static bool is(const struct words *words, unsigned int number, const char *text)
{
	return number < words->count && words->size[number] == strlen(text) &&
	       !memcmp(words->at[number], text, words->size[number]);
}

/* A decimal number without a sign. */
static bool parse_u64(const char *text, size_t size, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < size; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(text[i] - '0'), value))
			return false;
	return size > 0;
}

static bool word_u64(const struct words *words, unsigned int number, uint64_t limit, uint64_t *value)
{
	return number < words->count && parse_u64(words->at[number], words->size[number], value) &&
	       *value <= limit;
}

/*
 * When something expires, of what the protocol says: seconds from now, or since 1970 if that is more
 * than a month; 0 never; negative: at once.
 */
static bool word_time(const struct words *words, unsigned int number, uint64_t *when)
{
	bool negative = number < words->count && *words->at[number] == '-';
	uint64_t seconds, now;

	if (number >= words->count ||
	    !parse_u64(words->at[number] + negative, words->size[number] - negative, &seconds) ||
	    seconds > INT64_MAX / SECOND)
		return false;
	now = (uint64_t)time(NULL);
	if (negative || (seconds > MONTH && seconds <= now))
		*when = 1; /* long ago */
	else if (!seconds)
		*when = 0;
	else
		*when = cache_now() + (seconds > MONTH ? seconds - now : seconds) * SECOND;
	return true;
}

static bool is_key(const char *key, size_t size)
{
	return size && size <= KV_KEY_MAX && !memchr(key, 0, size);
}

static bool no_reply(const struct words *words)
{
	return words->count && is(words, words->count - 1, "noreply");
}

/* The answer, unless the client wants none. */
static void say(struct client *client, const struct words *words, const char *text)
{
	if (!no_reply(words))
		bytes_text(client->reply, text);
}

/* ---- get, gets, gat, gats */

static void answer_value(struct client *client, const struct value *value, bool with_version)
{
	size_t size = value->text_size - 5;

	if (!with_version) {
		bytes_add(client->reply, value->text, size); /* without its END */
		return;
	}
	bytes_add(client->reply, value->text, (size_t)(value->data - value->text) - 2);
	bytes_print(client->reply, " %" PRIu64 "\r\n", value->version);
	bytes_add(client->reply, value->data, value->size + 2);
}

static void run_get(struct client *client, struct words *words, bool touch)
{
	bool with_version = words->at[0][words->size[0] - 1] == 's';
	const char *from = words->at[0] + words->size[0], *key;
	struct command_counts *counts = client->counts;
	size_t size, before = client->reply->size;
	struct value value;
	uint64_t expires = 0;

	if (touch && (words->count < 3 || !word_time(words, 1, &expires))) {
		bytes_text(client->reply, words->count < 3 ? "ERROR\r\n" :
				"CLIENT_ERROR invalid exptime argument\r\n");
		return;
	}
	if (touch)
		from = words->at[1] + words->size[1];
	if (words->count < 2) {
		bytes_text(client->reply, "ERROR\r\n");
		return;
	}
	while (next_word(&from, words->end, &key, &size)) {
		if (!is_key(key, size)) {
			client->reply->size = before;
			bytes_text(client->reply, BAD_LINE);
			return;
		}
		counts->get++;
		if ((touch && cache_touch(client->cache, key, size, expires)) ||
		    cache_get(client->cache, key, size, &value)) {
			counts->get_misses++;
			continue;
		}
		counts->get_hits++;
		answer_value(client, &value, with_version);
	}
	bytes_text(client->reply, "END\r\n");
}

/* ---- set and its family */

static int store_kind(const struct words *words)
{
	static const char *const name[] = {
		[STORE_SET] = "set",	   [STORE_ADD] = "add",		[STORE_REPLACE] = "replace",
		[STORE_APPEND] = "append", [STORE_PREPEND] = "prepend", [STORE_CAS] = "cas",
	};

	for (int i = 0; i < (int)(sizeof(name) / sizeof(*name)); i++)
		if (is(words, 0, name[i]))
			return i;
	return -1;
}

static const char *store_answer(struct client *client, enum cache_store how, int err)
{
	if (how == STORE_CAS) {
		client->counts->cas_hits += !err;
		client->counts->cas_misses += err == -ENOENT;
		client->counts->cas_badval += err == -EEXIST;
		if (err == -ENOENT || err == -EEXIST)
			return err == -ENOENT ? "NOT_FOUND\r\n" : "EXISTS\r\n";
	}
	switch (err) {
	case 0:
		return "STORED\r\n";
	case -ENOENT:
	case -EEXIST:
		return "NOT_STORED\r\n";
	case -E2BIG:
		return "SERVER_ERROR object too large for cache\r\n";
	default:
		return "SERVER_ERROR out of memory storing object\r\n";
	}
}

/* The bytes of the command with its data, 0 if they are not all there. */
static size_t run_store(struct client *client, const struct words *words, enum cache_store how,
			const char *data, size_t size, size_t line)
{
	struct entry entry = {.key = words->count > 1 ? words->at[1] : NULL};
	uint64_t flags, bytes;

	if (!word_u64(words, 4, UINT32_MAX, &bytes)) {
		bytes_text(client->reply, words->count < 5 ? "ERROR\r\n" : BAD_LINE);
		return line;
	}
	entry.key_size = words->size[1];
	if (!is_key(entry.key, entry.key_size) || !word_u64(words, 2, UINT32_MAX, &flags) ||
	    !word_time(words, 3, &entry.expires) ||
	    (how == STORE_CAS && !word_u64(words, 5, UINT64_MAX, &entry.version))) {
		bytes_text(client->reply, BAD_LINE);
		client->skip = bytes + 2;
		return line;
	}
	if (bytes > VALUE_MAX) {
		say(client, words, store_answer(client, how, -E2BIG));
		client->skip = bytes + 2;
		/* what was there is not what the client believes to be there */
		cache_remove(client->cache, entry.key, entry.key_size);
		return line;
	}
	if (size < bytes + 2)
		return 0;
	client->counts->set++;
	entry.flags = (uint32_t)flags;
	entry.data = data;
	entry.size = bytes;
	if (memcmp(data + bytes, "\r\n", 2))
		bytes_text(client->reply, "CLIENT_ERROR bad data chunk\r\n");
	else
		say(client, words, store_answer(client, how, cache_store(client->cache, how, &entry)));
	return line + bytes + 2;
}

/* ---- the others */

static void run_delete(struct client *client, const struct words *words)
{
	if (words->count < 2 || !is_key(words->at[1], words->size[1])) {
		bytes_text(client->reply, words->count < 2 ? "ERROR\r\n" : BAD_LINE);
	} else if (words->count > 2 && !is(words, 2, "0") && !is(words, 2, "noreply")) {
		bytes_text(client->reply, "CLIENT_ERROR bad command line format.  Usage: delete <key> "
					  "[noreply]\r\n");
	} else if (cache_remove(client->cache, words->at[1], words->size[1])) {
		client->counts->delete_misses++;
		say(client, words, "NOT_FOUND\r\n");
	} else {
		client->counts->delete_hits++;
		say(client, words, "DELETED\r\n");
	}
}

static void run_arithmetic(struct client *client, const struct words *words, bool up)
{
	uint64_t *hits = up ? &client->counts->incr_hits : &client->counts->decr_hits;
	uint64_t *misses = up ? &client->counts->incr_misses : &client->counts->decr_misses;
	struct entry entry;
	struct value value;
	uint64_t delta, number;
	char text[24];

	if (words->count < 3 || !is_key(words->at[1], words->size[1])) {
		bytes_text(client->reply, words->count < 3 ? "ERROR\r\n" : BAD_LINE);
	} else if (!word_u64(words, 2, UINT64_MAX, &delta)) {
		bytes_text(client->reply, "CLIENT_ERROR invalid numeric delta argument\r\n");
	} else if (cache_get(client->cache, words->at[1], words->size[1], &value)) {
		(*misses)++;
		say(client, words, "NOT_FOUND\r\n");
	} else if (!parse_u64(value.data, value.size, &number)) {
		say(client, words, "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
	} else {
		(*hits)++;
		number = up ? number + delta : number > delta ? number - delta : 0;
		entry = (struct entry){
			.key = words->at[1], .key_size = words->size[1], .data = text, .flags = value.flags,
			.size = (size_t)snprintf(text, sizeof(text) - 2, "%" PRIu64, number),
			.expires = value.expires,
		};
		if (cache_store(client->cache, STORE_SET, &entry)) {
			say(client, words, "SERVER_ERROR out of memory in incr\r\n");
			return;
		}
		memcpy(text + entry.size, "\r\n", 3);
		say(client, words, text);
	}
}

static void run_touch(struct client *client, const struct words *words)
{
	uint64_t expires;

	client->counts->touch++;
	if (words->count < 3) {
		bytes_text(client->reply, "ERROR\r\n");
	} else if (!is_key(words->at[1], words->size[1]) || !word_time(words, 2, &expires)) {
		bytes_text(client->reply, BAD_LINE);
	} else if (cache_touch(client->cache, words->at[1], words->size[1], expires)) {
		say(client, words, "NOT_FOUND\r\n");
	} else {
		client->counts->touch_hits++;
		say(client, words, "TOUCHED\r\n");
	}
}

static void run_flush(struct client *client, const struct words *words)
{
	uint64_t when = 0;

	if (words->count > 1 && !is(words, 1, "noreply") && !word_time(words, 1, &when)) {
		bytes_text(client->reply, BAD_LINE);
		return;
	}
	client->counts->flush++;
	cache_flush(client->cache, when == 1 ? 0 : when);
	say(client, words, "OK\r\n");
}

/* There is nothing to be more or less verbose about. */
static void run_verbosity(struct client *client, const struct words *words)
{
	uint64_t level;

	say(client, words, word_u64(words, 1, UINT32_MAX, &level) ? "OK\r\n" : "ERROR\r\n");
}

static void stat_line(struct client *client, const char *name, uint64_t value)
{
	bytes_print(client->reply, "STAT %s %" PRIu64 "\r\n", name, value);
}

static void stat_commands(struct client *client, const struct cache_stats *cache)
{
	const struct command_counts *counts = client->counts;

	stat_line(client, "cmd_get", counts->get + cache->hits + cache->misses);
	stat_line(client, "cmd_set", counts->set);
	stat_line(client, "cmd_flush", counts->flush);
	stat_line(client, "cmd_touch", counts->touch);
	stat_line(client, "get_hits", counts->get_hits + cache->hits);
	stat_line(client, "get_misses", counts->get_misses + cache->misses);
	stat_line(client, "delete_hits", counts->delete_hits);
	stat_line(client, "delete_misses", counts->delete_misses);
	stat_line(client, "incr_hits", counts->incr_hits);
	stat_line(client, "incr_misses", counts->incr_misses);
	stat_line(client, "decr_hits", counts->decr_hits);
	stat_line(client, "decr_misses", counts->decr_misses);
	stat_line(client, "cas_hits", counts->cas_hits);
	stat_line(client, "cas_misses", counts->cas_misses);
	stat_line(client, "cas_badval", counts->cas_badval);
	stat_line(client, "touch_hits", counts->touch_hits);
}

static void run_stats(struct client *client, const struct words *words)
{
	struct cache_stats cache;

	if (words->count > 1) { /* settings, items, ...: there is nothing like it here */
		bytes_text(client->reply, is(words, 1, "reset") ? "RESET\r\n" : "END\r\n");
		return;
	}
	cache_stats(client->cache, &cache);
	stat_line(client, "pid", (uint64_t)getpid());
	stat_line(client, "uptime", (cache_now() - client->counts->start) / SECOND);
	stat_line(client, "time", (uint64_t)time(NULL));
	bytes_text(client->reply, "STAT version " AS_VERSION "\r\n");
	stat_line(client, "pointer_size", sizeof(void *) * 8);
	stat_line(client, "curr_connections", client->counts->connections);
	stat_line(client, "total_connections", client->counts->connections_total);
	stat_commands(client, &cache);
	stat_line(client, "bytes", cache.bytes);
	stat_line(client, "limit_maxbytes", cache.limit);
	stat_line(client, "threads", 1);
	stat_line(client, "curr_items", cache.items);
	stat_line(client, "total_items", cache.total_items);
	stat_line(client, "evictions", cache.evicted);
	stat_line(client, "expired", cache.expired);
	stat_line(client, "xdp_hits", cache.hits);
	stat_line(client, "xdp_misses", cache.misses);
	stat_line(client, "xdp_passed", cache.passed);
	stat_line(client, "xdp_raced", cache.raced);
	bytes_text(client->reply, "END\r\n");
}

static void run_line(struct client *client, struct words *words)
{
	if (is(words, 0, "get") || is(words, 0, "gets"))
		run_get(client, words, false);
	else if (is(words, 0, "gat") || is(words, 0, "gats"))
		run_get(client, words, true);
	else if (is(words, 0, "delete"))
		run_delete(client, words);
	else if (is(words, 0, "incr") || is(words, 0, "decr"))
		run_arithmetic(client, words, *words->at[0] == 'i');
	else if (is(words, 0, "touch"))
		run_touch(client, words);
	else if (is(words, 0, "flush_all"))
		run_flush(client, words);
	else if (is(words, 0, "stats") && !no_reply(words))
		run_stats(client, words);
	else if (is(words, 0, "version") && words->count == 1)
		bytes_text(client->reply, "VERSION " AS_VERSION "\r\n");
	else if (is(words, 0, "verbosity"))
		run_verbosity(client, words);
	else if (is(words, 0, "quit") && words->count == 1)
		client->quit = true;
	else
		bytes_text(client->reply, "ERROR\r\n");
}

size_t command_run(struct client *client, const char *in, size_t size)
{
	const char *newline, *end;
	struct words words;
	size_t line;
	int kind;

	if (client->skip) {
		line = client->skip < size ? client->skip : size;
		client->skip -= line;
		return line;
	}
	if ((unsigned char)*in == BINARY) {
		bytes_text(client->reply, "CLIENT_ERROR the binary protocol is not spoken here\r\n");
		client->quit = true;
		return size;
	}
	newline = memchr(in, '\n', size);
	if (!newline) {
		if (size > LINE_MAX_SIZE) {
			bytes_text(client->reply, "CLIENT_ERROR line too long\r\n");
			client->quit = true;
		}
		return 0;
	}
	line = (size_t)(newline - in) + 1;
	end = newline > in && newline[-1] == '\r' ? newline - 1 : newline;
	split(&words, in, end);
	kind = store_kind(&words);
	if (kind >= 0)
		return run_store(client, &words, (enum cache_store)kind, newline + 1, size - line, line);
	run_line(client, &words);
	return line;
}
