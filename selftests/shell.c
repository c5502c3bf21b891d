/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "shell.h"

int shell_run(char *output, size_t size, const char *fmt, ...)
{
	static const char both[] = " 2>&1";
	size_t len = 0, n;
	char command[4096];
	va_list args;
	FILE *pipe;
	int status;

	va_start(args, fmt);
	n = (size_t)vsnprintf(command, sizeof(command) - sizeof(both), fmt, args);
	va_end(args);
	ck_assert_uint_lt(n, sizeof(command) - sizeof(both));
	strcat(command, both);
	pipe = popen(command, "re");
	ck_assert_ptr_nonnull(pipe);
	while (len + 1 < size && (n = fread(output + len, 1, size - 1 - len, pipe)) > 0)
		len += n;
	output[len] = '\0';
	/* the rest: a command must not be stopped by a full pipe */
	while (fgetc(pipe) != EOF)
		;
	status = pclose(pipe);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

char *read_text(int fd, bool one_line)
{
	size_t size = 0, capacity = 1 << 16;
	char *text = malloc(capacity);
	ssize_t got;

	while ((got = read(fd, text + size, one_line ? 1 : capacity - size - 1)) > 0) {
		size += (size_t)got;
		if (one_line && text[size - 1] == '\n')
			break;
		if (size + 1 == capacity)
			text = realloc(text, capacity *= 2);
	}
	text[size] = 0;
	return text;
}

int status_of(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

const char *memgen_path(void)
{
	static char path[PATH_MAX];

	ck_assert_msg(realpath(build_path("memgen"), path) != NULL, "%s: %m", build_path("memgen"));
	return path;
}

const char *object_path(const char *name)
{
	static char paths[4][512];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s.bpf.o", build_path("selftests"), name);
	return path;
}
