/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of reqtrace that need no kernel: adding up, and the picture. */
#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"

#include "../bpf-progs/reqtrace/sample.h"
#include "../bpf-progs/reqtrace/timeline.h"

static struct sample sample;
static struct timeline timeline;

static void teardown(void)
{
	sample_free(&sample);
	timeline_free(&timeline);
}

FIXTURE(NULL, teardown)

static uint64_t name(const char *text)
{
	uint64_t word = 0;

	memcpy(&word, text, strnlen(text, 8));
	return word;
}

static void add(uint32_t tid, uint64_t id, const char *phase, enum segment_kind kind, uint64_t start,
		uint64_t end, uint64_t calls)
{
	struct segment segment = {.start = start, .end = end, .id = id, .phase = name(phase), .calls = calls,
				  .tgid = 1, .tid = tid, .kind = kind};

	sample_add(&sample, &segment);
	ck_assert_int_eq(timeline_add(&timeline, &segment), 0);
}

TEST(segments_add_up)
{
	const struct request *top[4];

	add(2, 7, "parse", ON_CPU, 100, 110, 3);
	add(2, 7, "work", ON_CPU, 110, 150, 0);
	add(2, 7, "work", WAITS, 150, 450, 0);
	add(3, 8, "parse", READY, 120, 130, 0);
	add(2, 7, "work", ON_CPU, 450, 451, 2);
	ck_assert_uint_eq(sample_top(&sample, SORT_TOTAL, top, 4), 2);
	ck_assert_uint_eq(top[0]->id, 7);
	ck_assert_uint_eq(top[0]->first, 100);
	ck_assert_uint_eq(top[0]->last, 451);
	ck_assert_uint_eq(top[0]->sum.ns[ON_CPU], 51);
	ck_assert_uint_eq(top[0]->sum.ns[WAITS], 300);
	ck_assert_uint_eq(top[0]->sum.calls, 5);
	ck_assert_uint_eq(top[0]->phases.count, 2);
	ck_assert_uint_eq(top[0]->phases.phase[1].times.ns[ON_CPU], 41);
	ck_assert_uint_eq(times_total(&top[1]->sum), 10);
	ck_assert_uint_eq(sample.phases.count, 2);
	ck_assert_uint_eq(sample.phases.phase[0].requests, 2);
	ck_assert_uint_eq(sample.phases.phase[0].times.ns[READY], 10);
	ck_assert_uint_eq(sample_top(&sample, SORT_READY, top, 1), 1);
	ck_assert_uint_eq(top[0]->id, 8);
}
END_TEST

/* What a server wrote is anything. */
TEST(what_makes_no_sense_is_left_out)
{
	add(2, 7, "x", (enum segment_kind)3, 1, 2, 0);
	add(2, 7, "x", ON_CPU, 2, 1, 0);
	ck_assert_uint_eq(sample.count, 0);
	for (int i = 0; i < 100; i++)
		add(2, 7, (char[]){(char)(i + 1), 0}, ON_CPU, 0, 1, 0);
	ck_assert_uint_eq(sample.requests[0].phases.count, MAX_PHASES);
	ck_assert_uint_eq(sample.requests[0].sum.ns[ON_CPU], 100);
}
END_TEST

TEST(quick_requests_make_room, .timeout = 60)
{
	const struct request *top[1];
	uint64_t count = MAX_REQUESTS * 2 + 5;

	for (uint64_t id = 1; id <= count; id++)
		add(2, id, "x", ON_CPU, 0, id == 3 ? 1000000 : id, 0);
	ck_assert_uint_eq(sample.count + sample.folded, count);
	ck_assert_uint_lt(sample.count, MAX_REQUESTS);
	ck_assert_uint_eq(sample.phases.phase[0].requests, count);
	ck_assert_uint_eq(sample_top(&sample, SORT_TOTAL, top, 1), 1);
	ck_assert_uint_eq(top[0]->id, 3);
}
END_TEST

/* --- the picture --- */

static const char *nasty_name(uint32_t tgid)
{
	return tgid == 1 ? "<a&b>\"c" : "?";
}

static char *draw(void)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	ck_assert_int_eq(timeline_write(&timeline, file, nasty_name), 0);
	ck_assert_int_eq(fclose(file), 0);
	return text;
}

static size_t name_length(const char *at)
{
	size_t length = 0;

	while (isalnum((unsigned char)at[length]))
		length++;
	return length;
}

/* Elements are closed in order, attributes quoted, and text has no bare '<', '>' or '&'. What is wrong, or NULL. */
static const char *flaw_of(const char *at)
{
	const char *open[16];
	int depth = 0, roots = 0;

	if (!strncmp(at, "<?xml", 5))
		at = strstr(at, "?>") + 2;
	for (; *at; at++) {
		if (*at == '&') {
			if (strncmp(at, "&lt;", 4) && strncmp(at, "&gt;", 4) && strncmp(at, "&amp;", 5) &&
			    strncmp(at, "&quot;", 6))
				return at;
		} else if (*at == '<' && at[1] == '/') {
			size_t length = name_length(at + 2);

			if (!depth-- || strncmp(open[depth], at + 2, length) != 0 ||
			    name_length(open[depth]) != length || at[2 + length] != '>')
				return at;
			at += length + 2;
		} else if (*at == '<') {
			if (!name_length(at + 1) || depth == 16)
				return at;
			roots += !depth;
			open[depth++] = ++at;
			for (bool quoted = false; *at != '>' || quoted; at++) {
				if (!*at || *at == '<')
					return open[depth - 1];
				quoted ^= *at == '"';
			}
			depth -= at[-1] == '/';
		} else if (*at == '>' || (!depth && !isspace((unsigned char)*at))) {
			return at;
		}
	}
	return depth || roots != 1 ? "the end" : NULL;
}

static void check_well_formed(const char *xml)
{
	const char *flaw = flaw_of(xml);

	ck_assert_msg(!flaw, "not well-formed at %.60s", flaw);
}

/* Lines that begin with an element of this class. (Sanitizers look at all of a text when it is searched.) */
static int count_of(const char *text, const char *class)
{
	int count = 0;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		char start[40];

		snprintf(start, sizeof(start), "%.*s", (int)(end - text < 39 ? end - text : 39), text);
		count += strstr(start, class) != NULL;
	}
	return count;
}

TEST(the_picture_shows_requests_phases_and_kinds)
{
	char *svg;

	add(3, 8, "parse", ON_CPU, 1000000, 2000000, 0);
	add(2, 7, "parse", ON_CPU, 1000000, 2000000, 3);
	add(2, 7, "work", ON_CPU, 2000000, 3000000, 0);
	add(2, 7, "work", WAITS, 3000000, 5000000, 4);
	add(2, 7, "work", READY, 5000000, 6000000, 0);
	add(2, 7, "<&\">", ON_CPU, 6000000, 9000000, 0);
	svg = draw();
	check_well_formed(svg);
	ck_assert_int_eq(count_of(svg, "class=\"request\""), 2);
	ck_assert_int_eq(count_of(svg, "class=\"phase\""), 4);
	ck_assert_int_eq(count_of(svg, "class=\"on\""), 4);
	ck_assert_int_eq(count_of(svg, "class=\"waits\""), 1);
	ck_assert_int_eq(count_of(svg, "class=\"ready\""), 1);
	ck_assert_int_eq(count_of(svg, "class=\"thread\""), 4);
	ck_assert_ptr_nonnull(strstr(svg, "request 7: 8.000 ms; on CPU 5.000 ms, waits 2.000 ms, "
					  "ready 1.000 ms, 7 system calls"));
	ck_assert_ptr_nonnull(strstr(svg, "work of request 7: 4.000 ms, 4 system calls"));
	ck_assert_ptr_nonnull(strstr(svg, "waits: 2.000 ms"));
	ck_assert_ptr_nonnull(strstr(svg, ">work</text>"));
	/* a millisecond is an eighth of the width, wherever it is */
	ck_assert_ptr_nonnull(strstr(svg, "x=\"150.00\" y=\"88\" width=\"127.50\""));
	free(svg);
}
END_TEST

TEST(an_empty_picture_is_one_too)
{
	char *svg = draw();

	check_well_formed(svg);
	free(svg);
}
END_TEST

TEST(the_last_segments_are_drawn, .timeout = 60)
{
	char *svg;

	for (uint64_t i = 0; i < MAX_SEGMENTS + 10; i++)
		add(2, i + 1, "x", ON_CPU, i * 1000, i * 1000 + 500, 0);
	svg = draw();
	check_well_formed(svg);
	ck_assert_int_eq(count_of(svg, "class=\"request\""), MAX_SEGMENTS);
	ck_assert_ptr_nonnull(strstr(svg, "earlier ones are left out"));
	ck_assert_ptr_null(strstr(svg, "request 10:"));
	ck_assert_ptr_nonnull(strstr(svg, "request 11:"));
	free(svg);
}
END_TEST
