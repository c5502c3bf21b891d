/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many names among the strings at once, by Wu and Manber's method: a table says for each three bytes how
 * far the search may go on when it meets them, because no name has them further to its left. Whole names
 * only: what is searched for has a NUL in front and behind.
 *
 * Each step waits for a load that the step before decides, so four parts of the strings are searched
 * alternately.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "btf_scan.h"

#define BLOCK 3 /* bytes that are looked at in a step */
#define TABLE_BITS 12
#define TABLE_SIZE (1U << TABLE_BITS)
#define WINDOW_MAX 255 /* what a byte of the table holds */

struct needle {
	const char *text; /* NUL, name, NUL */
	size_t size;      /* bytes */
	uint32_t next;    /* with the same last block: number + 1, 0 if none */
};

struct search {
	const char *from, *end;
	struct kernel_btf_want *wants;
	struct needle *needles; /* one for each want */
	uint32_t count;
	uint32_t left;              /* needles not found yet */
	size_t window;              /* bytes: the last ones of each needle are in the table */
	uint8_t shift[TABLE_SIZE];  /* by the hash of a block: bytes to go on */
	uint32_t first[TABLE_SIZE]; /* by the hash of their last block: needles */
};

static inline uint32_t block_hash(const char *last)
{
	uint16_t front;

	memcpy(&front, last - 2, sizeof(front));
	return (front | (uint32_t)(unsigned char)*last << 16) * 0x9e3779b1U >> (32 - TABLE_BITS);
}

static size_t name_size(const struct kernel_btf_want *want)
{
	return strlen(want->prefix) + strlen(want->name);
}

/* The texts in one block of memory, to be freed by the caller; NULL if there is none. */
static char *make_needles(struct search *s)
{
	size_t total = 0;
	char *texts, *at;

	for (uint32_t i = 0; i < s->count; i++)
		total += name_size(&s->wants[i]) + 2;
	at = texts = calloc(1, total + 1);
	s->window = WINDOW_MAX;
	for (uint32_t i = 0; texts && i < s->count; i++) {
		struct needle *needle = &s->needles[i];

		needle->text = at;
		needle->size = name_size(&s->wants[i]) + 2;
		stpcpy(stpcpy(at + 1, s->wants[i].prefix), s->wants[i].name);
		at += needle->size;
		if (needle->size < BLOCK) /* no name at all */
			continue;
		s->left++;
		if (needle->size < s->window)
			s->window = needle->size;
	}
	return texts;
}

static void fill_table(struct search *s)
{
	memset(s->shift, (int)(s->window - BLOCK + 1), sizeof(s->shift));
	for (uint32_t i = 0; i < s->count; i++) {
		struct needle *needle = &s->needles[i];
		const char *last = needle->text + needle->size - 1;
		uint32_t hash;

		if (needle->size < BLOCK)
			continue;
		hash = block_hash(last);
		for (size_t back = 0; back <= s->window - BLOCK; back++) {
			uint8_t *shift = &s->shift[block_hash(last - back)];

			if (back < *shift)
				*shift = (uint8_t)back;
		}
		needle->next = s->first[hash];
		s->first[hash] = i + 1;
	}
}

/* Needles that may end here. */
static void check(struct search *s, const char *last)
{
	for (uint32_t i = s->first[block_hash(last)]; i; i = s->needles[i - 1].next) {
		const struct needle *needle = &s->needles[i - 1];
		const char *start = last + 1 - needle->size;

		if ((size_t)(last + 1 - s->from) < needle->size || memcmp(start, needle->text, needle->size))
			continue;
		s->wants[i - 1].name_off = (uint32_t)(start + 1 - s->from);
		s->left--;
	}
}

static inline const char *step(struct search *s, const char *last)
{
	uint8_t shift = s->shift[block_hash(last)];

	if (shift)
		return last + shift;
	check(s, last);
	return last + 1;
}

static void search_alone(struct search *s, const char *last, const char *stop)
{
	while (last < stop && s->left)
		last = step(s, last);
}

/* Written out: compilers leave an array of places in memory. */
static void search(struct search *s)
{
	size_t part = (size_t)(s->end - s->from) / 4;
	const char *a_stop = s->from + part, *b_stop = a_stop + part, *c_stop = b_stop + part;
	const char *a = s->from + s->window - 1, *b = a_stop, *c = b_stop, *d = c_stop;

	if (part >= s->window) { /* else the parts begin too early */
		while (a < a_stop && b < b_stop && c < c_stop && d < s->end && s->left) {
			a = step(s, a);
			b = step(s, b);
			c = step(s, c);
			d = step(s, d);
		}
		search_alone(s, b, b_stop);
		search_alone(s, c, c_stop);
		search_alone(s, d, s->end);
	} else {
		a_stop = s->end;
	}
	search_alone(s, a, a_stop);
}

int btf_strings_find(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count)
{
	struct search *s = calloc(1, sizeof(*s) + count * sizeof(struct needle));
	char *texts;

	if (!s)
		return -ENOMEM;
	s->from = view->strings;
	s->end = view->strings_end;
	s->wants = wants;
	s->needles = (struct needle *)(s + 1);
	s->count = count;
	texts = make_needles(s);
	for (uint32_t i = 0; i < count; i++)
		wants[i].name_off = 0;
	if (texts && s->left && (size_t)(s->end - s->from) >= s->window) {
		fill_table(s);
		search(s);
	}
	free(s);
	free(texts);
	return texts ? 0 : -ENOMEM;
}
