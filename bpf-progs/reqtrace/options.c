/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include "../common/arguments.h"
#include "options.h"

static const char doc[] =
	"Show where the requests of servers spend their time: on a CPU, waiting, or ready to run, and in which "
	"phase.\v"
	"Servers mark what they work on (mark.h) and join the folder while this runs. On a terminal the table is "
	"live; the keys are shown at the bottom. Without -d it ends on Ctrl-C.";

static const struct argp_option table[] = {
	{"duration", 'd', "SECONDS", 0, "end after this time", 0},
	{"interval", 'i', "SECONDS", 0, "show a new table this often (default on a terminal: 1)", 0},
	{"sort", 's', "KEY", 0, "total (default), cpu, wait, ready, calls or last", 0},
	{"top", 't', "ROWS", 0, "show at most so many requests", 0},
	{"timeline", 'o', "FILE", 0, "write an SVG picture of the last requests at the end", 0},
	{"raw", 'r', NULL, 0, "print each phase of each request, for other programs to read", 0},
	{"folder", 'f', "FOLDER", 0, "where servers join (default: /sys/fs/bpf/reqtrace)", 0},
	{"mode", 'm', "MODE", 0, "who may join: the pins' mode, octal (default: 600)", 0},
	{"verbose", 'v', NULL, 0, "report on stderr what libmem does", 0},
	{0},
};

static enum sort_key sort_key(struct argp_state *state, const char *arg)
{
	for (int key = 0; key < SORT_KEYS; key++)
		if (!strcmp(arg, sort_key_name(key)))
			return key;
	argp_error(state, "--sort: '%s' is none of total, cpu, wait, ready, calls, last", arg);
	return SORT_TOTAL;
}

static unsigned int mode(struct argp_state *state, const char *arg)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 8);

	if (end == arg || *end || value > 0777 || !value)
		argp_error(state, "--mode: '%s' is not a mode such as 660", arg);
	return (unsigned int)value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
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
		options->top = argument_count(state, "top", arg, 1, MAX_REQUESTS);
		break;
	case 'o':
		options->timeline = arg;
		break;
	case 'r':
		options->raw = true;
		break;
	case 'f':
		options->folder = arg;
		break;
	case 'm':
		options->mode = mode(state, arg);
		break;
	case 'v':
		options->verbose = true;
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

	*options = (struct options){.folder = "/sys/fs/bpf/reqtrace"};
	arguments_parse(&argp, "reqtrace " TOOL_VERSION, argc, argv, options);
}
