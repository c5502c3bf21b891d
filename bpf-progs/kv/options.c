/* SPDX-License-Identifier: BSD-2-Clause */
#include <argp.h>
#include <arpa/inet.h>
#include <string.h>
#include "../common/arguments.h"
#include "options.h"

#define MEGABYTE     (1UL << 20)
#define ITEM_AVERAGE 256 /* bytes of memory for each item that the table has room for */

static const char doc[] =
	"Serve memcached's text protocol over TCP and UDP, from memory that a BPF program reads.\v"
	"With -i, requests for one key that come in over UDP and IPv4 are answered by an XDP program, "
	"before the network stack sees them. Everything else is answered by this process. It ends on "
	"Ctrl-C, and the program with it.";

static const struct argp_option table[] = {
	{"interface", 'i', "NAME", 0, "answer in XDP on this interface; may be given up to 8 times", 0},
	{"listen", 'l', "ADDRESS", 0, "an IPv4 address of this machine (default: all of them)", 0},
	{"port", 'p', "PORT", 0, "TCP and UDP (default: 11211)", 0},
	{"memory", 'm', "MEGABYTES", 0, "for keys, values and tables, 2 to 4000 (default: 64)", 0},
	{"items", 'n', "COUNT", 0, "make the table for so many (default: one for each 256 bytes)", 0},
	{"generic", 'g', NULL, 0, "attach above the driver, for those that can't do XDP", 0},
	{"verbose", 'v', NULL, 0, "report on stderr what libmem does", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i':
		if (options->interfaces == MAX_INTERFACES)
			argp_error(state, "--interface: more than %d", MAX_INTERFACES);
		options->interface[options->interfaces++] = arg;
		break;
	case 'l':
		if (inet_pton(AF_INET, arg, &options->address) != 1)
			argp_error(state, "--listen: '%s' is not an IPv4 address", arg);
		break;
	case 'p':
		options->port = (uint16_t)argument_count(state, "port", arg, 1, 65535);
		break;
	case 'm':
		options->memory = argument_count(state, "memory", arg, 2, 4000) * MEGABYTE;
		break;
	case 'n':
		options->items = argument_count(state, "items", arg, 1, 1UL << 27);
		break;
	case 'g':
		options->generic = true;
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

	memset(options, 0, sizeof(*options));
	options->port = 11211;
	options->memory = 64 * MEGABYTE;
	arguments_parse(&argp, "kv " TOOL_VERSION, argc, argv, options);
	if (!options->items)
		options->items = options->memory / ITEM_AVERAGE;
}
