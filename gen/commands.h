/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The commands of memgen. Each says how its command line is read, and what is done then; memgen.c does
 * what is the same for all.
 */
#ifndef MEMGEN_COMMANDS_H
#define MEMGEN_COMMANDS_H

#include <argp.h>

struct command {
	const char *name;
	const char *summary; /* a line in `memgen --help` */
	struct argp argp;    /* its parser's input is the arguments */
	void *arguments;     /* of this process: as they are where nothing is given */
	int (*run)(void *arguments); /* not 0: it failed, and has said so */
	void (*free)(void *arguments); /* NULL: they hold no memory */
};

extern const struct command skeleton_command;
extern const struct command types_command;
extern const struct command inspect_command;
extern const struct command layout_command;
extern const struct command link_command;

#endif /* MEMGEN_COMMANDS_H */
