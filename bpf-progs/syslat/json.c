/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <string.h>
#include "json.h"

/*
 * Bytes of the UTF-8 character that begins here, 0 if none does: too long, a surrogate, past
 * U+10FFFF or cut short is none.
 */
static int utf8_length(const unsigned char *s)
{
	uint32_t code = s[0];
	int length = code < 0x80 ? 1 : code < 0xc2 ? 0 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;

	if (length < 2)
		return length;
	if (code > 0xf4)
		return 0;
	code &= 0xff >> (length + 1);
	for (int i = 1; i < length; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((length == 3 && code < 0x800) || (length == 4 && (code < 0x10000 || code > 0x10ffff)))
		return 0;
	return code >= 0xd800 && code <= 0xdfff ? 0 : length;
}

/* A name is any bytes: what is no UTF-8 becomes U+FFFD, what a terminal might obey is escaped. */
static void put_string(struct text *text, const char *string)
{
	const unsigned char *s = (const unsigned char *)string;

	bytes_print(&text->bytes, "\"");
	while (*s) {
		int length = utf8_length(s);

		if (!length)
			bytes_print(&text->bytes, "\\ufffd");
		else if (*s < ' ' || *s == 0x7f)
			bytes_print(&text->bytes, "\\u%04x", *s);
		else if (length == 2 && *s == 0xc2 && s[1] < 0xa0) /* the C1 controls */
			bytes_print(&text->bytes, "\\u%04x", s[1]);
		else if (*s == '"' || *s == '\\')
			bytes_print(&text->bytes, "\\%c", *s);
		else
			bytes_print(&text->bytes, "%.*s", length, (const char *)s);
		s += length ? length : 1;
	}
	bytes_print(&text->bytes, "\"");
}

static void put_histogram(struct text *text, const struct latency_sum *sum)
{
	const char *comma = "";

	bytes_print(&text->bytes, "\"histogram\":[");
	for (unsigned int i = 0; i < LAT_BUCKETS; i++) {
		if (!sum->buckets[i])
			continue;
		bytes_print(&text->bytes, "%s{\"from_ns\":%llu,", comma, (unsigned long long)lat_bucket_start(i));
		if (i < LAT_BUCKETS - 1)
			bytes_print(&text->bytes, "\"to_ns\":%llu,", (unsigned long long)lat_bucket_start(i + 1));
		bytes_print(&text->bytes, "\"calls\":%" PRIu64 "}", sum->buckets[i]);
		comma = ",";
	}
	bytes_print(&text->bytes, "]");
}

static void put_latency(struct text *text, const struct latency_sum *sum)
{
	bytes_print(&text->bytes, "\"calls\":%" PRIu64 ",\"total_ns\":%" PRIu64 ",\"avg_ns\":%" PRIu64, sum->calls,
	    sum->total, latency_average(sum));
	bytes_print(&text->bytes, ",\"p50_ns\":%" PRIu64 ",\"p99_ns\":%" PRIu64 ",\"max_ns\":%" PRIu64 ",",
	    latency_quantile(sum, 0.50), latency_quantile(sum, 0.99), sum->max);
	put_histogram(text, sum);
}

static void put_rows(struct text *text, struct rows *rows, bool calls, enum sort_key sort,
		     size_t top)
{
	rows_sort(rows, sort);
	for (size_t i = 0; i < rows->count && (!top || i < top); i++) {
		const struct row *row = &rows->row[i];

		bytes_print(&text->bytes, "%s{\"%s\":%" PRIu32 ",\"name\":", i ? "," : "", calls ? "number" : "pid",
		    row->number);
		put_string(text, row->name);
		if (!calls)
			bytes_print(&text->bytes, ",\"ended\":%s", row->ended ? "true" : "false");
		bytes_print(&text->bytes, ",");
		put_latency(text, &row->sum);
		bytes_print(&text->bytes, "}");
	}
}

void json_print(struct text *text, struct sample *sample, enum sort_key sort, size_t top)
{
	bytes_print(&text->bytes, "{\"seconds\":%.3f,", sample->seconds);
	put_latency(text, &sample->all);
	bytes_print(&text->bytes, ",\"unattributed\":%" PRIu64 ",\"unmeasured\":%" PRIu64 ",\"folded\":%" PRIu64,
	    sample->unattributed, sample->unmeasured, sample->folded);
	bytes_print(&text->bytes, ",\"processes\":[");
	put_rows(text, &sample->processes, false, sort, top);
	bytes_print(&text->bytes, "],\"syscalls\":[");
	put_rows(text, &sample->calls, true, sort, top);
	bytes_print(&text->bytes, "]}\n");
}
