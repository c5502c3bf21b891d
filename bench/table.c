// SPDX-License-Identifier: BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

static const char *bench_name, *title, *unit, *base_name;
static int header_due;

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_stat bench_stat(double *samples, size_t count)
{
	struct bench_stat stat = {0};

	if (!count)
		return stat;
	qsort(samples, count, sizeof(*samples), by_value);
	stat.median = (samples[(count - 1) / 2] + samples[count / 2]) / 2;
	stat.min = samples[0];
	return stat;
}

void bench_table(const char *bench, const char *table_title, const char *table_unit, const char *base)
{
	bench_name = bench;
	title = table_title;
	unit = table_unit;
	base_name = base;
	header_due = 1;
}

static int is_compared(const struct bench_row *row)
{
	return row->base && row->base_stat.median > 0 && row->base_stat.min > 0;
}

static void print_header(const struct bench_row *row)
{
	char ratio[40];

	if (!header_due)
		return;
	header_due = 0;
	snprintf(ratio, sizeof(ratio), "to %s", base_name ? base_name : "");
	printf("\n%s: %s (%s)\n%-34s %11s %11s %12s %8s", bench_name, title, unit, "", "median", "min",
	       base_name ? ratio : "", base_name ? "by min" : "");
	for (size_t i = 0; row && i < row->column_count; i++)
		printf(" %9s", row->columns[i].name);
	printf("\n");
}

/* A number with as many places as it needs to be told from the next. */
static void print_number(int width, double value)
{
	printf(" %*.*f", width, value >= 1000 ? 0 : value >= 100 ? 1 : 2, value);
}

/* A string of a JSON text: names and titles hold nothing that would need more. */
static void write_string(FILE *file, const char *text)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', file);
		if ((unsigned char)*text >= ' ')
			fputc(*text, file);
	}
	fputc('"', file);
}

static FILE *open_rows(const char *name)
{
	const char *path = getenv("BENCH_ROWS");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return NULL;
	fputs("{\"bench\": ", file);
	write_string(file, bench_name);
	fputs(", \"table\": ", file);
	write_string(file, title);
	fputs(", \"case\": ", file);
	write_string(file, name);
	return file;
}

static void close_rows(FILE *file)
{
	fputs("}\n", file);
	if (fclose(file)) {
		perror("BENCH_ROWS");
		exit(1);
	}
}

static void write_row(const struct bench_row *row)
{
	FILE *file = open_rows(row->name);

	if (!file)
		return;
	fputs(", \"unit\": ", file);
	write_string(file, unit);
	fprintf(file, ", \"median\": %.6g, \"min\": %.6g", row->stat.median, row->stat.min);
	if (is_compared(row)) {
		fputs(", \"base\": ", file);
		write_string(file, row->base);
		fprintf(file, ", \"ratio\": %.5g, \"ratio_min\": %.5g",
			row->stat.median / row->base_stat.median, row->stat.min / row->base_stat.min);
	}
	for (size_t i = 0; i < row->column_count; i++) {
		fputs(", ", file);
		write_string(file, row->columns[i].name);
		fprintf(file, ": %.6g", row->columns[i].value);
	}
	close_rows(file);
}

void bench_print(const struct bench_row *row)
{
	print_header(row);
	printf("%-34s", row->name);
	print_number(11, row->stat.median);
	print_number(11, row->stat.min);
	if (is_compared(row))
		printf(" %12.3f %8.3f", row->stat.median / row->base_stat.median, row->stat.min / row->base_stat.min);
	else
		printf(" %12s %8s", "", "");
	for (size_t i = 0; i < row->column_count; i++)
		print_number(9, row->columns[i].value);
	printf("\n");
	fflush(stdout);
	write_row(row);
}

void bench_note(struct bench_series *series, double value)
{
	if (series->count < BENCH_ROUNDS)
		series->samples[series->count++] = value;
}

static struct bench_stat stat_without(struct bench_series *series, double loop)
{
	struct bench_stat stat = bench_stat(series->samples, series->count);

	stat.median -= loop;
	stat.min -= loop;
	return stat;
}

void bench_print_series(struct bench_series *series, struct bench_series *base, double loop)
{
	struct bench_row row = {.name = series->name, .stat = stat_without(series, loop)};

	if (base) {
		row.base = base->name;
		row.base_stat = stat_without(base, loop);
	}
	bench_print(&row);
}

void bench_print_failure(const char *name, const char *why)
{
	FILE *file = open_rows(name);

	print_header(NULL);
	printf("%-34s no: %s\n", name, why);
	fflush(stdout);
	if (!file)
		return;
	fputs(", \"failure\": ", file);
	write_string(file, why);
	close_rows(file);
}
