/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator: what it writes, and what it does when it can't. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "compilers.h"
#include "harness.h"
#include "scratch.h"
#include "shell.h"

#define ON_HOST .host_only = "runs memgen and compilers"

FIXTURE(scratch_make, scratch_remove)

/* --- what is written --- */

/* The image has instructions and BTF, which change with the compiler: leave it out. */
static char *without_image(char *text)
{
	char *from = strstr(text, "__image(void)\n"), *to;

	ck_assert_ptr_nonnull(from);
	while (from > text && from[-1] != '\n')
		from--;
	to = strstr(from, "\n}\n");
	ck_assert_ptr_nonnull(to);
	to += strlen("\n}\n");
	memmove(from, to, strlen(to) + 1);
	return text;
}

static void assert_same_text(const char *name, const char *expected, const char *text)
{
	int line = 1;
	size_t i, start = 0;

	for (i = 0; expected[i] && expected[i] == text[i]; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	ck_assert_msg(expected[i] == text[i], "%s line %d: \"%.*s\", not \"%.*s\"", name, line,
		      (int)strcspn(text + start, "\n"), text + start,
		      (int)strcspn(expected + start, "\n"), expected + start);
}

TEST(headers_are_those_in_data, ON_HOST)
{
	for (int i = 0; i < TYPE_OBJECTS; i++) {
		char *text = without_image(read_file(generate(type_objects[i], "")));
		char path[128], *golden;

		snprintf(path, sizeof(path), "selftests/data/%s.skel.h.golden", type_objects[i]);
		golden = read_file(source_path(path));
		assert_same_text(type_objects[i], golden, text);
		free(golden);
		free(text);
	}
}
END_TEST

TEST(same_object_same_bytes, ON_HOST)
{
	for (int i = 0; i < TYPE_OBJECTS; i++) {
		const char *first = generate(type_objects[i], "");

		SHELL_OK("mkdir -p %s/elsewhere && cp %s %s/elsewhere && cd %s/elsewhere && "
		       "TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 COLUMNS=20 %s skeleton ./%s.bpf.o "
		       "> out.h 2>/dev/null && cmp out.h %s",
		       scratch, object_path(type_objects[i]), scratch, scratch, memgen_path(), type_objects[i], first);
	}
}
END_TEST

/* Static functions, callbacks among them, are found without their symbols. */
TEST(stripped_objects_have_the_same_headers, ON_HOST)
{
	static const char *const names[] = {"plain", "reader", "rings", "arena_tools"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		SHELL_OK("for how in --strip-debug --strip-unneeded; do llvm-objcopy-19 $how %s %s/%s.bpf.o && "
			 "%s skeleton %s/%s.bpf.o | cmp - %s || exit 1; done",
			 object_path(names[i]), scratch, names[i], memgen_path(), scratch, names[i],
			 generate(names[i], ""));
}
END_TEST

TEST(name_is_made_from_the_file, ON_HOST)
{
	SHELL_OK("cp %s %s/1st-try.v2.o && cd %s && %s skeleton 1st-try.v2.o | "
	       "grep -q '^struct _1st_try__v2 {'",
	       object_path("types_twin"), scratch, scratch, memgen_path());
	SHELL_OK("%s skeleton %s --name other | grep -q '^struct other {'", memgen_path(),
	       object_path("types_twin"));
}
END_TEST

TEST(wrong_names_are_wrong_command_lines, ON_HOST)
{
	static const struct {
		const char *option, *message;
	} wrong[] = {
		{"--name class", "--name=class: not a name that C and C++ accept; try class_\n"},
		{"--name=mem", "--name=mem: not a name that C and C++ accept; try mem_\n"},
		{"--name='x y'", "--name=x y: not a name that C and C++ accept; try x_y\n"},
		{"--name=", "--name=: not a name that C and C++ accept; try _\n"},
		{"--type-prefix='a b'", "--type-prefix=a b: no name can start with it; use letters, "
					"digits and _\n"},
	};
	char output[1000];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s %s", memgen_path(),
				     object_path("types_twin"), wrong[i].option),
				 2);
		ck_assert_msg(strstr(output, wrong[i].message) != NULL, "%s", output);
	}
}
END_TEST

TEST(arena_types_that_the_compiler_left_out_are_named, ON_HOST)
{
	static const char source[] = "#include <mem/bpf.h>\n"
				     "struct leaf { int value; };\n"
				     "struct node { struct leaf __arena *leaf; };\n"
				     "MEM_ARENA(heap, 10);\n"
				     "struct node __arena *root;\n"
				     "SEC(\"syscall\") int walk(void *ctx)\n"
				     "{ return root ? root->leaf->value : 0; }\n";
	char path[128], output[1000];

	snprintf(path, sizeof(path), "%s/x.bpf.c", scratch);
	write_file(path, source);
	SHELL_OK("clang-19 -g -O2 --target=bpf -mcpu=v4 -I%s -c %s -o %s/x.bpf.o",
	       source_path("include"), path, scratch);
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/h", memgen_path(),
			     scratch, scratch),
			 0);
	ck_assert_msg(strstr(output, "warning: struct leaf is behind an arena pointer") != NULL,
		      "%s", output);
	SHELL_OK("grep -q '^struct node {' %s/h && grep -q '^struct leaf;' %s/h", scratch, scratch);
}
END_TEST

TEST(objects_without_types_are_pointed_out, ON_HOST)
{
	char path[128], output[1000];

	snprintf(path, sizeof(path), "%s/x.bpf.c", scratch);
	write_file(path, "int hits = 1;\n__attribute__((section(\"xdp\"))) int count(void *x)\n"
			 "{ return hits++; }\n");
	SHELL_OK("clang-19 -O2 --target=bpf -c %s -o %s/x.bpf.o", path, scratch);
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch),
			 0);
	ck_assert_msg(strstr(output, "x.bpf.o: warning: it has no types, so the header has no variables: "
				     "compile with clang -g\n") != NULL,
		      "%s", output);
	SHELL_OK("clang-19 -g -O2 --target=bpf -c %s -o %s/x.bpf.o", path, scratch);
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch),
			 0);
	ck_assert_str_eq(output, "");
}
END_TEST

/* --- what happens when it can't --- */

/* The exit status with -o target, the message, and nothing left in the test's directory. */
static void assert_refused(const char *source, const char *message)
{
	char output[1000];

	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s -o %s/x.skel.h", memgen_path(),
			     source, scratch),
			 1);
	ck_assert_msg(strstr(output, message) != NULL, "\"%s\" is not in: %s", message, output);
	ck_assert_msg(!strncmp(output, "memgen: ", 8), "%s", output);
}

TEST(bad_objects_leave_no_file, ON_HOST)
{
	char bad[128];

	assert_refused("/nonexistent/x.o", "/nonexistent/x.o: No such file or directory");
	assert_refused("/", "/: Is a directory");
	ck_assert_int_eq(count_files(scratch), 0);
	snprintf(bad, sizeof(bad), "%s/bad.o", scratch);
	write_file(bad, "this is not an object file, though it is long enough to be looked at\n");
	assert_refused(bad, bad);
	SHELL_OK("head -c 1000 %s > %s", object_path("types_scalars"), bad);
	assert_refused(bad, bad);
	ck_assert_int_eq(count_files(scratch), 1);
}
END_TEST

TEST(wrong_command_lines_are_another_status, ON_HOST)
{
	static const char *const lines[] = {
		"",
		"unknown",
		"skeleton",
		"skeleton a b",
		"--unknown",
		"skeleton --unknown",
		"skeleton --types=all x.o",
	};
	char output[2000];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ck_assert_int_eq(shell_run(output, sizeof(output), "%s %s", memgen_path(), lines[i]), 2);
		ck_assert_msg(!strncmp(output, "memgen", 6), "%s", output);
	}
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s --help", memgen_path()), 0);
	ck_assert_ptr_nonnull(strstr(output, "memgen skeleton tool.bpf.o -o tool.skel.h"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton --help", memgen_path()), 0);
	ck_assert_ptr_nonnull(strstr(output, "Example:"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s --version", memgen_path()), 0);
	ck_assert_ptr_nonnull(strstr(output, "memgen 0."));
}
END_TEST

TEST(unwritable_targets_are_errors, ON_HOST)
{
	const char *source = object_path("types_structs");
	char output[1000];

	ck_assert_int_eq(
		shell_run(output, sizeof(output), "%s skeleton %s -o /dev/full", memgen_path(), source), 1);
	ck_assert_str_eq(output, "memgen: /dev/full: can't write it: No space left on device\n");
	ck_assert_int_eq(
		shell_run(output, sizeof(output), "(%s skeleton %s > /dev/full)", memgen_path(), source), 1);
	ck_assert_ptr_nonnull(strstr(output, "standard output: can't write it"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s -o %s/no/x.h", memgen_path(),
			     source, scratch),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "No such file or directory"));
	/* the limit on file sizes: an error where the signal is ignored, and no file either way */
	ck_assert_int_eq(shell_run(output, sizeof(output),
			     "(trap '' XFSZ; ulimit -f 4; exec %s skeleton %s -o %s/x.h)", memgen_path(),
			     source, scratch),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "File too large"));
	ck_assert_int_ne(shell_run(output, sizeof(output), "(ulimit -f 4; exec %s skeleton %s -o %s/x.h)",
			     memgen_path(), source, scratch),
			 0);
	ck_assert_int_eq(count_files(scratch), 0);
}
END_TEST

/* In a mount namespace of its own, which ends with the test's process. */
TEST(full_disk_keeps_the_old_file, ON_HOST)
{
	char output[1000], path[128], *text;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", scratch, "tmpfs", 0, "size=16k"))
		test_skip("may not mount a file system: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/x.skel.h", scratch);
	write_file(path, "the old header\n");
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s -o %s", memgen_path(),
			     object_path("types_structs"), path),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "No space left on device"));
	text = read_file(path);
	ck_assert_str_eq(text, "the old header\n");
	free(text);
	ck_assert_int_eq(count_files(scratch), 1);
	ck_assert_int_eq(umount(scratch), 0);
}
END_TEST

TEST(target_keeps_its_mode_and_its_link, ON_HOST)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/x.skel.h", scratch);
	SHELL_OK("cd %s && touch real.h && chmod 640 real.h && ln -s real.h x.skel.h", scratch);
	SHELL_OK("%s skeleton %s -o %s", memgen_path(), object_path("types_twin"), path);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_gt(st.st_size, 1000);
	SHELL_OK("umask 027 && %s skeleton %s -o %s/new.h", memgen_path(), object_path("types_twin"), scratch);
	snprintf(path, sizeof(path), "%s/new.h", scratch);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(count_files(scratch), 3);
}
END_TEST

/* Check has handlers of its own for these signals: the new process must not start with them. */
static pid_t spawn_memgen(char *source, char *target)
{
	char program[] = "memgen", command[] = "skeleton", option[] = "-o";
	char *const argv[] = {program, command, source, option, target, NULL};
	posix_spawnattr_t attributes;
	sigset_t signals;
	pid_t pid;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	ck_assert_int_eq(posix_spawnattr_init(&attributes), 0);
	ck_assert_int_eq(posix_spawnattr_setsigdefault(&attributes, &signals), 0);
	ck_assert_int_eq(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF), 0);
	ck_assert_int_eq(posix_spawn(&pid, memgen_path(), NULL, &attributes, argv, environ), 0);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

/* Killed at any time, it leaves the whole header or none, and nothing else. */
TEST(signals_leave_nothing_behind, ON_HOST, .timeout = 60)
{
	char path[128], source[512];
	struct stat st;
	off_t whole;
	int stopped = 0;

	snprintf(source, sizeof(source), "%s", object_path("types_structs"));
	whole = stat(generate("types_structs", ""), &st) ? 0 : st.st_size;
	snprintf(path, sizeof(path), "%s/x.skel.h", scratch);
	for (int i = 0; i < 100; i++) {
		pid_t pid = spawn_memgen(source, path);
		int status;

		usleep((useconds_t)(100 + i * 50));
		kill(pid, i % 2 ? SIGTERM : SIGINT);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		stopped += WIFSIGNALED(status);
		if (!stat(path, &st)) {
			ck_assert_int_eq(st.st_size, whole);
			ck_assert_int_eq(unlink(path), 0);
		}
		ck_assert_int_eq(count_files(scratch), 1);
	}
	ck_assert_int_gt(stopped, 0);
}
END_TEST
