/* SPDX-License-Identifier: BSD-2-Clause */
/* memgen link: several objects into one, by libbpf's linker. */
#include <argp.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "object_file.h"
#include "uapi.h"

struct arguments {
	struct pool pool;
	const char *output;
	struct rows objects; /* const char * */
};

/*
 * The objects are libbpf's to judge: one that wants something from another can't be read alone.
 * Only what went wrong: what libbpf says besides is about its own work.
 */
static int print_warnings(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, args) : 0;
}

/* libbpf's linker (1.1) crashes when it is given what libelf does not take for an ELF file. */
static int check_header(const char *path)
{
	Elf64_Ehdr header = {0};
	FILE *f = path_is_stream(path) ? NULL : fopen(path, "re");
	size_t n;

	if (path_is_stream(path)) { /* libbpf opens files by their name, and looks at them twice */
		fprintf(stderr, "memgen: -: standard input can't be linked: give a file\n");
		return -EINVAL;
	}
	if (!f) {
		fprintf(stderr, "memgen: %s: %s\n", path, strerror(errno));
		return -EINVAL;
	}
	n = fread(&header, 1, sizeof(header), f);
	fclose(f);
	if (n == sizeof(header) && !memcmp(header.e_ident, ELFMAG, SELFMAG) &&
	    header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_machine == MEM_EM_BPF &&
	    header.e_type == ET_REL)
		return 0;
	fprintf(stderr, "memgen: %s: not a BPF object file\n", path);
	return -EINVAL;
}

static int check_objects(const struct arguments *args)
{
	int first = 0;

	for (uint32_t i = 0; i < args->objects.count; i++) {
		int err = check_header(((const char **)args->objects.data)[i]);

		first = first ? first : err;
	}
	return first;
}

static int link_into(const char *path, const struct arguments *args)
{
	struct bpf_linker *linker = bpf_linker__new(path, NULL);
	int err = linker ? 0 : -errno;

	if (err)
		fprintf(stderr, "memgen: can't start libbpf's linker: %s\n", strerror(-err));
	for (uint32_t i = 0; i < args->objects.count && !err; i++) {
		const char *object = ((const char **)args->objects.data)[i];

		err = bpf_linker__add_file(linker, object, NULL);
		if (err)
			fprintf(stderr, "memgen: %s: can't be linked%s: %s\n",
				object, i ? " with what is before it" : "", strerror(-err));
	}
	if (!err) {
		err = bpf_linker__finalize(linker);
		if (err)
			fprintf(stderr, "memgen: %s: can't be linked: %s\n", args->output,
				strerror(-err));
	}
	bpf_linker__free(linker);
	return err;
}

/* In a process of its own: the linker also crashes where there is no memory, or a section is odd. */
static int link_apart(const char *path, const struct arguments *args)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(link_into(path, args) ? EXIT_FAILURE : EXIT_SUCCESS);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		fprintf(stderr, "memgen: %s: can't start a process to link it in: %s\n", args->output,
			strerror(errno));
		return -ECHILD;
	}
	if (WIFSIGNALED(status))
		fprintf(stderr, "memgen: %s: libbpf's linker crashed (%s)\n", args->output,
			strsignal(WTERMSIG(status)));
	return status ? -EINVAL : 0;
}

static int read_all(int fd, struct writer *w)
{
	char buffer[1 << 14];
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		writer_bytes(w, buffer, (size_t)n);
	return n < 0 ? -errno : 0;
}

/* libbpf's linker writes to a path as it goes: to memory first, and from there all at once. */
static int link_objects(const struct arguments *args)
{
	int fd = memfd_create("memgen", MFD_CLOEXEC), err;
	struct writer w = WRITER_INIT;
	char path[64];

	if (fd < 0) {
		fprintf(stderr, "memgen: %s: no memory to link it in: %s\n", args->output,
			strerror(errno));
		return -ENOMEM;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	libbpf_set_print(print_warnings);
	err = link_apart(path, args);
	if (!err) {
		err = read_all(fd, &w);
		w.error = w.error ? w.error : err;
		err = output_commit(&w, args->output);
	}
	writer_free(&w);
	close(fd);
	return err;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;
	const char **object;

	switch (key) {
	case ARGP_KEY_ARG:
		if (!args->output) {
			args->output = arg;
			return 0;
		}
		object = rows_add(&args->pool, &args->objects, 1, sizeof(*object));
		if (!object)
			return ENOMEM;
		*object = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->objects.count)
			argp_error(state, "which object file? OUT comes first, then what to link");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const char doc[] =
	"Link BPF objects into one, OUT (- is standard output): variables, maps and functions that are "
	"extern in one are found in another.\v"
	"OUT is written whole or not at all, and may be one of the objects.\n"
	"\n"
	"Example:\n"
	"  memgen link tool.bpf.o main.bpf.o filter.bpf.o\n"
	"  memgen skeleton tool.bpf.o -o tool.skel.h";

static int run(void *arguments)
{
	const struct arguments *args = arguments;
	int err = check_objects(args);

	return err ? err : link_objects(args);
}

static void free_arguments(void *arguments)
{
	struct arguments *args = arguments;

	pool_free(&args->pool);
}

static struct arguments arguments;

const struct command link_command = {
	.name = "link",
	.summary = "link BPF objects into one",
	.argp = {.parser = parse, .args_doc = "OUT OBJ...", .doc = doc},
	.arguments = &arguments,
	.run = run,
	.free = free_arguments,
};
