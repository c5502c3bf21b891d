/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer: text with indentation into memory, then all of it into a file at once. A header is
 * therefore complete or not there at all: writer_commit() writes beside the target and renames.
 *
 * Emitters don't check for errors: the first one is latched, and writer_commit() reports it. Only
 * where an enemy's input could make them go on for ever do they look at `error`.
 */
#ifndef MEMGEN_WRITER_H
#define MEMGEN_WRITER_H

#include <stddef.h>
#include <stdint.h>

struct writer {
	char *text;
	size_t len;      /* bytes used */
	size_t capacity; /* bytes at text */
	size_t limit;    /* bytes: more is the error EFBIG; 0 none */
	int indent;      /* tabs in front of a line */
	int error;       /* first error: negative errno, 0 none */
};

#define WRITER_INIT ((struct writer){0})

void writer_free(struct writer *w);

void writer_blank(struct writer *w);

/* A line at the current indentation. */
void writer_line(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line of the preprocessor: never indented. */
void writer_directive(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Lines in pieces: the indentation, any number of parts, and the end. */
void writer_begin(struct writer *w);
void writer_part(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void writer_bytes(struct writer *w, const char *text, size_t len);
void writer_end(struct writer *w);

/* A line that opens a block ("struct x {"), and the line that closes it ("};"). */
void writer_open(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void writer_close(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A number as the tables have it, without leading zeros: 0x2a. Faster than printf. */
void writer_hex(struct writer *w, uint64_t value);
void writer_decimal(struct writer *w, uint64_t value);

/* A C string literal with everything unusual escaped, or NULL. */
void writer_string(struct writer *w, const char *text);

/* Text from an object in a comment: it must not end the comment. */
void writer_comment_text(struct writer *w, const char *text);

/*
 * Write the text to path; NULL or "-" is standard output. A regular file is replaced in one step,
 * or left as it was; a device or pipe is written to. Returns 0 or a negative errno with *action
 * saying what was tried ("write", "create a temporary file beside").
 */
int writer_commit(struct writer *w, const char *path, const char **action);

#endif /* MEMGEN_WRITER_H */
