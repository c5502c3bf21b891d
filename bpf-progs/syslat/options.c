/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <limits.h>
#include <string.h>
#include "../common/arguments.h"
#include "options.h"

#define MAX_SLOTS (1U << 20)

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
		options->pid = (pid_t)argument_count(state, "pid", arg, 1, INT_MAX);
		break;
	case 'n':
		if (!*arg || strlen(arg) >= NAME_SIZE)
			argp_error(state, "--name: a process name has 1 to %d bytes",
				   NAME_SIZE - 1);
		options->name = arg;
		break;
	case 'd':
		options->duration = argument_seconds(state, "duration", arg);
		break;
	case 'i':
		options->interval = argument_seconds(state, "interval", arg);
		break;
	case 's':
		options->sort = sort_key(state, arg);
		break;
	case 't':
		options->top = argument_count(state, "top", arg, 1, MAX_SLOTS);
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
		options->slots = power_of_two((uint32_t)argument_count(state, "slots", arg, 1, MAX_SLOTS));
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
	arguments_parse(&argp, "syslat " TOOL_VERSION, argc, argv, options);
}
