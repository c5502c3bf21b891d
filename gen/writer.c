/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "writer.h"

void writer_free(struct writer *w)
{
	free(w->text);
	*w = WRITER_INIT;
}

/* Room for more bytes behind len; 0 when there is none to be had. */
static int reserve(struct writer *w, size_t more)
{
	size_t capacity = w->capacity ? w->capacity : 1 << 16;
	char *text;

	if (w->error)
		return 0;
	if (w->limit && (w->len > w->limit || more > w->limit - w->len)) {
		w->error = -EFBIG;
		return 0;
	}
	if (more <= w->capacity - w->len)
		return 1;
	while (capacity - w->len < more && capacity <= SIZE_MAX / 2)
		capacity *= 2;
	text = capacity - w->len < more ? NULL : realloc(w->text, capacity);
	if (!text) {
		w->error = -ENOMEM;
		return 0;
	}
	w->text = text;
	w->capacity = capacity;
	return 1;
}

void writer_bytes(struct writer *w, const char *text, size_t len)
{
	if (!reserve(w, len))
		return;
	memcpy(w->text + w->len, text, len);
	w->len += len;
}

static void __attribute__((format(printf, 2, 0)))
format(struct writer *w, const char *fmt, va_list args)
{
	va_list again;
	int len;

	va_copy(again, args);
	if (reserve(w, 256)) {
		len = vsnprintf(w->text + w->len, w->capacity - w->len, fmt, args);
		if (len >= 0 && (size_t)len >= w->capacity - w->len && reserve(w, (size_t)len + 1))
			len = vsnprintf(w->text + w->len, w->capacity - w->len, fmt, again);
		if (len < 0)
			w->error = w->error ? w->error : -errno;
		else if (!w->error)
			w->len += (size_t)len;
	}
	va_end(again);
}

void writer_begin(struct writer *w)
{
	for (int i = 0; i < w->indent; i++)
		writer_bytes(w, "\t", 1);
}

void writer_end(struct writer *w)
{
	writer_bytes(w, "\n", 1);
}

void writer_part(struct writer *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(w, fmt, args);
	va_end(args);
}

void writer_blank(struct writer *w)
{
	writer_bytes(w, "\n", 1);
}

void writer_line(struct writer *w, const char *fmt, ...)
{
	va_list args;

	writer_begin(w);
	va_start(args, fmt);
	format(w, fmt, args);
	va_end(args);
	writer_end(w);
}

void writer_directive(struct writer *w, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	format(w, fmt, args);
	va_end(args);
	writer_end(w);
}

void writer_open(struct writer *w, const char *fmt, ...)
{
	va_list args;

	writer_begin(w);
	va_start(args, fmt);
	format(w, fmt, args);
	va_end(args);
	writer_end(w);
	w->indent++;
}

void writer_close(struct writer *w, const char *fmt, ...)
{
	va_list args;

	w->indent--;
	writer_begin(w);
	va_start(args, fmt);
	format(w, fmt, args);
	va_end(args);
	writer_end(w);
}

void writer_hex(struct writer *w, uint64_t value)
{
	char text[18];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[value & 15];
		value >>= 4;
	} while (value);
	text[--at] = 'x';
	text[--at] = '0';
	writer_bytes(w, text + at, sizeof(text) - at);
}

void writer_decimal(struct writer *w, uint64_t value)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	writer_bytes(w, text + at, sizeof(text) - at);
}

void writer_string(struct writer *w, const char *text)
{
	if (!text) {
		writer_part(w, "NULL");
		return;
	}
	writer_bytes(w, "\"", 1);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		/* '?' could start a trigraph; octal has at most three digits, unlike \x */
		if (c == '"' || c == '\\' || c == '?')
			writer_part(w, "\\%c", c);
		else if (c < ' ' || c > '~')
			writer_part(w, "\\%03o", (unsigned int)c);
		else
			writer_bytes(w, text, 1);
	}
	writer_bytes(w, "\"", 1);
}

void writer_comment_text(struct writer *w, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		bool plain = c >= ' ' && c < 0x7f && c != '*' && c != '/' && c != '?' && c != '\\';

		writer_part(w, "%c", plain ? c : '_');
	}
}

/* For the signal handler: the file to remove, while there is one. */
static char *volatile temporary;

static void remove_temporary(int sig)
{
	if (temporary)
		unlink(temporary);
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_signals(void)
{
	static const int fatal[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
	struct sigaction now, action = {.sa_handler = remove_temporary, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		/* what the caller ignores (nohup) stays ignored */
		if (!sigaction(fatal[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaction(fatal[i], &action, NULL);
	}
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A device, a pipe, standard output: nothing to rename, and nothing to take back. */
static int write_stream(struct writer *w, const char *path, const char **action)
{
	int fd, err;

	*action = "write";
	if (!path)
		return write_all(STDOUT_FILENO, w->text, w->len);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		*action = "open";
		return -errno;
	}
	err = write_all(fd, w->text, w->len);
	if (close(fd) && !err)
		err = -errno;
	return err;
}

/* The mode that creat(2) would have given; mkstemp(3) gives the owner alone everything. */
static int usual_mode(int fd, const struct stat *old)
{
	mode_t mask;

	if (old)
		return fchmod(fd, old->st_mode & 07777) ? -errno : 0;
	mask = umask(0);
	umask(mask);
	return fchmod(fd, 0666 & ~mask) ? -errno : 0;
}

static int replace_file(struct writer *w, const char *path, const struct stat *old,
			const char **action)
{
	size_t size = strlen(path) + sizeof(".XXXXXX");
	char *temp = malloc(size);
	int fd, err;

	*action = "write";
	if (!temp)
		return -ENOMEM;
	snprintf(temp, size, "%s.XXXXXX", path);
	catch_signals();
	temporary = temp; /* before it exists: a signal may come the moment it does */
	fd = mkstemp(temp);
	if (fd < 0) {
		*action = "create a temporary file beside";
		err = -errno;
		goto out;
	}
	err = write_all(fd, w->text, w->len);
	if (!err)
		err = usual_mode(fd, old);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(temp, path)) {
		*action = "rename the finished file to";
		err = -errno;
	}
	if (err)
		unlink(temp);
out:
	temporary = NULL;
	free(temp);
	return err;
}

int writer_commit(struct writer *w, const char *path, const char **action)
{
	struct stat st;
	char *target;
	int err, exists;

	*action = "prepare the text of";
	if (w->error)
		return w->error;
	if (!path || !strcmp(path, "-"))
		return write_stream(w, NULL, action);
	exists = !stat(path, &st);
	if (exists && !S_ISREG(st.st_mode))
		return write_stream(w, path, action);
	/* a symbolic link keeps pointing where it did: its target is replaced */
	target = exists ? realpath(path, NULL) : strdup(path);
	if (!target) {
		*action = "find";
		return -errno;
	}
	err = replace_file(w, target, exists ? &st : NULL, action);
	free(target);
	return err;
}
