/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "text.h"

void text_raw(struct text *text, const char *data, size_t length)
{
	bytes_add(&text->bytes, data, length);
}

/* Room for so many of the next columns. */
static int room(const struct text *text, int columns)
{
	if (text->width && columns > text->width - text->column)
		columns = text->width - text->column;
	return columns > 0 ? columns : 0;
}

void text_put(struct text *text, const char *format, ...)
{
	char line[512];
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (length < 0)
		return;
	if ((size_t)length >= sizeof(line))
		length = sizeof(line) - 1;
	length = room(text, length);
	for (int i = 0; i < length; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
	text_raw(text, line, (size_t)length);
	text->column += length;
}

void text_pad(struct text *text, int column)
{
	if (column > text->column)
		text_put(text, "%*s", column - text->column, "");
}

void text_style(struct text *text, enum style style)
{
	static const char *const codes[] = {
		[PLAIN] = "\033[0m",	[BOLD] = "\033[0;1m",	[DIM] = "\033[0;2m",
		[GREEN] = "\033[0;32m", [CYAN] = "\033[0;36m",	[YELLOW] = "\033[0;33m",
		[RED] = "\033[0;31m",	[HEADER] = "\033[0;7m", [SELECTED] = "\033[0;1;44;37m",
	};

	if (text->colour)
		text_raw(text, codes[style], strlen(codes[style]));
}

void text_bar(struct text *text, int columns, double share)
{
	/* left one to seven eighths of a block, U+258F to U+2589, and the whole one, U+2588 */
	int full, eighths, end;

	columns = room(text, columns);
	end = text->column + columns;
	eighths = (int)(share * columns * 8 + 0.5);
	if (!eighths && share > 0)
		eighths = 1; /* something is never drawn as nothing */
	full = eighths / 8 < columns ? eighths / 8 : columns;
	eighths = full < columns ? eighths % 8 : 0;
	if (!text->blocks) {
		full += eighths >= 4 || (eighths && !full);
		eighths = 0;
	}
	for (int i = 0; i < full; i++)
		text_raw(text, text->blocks ? "\u2588" : "#", text->blocks ? 3 : 1);
	if (eighths)
		text_raw(text, (const char[]){'\xe2', '\x96', (char)(0x90 - eighths)}, 3);
	text->column += full + !!eighths;
	text_pad(text, end);
}

void text_end_line(struct text *text)
{
	text_style(text, PLAIN);
	if (text->redraw)
		text_raw(text, "\033[K", 3);
	text_raw(text, "\n", 1);
	text->column = 0;
	text->lines++;
}

int text_flush(struct text *text, int fd)
{
	struct bytes *bytes = &text->bytes;
	int err = bytes->failed ? -ENOMEM : 0;
	size_t done = 0;
	ssize_t wrote;

	while (!err && done < bytes->size) {
		wrote = write(fd, bytes->data + done, bytes->size - done);
		if (wrote >= 0)
			done += (size_t)wrote;
		else if (errno != EINTR)
			err = -errno;
	}
	bytes->size = 0;
	bytes->failed = false;
	text->column = text->lines = 0;
	return err;
}

void text_free(struct text *text)
{
	bytes_free(&text->bytes);
	memset(text, 0, sizeof(*text));
}

/* Three significant digits and a unit; the caller sees to it that value is less than 10,000. */
static const char *three_digits(char buffer[16], double value, const char *unit)
{
	int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;

	snprintf(buffer, 16, "%.*f%s", decimals, value, unit);
	return buffer;
}

const char *format_time(char buffer[16], uint64_t ns)
{
	double value = (double)ns;

	if (ns < 1000) {
		snprintf(buffer, 16, "%uns", (unsigned int)ns);
		return buffer;
	}
	if (value < 999.5e3)
		return three_digits(buffer, value / 1e3, "us");
	if (value < 999.5e6)
		return three_digits(buffer, value / 1e6, "ms");
	if (value < 999.5e9)
		return three_digits(buffer, value / 1e9, "s");
	if (value < 3600e9)
		return three_digits(buffer, value / 60e9, "m");
	if (value < 9999.5 * 3600e9)
		return three_digits(buffer, value / 3600e9, "h");
	return three_digits(buffer, value / 86400e9, "d");
}

const char *format_count(char buffer[16], uint64_t count)
{
	double value = (double)count;

	if (count < 100000) {
		snprintf(buffer, 16, "%u", (unsigned int)count);
		return buffer;
	}
	if (value < 999.5e3)
		return three_digits(buffer, value / 1e3, "k");
	if (value < 999.5e6)
		return three_digits(buffer, value / 1e6, "M");
	if (value < 999.5e9)
		return three_digits(buffer, value / 1e9, "G");
	return three_digits(buffer, value / 1e12, "T");
}
