/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "options.h"

#define MIN_INTERVAL 0.05      /* seconds: a faster screen measures itself */
#define MAX_SECONDS  31536000. /* a year */
#define MAX_SLOTS    (1U << 20)

/* the C library looks for this name; everything else is compiled to stay inside */
extern const char *argp_program_version __attribute__((visibility("default")));
const char *argp_program_version = "syslat " SYSLAT_VERSION;

static const char doc[] =
	"Show how long system calls take, by process.\v"
	"On a terminal the table is live; the keys are shown at the bottom. Otherwise one table is "
	"printed at the end, or one for each interval if -i is given. Without -d it ends on "
	"Ctrl-C.\n"
	"\n"
	"A call is counted when it returns, with the whole time since it was made: one that waits "
	"takes as long as it waits.";

enum { OPTION_JSON = 256, OPTION_SLOTS };

static const struct argp_option table[] = {
	{"pid", 'p', "PID", 0, "measure only this process; ends when it does", 0},
	{"name", 'n', "NAME", 0, "measure only processes of this name", 0},
	{"duration", 'd', "SECONDS", 0, "end after this time", 0},
	{"interval", 'i', "SECONDS", 0, "show a new table this often (default on a terminal: 1)",
	 0},
	{"sort", 's', "KEY", 0, "time (default), calls, avg, p50, p99, max, pid or name", 0},
	{"top", 't', "ROWS", 0, "show at most so many rows", 0},
	{"calls", 'c', NULL, 0, "a row for each system call, not for each process", 0},
	{"window", 'w', NULL, 0, "show the last interval, not everything since the start", 0},
	{"json", OPTION_JSON, NULL, 0, "print JSON: one object, or one a line with -i", 0},
	{"slots", OPTION_SLOTS, "COUNT", 0,
	 "processes that can be told apart at a time (default: twice as many as run now, at least "
	 "4096)",
	 0},
	{"verbose", 'v', NULL, 0, "report on stderr what libmem does", 0},
	{0},
};

/* A number from low to high, or an error that names the option. */
static double number(struct argp_state *state, const char *option, const char *arg, double low,
		     double high, bool whole)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(arg, &end);
	if (end == arg || *end || errno || !__builtin_isfinite(value) ||
	    (whole && value != (double)(long long)value))
		argp_error(state, "--%s: '%s' is not a %snumber", option, arg,
			   whole ? "whole " : "");
	if (value < low || value > high)
		argp_error(state, "--%s: %s is not between %.10g and %.10g", option, arg, low,
			   high);
	return value;
}

static enum sort_key sort_key(struct argp_state *state, const char *arg)
{
	for (int key = 0; key < SORT_KEYS; key++)
		if (!strcmp(arg, sort_key_name(key)))
			return key;
	argp_error(state, "--sort: '%s' is none of time, calls, avg, p50, p99, max, pid, name",
		   arg);
	return SORT_TIME;
}

static uint32_t power_of_two(uint32_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'p':
		options->pid = (pid_t)number(state, "pid", arg, 1, INT_MAX, true);
		break;
	case 'n':
		if (!*arg || strlen(arg) >= NAME_SIZE)
			argp_error(state, "--name: a process name has 1 to %d bytes",
				   NAME_SIZE - 1);
		options->name = arg;
		break;
	case 'd':
		options->duration = number(state, "duration", arg, MIN_INTERVAL, MAX_SECONDS,
					   false);
		break;
	case 'i':
		options->interval = number(state, "interval", arg, MIN_INTERVAL, MAX_SECONDS,
					   false);
		break;
	case 's':
		options->sort = sort_key(state, arg);
		break;
	case 't':
		options->top = (size_t)number(state, "top", arg, 1, MAX_SLOTS, true);
		break;
	case 'c':
		options->by_call = true;
		break;
	case 'w':
		options->window = true;
		break;
	case 'v':
		options->verbose = true;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case OPTION_SLOTS:
		options->slots =
			power_of_two((uint32_t)number(state, "slots", arg, 1, MAX_SLOTS, true));
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {.options = table, .parser = parse, .doc = doc};

	memset(options, 0, sizeof(*options));
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
