/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SYSLAT_OPTIONS_H
#define SYSLAT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "view.h"

struct options {
	pid_t pid;	  /* 0: every process */
	const char *name; /* NULL: every name; else 1 to NAME_SIZE - 1 bytes */
	double duration;  /* seconds; 0: until a signal or a key */
	double interval;  /* seconds between two outputs; 0: not given */
	enum sort_key sort;
	size_t top;	/* rows; 0: not given */
	uint32_t slots; /* processes that the table holds, a power of two; 0: not given */
	bool json;
	bool by_call;
	bool window;
	bool verbose;
};

/* Reads the command line; ends the program with a message if there is something wrong with it. */
void options_parse(struct options *options, int argc, char **argv);

#endif /* SYSLAT_OPTIONS_H */
