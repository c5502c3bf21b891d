/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tables of benchmarks: one row for each thing that was measured, with its ratio to the row it is
 * compared with. Every benchmark prints through this, so that all look alike and all end up in
 * build/bench.json, whose rows this file alone writes.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stddef.h>

/** What is kept of many measurements of one thing. */
struct bench_stat {
	double median;
	double min;
};

/** A number beside the main one: a column of its own. */
struct bench_column {
	const char *name;
	double value;
};

/** A row. */
struct bench_row {
	const char *name;
	struct bench_stat stat;
	const char *base;       /**< name of the row that it is compared with; NULL: none */
	struct bench_stat base_stat; /**< that row's */
	const struct bench_column *columns;
	size_t column_count;
};

/** The median and least of samples, which are sorted on the way. */
struct bench_stat bench_stat(double *samples, size_t count);

/** Begin a table. unit is that of the rows' main numbers: "us", "ns", "bytes", "s". */
void bench_table(const char *bench, const char *title, const char *unit, const char *base);

/** Print a row of the table that was begun last. */
void bench_print(const struct bench_row *row);

#define BENCH_ROUNDS 31

/** Measurements of one thing in rounds that take turns with others'. */
struct bench_series {
	const char *name;
	double samples[BENCH_ROUNDS];
	size_t count;
};

/** Add a measurement; more than BENCH_ROUNDS are left out. */
void bench_note(struct bench_series *series, double value);

/** Print a series beside another, both less what the loop around them takes; base may be NULL. */
void bench_print_series(struct bench_series *series, struct bench_series *base, double loop);

/** Print that something can't be measured, and why. */
void bench_print_failure(const char *name, const char *why);

#endif /* BENCH_TABLE_H */
