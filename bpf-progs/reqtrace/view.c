/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include "view.h"

#define REPORT_ROWS 20 /* requests, when the user does not say */
#define MAX_ROWS 200
#define FIXED_LINES 5 /* of a screen: the summary, two heads, an empty line, the keys */

static void put_times(struct text *text, const struct times *times)
{
	char buffer[16];

	text_put(text, "%9s", format_time(buffer, times_total(times)));
	text_style(text, GREEN);
	text_put(text, "%9s", format_time(buffer, times->ns[ON_CPU]));
	text_style(text, YELLOW);
	text_put(text, "%9s", format_time(buffer, times->ns[WAITS]));
	text_style(text, RED);
	text_put(text, "%9s", format_time(buffer, times->ns[READY]));
	text_style(text, PLAIN);
	text_put(text, "%8s", format_count(buffer, times->calls));
}

static void draw_head(struct text *text, const char *first, const char *second)
{
	text_style(text, HEADER);
	text_put(text, "%-9s%9s%9s%9s%9s%9s%8s  %s", first, second, "TOTAL", "ON-CPU", "WAITS", "READY",
		 "CALLS", "");
	if (text->redraw)
		text_pad(text, text->width);
	text_end_line(text);
}

static void draw_summary(struct text *text, const struct view *view, const struct sample *sample)
{
	const struct losses *lost = &view->losses;

	text_style(text, BOLD);
	text_put(text, "reqtrace");
	text_style(text, PLAIN);
	text_put(text, "  in %.1fs: %llu requests, by %s", view->seconds,
		 (unsigned long long)(sample->count + sample->folded), sort_key_name(view->sort));
	text_style(text, RED);
	if (lost->segments)
		text_put(text, "  %llu stretches of time are lost: the buffer was full",
			 (unsigned long long)lost->segments);
	if (lost->marks)
		text_put(text, "  %llu marks are lost: too many between two switches",
			 (unsigned long long)lost->marks);
	if (lost->runs)
		text_put(text, "  %llu switches or system calls were not seen",
			 (unsigned long long)lost->runs);
	text_end_line(text);
}

static void draw_phases(struct text *text, const struct sample *sample)
{
	char name[PHASE_SIZE], buffer[16];

	draw_head(text, "PHASE", "REQUESTS");
	for (unsigned int i = 0; i < sample->phases.count; i++) {
		const struct phase *phase = &sample->phases.phase[i];

		text_put(text, "%-9s%9s", phase_text(name, phase->name), format_count(buffer, phase->requests));
		put_times(text, &phase->times);
		text_end_line(text);
	}
}

static const struct phase *longest_phase(const struct request *request)
{
	const struct phase *longest = &request->phases.phase[0];

	for (unsigned int i = 1; i < request->phases.count; i++)
		if (times_total(&request->phases.phase[i].times) > times_total(&longest->times))
			longest = &request->phases.phase[i];
	return longest;
}

static void draw_request(struct text *text, const struct request *request)
{
	char name[PHASE_SIZE];

	text_put(text, "%-9llu%9u", (unsigned long long)request->id, request->tgid);
	put_times(text, &request->sum);
	text_put(text, "  %s", phase_text(name, longest_phase(request)->name));
	text_end_line(text);
}

static size_t rows_for(const struct view *view, const struct sample *sample)
{
	long rows = view->height ? view->height - FIXED_LINES - (long)sample->phases.count : REPORT_ROWS;

	if (view->top && (!view->height || rows > (long)view->top))
		rows = (long)view->top;
	return rows < 0 ? 0 : rows > MAX_ROWS ? MAX_ROWS : (size_t)rows;
}

void view_draw(struct text *text, const struct view *view, const struct sample *sample)
{
	const struct request *top[MAX_ROWS];
	size_t count = sample_top(sample, view->sort, top, rows_for(view, sample));

	draw_summary(text, view, sample);
	draw_phases(text, sample);
	text_end_line(text);
	draw_head(text, "REQUEST", "PROCESS");
	for (size_t i = 0; i < count; i++)
		draw_request(text, top[i]);
	if (view->height) {
		text_style(text, DIM);
		text_put(text, "sort: t total  c cpu  w wait  r ready  s calls  l last    q quit");
		text_style(text, PLAIN);
	}
}

void view_print_raw(struct text *text, const struct view *view, const struct sample *sample)
{
	const struct losses *lost = &view->losses;
	char name[PHASE_SIZE];

	text_put(text, "process request phase on_cpu_ns waits_ns ready_ns calls");
	text_end_line(text);
	for (size_t i = 0; i < sample->count; i++) {
		const struct request *request = &sample->requests[i];

		for (unsigned int n = 0; n < request->phases.count; n++) {
			const struct phase *phase = &request->phases.phase[n];
			const uint64_t *ns = phase->times.ns;

			text_put(text, "%u %llu %s %llu %llu %llu %llu", request->tgid,
				 (unsigned long long)request->id, phase_text(name, phase->name),
				 (unsigned long long)ns[ON_CPU], (unsigned long long)ns[WAITS],
				 (unsigned long long)ns[READY], (unsigned long long)phase->times.calls);
			text_end_line(text);
		}
	}
	if (lost->segments || lost->marks || lost->runs) {
		text_put(text, "lost segments %llu marks %llu runs %llu", (unsigned long long)lost->segments,
			 (unsigned long long)lost->marks, (unsigned long long)lost->runs);
		text_end_line(text);
	}
}
