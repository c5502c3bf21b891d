/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages. A function that fails says so once, where it knows most: error_set() for the calling
 * thread, object_error() (object.h) for a live object as well. Callers add what they know with
 * error_prefix() instead of replacing the cause.
 *
 * The mem__ names are shared with libmem-elf through the LIBMEM_PRIVATE version node.
 */
#ifndef LIBMEM_ERROR_H
#define LIBMEM_ERROR_H

#include <mem/mem.h>
#include <stdbool.h>

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* Bytes a message may have, its NUL included; longer ones are cut at the end. */
#define MESSAGE_MAX 4096

#pragma GCC visibility push(default)

/* Record the message of a failure and log it. err is positive; returns -err with errno set to err. */
int mem__error(int err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * An analyzer that looks at one file at a time does not know that a failure is never 0, and would go
 * on as if nothing had happened.
 */
#ifdef LIBMEM_ANALYZE
static inline int error_for_analyzers(int err)
{
	(void)err;
	return -1;
}
#define mem__error(err, ...) error_for_analyzers(mem__error(err, __VA_ARGS__))
#endif

/* Put text in front of the recorded message: "x.bpf.o: " + "...". */
void mem__error_prefix(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* Log when the level asks for it. */
void mem__log(enum mem_log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Whether a message of this level would be seen: for work that only serves the log. */
int mem__log_wanted(enum mem_log_level level);

#pragma GCC visibility pop

/* What fails in this thread is tried again by one that says why. */
void error_quiet(bool on);

#endif /* LIBMEM_ERROR_H */
