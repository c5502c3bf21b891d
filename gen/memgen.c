/* SPDX-License-Identifier: BSD-2-Clause */
/* memgen: the command line. Each command is in a file of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"

/* EXIT_* of the C library end at 1; a wrong command line is 2, as with most tools. */
#define EXIT_USAGE 2

static const struct command *const commands[] = {
	&skeleton_command, &types_command, &inspect_command, &layout_command, &link_command,
};

/* The C library looks for this name; everything else is compiled to stay inside. */
extern const char *argp_program_version __attribute__((visibility("default")));
const char *argp_program_version = "memgen " MEMGEN_VERSION;

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	}
	return NULL;
}

static char *list_commands(int key, const char *text, void *input)
{
	char *list;
	size_t size;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&list, &size);
	if (!f)
		return NULL;
	fprintf(f, "Commands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(f, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(f, "\nExample:\n"
		   "  clang -g -O2 --target=bpf -c tool.bpf.c -o tool.bpf.o\n"
		   "  memgen skeleton tool.bpf.o -o tool.skel.h\n"
		   "\n'memgen COMMAND --help' says more.\n"
		   "Exit status: 0 done; 1 a file is bad, or can't be read or written; 2 the\n"
		   "command line is wrong.");
	return fclose(f) ? NULL : list;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const struct command **command = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		*command = find_command(arg);
		if (!*command)
			argp_error(state, "%s: no such command", arg);
		/* the rest is the command's */
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What is wrong with the command line has ended the program in there. */
static int read_command_line(const struct argp *argp, int argc, char **argv, unsigned int flags, void *input)
{
	int err = argp_parse(argp, argc, argv, flags, NULL, input);

	if (err)
		fprintf(stderr, "memgen: can't read the command line: %s\n", strerror(err));
	return err;
}

static int run(const struct command *command, int argc, char **argv)
{
	char program[32];
	int err;

	snprintf(program, sizeof(program), "memgen %s", command->name);
	argv[0] = program;
	err = read_command_line(&command->argp, argc, argv, 0, command->arguments);
	err = err ?: command->run(command->arguments);
	if (command->free)
		command->free(command->arguments);
	return err;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse,
		.args_doc = "COMMAND [ARG...]",
		.doc = "Make typed C headers from BPF object files.\v",
		.help_filter = list_commands,
	};
	const struct command *command = NULL;
	char program[] = "memgen";
	int first, err;

	argp_err_exit_status = EXIT_USAGE;
	for (first = 1; first < argc && argv[first][0] == '-'; first++)
		;
	argv[0] = program;
	err = read_command_line(&argp, argc, argv, ARGP_IN_ORDER, &command);
	err = err ?: run(command, argc - first, argv + first);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
