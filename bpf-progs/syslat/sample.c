/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sample.h"

void latency_sum_add(struct latency_sum *sum, const struct latency_sum *add)
{
	sum->calls += add->calls;
	sum->total += add->total;
	if (add->max > sum->max)
		sum->max = add->max;
	for (int i = 0; i < LAT_BUCKETS; i++)
		sum->buckets[i] += add->buckets[i];
}

uint64_t latency_quantile(const struct latency_sum *sum, double share)
{
	double rank = share * (double)sum->calls, below = 0;

	for (unsigned int i = 0; i < LAT_BUCKETS; i++) {
		double here = (double)sum->buckets[i];
		uint64_t from = lat_bucket_start(i), to = lat_bucket_start(i + 1), at;

		if (!sum->buckets[i] || below + here < rank) {
			below += here;
			continue;
		}
		/* The calls of a bucket are taken to be spread evenly, up to the longest call. */
		if (to > sum->max)
			to = sum->max > from ? sum->max : from;
		at = from + (uint64_t)((double)(to - from) * (rank - below) / here);
		return at;
	}
	return sum->max;
}

uint64_t latency_average(const struct latency_sum *sum)
{
	return sum->calls ? sum->total / sum->calls : 0;
}

struct row *rows_append(struct rows *rows)
{
	size_t capacity = rows->capacity ? rows->capacity * 2 : 64;
	struct row *row;

	if (rows->count == rows->capacity) {
		row = realloc(rows->row, capacity * sizeof(*row));
		if (!row)
			return NULL;
		rows->row = row;
		rows->capacity = capacity;
	}
	row = &rows->row[rows->count++];
	memset(row, 0, sizeof(*row));
	return row;
}

static int by_id(const void *a, const void *b)
{
	uint64_t x = ((const struct row *)a)->id, y = ((const struct row *)b)->id;

	return (x > y) - (x < y);
}

void rows_merge(struct rows *rows)
{
	size_t kept = 0;

	if (!rows->count)
		return;
	qsort(rows->row, rows->count, sizeof(*rows->row), by_id);
	for (size_t i = 1; i < rows->count; i++) {
		struct row *last = &rows->row[kept], *row = &rows->row[i];

		if (row->id == last->id) {
			latency_sum_add(&last->sum, &row->sum);
			last->ended |= row->ended;
		} else if (++kept != i) {
			rows->row[kept] = *row;
		}
	}
	rows->count = kept + 1;
}

static uint64_t sort_value(const struct row *row, enum sort_key key)
{
	switch (key) {
	case SORT_CALLS:
		return row->sum.calls;
	case SORT_AVG:
		return latency_average(&row->sum);
	case SORT_P50:
		return row->p50;
	case SORT_P99:
		return row->p99;
	case SORT_MAX:
		return row->sum.max;
	default:
		return row->sum.total;
	}
}

static int by_key(const void *a, const void *b, void *arg)
{
	const struct row *x = a, *y = b;
	enum sort_key key = *(enum sort_key *)arg;
	uint64_t left = sort_value(x, key), right = sort_value(y, key);
	int order = 0;

	if (key == SORT_NAME)
		order = strcmp(x->name, y->name);
	else if (key != SORT_PID)
		order = (left < right) - (left > right);
	if (!order)
		order = (x->number > y->number) - (x->number < y->number);
	return order ? order : by_id(x, y);
}

void rows_sort(struct rows *rows, enum sort_key key)
{
	for (size_t i = 0; i < rows->count; i++) {
		rows->row[i].p50 = latency_quantile(&rows->row[i].sum, 0.50);
		rows->row[i].p99 = latency_quantile(&rows->row[i].sum, 0.99);
	}
	if (rows->count)
		qsort_r(rows->row, rows->count, sizeof(*rows->row), by_key, &key);
}

static void subtract(struct latency_sum *out, const struct latency_sum *later,
		     const struct latency_sum *earlier)
{
	unsigned int top = 0;

	*out = *later;
	out->calls -= earlier->calls;
	out->total -= earlier->total;
	for (unsigned int i = 0; i < LAT_BUCKETS; i++) {
		out->buckets[i] -= earlier->buckets[i];
		if (out->buckets[i])
			top = i;
	}
	/* The longest call may be an earlier one: then all that is known is its bucket. */
	if (!out->calls)
		out->max = 0;
	else if (top < LAT_BUCKETS - 1 && out->max > lat_bucket_start(top + 1))
		out->max = lat_bucket_start(top + 1);
}

static int rows_difference(struct rows *out, struct rows *later, struct rows *earlier)
{
	static const struct latency_sum none;
	size_t past = 0;

	rows_merge(later);
	rows_merge(earlier);
	for (size_t i = 0; i < later->count; i++) {
		const struct row *now = &later->row[i];
		const struct latency_sum *before = &none;
		struct row *row;

		while (past < earlier->count && earlier->row[past].id < now->id)
			past++;
		if (past < earlier->count && earlier->row[past].id == now->id)
			before = &earlier->row[past].sum;
		/* Folding moves calls of the past from row to row: it is no news. */
		if (now->sum.calls == before->calls || now->id == ROW_FOLDED)
			continue;
		row = rows_append(out);
		if (!row)
			return -ENOMEM;
		*row = *now;
		subtract(&row->sum, &now->sum, before);
	}
	return 0;
}

int sample_difference(struct sample *out, struct sample *later, struct sample *earlier)
{
	int err;

	sample_clear(out);
	out->seconds = later->seconds - earlier->seconds;
	out->unattributed = later->unattributed - earlier->unattributed;
	out->unmeasured = later->unmeasured - earlier->unmeasured;
	subtract(&out->all, &later->all, &earlier->all);
	err = rows_difference(&out->processes, &later->processes, &earlier->processes);
	return err ? err : rows_difference(&out->calls, &later->calls, &earlier->calls);
}

void sample_clear(struct sample *sample)
{
	struct rows processes = sample->processes, calls = sample->calls;

	memset(sample, 0, sizeof(*sample));
	processes.count = calls.count = 0;
	sample->processes = processes;
	sample->calls = calls;
}

void sample_free(struct sample *sample)
{
	free(sample->processes.row);
	free(sample->calls.row);
	memset(sample, 0, sizeof(*sample));
}
