/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "names.h"
#include "object_file.h"
#include "targets.h"

static const char *row(const struct rows *rows, uint32_t i)
{
	return ((const char *const *)rows->data)[i];
}

static int add(struct targets *targets, struct rows *rows, const char *path)
{
	const char **slot = rows_add(&targets->pool, rows, 1, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*slot = path;
	return 0;
}

static bool is_stdout(const char *output)
{
	return !output || path_is_stream(output);
}

bool targets_read_stream(const struct targets *targets)
{
	for (uint32_t i = 0; i < targets->objects.count; i++)
		if (path_is_stream(row(&targets->objects, i)))
			return true;
	return false;
}

/* What is read, what is made of it and the rules are different files. */
static void check_overwriting(struct targets *targets, struct argp_state *state)
{
	const char *output = is_stdout(targets->output) ? NULL : targets->output;

	for (uint32_t i = 0; i < targets->objects.count; i++) {
		const char *object = row(&targets->objects, i);

		if (output && path_is_same(object, output))
			argp_error(state, "-o %s: it is the object, which would be overwritten", output);
		if (targets->rules && path_is_same(object, targets->rules))
			argp_error(state, "-MF %s: it is the object, which would be overwritten",
				   targets->rules);
	}
	if (output && targets->rules && path_is_same(output, targets->rules))
		argp_error(state, "-MF %s: it is the file of -o, which would be overwritten",
			   targets->rules);
}

/* What is wrong with all options together. */
static void check(struct targets *targets, struct argp_state *state)
{
	struct stat st;

	targets->in_directory = !is_stdout(targets->output) && !stat(targets->output, &st) &&
				S_ISDIR(st.st_mode);
	if (targets->objects.count > 1 && !targets->in_directory)
		argp_error(state, "%s: several objects need -o with a directory that exists",
			   row(&targets->objects, 1));
	if ((targets->depend || targets->rules) && is_stdout(targets->output))
		argp_error(state, "-M needs -o: a rule is about a file");
	if (targets_read_stream(targets) && (targets->in_directory || targets->depend || targets->rules))
		argp_error(state, "-: standard input has no name%s",
			   targets->in_directory ? ": give a file with -o" : " for a rule (-M)");
	check_overwriting(targets, state);
}

error_t targets_parse(struct targets *targets, int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'o':
		if (!*arg)
			argp_error(state, "-o: the file's name is empty");
		targets->output = arg;
		return 0;
	case 'M':
		if (!arg) {
			targets->depend = true;
			return 0;
		}
		if (strcmp(arg, "F") != 0 || state->next >= state->argc)
			argp_error(state, "-M%s: it must be -M or -MF RULES", arg);
		targets->rules = state->argv[state->next++];
		if (!*targets->rules)
			argp_error(state, "-MF: the file's name is empty");
		return 0;
	case ARGP_KEY_ARG:
		return -add(targets, &targets->objects, arg);
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which object file?");
		return 0;
	case ARGP_KEY_END:
		check(targets, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

size_t targets_stem(const char *base)
{
	static const char *const endings[] = {".bpf.o", ".o"};
	size_t len = strlen(base);

	for (size_t i = 0; i < 2; i++) {
		size_t end = strlen(endings[i]);

		if (len > end && !strcmp(base + len - end, endings[i]))
			return len - end;
	}
	return len;
}

/* Set files; two objects must not become one. */
static int choose_files(struct targets *targets)
{
	for (uint32_t i = 0; i < targets->objects.count; i++) {
		const char *object = row(&targets->objects, i), *file = targets->output;
		const char *base = object_file_base(object);
		size_t len = strlen(file ? file : "");

		if (targets->in_directory)
			file = name_printf(&targets->pool, "%s%s%.*s%s", file,
					   len && file[len - 1] == '/' ? "" : "/",
					   (int)targets_stem(base), base, targets->ending);
		if ((targets->in_directory && !file) || add(targets, &targets->files, file)) {
			fprintf(stderr, "memgen: %s: out of memory\n", object);
			return -ENOMEM;
		}
		for (uint32_t other = 0; file && other < i; other++) {
			if (strcmp(row(&targets->files, other), file) != 0)
				continue;
			fprintf(stderr, "memgen: %s: it would be made from %s and from %s\n", file,
				row(&targets->objects, other), object);
			return -EEXIST;
		}
	}
	return 0;
}

/* A path as make reads it in a rule. There is no way to write a newline. */
static void put_path(struct writer *w, const char *path)
{
	for (; *path; path++) {
		if (*path == '$')
			writer_part(w, "$$");
		else if (strchr(" \t#:\\", *path) && !(*path == '\\' && !strchr(" \t#:", path[1])))
			writer_part(w, "\\%c", *path);
		else
			writer_bytes(w, path, 1);
	}
}

/* The object is a target as well: make goes on when it is gone, if nothing needs it any more. */
static void put_rule(struct writer *w, const char *file, const char *object)
{
	put_path(w, file);
	writer_part(w, ": ");
	put_path(w, object);
	writer_part(w, "\n\n");
	put_path(w, object);
	writer_part(w, ":\n");
}

static int write_rule_beside(const char *file, const char *object)
{
	struct writer w = WRITER_INIT;
	struct pool pool = {0};
	const char *path = name_printf(&pool, "%s.d", file);
	int err;

	put_rule(&w, file, object);
	if (!path)
		w.error = -ENOMEM;
	err = output_commit(&w, path ? path : file);
	writer_free(&w);
	pool_free(&pool);
	return err;
}

int targets_run(struct targets *targets, target_make make, void *context)
{
	struct writer rules = WRITER_INIT;
	int first = choose_files(targets);

	if (first)
		return first;
	for (uint32_t i = 0; i < targets->files.count; i++) {
		const char *object = row(&targets->objects, i), *file = row(&targets->files, i);
		int err = make(object, is_stdout(file) ? NULL : file, context);

		if (!err && targets->depend)
			err = write_rule_beside(file, object);
		if (!err && targets->rules)
			put_rule(&rules, file, object);
		first = first ? first : err;
	}
	/* rules of some would hide the others' */
	if (!first && targets->rules)
		first = output_commit(&rules, targets->rules);
	writer_free(&rules);
	return first;
}

void targets_free(struct targets *targets)
{
	pool_free(&targets->pool);
	*targets = (struct targets){0};
}
