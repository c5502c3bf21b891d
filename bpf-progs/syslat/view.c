/* SPDX-License-Identifier: BSD-2-Clause */
#include "view.h"

/* The table: up to this column it is numbers, what is to the right of it is a bar. */
#define NUMBERS_END 79

/* Rows of a report when the user does not say. */
#define REPORT_ROWS 20

/* On fewer lines there is just the summary: it, a warning, the head and the keys take four. */
#define MIN_HEIGHT 5

/* Lines of a screen that leave room for a histogram. */
#define HISTOGRAM_FROM 14

static const char *const sort_names[SORT_KEYS + 1] = {
	[SORT_TIME] = "time", [SORT_CALLS] = "calls", [SORT_AVG] = "avg", [SORT_P50] = "p50",
	[SORT_P99] = "p99",   [SORT_MAX] = "max",     [SORT_PID] = "pid", [SORT_NAME] = "name",
};

const char *sort_key_name(enum sort_key key)
{
	return sort_names[key];
}

struct rows *view_rows(const struct view *view, struct sample *sample)
{
	return view->by_call ? &sample->calls : &sample->processes;
}

static const struct row *selected_row(const struct view *view, const struct rows *rows)
{
	for (size_t i = 0; view->selected && i < rows->count; i++)
		if (rows->row[i].id == view->selected)
			return &rows->row[i];
	return NULL;
}

static void draw_summary(struct text *text, const struct view *view, const struct sample *sample)
{
	double per_second = sample->seconds > 0 ? (double)sample->all.calls / sample->seconds : 0;
	size_t processes = sample->processes.count + sample->folded - (sample->folded > 0);
	char calls[16], rate[16];

	text_style(text, BOLD);
	text_put(text, "syslat");
	text_style(text, PLAIN);
	text_put(text, "  %s %.1fs: %s calls, %s/s, %zu process%s", view->window ? "last" : "in",
		 sample->seconds, format_count(calls, sample->all.calls),
		 format_count(rate, (uint64_t)per_second), processes, processes == 1 ? "" : "es");
	if (view->filter)
		text_put(text, ", only %s", view->filter);
	text_put(text, ", by %s", sort_key_name(view->sort));
	if (view->paused) {
		text_style(text, YELLOW);
		text_put(text, "  PAUSED");
	}
	text_style(text, PLAIN);
}

/* Nothing is dropped in silence. */
static void draw_warnings(struct text *text, const struct sample *sample)
{
	char count[16];

	text_end_line(text);
	text_style(text, RED);
	if (sample->unattributed) {
		text_put(text, "%s calls are in no row: the table is full (try --slots). ",
			 format_count(count, sample->unattributed));
	}
	if (sample->unmeasured) {
		text_put(text,
			 "%s calls were not measured: the kernel was short of memory or skipped "
			 "them.",
			 format_count(count, sample->unmeasured));
	}
	if (text->column)
		text_end_line(text);
	text_style(text, PLAIN);
}

static void draw_title(struct text *text, enum style around, bool sorted, const char *title,
		       int width)
{
	if (sorted)
		text_style(text, SELECTED);
	text_put(text, "%*s", width, title);
	text_style(text, around);
}

static void draw_table_head(struct text *text, const struct view *view)
{
	enum sort_key sort = view->sort;

	text_style(text, HEADER);
	draw_title(text, HEADER, sort == SORT_PID, view->by_call ? "NR" : "PID", 7);
	text_put(text, "  ");
	draw_title(text, HEADER, sort == SORT_NAME, view->by_call ? "CALL" : "NAME", -15);
	draw_title(text, HEADER, sort == SORT_CALLS, "CALLS", 7);
	draw_title(text, HEADER, sort == SORT_TIME, "TIME", 8);
	text_put(text, "     %%");
	draw_title(text, HEADER, sort == SORT_AVG, "AVG", 8);
	draw_title(text, HEADER, sort == SORT_P50, "P50", 8);
	draw_title(text, HEADER, sort == SORT_P99, "P99", 8);
	draw_title(text, HEADER, sort == SORT_MAX, "MAX", 8);
	if (text->redraw)
		text_pad(text, text->width);
	text_end_line(text);
}

static void draw_row(struct text *text, const struct view *view, const struct sample *sample,
		     const struct row *row)
{
	double share = sample->all.total ? (double)row->sum.total / (double)sample->all.total : 0;
	bool selected = view->selected == row->id;
	char buffer[16];

	text_style(text, selected ? SELECTED : row->ended ? DIM : PLAIN);
	if (row->id == ROW_FOLDED)
		text_put(text, "%7s  %-15s", "-", row->name);
	else
		text_put(text, "%7u  %-15.15s", row->number, row->name);
	text_put(text, "%7s", format_count(buffer, row->sum.calls));
	text_put(text, "%8s", format_time(buffer, row->sum.total));
	text_put(text, "%6.1f", share * 100);
	text_put(text, "%8s", format_time(buffer, latency_average(&row->sum)));
	text_put(text, "%8s", format_time(buffer, row->p50));
	text_put(text, "%8s", format_time(buffer, row->p99));
	text_put(text, "%8s", format_time(buffer, row->sum.max));
	if (text->width >= NUMBERS_END + 10) {
		text_pad(text, NUMBERS_END + 1);
		text_style(text, CYAN);
		text_bar(text, text->width - NUMBERS_END - 2, share);
	}
	text_end_line(text);
}

/* The rows from the one that keeps the selected one in sight. */
static void draw_table(struct text *text, const struct view *view, struct sample *sample,
		       size_t lines)
{
	const struct rows *rows = view_rows(view, sample);
	const struct row *selected = selected_row(view, rows);
	size_t first = 0;

	draw_table_head(text, view);
	if (selected && (size_t)(selected - rows->row) >= lines)
		first = (size_t)(selected - rows->row) - lines + 1;
	for (size_t i = first; i < rows->count && i - first < lines; i++)
		draw_row(text, view, sample, &rows->row[i]);
}

/* Powers of two from the first to the last in which a call ended; power 0 is bucket 0. */
#define POWERS (1 + (LAT_BUCKETS + 2) / 4)

struct powers {
	uint64_t calls[POWERS];
	int first, last; /* first > last: no call at all */
};

static unsigned int first_bucket(int power)
{
	unsigned int bucket = power ? 4 * (unsigned int)power - 3 : 0;

	return bucket < LAT_BUCKETS ? bucket : LAT_BUCKETS;
}

static struct powers powers_of(const struct latency_sum *sum)
{
	struct powers powers = {.first = POWERS, .last = -1};

	for (int i = 0; i < POWERS; i++) {
		for (unsigned int b = first_bucket(i); b < first_bucket(i + 1); b++)
			powers.calls[i] += sum->buckets[b];
		if (!powers.calls[i])
			continue;
		if (powers.first > i)
			powers.first = i;
		powers.last = i;
	}
	return powers;
}

/* Fast is green, and what a human notices is red. */
static enum style latency_style(uint64_t ns)
{
	return ns < 10000 ? GREEN : ns < 1000000 ? CYAN : ns < 100000000 ? YELLOW : RED;
}

static void draw_histogram_title(struct text *text, const struct latency_sum *sum,
				 const struct row *of)
{
	static const struct {
		const char *name;
		double share;
	} quantiles[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}};
	char buffer[16];

	text_style(text, BOLD);
	text_put(text, "%s", of ? of->name : "all calls");
	text_style(text, PLAIN);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		text_put(text, "  %s %s", quantiles[i].name,
			 format_time(buffer, latency_quantile(sum, quantiles[i].share)));
	text_put(text, "  max %s", format_time(buffer, sum->max));
	text_end_line(text);
}

static void draw_histogram_line(struct text *text, int power, int step, uint64_t calls,
				uint64_t most, uint64_t all)
{
	uint64_t from = lat_bucket_start(first_bucket(power));
	unsigned int end = first_bucket(power + step);
	int columns = text->width ? text->width - 36 : 44;
	char buffer[16];

	text_put(text, "%8s", format_time(buffer, from));
	text_put(text, " - %-8s ",
		 end < LAT_BUCKETS ? format_time(buffer, lat_bucket_start(end)) : "");
	text_style(text, latency_style(from));
	text_bar(text, columns < 60 ? columns : 60, (double)calls / (double)most);
	text_style(text, PLAIN);
	text_put(text, "%7s%6.1f%%", format_count(buffer, calls),
		 100.0 * (double)calls / (double)all);
	text_end_line(text);
}

/* With fewer lines than powers of two, several of them share a line. */
static void draw_histogram(struct text *text, const struct latency_sum *sum, const struct row *of,
			   int lines)
{
	struct powers powers = powers_of(sum);
	int step = 1, count = powers.last - powers.first + 1;
	uint64_t groups[POWERS] = {0}, most = 0;

	draw_histogram_title(text, sum, of);
	if (count <= 0 || lines <= 0)
		return;
	while ((count + step - 1) / step > lines)
		step++;
	for (int i = 0; i < count; i++)
		groups[i / step] += powers.calls[powers.first + i];
	for (int i = 0; i * step < count; i++)
		most = groups[i] > most ? groups[i] : most;
	for (int i = 0; i * step < count; i++)
		draw_histogram_line(text, powers.first + i * step, step, groups[i], most,
				    sum->calls);
}

static void draw_keys(struct text *text, const struct view *view)
{
	text_style(text, DIM);
	text_put(text, "t)ime c)alls a)vg p5)0 p9)9 m)ax n)ame %s w)%s h)ist up/down q)uit",
		 view->by_call ? "s) processes" : "s)yscalls", view->window ? "hole" : "indow");
	text_style(text, PLAIN);
}

/* How many lines of a screen are whose. */
struct layout {
	int table;     /* rows; the head is extra */
	int histogram; /* with the blank line before it and its title; 0: none */
};

static struct layout lay_out(const struct view *view, size_t rows, const struct latency_sum *sum,
			     int space)
{
	struct powers powers = powers_of(sum);
	struct layout layout = {.table = space > 0 ? space : 0};

	if (view->top && layout.table > (int)view->top)
		layout.table = (int)view->top;
	if ((size_t)layout.table > rows)
		layout.table = (int)rows;
	if (!view->histogram || view->height < HISTOGRAM_FROM)
		return layout;
	/* It may have half of the space, and what the table leaves. */
	layout.histogram = powers.last - powers.first + 3;
	if (layout.histogram > space / 2 && layout.histogram > space - layout.table)
		layout.histogram = space - layout.table > space / 2 ? space - layout.table
								    : space / 2;
	if (layout.table > space - layout.histogram)
		layout.table = space - layout.histogram;
	return layout;
}

void view_draw_screen(struct text *text, const struct view *view, struct sample *sample)
{
	struct rows *rows = view_rows(view, sample);
	const struct latency_sum *sum;
	const struct row *of;
	struct layout layout;

	rows_sort(rows, view->sort);
	of = selected_row(view, rows);
	sum = of ? &of->sum : &sample->all;
	draw_summary(text, view, sample);
	if (view->height < MIN_HEIGHT)
		return;
	draw_warnings(text, sample);
	layout = lay_out(view, rows->count, sum, view->height - text->lines - 2);
	draw_table(text, view, sample, (size_t)layout.table);
	if (layout.histogram) {
		text_end_line(text);
		draw_histogram(text, sum, of, layout.histogram - 2);
	}
	while (text->lines < view->height - 1)
		text_end_line(text);
	draw_keys(text, view);
}

void view_print(struct text *text, const struct view *view, struct sample *sample)
{
	struct rows *rows = view_rows(view, sample);
	/* of a screen that it should fit on, the table and the histogram get a half each */
	int half = view->height > 2 * MIN_HEIGHT ? (view->height - 7) / 2 : MIN_HEIGHT / 2;
	size_t top = view->height ? (size_t)half : REPORT_ROWS;

	rows_sort(rows, view->sort);
	draw_summary(text, view, sample);
	draw_warnings(text, sample);
	draw_table(text, view, sample, view->top ? view->top : top);
	text_end_line(text);
	draw_histogram(text, &sample->all, NULL, view->height ? half : POWERS);
	text_end_line(text);
}
