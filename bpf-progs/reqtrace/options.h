/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REQTRACE_OPTIONS_H
#define REQTRACE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include "sample.h"

struct options {
	const char *folder;   /* of a BPF file system, that servers join */
	const char *timeline; /* file for the picture, NULL: none */
	unsigned int mode;    /* of the pins in the folder */
	double duration;      /* seconds; 0: until a signal or key */
	double interval;      /* seconds between two tables; 0: only one at the end */
	enum sort_key sort;
	size_t top;   /* requests to be shown; 0: what there is room for */
	bool raw;     /* one line for each phase of each request, tabs between numbers */
	bool verbose; /* report what libmem does */
};

/* Ends the program with a message if the arguments are wrong. */
void options_parse(struct options *options, int argc, char **argv);

#endif /* REQTRACE_OPTIONS_H */
