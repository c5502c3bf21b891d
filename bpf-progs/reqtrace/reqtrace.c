/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reqtrace: where the requests of servers spend their time.
 *
 *     options -> probe_open() -> loop { signals, keys, probe_read(), show } -> last table, timeline
 *
 * The programs of reqtrace.bpf.c attribute time to what servers say they work on; this side adds up.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../common/events.h"
#include "options.h"
#include "probe.h"
#include "../common/term.h"
#include "timeline.h"
#include "view.h"

#define READ_INTERVAL 0.05 /* seconds: the programs wake nobody */

struct app {
	struct options options;
	struct probe *probe;
	struct sample sample;
	struct timeline timeline;
	struct view view;
	struct text text;
	double start, next_show, end; /* seconds of the monotonic clock */
	bool screen;		      /* draw on the terminal, instead of printing */
	bool input;		      /* there may be keys */
	bool over;
	int signals; /* signalfd */
	int err;     /* of memory or of writing, -errno */
};

static void take(void *ctx, const struct segment *segment)
{
	struct app *app = ctx;

	sample_add(&app->sample, segment);
	if (app->options.timeline && timeline_add(&app->timeline, segment))
		app->err = -ENOMEM;
	if (app->sample.failed)
		app->err = -ENOMEM;
}

static void show(struct app *app)
{
	struct text *text = &app->text;
	int err;

	app->view.seconds = seconds_now() - app->start;
	app->view.losses = probe_losses(app->probe);
	if (app->screen)
		term_draw_begin(text, &app->view.height);
	if (app->options.raw)
		view_print_raw(text, &app->view, &app->sample);
	else
		view_draw(text, &app->view, &app->sample);
	err = app->screen ? term_draw_end(text) : text_flush(text, STDOUT_FILENO);
	app->err = app->err ?: err;
}

static void press(struct app *app, int key)
{
	static const char keys[SORT_KEYS + 1] = {
		[SORT_TOTAL] = 't', [SORT_CPU] = 'c',	[SORT_WAIT] = 'w',
		[SORT_READY] = 'r', [SORT_CALLS] = 's', [SORT_LAST] = 'l',
	};
	const char *sort = key > 0 && key < 256 ? strchr(keys, key) : NULL;

	if (sort)
		app->view.sort = (enum sort_key)(sort - keys);
	else if (key == 'q')
		app->over = true;
}

static void read_keys(struct app *app)
{
	int key;

	while ((key = term_key()) != KEY_NONE && key != KEY_END_OF_INPUT)
		press(app, key);
	app->input = key != KEY_END_OF_INPUT;
	app->next_show = 0;
}

static void read_signals(struct app *app)
{
	int come = signals_read(app->signals);

	if (come & SIGNALS_DRAW)
		app->next_show = 0;
	if (come & SIGNALS_END)
		app->over = true;
}

static void wait_for_events(struct app *app)
{
	struct pollfd fds[] = {
		{.fd = app->signals, .events = POLLIN},
		{.fd = app->screen && app->input ? STDIN_FILENO : -1, .events = POLLIN},
	};

	if (poll(fds, 2, (int)(READ_INTERVAL * 1000)) <= 0)
		return;
	if (fds[0].revents)
		read_signals(app);
	if (fds[1].revents)
		read_keys(app);
}

static void run(struct app *app)
{
	double interval = app->options.interval;

	app->start = seconds_now();
	app->next_show = interval ? app->start + interval : NEVER;
	app->end = app->options.duration ? app->start + app->options.duration : NEVER;
	if (app->screen)
		show(app);
	while (!app->over && !app->err) {
		double now;

		wait_for_events(app);
		probe_read(app->probe, take, app);
		now = seconds_now();
		app->over |= now >= app->end;
		if (now >= app->next_show && !app->over) {
			show(app);
			app->next_show = now + interval;
		}
	}
}

static const char *name_of(uint32_t tgid)
{
	static char name[32];
	char path[40];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/comm", tgid);
	file = fopen(path, "re");
	if (!file || !fgets(name, sizeof(name), file))
		strcpy(name, "ended");
	if (file)
		fclose(file);
	name[strcspn(name, "\n")] = 0;
	return name;
}

static int write_timeline(const struct app *app)
{
	const char *path = app->options.timeline;
	FILE *file;
	int err;

	if (!path)
		return 0;
	file = fopen(path, "we");
	if (!file) {
		err = -errno;
	} else {
		err = timeline_write(&app->timeline, file, name_of);
		err = err ?: ferror(file) ? -EIO : 0;
		if (fclose(file))
			err = err ?: -errno;
	}
	if (err)
		fprintf(stderr, "reqtrace: %s: %s\n", path, strerror(-err));
	return err;
}

/* What is left on the terminal, or in the file, when all is over. */
static int report(struct app *app)
{
	term_leave();
	probe_stop(app->probe);
	probe_read(app->probe, take, app);
	app->screen = false;
	app->text.redraw = false;
	app->text.width = app->view.height = 0;
	if (!app->err)
		show(app);
	return write_timeline(app);
}

static void set_up(struct app *app)
{
	app->screen = !app->options.raw && term_is_screen();
	app->input = true;
	if (app->screen && !app->options.interval)
		app->options.interval = 1;
	app->view = (struct view){.sort = app->options.sort, .top = app->options.top};
	term_text_setup(&app->text, app->screen);
}

int main(int argc, char **argv)
{
	static struct app app;
	int err;

	options_parse(&app.options, argc, argv);
	set_up(&app);
	app.signals = signals_open("reqtrace", app.screen);
	if (app.signals < 0)
		return EXIT_FAILURE;
	app.probe = probe_open(&app.options);
	if (!app.probe)
		return EXIT_FAILURE;
	if (app.screen)
		term_enter();
	run(&app);
	err = report(&app);
	probe_close(app.probe);
	sample_free(&app.sample);
	timeline_free(&app.timeline);
	text_free(&app.text);
	if (app.err && app.err != -EPIPE)
		fprintf(stderr, "reqtrace: %s\n", strerror(-app.err));
	return err || app.err ? EXIT_FAILURE : EXIT_SUCCESS;
}
