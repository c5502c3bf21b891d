/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which objects a command reads, where what it makes of them goes, and which make rules say so.
 *
 *     OBJ                  standard output
 *     OBJ -o FILE          FILE; - is standard input as OBJ, standard output as FILE
 *     OBJ... -o DIRECTORY  DIRECTORY/NAME.ENDING for each NAME.bpf.o or NAME.o
 *
 * -M writes the rule of each file beside it, into FILE.d; -MF RULES writes all of them to RULES.
 */
#ifndef MEMGEN_TARGETS_H
#define MEMGEN_TARGETS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

#include "reader/pool.h"

struct targets {
	const char *ending;  /* of files in a directory: ".skel.h" */
	struct pool pool;
	struct rows objects; /* const char *: paths */
	struct rows files;   /* const char *: where to, for each object; set by targets_run() */
	const char *output;  /* -o, NULL for none */
	const char *rules;   /* -MF, NULL for none */
	bool depend;         /* -M */
	bool in_directory;   /* output is one */
};

/* Make a file from an object: 0 or a negative errno with a message. file is NULL for -o -. */
typedef int (*target_make)(const char *object, const char *file, void *context);

/* The options, for the table of a command. */
#define TARGETS_OPTIONS                                                                            \
	{"output", 'o', "FILE", 0,                                                                 \
	 "write to FILE, whole or not at all (default: standard output); into DIRECTORY " \
	 "if FILE is a directory, as it must be for several objects",                             \
	 0},                                                                                       \
	{NULL, 'M', "F RULES", OPTION_ARG_OPTIONAL,                                                \
	 "write for make(1) what FILE is made from: -M to FILE.d, -MF RULES to the file RULES", 0}

/* The parser of those options and of the arguments; ARGP_ERR_UNKNOWN for others. */
error_t targets_parse(struct targets *targets, int key, char *arg, struct argp_state *state);

/* Whether an object is standard input. */
bool targets_read_stream(const struct targets *targets);

/* Make all, and the rules. Goes on with the next object after a failure; returns the first one. */
int targets_run(struct targets *targets, target_make make, void *context);

void targets_free(struct targets *targets);

/* Length of a file's name without ".bpf.o" or ".o". */
size_t targets_stem(const char *base);

#endif /* MEMGEN_TARGETS_H */
