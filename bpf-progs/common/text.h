/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal or a file: lines of a limited width, colours, units, harmless names. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bytes.h"

struct text {
	struct bytes bytes; /* those that could be added */
	int width;   /* columns of a line; what does not fit is left out; 0: no limit */
	int column;  /* next to be written, from 0 */
	int lines;   /* ended so far */
	bool colour; /* styles do something */
	bool blocks; /* the reader knows UTF-8 */
	bool redraw; /* over an older screen: each line erases what was there */
};

enum style { PLAIN, BOLD, DIM, GREEN, CYAN, YELLOW, RED, HEADER, SELECTED };

/* One column per character: printable ASCII only; anything else becomes '?'. */
__attribute__((format(printf, 2, 3))) void text_put(struct text *text, const char *format, ...);

/* Spaces up to a column. */
void text_pad(struct text *text, int column);

/* Applies to what follows, until the next style. */
void text_style(struct text *text, enum style style);

/* A bar of `share` (0 to 1) of `columns` columns, padded to all of them. */
void text_bar(struct text *text, int columns, double share);

/* End a line; the style becomes PLAIN. */
void text_end_line(struct text *text);

/* Bytes that are not for counting: escape sequences, JSON. */
void text_raw(struct text *text, const char *data, size_t length);

/* Write all of it to a file descriptor and start anew. Returns 0 or -errno. */
int text_flush(struct text *text, int fd);
void text_free(struct text *text);

/* At most 7 characters: "87ns", "1.23us", "45.6ms", "123s", "86.4h". */
const char *format_time(char buffer[16], uint64_t ns);

/* At most 6 characters: "99999", "123k", "4.56M". */
const char *format_count(char buffer[16], uint64_t count);

#endif /* COMMON_TEXT_H */
