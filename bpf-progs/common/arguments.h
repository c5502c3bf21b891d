/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines of the tools. What is wrong ends the program, with status 2 and a message that names the option. */
#ifndef COMMON_ARGUMENTS_H
#define COMMON_ARGUMENTS_H

#include <argp.h>

/* version: what --version says, "NAME VERSION"; options: input of argp's parser. */
void arguments_parse(const struct argp *argp, const char *version, int argc, char **argv, void *options);

/* A whole number from low to high. */
unsigned long argument_count(struct argp_state *state, const char *option, const char *arg, unsigned long low,
			     unsigned long high);

/* How long something takes, or how often it happens: 0.05 seconds to a year. */
double argument_seconds(struct argp_state *state, const char *option, const char *arg);

#endif /* COMMON_ARGUMENTS_H */
