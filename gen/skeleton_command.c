/* SPDX-License-Identifier: BSD-2-Clause */
/* memgen skeleton and memgen types: read an object, print its header, or only the types in it. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "error.h"
#include "object_file.h"
#include "skeleton.h"
#include "targets.h"

struct arguments {
	struct targets targets;
	const char *object;
	const char *output; /* NULL: standard output */
	const char *name;   /* NULL: made from the file's name */
	struct type_policy policy;
	bool accessors;
	/* prints the header */
	void (*emit)(struct writer *w, const struct skeleton *skeleton);
};

enum { OPT_TYPES = 0x100, OPT_TYPE_PREFIX, OPT_ACCESSORS, OPT_POINTERS };

#define TYPE_OPTIONS                                                                               \
	{"type-prefix", OPT_TYPE_PREFIX, "PREFIX", 0, "put PREFIX in front of the names of types", 0}, \
	{"pointers", OPT_POINTERS, "64|32", 0,                                                     \
	 "bits of the application's pointers; with 32, pointers in shared memory are numbers of 64 bits " \
	 "(default: 64)",                                                                          \
	 0}

static const struct argp_option skeleton_options[] = {
	TARGETS_OPTIONS,
	{"name", 'n', "NAME", 0,
	 "name of the skeleton (default: OBJ without directories, \".bpf.o\" and \".o\"); standard input "
	 "has none", 0},
	{"types", OPT_TYPES, "own|none", 0,
	 "define the types that shared memory uses (own, the default), or leave them to a header that "
	 "is included before (none); their layout is checked either way",
	 0},
	TYPE_OPTIONS,
	{"accessors", OPT_ACCESSORS, NULL, 0,
	 "add functions that load, store, exchange and add to single variables atomically, and copy "
	 "structs that have a sequence counter (MEM_SEQ) or a struct mem_lock",
	 0},
	{0},
};

static const char skeleton_doc[] =
	"Write the C header of a BPF object: its variables, arrays and arenas as typed memory, its maps "
	"and programs, and the functions that load it. OBJ may be - for standard input.\v"
	"Example:\n"
	"  memgen skeleton build/tool.bpf.o -o build/tool.skel.h -M\n"
	"  memgen skeleton build/*.bpf.o -o build\n"
	"  clang -g -O2 -target bpf -c tool.bpf.c -o - | memgen skeleton - -n tool\n"
	"\n"
	"  struct tool *skel = tool__open_and_load();\n"
	"  tool__attach(skel);\n"
	"  printf(\"%d\\n\", skel->bss->hits);";

static const struct argp_option types_options[] = {
	TARGETS_OPTIONS,
	{"name", 'n', "NAME", 0,
	 "what is put in front of names that can't be used as they are (default: OBJ without "
	 "directories, \".bpf.o\" and \".o\"); standard input has none",
	 0},
	TYPE_OPTIONS,
	{0},
};

static const char types_doc[] =
	"Write the types that a BPF object shares as a C header that needs nothing else: those of "
	"variables, arrays and arenas, and those that MEM_EXPORT and MEM_RECORD (mem/bpf.h) name. Sizes "
	"and offsets are asserted. OBJ may be - for standard input.\v"
	"In a DIRECTORY the files are called NAME.types.h.\n"
	"\n"
	"Example:\n"
	"  memgen types build/tool.bpf.o -o build/tool.types.h";

/* A prefix is the start of an identifier, a name is one. */
static error_t check_names(const struct arguments *args, struct argp_state *state)
{
	struct pool pool = {0};
	const char *whole = name_printf(&pool, "%sx", args->policy.prefix);
	const char *identifier = whole ? name_identifier(&pool, whole) : NULL;
	const char *name = args->name ? name_skeleton(&pool, args->name) : "";

	if (identifier && strcmp(whole, identifier) != 0)
		argp_error(state,
			   "--type-prefix=%s: no name can start with it; use letters, digits and _",
			   args->policy.prefix);
	if (args->name && name && strcmp(name, args->name) != 0)
		argp_error(state, "--name=%s: not a name that C and C++ accept; try %s", args->name,
			   name);
	pool_free(&pool);
	return identifier && name ? 0 : ENOMEM;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case 'n':
		args->name = arg;
		return 0;
	case OPT_TYPES:
		if (strcmp(arg, "own") != 0 && strcmp(arg, "none") != 0)
			argp_error(state, "--types=%s: it must be own or none", arg);
		args->policy.external = !strcmp(arg, "none");
		return 0;
	case OPT_TYPE_PREFIX:
		args->policy.prefix = arg;
		return 0;
	case OPT_POINTERS:
		if (strcmp(arg, "64") != 0 && strcmp(arg, "32") != 0)
			argp_error(state, "--pointers=%s: it must be 64 or 32", arg);
		args->policy.narrow = !strcmp(arg, "32");
		return 0;
	case OPT_ACCESSORS:
		args->accessors = true;
		return 0;
	case ARGP_KEY_END:
		if (args->name && args->targets.objects.count > 1)
			argp_error(state, "--name=%s: several objects can't have one name",
				   args->name);
		if (!args->name && targets_read_stream(&args->targets))
			argp_error(state, "-: standard input has no name to call the header's after: give "
					  "one with --name");
		return check_names(args, state) ?: targets_parse(&args->targets, key, arg, state);
	default:
		return targets_parse(&args->targets, key, arg, state);
	}
}

/* An identifier for the skeleton; a name that was asked for is one. */
static const char *choose_identifier(const struct arguments *args, struct pool *pool)
{
	const char *base = object_file_base(args->object);
	const char *text;

	if (args->name)
		return args->name;
	text = pool_text(pool, base, targets_stem(base));
	return text ? name_skeleton(pool, text) : NULL;
}

static void warn_missing(const char *file, const struct types *types)
{
	const char *const *missing = types->missing.data;

	for (uint32_t i = 0; i < types->missing.count; i++)
		fprintf(stderr,
			"memgen: %s: warning: struct %s is behind an arena pointer, but the compiler left its "
			"definition out: the header only names it; a variable or a function argument that points "
			"to it would bring it in\n", file, missing[i]);
}

/* Without BTF there is memory, but nobody knows what is in it. */
static void warn_untyped(const char *file, const struct image_view *view)
{
	if (!view->btf_size && view->region_count)
		fprintf(stderr,
			"memgen: %s: warning: it has no types, so the header has no variables: compile with "
			"clang -g\n",
			file);
}

/*
 * Far above what any real object's header needs. Types that hold each other twice, forty levels
 * deep, would fill the disk otherwise.
 */
static size_t size_limit(const struct image_view *view)
{
	size_t limit = ((size_t)64 << 20) + 64 * (size_t)view->btf_size +
		       64 * (size_t)view->insn_count;

	for (uint32_t i = 0; i < view->region_count; i++)
		limit += 8 * view->regions[i].init_size;
	return limit;
}

static int emit_header(const struct arguments *args, struct object_file *object)
{
	struct writer w = WRITER_INIT;
	struct skeleton skeleton;
	int err = skeleton_init(&skeleton, &object->view, object->btf, &object->pool, &args->policy,
				object_file_base(object->path));

	if (err) {
		fprintf(stderr, "memgen: %s: %s\n", object->path, mem_error_message());
		return err;
	}
	skeleton.accessors = args->accessors;
	w.limit = size_limit(&object->view);
	args->emit(&w, &skeleton);
	err = output_commit(&w, args->output);
	if (!err) {
		warn_missing(object->path, &skeleton.types);
		warn_untyped(object->path, &object->view);
	}
	writer_free(&w);
	return err;
}

static int make_header(const char *path, const char *file, void *context)
{
	struct arguments *args = context;
	struct object_file object;
	struct pool pool = {0};
	int err = -ENOMEM;

	args->object = path;
	args->output = file;
	args->policy.name = choose_identifier(args, &pool);
	if (args->policy.name)
		err = object_file_open(&object, path, args->policy.name);
	else
		fprintf(stderr, "memgen: %s: no memory to read it\n", path);
	if (!err) {
		err = emit_header(args, &object);
		object_file_close(&object);
	}
	pool_free(&pool);
	return err;
}

static int make_headers(void *arguments)
{
	struct arguments *args = arguments;

	return targets_run(&args->targets, make_header, args);
}

static void free_arguments(void *arguments)
{
	struct arguments *args = arguments;

	targets_free(&args->targets);
}

static struct arguments skeleton_arguments = {
	.targets = {.ending = ".skel.h"}, .policy = {.prefix = ""}, .emit = skeleton_emit};

const struct command skeleton_command = {
	.name = "skeleton",
	.summary = "write the C header of a BPF object",
	.argp = {.options = skeleton_options, .parser = parse, .args_doc = "OBJ...", .doc = skeleton_doc},
	.arguments = &skeleton_arguments,
	.run = make_headers,
	.free = free_arguments,
};

static struct arguments types_arguments = {
	.targets = {.ending = ".types.h"}, .policy = {.prefix = ""}, .emit = skeleton_emit_types};

const struct command types_command = {
	.name = "types",
	.summary = "write only the types that a BPF object shares",
	.argp = {.options = types_options, .parser = parse, .args_doc = "OBJ...", .doc = types_doc},
	.arguments = &types_arguments,
	.run = make_headers,
	.free = free_arguments,
};
