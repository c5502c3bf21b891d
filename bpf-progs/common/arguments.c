/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include "arguments.h"

#define SECONDS_MIN 0.05      /* a faster screen measures itself */
#define SECONDS_MAX 31536000. /* a year */

/* the C library looks for this name; everything else is compiled to stay inside */
extern const char *argp_program_version __attribute__((visibility("default")));
const char *argp_program_version;

void arguments_parse(const struct argp *argp, const char *version, int argc, char **argv, void *options)
{
	argp_program_version = version;
	argp_err_exit_status = 2; /* as memgen's; 1 is what went wrong later */
	argp_parse(argp, argc, argv, 0, NULL, options);
}

unsigned long argument_count(struct argp_state *state, const char *option, const char *arg, unsigned long low,
			     unsigned long high)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (end == arg || *end || errno || *arg == '-')
		argp_error(state, "--%s: '%s' is not a whole number", option, arg);
	if (value < low || value > high)
		argp_error(state, "--%s: %s is not between %lu and %lu", option, arg, low, high);
	return value;
}

double argument_seconds(struct argp_state *state, const char *option, const char *arg)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(arg, &end);
	if (end == arg || *end || errno || !__builtin_isfinite(value))
		argp_error(state, "--%s: '%s' is not a number", option, arg);
	if (value < SECONDS_MIN || value > SECONDS_MAX)
		argp_error(state, "--%s: %s is not between %.10g and %.10g", option, arg, SECONDS_MIN,
			   SECONDS_MAX);
	return value;
}
