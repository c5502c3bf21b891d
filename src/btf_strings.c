/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that are not met as those of functions (btf_functions.c) are searched for in all strings at once, by Wu
 * and Manber's method: a table says for each three bytes how far the search may go on when it meets them,
 * because no name has them further to its left. Whole names only: what is searched for has a NUL in front and
 * behind.
 *
 * Each step waits for a load that the step before decides, so four parts of the strings are searched
 * alternately.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "btf_scan.h"

#define BLOCK 3		/* bytes that are looked at in a step */
#define TABLE_BITS 12
#define TABLE_SIZE (1U << TABLE_BITS)
#define WINDOW_MAX 255 /* what a byte of the table holds */
#define FIRST_SIZE 1024

struct needle {
	const char *text; /* NUL, name, NUL */
	size_t size;      /* bytes; less than BLOCK: not to be searched for, 0: no text */
	uint32_t next;    /* with the same last block: number + 1, 0 if none */
};

/* For all strings at once. */
struct tables {
	uint8_t shift[TABLE_SIZE];  /* by the hash of a block: bytes to go on */
	uint32_t first[FIRST_SIZE]; /* by the low bits of the hash of their last block: needles */
};

struct search {
	const struct btf_view *view;
	const char *from, *end; /* its strings */
	struct kernel_btf_want *wants;
	struct needle *needles; /* one for each want */
	uint32_t count;
	uint32_t left; /* needles not found yet */
	size_t window; /* bytes: the last ones of each needle are in the tables */
	struct tables *tables;
};

static COLD void found(struct search *s, uint32_t i, const char *name)
{
	s->wants[i].name_off = (uint32_t)(name - s->from);
	s->left--;
}

static inline uint32_t block_hash(const char *last)
{
	uint16_t front;

	memcpy(&front, last - 2, sizeof(front));
	return (front | (uint32_t)(unsigned char)*last << 16) * 0x9e3779b1U >> (32 - TABLE_BITS);
}

static COLD void fill_tables(struct search *s)
{
	struct tables *tables = s->tables;

	s->window = WINDOW_MAX;
	for (uint32_t i = 0; i < s->count; i++)
		if (s->needles[i].size >= BLOCK && s->needles[i].size < s->window)
			s->window = s->needles[i].size;
	memset(tables->shift, (int)(s->window - BLOCK + 1), sizeof(tables->shift));
	for (uint32_t i = 0; i < s->count; i++) {
		struct needle *needle = &s->needles[i];
		const char *last;
		uint32_t *first;

		if (needle->size < BLOCK)
			continue;
		last = needle->text + needle->size - 1;
		for (size_t back = 0; back <= s->window - BLOCK; back++) {
			uint8_t *shift = &tables->shift[block_hash(last - back)];

			if (back < *shift)
				*shift = (uint8_t)back;
		}
		first = &tables->first[block_hash(last) % FIRST_SIZE];
		needle->next = *first;
		*first = i + 1;
	}
}

/* Needles that may end here. */
static COLD void check(struct search *s, const char *last)
{
	for (uint32_t i = s->tables->first[block_hash(last) % FIRST_SIZE]; i; i = s->needles[i - 1].next) {
		const struct needle *needle = &s->needles[i - 1];
		const char *start = last + 1 - needle->size;

		if ((size_t)(last + 1 - s->from) >= needle->size && !memcmp(start, needle->text, needle->size))
			found(s, i - 1, start + 1);
	}
}

static inline const char *step(struct search *s, const uint8_t *shifts, const char *last)
{
	uint8_t shift = shifts[block_hash(last)];

	if (shift)
		return last + shift;
	check(s, last);
	return last + 1;
}

static COLD void search_alone(struct search *s, const char *last, const char *stop)
{
	while (last < stop && s->left)
		last = step(s, s->tables->shift, last);
}

/* Variables of their own: compilers leave an array of places in memory. */
#define PLACES(each) each(a) each(b) each(c) each(d)

static __attribute__((hot, noinline)) void search(struct search *s)
{
#define COUNT(p)     +1
#define BEGIN(p)     const char *p = at, *const p##_stop = at += part;
#define IS_BEFORE(p) && p < p##_stop
#define STEP(p)	     p = step(s, shifts, p);
#define FINISH(p)    search_alone(s, p, p##_stop);
	const size_t part = (size_t)(s->end - s->from) / (0 PLACES(COUNT));
	const uint8_t *shifts = s->tables->shift;
	const char *at = s->from;

	if (part < s->window) { /* the parts would begin too early */
		search_alone(s, s->from + s->window - 1, s->end);
		return;
	}
	PLACES(BEGIN)
	a += s->window - 1;
	while (s->left PLACES(IS_BEFORE)) {
		PLACES(STEP)
	}
	PLACES(FINISH)
	search_alone(s, at, s->end);
}

static COLD int search_all(struct search *s)
{
	s->tables = calloc(1, sizeof(*s->tables));
	if (!s->tables)
		return -ENOMEM;
	fill_tables(s);
	if ((size_t)(s->end - s->from) >= s->window)
		search(s);
	free(s->tables);
	return 0;
}

static size_t name_size(const struct kernel_btf_want *want)
{
	return strlen(want->prefix) + strlen(want->name);
}

/* The texts in one block of memory, to be freed by the caller; NULL if there is none. */
static COLD char *make_needles(struct search *s)
{
	size_t total = 0;
	char *texts, *at;

	for (uint32_t i = 0; i < s->count; i++)
		total += name_size(&s->wants[i]) + 2;
	at = texts = calloc(1, total + 1);
	for (uint32_t i = 0; texts && i < s->count; i++) {
		struct needle *needle = &s->needles[i];
		size_t prefix = strlen(s->wants[i].prefix);

		if (s->wants[i].name_off)
			continue;
		needle->text = at;
		needle->size = name_size(&s->wants[i]) + 2;
		memcpy(at + 1, s->wants[i].prefix, prefix);
		memcpy(at + 1 + prefix, s->wants[i].name, needle->size - 2 - prefix);
		at += needle->size;
		s->left += needle->size >= BLOCK; /* else no name at all */
	}
	return texts;
}

COLD int btf_strings_find(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count)
{
	struct search s = {.view = view, .from = view->strings, .end = view->strings_end, .wants = wants, .count = count};
	char *texts = NULL;
	int err = -ENOMEM;

	s.needles = calloc(count + 1, sizeof(*s.needles));
	if (s.needles)
		texts = make_needles(&s);
	if (texts)
		err = s.left ? search_all(&s) : 0;
	free(s.needles);
	free(texts);
	return err;
}
