/* SPDX-License-Identifier: BSD-2-Clause */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "term.h"

/* another screen, no cursor, no wrapping of long lines; and back */
#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

static struct termios saved; /* of stdin, before term_enter() */
static bool keys;	     /* stdin is a terminal, and saved is valid */
static volatile bool on;     /* between enter and leave */

/* Runs in signal handlers too. */
void term_leave(void)
{
	if (!on)
		return;
	on = false;
	if (write(STDOUT_FILENO, LEAVE, sizeof(LEAVE) - 1) < 0)
		return; /* the terminal is gone, and its settings with it */
	if (keys)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &saved);
}

static void leave_and_die(int signal)
{
	term_leave();
	raise(signal); /* SA_RESETHAND: this time it kills */
}

/* A bug must not cost the user his terminal. */
static void catch_fatal_signals(void)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
	struct sigaction action = {.sa_handler = leave_and_die, .sa_flags = SA_RESETHAND};

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}

void term_enter(void)
{
	static bool prepared;
	struct termios raw;

	if (!prepared) {
		prepared = true;
		atexit(term_leave);
		catch_fatal_signals();
	}
	keys = tcgetattr(STDIN_FILENO, &saved) == 0;
	on = true;
	if (keys) {
		raw = saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay signals */
		raw.c_cc[VMIN] = 0;
		raw.c_cc[VTIME] = 0;
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	}
	if (write(STDOUT_FILENO, ENTER, sizeof(ENTER) - 1) < 0)
		return; /* the first frame will tell */
}

static int env_number(const char *name, int otherwise)
{
	const char *value = getenv(name);
	long number = value ? strtol(value, NULL, 10) : 0;

	return number > 0 && number < 10000 ? (int)number : otherwise;
}

void term_size(int fd, int *columns, int *lines)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0)
		size.ws_col = size.ws_row = 0;
	*columns = size.ws_col ? size.ws_col : env_number("COLUMNS", 80);
	*lines = size.ws_row ? size.ws_row : env_number("LINES", 24);
}

void term_draw_begin(struct text *text, int *lines)
{
	term_size(STDOUT_FILENO, &text->width, lines);
	text_raw(text, "\033[H", 3);
}

int term_draw_end(struct text *text)
{
	text_raw(text, "\033[J", 3); /* what an earlier, larger screen had */
	return text_flush(text, STDOUT_FILENO);
}

/* One byte of input, or -1 if none is there, or KEY_END_OF_INPUT. */
static int next_byte(void)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	unsigned char byte;

	if (poll(&input, 1, 0) <= 0)
		return -1;
	return read(STDIN_FILENO, &byte, 1) == 1 ? byte : KEY_END_OF_INPUT;
}

int term_key(void)
{
	int key = next_byte(), last;

	if (key < 0)
		return KEY_NONE;
	if (key != '\033')
		return key;
	/* An arrow is ESC [ A or ESC O A; other sequences are read to their end and dropped. */
	key = next_byte();
	if (key != '[' && key != 'O')
		return KEY_NONE;
	do
		last = next_byte();
	while ((last >= '0' && last <= '9') || last == ';');
	return last == 'A' ? KEY_UP : last == 'B' ? KEY_DOWN : KEY_NONE;
}

/*
 * The environment's word is taken for it: the locale that it names need not be installed here for
 * the terminal at the other end to know UTF-8.
 */
static bool says_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "UTF-8") || strcasestr(value, "UTF8");
	}
	return false;
}

bool term_is_screen(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0;
}

void term_text_setup(struct text *text, bool screen)
{
	const char *no_colour = getenv("NO_COLOR");

	text->colour = screen && !(no_colour && *no_colour);
	text->blocks = says_utf8();
	text->redraw = screen;
}
