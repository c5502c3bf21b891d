/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of failures, kept per thread, and the log, one per process.
 *
 * Long messages are not in thread-local memory: for a library that comes by dlopen(3) the C library has
 * only some hundred bytes of it left, and refuses one that wants more.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "error.h"

#undef mem__error

static __thread char short_message[200]; /* also what is kept of a long one where memory is out */
static __thread char *long_message;      /* MESSAGE_MAX bytes, from this thread's first long message on */
static __thread bool is_long;
static __thread bool quiet;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit;
static bool has_key;

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

static void drop_long_message(void *unused)
{
	(void)unused;
	is_long = false;
	free(long_message);
	long_message = NULL;
}

static void start(void)
{
	has_key = !pthread_key_create(&at_exit, drop_long_message);
}

/* A library that is unloaded with this one in it must not be called when threads end. */
__attribute__((destructor)) static void end(void)
{
	if (has_key)
		pthread_key_delete(at_exit);
	has_key = false; /* its number may become another library's */
	drop_long_message(NULL);
}

static bool make_long_message(void)
{
	if (long_message)
		return true;
	pthread_once(&once, start);
	long_message = has_key ? malloc(MESSAGE_MAX) : NULL;
	if (long_message && pthread_setspecific(at_exit, long_message))
		drop_long_message(NULL);
	return long_message;
}

static void set_message(const char *text)
{
	size_t size = strlen(text) + 1;

	is_long = size > sizeof(short_message) && make_long_message();
	if (is_long)
		memcpy(long_message, text, size);
	else
		snprintf(short_message, sizeof(short_message), "%s", text);
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

/* Whatever it was that found no descriptor left: how many there may be, and what to do. */
static void add_limit(char *text, size_t size)
{
	size_t len = strlen(text);
	struct rlimit limit;

	if (!strstr(text, "RLIMIT_NOFILE") && !getrlimit(RLIMIT_NOFILE, &limit))
		snprintf(text + len, size - len, " (RLIMIT_NOFILE is %llu: raise it, see ulimit -n)",
			 (unsigned long long)limit.rlim_cur);
}

int mem__error(int err, const char *fmt, ...)
{
	char text[MESSAGE_MAX]; /* an argument may be the last message itself */
	va_list args;

	errno = err;
	if (quiet)
		return -err;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (err == EMFILE)
		add_limit(text, sizeof(text));
	set_message(text);
	if (mem__log_wanted(MEM_LOG_ERROR))
		log_text(MEM_LOG_ERROR, text);
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
	snprintf(text + len, sizeof(text) - len, "%s", mem_error_message());
	set_message(text);
	errno = saved_errno;
}

const char *mem_error_message(void)
{
	return is_long ? long_message : short_message;
}
