/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands and other processes of tests, and what they say. */
#ifndef SELFTESTS_SHELL_H
#define SELFTESTS_SHELL_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Run a shell command: its exit status (-1: a signal), with what it wrote to standard output and
 * error, cut to size, in output.
 */
int shell_run(char *output, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a command that has to succeed. */
#define SHELL_OK(...)                                                                              \
	do {                                                                                       \
		char output_[3000];                                                                \
		int status_ = shell_run(output_, sizeof(output_), __VA_ARGS__);                    \
		ck_assert_msg(!status_, "%d: %s", status_, output_);                               \
	} while (0)

/* All that can be read from a file descriptor, or one line of it; to be freed by the caller. */
char *read_text(int fd, bool one_line);

/* The exit status of a child, which is waited for; minus the number of the signal that ended it. */
int status_of(pid_t pid);

/* Absolute path of memgen: some tests run it in another directory. */
const char *memgen_path(void);

/* Path of an object that was built for the tests, by its name without .bpf.o. Static, 4 at a time. */
const char *object_path(const char *name);

#endif /* SELFTESTS_SHELL_H */
