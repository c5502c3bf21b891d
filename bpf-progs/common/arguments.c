/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include "arguments.h"

#define SECONDS_MIN 0.05      /* a faster screen measures itself */
#define SECONDS_MAX 31536000. /* a year */

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
