/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of failures, kept per thread, and the log, one per process. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

#undef mem__error

static __thread char last_message[MESSAGE_MAX];
static __thread bool quiet;

static struct {
	enum mem_log_level level;
	mem_log_fn *fn; /* NULL: stderr */
	void *ctx;
} log_sink;

void mem_log_set(enum mem_log_level level, mem_log_fn *fn, void *ctx)
{
	log_sink.level = level;
	log_sink.fn = fn;
	log_sink.ctx = ctx;
}

void error_quiet(bool on)
{
	quiet = on;
}

int mem__log_wanted(enum mem_log_level level)
{
	return !quiet && level <= log_sink.level;
}

static void log_text(enum mem_log_level level, const char *text)
{
	if (log_sink.fn)
		log_sink.fn(log_sink.ctx, level, text);
	else
		fprintf(stderr, "libmem: %s\n", text);
}

void mem__log(enum mem_log_level level, const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	int saved_errno = errno;
	va_list args;

	if (!mem__log_wanted(level))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	log_text(level, text);
	errno = saved_errno;
}

int mem__error(int err, const char *fmt, ...)
{
	char text[MESSAGE_MAX]; /* an argument may be last_message itself */
	va_list args;

	errno = err;
	if (quiet)
		return -err;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(last_message, text, strlen(text) + 1);
	if (mem__log_wanted(MEM_LOG_ERROR))
		log_text(MEM_LOG_ERROR, last_message);
	errno = err;
	return -err;
}

void mem__error_prefix(const char *fmt, ...)
{
	char text[MESSAGE_MAX];
	int saved_errno = errno;
	size_t len;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, "%s", last_message);
	memcpy(last_message, text, strlen(text) + 1);
	errno = saved_errno;
}

const char *mem_error_message(void)
{
	return last_message;
}
