/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslat: how long system calls take, by process.
 *
 *     options -> probe_open() -> loop { signals, keys, probe_reap(), show } -> last report
 *
 * The programs of syslat.bpf.c measure; this side reads their memory. After probe_open() nothing
 * here asks the kernel's BPF for anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../common/events.h"
#include "json.h"
#include "options.h"
#include "probe.h"
#include "../common/term.h"
#include "view.h"

/* Seconds between two rounds of taking over what ended: see probe_reap(). */
#define REAP_INTERVAL 0.25

struct app {
	struct options options;
	struct view view;
	struct probe *probe;
	struct text text;
	struct sample now;    /* since the start, as of the last interval's end */
	struct sample before; /* the same, one interval earlier */
	struct sample window; /* the difference */
	double start;	      /* all in seconds of the monotonic clock */
	double next_show;     /* NEVER: never */
	double next_reap;
	double end;
	char filter[32];
	bool screen; /* draw on the terminal, instead of printing */
	bool over;
	int signals; /* signalfd */
	int target;  /* pidfd of -p, or -1 */
	int err;     /* of writing or of memory, -errno */
};

/* Keep the sample of one interval ago and take a new one. */
static void take_sample(struct app *app, double now)
{
	struct sample oldest = app->before;
	int err;

	app->before = app->now;
	app->now = oldest;
	err = probe_read(app->probe, &app->now);
	app->now.seconds = now - app->start;
	if (app->view.window)
		err = err ?: sample_difference(&app->window, &app->now, &app->before);
	app->err = app->err ?: err;
}

static struct sample *shown(struct app *app)
{
	return app->view.window ? &app->window : &app->now;
}

static void draw(struct app *app)
{
	struct text *text = &app->text;

	term_draw_begin(text, &app->view.height);
	view_draw_screen(text, &app->view, shown(app));
	app->err = app->err ?: term_draw_end(text);
}

static void print(struct app *app)
{
	struct options *options = &app->options;
	struct text *text = &app->text;

	if (options->json)
		json_print(text, shown(app), options->sort, options->top);
	else
		view_print(text, &app->view, shown(app));
	app->err = app->err ?: text_flush(text, STDOUT_FILENO);
}

static void show(struct app *app)
{
	if (app->screen)
		draw(app);
	else
		print(app);
}

/* Up and down go through the rows as they are sorted, and past either end to none. */
static void select_next(struct app *app, int step)
{
	struct rows *rows = view_rows(&app->view, shown(app));
	long at = step > 0 ? -1 : (long)rows->count;

	for (size_t i = 0; app->view.selected && i < rows->count; i++)
		if (rows->row[i].id == app->view.selected)
			at = (long)i;
	at += step;
	app->view.selected = at >= 0 && at < (long)rows->count ? rows->row[at].id : 0;
}

static void change_window(struct app *app)
{
	app->view.window = !app->view.window;
	if (app->view.window)
		app->err = app->err ?: sample_difference(&app->window, &app->now, &app->before);
}

static void change_pause(struct app *app)
{
	app->view.paused = !app->view.paused;
	probe_pause(app->probe, app->view.paused);
}

static void change_rows(struct app *app)
{
	app->view.by_call = !app->view.by_call;
	app->view.selected = 0;
}

static void press(struct app *app, int key)
{
	static const char sort_keys[SORT_KEYS + 1] = {
		[SORT_TIME] = 't', [SORT_CALLS] = 'c', [SORT_AVG] = 'a', [SORT_P50] = '5',
		[SORT_P99] = '9',  [SORT_MAX] = 'm',   [SORT_PID] = 'p', [SORT_NAME] = 'n',
	};
	const char *sort = key > 0 && key < 256 ? strchr(sort_keys, key) : NULL;

	if (sort)
		app->view.sort = (enum sort_key)(sort - sort_keys);
	else if (key == KEY_UP || key == 'k')
		select_next(app, -1);
	else if (key == KEY_DOWN || key == 'j')
		select_next(app, 1);
	else if (key == 's')
		change_rows(app);
	else if (key == 'w')
		change_window(app);
	else if (key == 'h')
		app->view.histogram = !app->view.histogram;
	else if (key == ' ')
		change_pause(app);
	else if (key == 'q')
		app->over = true;
}

/* Returns whether there may be more input. */
static bool read_keys(struct app *app)
{
	int key;

	while ((key = term_key()) != KEY_NONE && key != KEY_END_OF_INPUT)
		press(app, key);
	if (!app->over)
		draw(app);
	return key != KEY_END_OF_INPUT;
}

static void read_signals(struct app *app)
{
	if (signals_read(app->signals) & SIGNALS_END)
		app->over = true;
	if (!app->over && app->screen)
		draw(app);
}

/* Sleep until something is due or happens. */
static void wait_for_events(struct app *app, double now)
{
	static bool input = true;
	struct pollfd fds[] = {
		{.fd = app->signals, .events = POLLIN},
		{.fd = app->target, .events = POLLIN},
		{.fd = app->screen && input ? STDIN_FILENO : -1, .events = POLLIN},
	};
	double due = app->next_reap;

	due = app->next_show < due ? app->next_show : due;
	due = app->end < due ? app->end : due;
	if (poll(fds, 3, due > now ? (int)((due - now) * 1000) + 1 : 0) <= 0)
		return;
	if (fds[0].revents)
		read_signals(app);
	if (fds[1].revents)
		app->over = true;
	if (fds[2].revents)
		input = read_keys(app);
}

static void run(struct app *app)
{
	double now = seconds_now();

	app->start = now;
	app->next_reap = now + REAP_INTERVAL;
	app->next_show = app->options.interval ? now + app->options.interval : NEVER;
	app->end = app->options.duration ? now + app->options.duration : NEVER;
	if (app->screen)
		draw(app);
	while (!app->over && !app->err) {
		wait_for_events(app, now);
		now = seconds_now();
		if (now >= app->end)
			app->over = true;
		if (now >= app->next_reap) {
			app->err = app->err ?: probe_reap(app->probe);
			app->next_reap = now + REAP_INTERVAL;
		}
		if (now >= app->next_show && !app->over) {
			take_sample(app, now);
			show(app);
			app->next_show += app->options.interval;
			if (app->next_show < now)
				app->next_show = now + app->options.interval;
		}
	}
}

/* What is left on the terminal, or in the file, when all is over. */
static void report(struct app *app)
{
	bool was_screen = app->screen;

	term_leave();
	if (app->err)
		return;
	app->screen = false;
	app->text.redraw = false;
	app->text.width = 0;
	if (was_screen) {
		term_size(STDOUT_FILENO, &app->text.width, &app->view.height);
		app->view.window = false;
		app->view.paused = false;
	}
	take_sample(app, seconds_now());
	show(app);
}

/* A descriptor of BPF must not become what the shell closed: 0, 1 or 2. */
static int check_output(void)
{
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0) {
		fprintf(stderr, "syslat: standard output is closed\n");
		return -EBADF;
	}
	for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = dup(fd))
		if (fd > STDERR_FILENO)
			return close(fd);
	return -errno;
}

static int open_target(struct app *app)
{
	pid_t pid = app->options.pid;

	app->target = -1;
	if (!pid)
		return 0;
	app->target = (int)syscall(SYS_pidfd_open, pid, 0);
	if (app->target >= 0)
		return 0;
	if (errno == ESRCH)
		fprintf(stderr, "syslat: -p %d: no such process\n", pid);
	else if (errno == EINVAL || errno == ENOENT)
		fprintf(stderr, "syslat: -p %d: this is a thread; give the id of its process\n",
			pid);
	else
		fprintf(stderr, "syslat: -p %d: %s\n", pid, strerror(errno));
	return -errno;
}

static void set_up(struct app *app)
{
	struct options *options = &app->options;

	app->screen = !options->json && term_is_screen();
	if (app->screen && !options->interval)
		options->interval = 1;
	app->view = (struct view){.sort = options->sort,
				  .by_call = options->by_call,
				  .window = options->window,
				  .histogram = true,
				  .top = options->top};
	if (options->pid)
		snprintf(app->filter, sizeof(app->filter), "pid %d", options->pid);
	else if (options->name)
		snprintf(app->filter, sizeof(app->filter), "'%s'", options->name);
	app->view.filter = *app->filter ? app->filter : NULL;
	term_text_setup(&app->text, app->screen);
}

int main(int argc, char **argv)
{
	struct app app = {.signals = -1, .target = -1};
	int err;

	options_parse(&app.options, argc, argv);
	set_up(&app);
	err = check_output();
	err = err ?: open_target(&app);
	if (err)
		return EXIT_FAILURE;
	app.signals = signals_open("syslat", app.screen);
	if (app.signals < 0)
		return EXIT_FAILURE;
	app.probe = probe_open(&app.options);
	if (!app.probe)
		return EXIT_FAILURE;
	if (app.screen)
		term_enter();
	run(&app);
	report(&app);
	probe_close(app.probe);
	sample_free(&app.now);
	sample_free(&app.before);
	sample_free(&app.window);
	text_free(&app.text);
	if (app.err && app.err != -EPIPE)
		fprintf(stderr, "syslat: writing: %s\n", strerror(-app.err));
	return app.err ? EXIT_FAILURE : EXIT_SUCCESS;
}
