/* SPDX-License-Identifier: BSD-2-Clause */
/* What memgen does when calls for memory and files fail, in processes of their own. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/inject.h"
#include "harness.h"

enum { NTH_MAX = 20000 }; /* a command with more calls than that does not end */

static char directory[64];

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/libmem-faults-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

/* A file's bytes and a NUL; nothing if it is not there. */
struct contents {
	char *data; /* to be freed */
	size_t size;
};

static struct contents contents(const char *path)
{
	struct contents all = {0};
	FILE *file = fopen(path, "re"), *copy;
	int c;

	copy = open_memstream(&all.data, &all.size);
	while (file && (c = getc(file)) != EOF)
		putc(c, copy);
	fclose(copy);
	if (file)
		fclose(file);
	return all;
}

static const char *in_directory(const char *name)
{
	static char paths[4][128];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

/* A command line of memgen: "IN" and "OUT" stand for the object and for what is written. */
struct command {
	const char *name;      /* of the object */
	const char *words[6];
};

/* What memgen and everything it calls does with the nth call failing. Exits with its status. */
static void become_memgen(const struct command *command, unsigned long nth)
{
	char number[24], object[64], *words[8] = {"memgen"};
	int report = open(in_directory("failed"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	snprintf(object, sizeof(object), "selftests/%s.bpf.o", command->name);
	for (int i = 0; i < 6 && command->words[i]; i++) {
		const char *word = command->words[i];

		words[i + 1] = (char *)(!strcmp(word, "IN")    ? build_path(object)
					: !strcmp(word, "OUT") ? in_directory("out")
							       : word);
	}
	snprintf(number, sizeof(number), "%lu", nth);
	setenv(INJECT_NTH, number, 1);
	snprintf(number, sizeof(number), "%d", report);
	setenv(INJECT_FD, number, 1);
	setenv("LD_PRELOAD", build_path("selftests/inject.so"), 1);
	setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1); /* where it is a sanitizer's build */
	dup2(open(in_directory("messages"), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
	execv(build_path("memgen"), words);
	_exit(127);
}

static int run_memgen(const struct command *command, unsigned long nth)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		become_memgen(command, nth);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "memgen %s %s, call %lu, ended by signal %d", command->words[0],
		      command->name, nth, WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* No file but those of this test and what memgen was to write. */
static void check_directory(const char *where, int written)
{
	ck_assert_msg((access(in_directory("out"), F_OK) == 0) == written, "%s: output %s", where,
		      written ? "missing" : "written");
	unlink(in_directory("out"));
	unlink(in_directory("messages"));
	unlink(in_directory("failed"));
	ck_assert_msg(!rmdir(directory), "%s: left a file in %s", where, directory);
	ck_assert_int_eq(mkdir(directory, 0700), 0);
}

/* Whether a message names what it is about: the input, the output, or that it came to neither. */
static int names_it(const char *message, const char *input)
{
	return strstr(message, input) || strstr(message, "/out") ||
	       strstr(message, "the command line") || strstr(message, "libbpf's linker");
}

/* Returns whether a call failed. Without an expected output it is kept there. */
static int run_nth(const struct command *command, struct contents *expected, unsigned long nth)
{
	int status = run_memgen(command, nth), fired;
	struct contents failed = contents(in_directory("failed"));
	struct contents messages = contents(in_directory("messages"));
	struct contents out = contents(in_directory("out"));
	char where[128];

	fired = failed.size != 0;
	snprintf(where, sizeof(where), "memgen %s %s, call %lu (%s)", command->words[0], command->name,
		 nth, failed.data);
	ck_assert_msg(status == 0 || (status == 1 && fired), "%s: exit status %d: %s", where, status,
		      messages.data);
	check_directory(where, status == 0);
	if (!expected->data) {
		*expected = out;
		out.data = NULL;
	} else if (status) {
		ck_assert_msg(names_it(messages.data, command->name), "%s: does not say what for: %s",
			      where, messages.data);
	} else {
		ck_assert_msg(out.size == expected->size && !memcmp(out.data, expected->data, out.size),
			      "%s: success with other output", where);
	}
	free(failed.data);
	free(messages.data);
	free(out.data);
	return fired;
}

static void sweep_memgen(const struct command *commands)
{
	make_directory();
	for (; commands->name; commands++) {
		struct contents expected = {0};
		unsigned long nth = 0;

		run_nth(commands, &expected, NTH_MAX);
		ck_assert_uint_gt(expected.size, 100);
		while (run_nth(commands, &expected, ++nth))
			ck_assert_uint_lt(nth, NTH_MAX);
		ck_assert_uint_gt(nth, 20);
		free(expected.data);
	}
	ck_assert_int_eq(rmdir(directory), 0);
}

#define SKELETON {"skeleton", "IN", "-o", "OUT"}
#define INSPECT {"inspect", "IN", "-o", "OUT"}
#define LAYOUT {"layout", "IN", "-o", "OUT"}

TEST(generating_fails, .timeout = 60, .host_only = "preloads a library into memgen")
{
	static const struct command commands[] = {
		{"plain", SKELETON}, {"shared", SKELETON}, {"hooks", SKELETON}, {"externs", SKELETON},
		{"task_basic", SKELETON}, {"rings", SKELETON}, {"types_exports", {"types", "IN", "-o", "OUT"}},
		{"accessors", {"skeleton", "IN", "--accessors", "--pointers=32", "-o", "OUT"}}, {0},
	};

	sweep_memgen(commands);
}
END_TEST

TEST(describing_fails, .timeout = 60, .host_only = "preloads a library into memgen")
{
	static const struct command commands[] = {
		{"shared", INSPECT}, {"externs", INSPECT}, {"congestion", INSPECT},
		{"task_basic", {"inspect", "--json", "IN", "-o", "OUT"}},
		{"shared", LAYOUT}, {"task_basic", LAYOUT}, {"arena_hash", LAYOUT}, {0},
	};

	sweep_memgen(commands);
}
END_TEST

TEST(linking_fails, .timeout = 60, .host_only = "preloads a library into memgen",
     .unsanitized = "what crashes there is libbpf's linker")
{
	static const struct command commands[] = {{"plain", {"link", "OUT", "IN"}}, {0}};

	sweep_memgen(commands);
}
END_TEST
