/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the demo tool that need no kernel: histograms, text, JSON, the layout of the screen. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"

#include "../bpf-progs/syslat/json.h"
#include "../bpf-progs/syslat/sample.h"
#include "../bpf-progs/common/text.h"
#include "../bpf-progs/syslat/view.h"

#define MS 1000000ULL

static void count(struct latency_sum *sum, uint64_t ns, uint64_t calls)
{
	sum->calls += calls;
	sum->total += ns * calls;
	sum->max = ns > sum->max ? ns : sum->max;
	sum->buckets[lat_bucket(ns)] += calls;
}

TEST(buckets_hold_what_they_say)
{
	for (uint64_t ns = 0; ns < 1ULL << 62; ns += ns / 7 + 1) {
		unsigned int bucket = lat_bucket(ns);

		ck_assert_uint_lt(bucket, LAT_BUCKETS);
		ck_assert_uint_le(lat_bucket_start(bucket), ns);
		if (bucket < LAT_BUCKETS - 1)
			ck_assert_uint_gt(lat_bucket_start(bucket + 1), ns);
	}
	ck_assert_uint_eq(lat_bucket(UINT64_MAX), LAT_BUCKETS - 1);
}
END_TEST

TEST(quantiles_are_off_by_less_than_an_eighth)
{
	struct latency_sum sum = {0};

	for (uint64_t us = 1; us <= 1000; us++)
		count(&sum, us * 1000, 1);
	for (int percent = 1; percent <= 99; percent++) {
		double exact = percent * 10000.,
		       got = (double)latency_quantile(&sum, percent / 100.);

		ck_assert_double_gt(got, exact * 7 / 8);
		ck_assert_double_lt(got, exact * 9 / 8);
	}
	ck_assert_uint_eq(latency_quantile(&sum, 1), sum.max);
}
END_TEST

TEST(quantile_of_nothing_and_of_one)
{
	struct latency_sum sum = {0};

	ck_assert_uint_eq(latency_quantile(&sum, 0.99), 0);
	ck_assert_uint_eq(latency_average(&sum), 0);
	count(&sum, 5000, 1);
	ck_assert_uint_le(latency_quantile(&sum, 0.99), 5000);
	ck_assert_uint_ge(latency_quantile(&sum, 0.99), 4300);
}
END_TEST

static struct row *add_process(struct sample *sample, uint64_t id, const char *name)
{
	struct row *row = rows_append(&sample->processes);

	row->id = id;
	row->number = (uint32_t)id;
	snprintf(row->name, sizeof(row->name), "%s", name);
	return row;
}

TEST(records_of_one_process_are_added_up)
{
	struct sample sample = {0};

	count(&add_process(&sample, 7, "b")->sum, 100, 2);
	count(&add_process(&sample, 3, "a")->sum, 200, 1);
	count(&add_process(&sample, 7, "b")->sum, 900, 3);
	rows_merge(&sample.processes);
	ck_assert_uint_eq(sample.processes.count, 2);
	ck_assert_uint_eq(sample.processes.row[0].id, 3);
	ck_assert_uint_eq(sample.processes.row[1].sum.calls, 5);
	ck_assert_uint_eq(sample.processes.row[1].sum.max, 900);
	sample_free(&sample);
}
END_TEST

TEST(the_window_is_what_is_new)
{
	struct sample earlier = {.seconds = 1}, later = {.seconds = 3}, window = {0};

	count(&add_process(&earlier, 1, "quiet")->sum, 100, 5);
	count(&add_process(&earlier, 2, "busy")->sum, 5 * MS, 1);
	count(&add_process(&later, 9, "new")->sum, 300, 4);
	count(&add_process(&later, 2, "busy")->sum, 5 * MS, 1);
	count(&later.processes.row[1].sum, 1000, 10);
	count(&add_process(&later, 1, "quiet")->sum, 100, 5);
	count(&add_process(&later, ROW_FOLDED, "3 ended")->sum, 100, 99);

	ck_assert_int_eq(sample_difference(&window, &later, &earlier), 0);
	ck_assert_double_eq(window.seconds, 2);
	rows_sort(&window.processes, SORT_CALLS);
	ck_assert_uint_eq(window.processes.count, 2);
	ck_assert_str_eq(window.processes.row[0].name, "busy");
	ck_assert_uint_eq(window.processes.row[0].sum.calls, 10);
	ck_assert_uint_eq(window.processes.row[0].sum.total, 10000);
	ck_assert_uint_le(window.processes.row[0].sum.max, 1024); /* not the 5 ms of before */
	ck_assert_str_eq(window.processes.row[1].name, "new");
	sample_free(&earlier);
	sample_free(&later);
	sample_free(&window);
}
END_TEST

TEST(times_and_counts_fit_their_columns)
{
	static const struct {
		uint64_t value;
		const char *time, *count;
	} cases[] = {
		{0, "0ns", "0"},
		{999, "999ns", "999"},
		{1000, "1.00us", "1000"},
		{9994, "9.99us", "9994"},
		{9996, "10.0us", "9996"},
		{99999, "100us", "99999"},
		{123456, "123us", "123k"},
		{999499, "999us", "999k"},
		{999500, "1.00ms", "1.00M"},
		{59999999999, "60.0s", "60.0G"},
		{999500000000, "16.7m", "1.00T"},
		{3600000000000, "1.00h", "3.60T"},
		{UINT64_MAX, "213504d", "18446744T"},
	};
	char buffer[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ck_assert_str_eq(format_time(buffer, cases[i].value), cases[i].time);
		ck_assert_str_eq(format_count(buffer, cases[i].value), cases[i].count);
	}
	for (uint64_t ns = 1; ns < 1ULL << 62; ns += ns / 9 + 1)
		ck_assert_uint_le(strlen(format_time(buffer, ns)), 7);
}
END_TEST

/* The text so far, as a string. */
static const char *string_of(struct text *text)
{
	text_raw(text, "", 1);
	return text->bytes.data;
}

TEST(names_are_harmless_in_json)
{
	static const struct {
		const char *name, *json;
	} cases[] = {
		{"plain", "\"plain\""},
		{"a\"b\\c", "\"a\\\"b\\\\c\""},
		{"\033[31m\n\t\177", "\"\\u001b[31m\\u000a\\u0009\\u007f\""},
		{"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		 "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\""},
		{"\xc2\x9b"
		 "31m",
		 "\"\\u009b31m\""},			    /* CSI, as one control character */
		{"cut \xe2\x82", "\"cut \\ufffd\\ufffd\""}, /* by the kernel's 15 bytes */
		{"\xff\xc0\xaf", "\"\\ufffd\\ufffd\\ufffd\""},
		{"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
		{"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sample sample = {0};
		struct text text = {0};

		add_process(&sample, 1, cases[i].name);
		json_print(&text, &sample, SORT_TIME, 0);
		ck_assert_msg(strstr(string_of(&text), cases[i].json), "%s is not in %s",
			      cases[i].json, text.bytes.data);
		text_free(&text);
		sample_free(&sample);
	}
}
END_TEST

TEST(names_are_harmless_on_a_terminal)
{
	struct text text = {.width = 20};

	text_put(&text, "%s",
		 "a\033[2Jb\n\xff\x9b"
		 "c");
	ck_assert_str_eq(string_of(&text), "a?[2Jb???c");
	text_free(&text);
}
END_TEST

/* A screen never scrolls: as many lines as it has, none wider than it is. */
TEST(screens_of_any_size_are_kept_to)
{
	struct sample sample = {.seconds = 1};

	for (uint64_t i = 1; i <= 50; i++) {
		struct row *row = add_process(&sample, i, "process");

		count(&row->sum, 50ULL << (i % 30), i);
		latency_sum_add(&sample.all, &row->sum);
	}
	sample.unattributed = 1;
	for (int height = 1; height < 60; height++) {
		for (int width = 1; width < 150; width += 7) {
			struct view view = {.histogram = true, .height = height, .selected = 50};
			struct text text = {.width = width, .redraw = true};
			int lines = 1, column = 0;

			view_draw_screen(&text, &view, &sample);
			for (const char *c = string_of(&text); *c; c++) {
				if (*c == '\033')
					c += 2; /* erase the rest of the line */
				else if (*c == '\n')
					lines++, column = 0;
				else
					ck_assert_int_le(++column, width);
			}
			ck_assert_int_le(lines, height);
			text_free(&text);
		}
	}
	sample_free(&sample);
}
END_TEST
