/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The picture: time goes right, a lane for each thread goes down, and in a lane
 *
 *     | request                         |     its number
 *     | phase          | phase          |     its name
 *     | on |waits| on  | ready | on     |     what the thread did
 *
 * lie above each other as in a flame graph. Titles tell the times when the pointer rests on a box.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sample.h"
#include "timeline.h"

#define WIDTH 1200	/* of the picture, pixels */
#define LEFT 150	/* of the threads' names */
#define ROW 16		/* height of a box */
#define LANE (3 * ROW + 8)
#define TOP 56
#define CHARACTER 6.2	/* width of one, about */
#define TICKS 10

struct picture {
	FILE *file;
	uint64_t start, end; /* ns */
	double scale;	     /* pixels for a nanosecond */
	int lane;
};

int timeline_add(struct timeline *timeline, const struct segment *segment)
{
	if (!timeline->segments)
		timeline->segments = calloc(MAX_SEGMENTS, sizeof(*timeline->segments));
	if (!timeline->segments)
		return -ENOMEM;
	timeline->segments[timeline->count++ % MAX_SEGMENTS] = *segment;
	return 0;
}

void timeline_free(struct timeline *timeline)
{
	free(timeline->segments);
	memset(timeline, 0, sizeof(*timeline));
}

static int by_thread(const void *a, const void *b)
{
	const struct segment *left = a, *right = b;

	if (left->tgid != right->tgid)
		return left->tgid < right->tgid ? -1 : 1;
	if (left->tid != right->tid)
		return left->tid < right->tid ? -1 : 1;
	return (left->start > right->start) - (left->start < right->start);
}

static double x_of(const struct picture *picture, uint64_t time)
{
	return LEFT + (double)(time - picture->start) * picture->scale;
}

static double ms(uint64_t ns)
{
	return (double)ns / 1e6;
}

/* A box in a row of the current lane, with as much of its label as it has room for. */
static void box(const struct picture *picture, int row, uint64_t start, uint64_t end, const char *class,
		const char *style, const char *label, const char *title)
{
	double x = x_of(picture, start), width = x_of(picture, end) - x;
	int y = TOP + picture->lane * LANE + row * ROW, room = (int)((width - 4) / CHARACTER);

	fprintf(picture->file,
		"<g class=\"%s\"><title>%s</title><rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\"%s/>",
		class, title, x, y, width < 0.2 ? 0.2 : width, ROW - 1, style);
	if (room > 0 && *label)
		fprintf(picture->file, "<text x=\"%.2f\" y=\"%d\">%.*s</text>", x + 2, y + ROW - 5, room,
			label);
	fputs("</g>\n", picture->file);
}

/* Characters that mean something in XML. */
static const char *escaped(char text[PHASE_SIZE * 6], const char *from)
{
	char *at = text;

	for (; *from; from++) {
		const char *entity = *from == '<' ? "&lt;" : *from == '>' ? "&gt;" : *from == '&' ? "&amp;"
				   : *from == '"' ? "&quot;" : NULL;

		if (entity)
			at = stpcpy(at, entity);
		else
			*at++ = *from;
	}
	*at = 0;
	return text;
}

/* The same name has the same colour in every picture. */
static const char *colour_of(char style[48], uint64_t name)
{
	uint32_t hue = (uint32_t)((name * 0x9e3779b97f4a7c15ULL) >> 32) % 360;

	snprintf(style, 48, " style=\"fill:hsl(%u,55%%,75%%)\"", hue);
	return style;
}

/* Of sorted segments: how many from `from` on have one request, or also one phase, without a gap. */
static size_t run_length(const struct segment *from, const struct segment *end, bool phase, bool kind)
{
	const struct segment *at = from;

	while (++at < end && at->tid == from->tid && at->tgid == from->tgid && at->id == from->id &&
	       at->start == at[-1].end && (!phase || at->phase == from->phase) &&
	       (!kind || at->kind == from->kind))
		;
	return (size_t)(at - from);
}

static void draw_request(const struct picture *picture, const struct segment *first, size_t count)
{
	struct times sum = {.calls = 0};
	char label[32], title[256];
	uint64_t end = first[count - 1].end;

	for (size_t i = 0; i < count; i++) {
		sum.ns[first[i].kind] += first[i].end - first[i].start;
		sum.calls += first[i].calls;
	}
	snprintf(label, sizeof(label), "%llu", (unsigned long long)first->id);
	snprintf(title, sizeof(title),
		 "request %llu: %.3f ms; on CPU %.3f ms, waits %.3f ms, ready %.3f ms, %llu system calls", first->id,
		 ms(end - first->start), ms(sum.ns[ON_CPU]), ms(sum.ns[WAITS]), ms(sum.ns[READY]),
		 (unsigned long long)sum.calls);
	box(picture, 0, first->start, end, "request", "", label, title);
}

static void draw_phase(const struct picture *picture, const struct segment *first, size_t count)
{
	char name[PHASE_SIZE], safe[PHASE_SIZE * 6], style[48], title[256];
	uint64_t end = first[count - 1].end, calls = 0;

	for (size_t i = 0; i < count; i++)
		calls += first[i].calls;
	escaped(safe, phase_text(name, first->phase));
	snprintf(title, sizeof(title), "%s of request %llu: %.3f ms, %llu system calls", safe, first->id,
		 ms(end - first->start), (unsigned long long)calls);
	box(picture, 1, first->start, end, "phase", colour_of(style, first->phase),
	    strchr(safe, '&') ? "" : safe, title);
}

static void draw_kind(const struct picture *picture, const struct segment *first, size_t count)
{
	static const char *const names[KINDS] = {[ON_CPU] = "on", [WAITS] = "waits", [READY] = "ready"};
	char title[64];
	uint64_t end = first[count - 1].end;

	snprintf(title, sizeof(title), "%s: %.3f ms", names[first->kind], ms(end - first->start));
	box(picture, 2, first->start, end, names[first->kind], "", "", title);
}

typedef void draw_fn(const struct picture *picture, const struct segment *first, size_t count);

static void draw_runs(const struct picture *picture, const struct segment *at, const struct segment *end,
		      bool phase, bool kind, draw_fn *draw)
{
	while (at < end) {
		size_t count = run_length(at, end, phase, kind);

		draw(picture, at, count);
		at += count;
	}
}

static void draw_thread(const struct picture *picture, const struct segment *first,
			const struct segment *end, const char *name)
{
	int y = TOP + picture->lane * LANE;
	char safe[PHASE_SIZE * 6];
	char cut[PHASE_SIZE];

	snprintf(cut, sizeof(cut), "%s", name);
	fprintf(picture->file, "<text class=\"thread\" x=\"4\" y=\"%d\">%s</text>\n", y + ROW - 5,
		escaped(safe, cut));
	fprintf(picture->file, "<text class=\"thread\" x=\"4\" y=\"%d\">%u/%u</text>\n", y + 2 * ROW - 5,
		first->tgid, first->tid);
	draw_runs(picture, first, end, false, false, draw_request);
	draw_runs(picture, first, end, true, false, draw_phase);
	draw_runs(picture, first, end, true, true, draw_kind);
}

static void draw_ticks(const struct picture *picture, int lanes)
{
	for (int i = 0; i <= TICKS; i++) {
		uint64_t time = picture->start + (picture->end - picture->start) / TICKS * (unsigned int)i;
		double x = x_of(picture, time);

		fprintf(picture->file,
			"<line x1=\"%.2f\" y1=\"%d\" x2=\"%.2f\" y2=\"%d\"/><text class=\"tick\" x=\"%.2f\" "
			"y=\"%d\">%.1f ms</text>\n",
			x, TOP - 8, x, TOP + lanes * LANE, x, TOP - 12, ms(time - picture->start));
	}
}

static void write_head(FILE *file, int lanes, uint64_t dropped)
{
	fprintf(file,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\">\n"
		"<style>text{font:11px sans-serif}.thread{font:11px monospace}.tick{fill:#888;text-anchor:middle}"
		"line{stroke:#ddd}.request rect{fill:#d0d7de}.on rect{fill:#2da44e}.waits rect{fill:#eac54f}"
		".ready rect{fill:#cf222e}g:hover rect{stroke:#000}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n"
		"<text x=\"4\" y=\"16\">reqtrace: requests, their phases, and on CPU (green), waiting (yellow), "
		"ready to run (red)%s</text>\n",
		WIDTH, TOP + lanes * LANE + 8, dropped ? "; earlier ones are left out" : "");
}

static size_t end_of_thread(const struct segment *segments, size_t from, size_t count)
{
	size_t to = from;

	while (to < count && segments[to].tid == segments[from].tid &&
	       segments[to].tgid == segments[from].tgid)
		to++;
	return to;
}

static void write_picture(struct picture *picture, const struct segment *segments, size_t count,
			  uint64_t dropped, const char *(*name_of)(uint32_t tgid))
{
	int lanes = 0;

	for (size_t i = 0; i < count; i = end_of_thread(segments, i, count))
		lanes++;
	write_head(picture->file, lanes, dropped);
	draw_ticks(picture, lanes);
	for (size_t i = 0, end; i < count; i = end, picture->lane++) {
		end = end_of_thread(segments, i, count);
		draw_thread(picture, segments + i, segments + end, name_of(segments[i].tgid));
	}
	fputs("</svg>\n", picture->file);
}

int timeline_write(const struct timeline *timeline, FILE *file, const char *(*name_of)(uint32_t tgid))
{
	size_t count = timeline->count < MAX_SEGMENTS ? (size_t)timeline->count : MAX_SEGMENTS;
	struct picture picture = {.file = file, .start = UINT64_MAX};
	struct segment *sorted = malloc((count + 1) * sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	if (count)
		memcpy(sorted, timeline->segments, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), by_thread);
	for (size_t i = 0; i < count; i++) {
		picture.start = sorted[i].start < picture.start ? sorted[i].start : picture.start;
		picture.end = sorted[i].end > picture.end ? sorted[i].end : picture.end;
	}
	if (!count)
		picture.start = picture.end;
	picture.scale = picture.end > picture.start
				? (WIDTH - LEFT - 30) / (double)(picture.end - picture.start)
				: 1;
	write_picture(&picture, sorted, count, timeline->count - count, name_of);
	free(sorted);
	return 0;
}
