/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who has the addresses that something else needs: /proc/self/maps. Without stdio, and by syscall(2), where no
 * thread can be cancelled: there are locks that are held meanwhile.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.h"

struct range {
	uint64_t start, end;
	const char *name;
	bool is_empty; /* nothing but addresses: what arenas leave in forked children looks like this */
};

/* A file, line by line; of lines that don't fit the beginning. */
struct lines {
	long fd;
	size_t at, end;  /* of what is not returned yet */
	bool in_the_middle; /* the rest of a line that did not fit comes next */
	char text[4096];
};

/* More of the file behind what there is of a line. False at the end. */
static bool lines_fill(struct lines *lines)
{
	long size;

	memmove(lines->text, lines->text + lines->at, lines->end - lines->at);
	lines->end -= lines->at;
	lines->at = 0;
	size = syscall(SYS_read, lines->fd, lines->text + lines->end, sizeof(lines->text) - 1 - lines->end);
	lines->end += size > 0 ? (size_t)size : 0;
	return size > 0;
}

/* NULL at the end. */
static char *lines_next(struct lines *lines)
{
	for (;;) {
		char *line = lines->text + lines->at;
		char *newline = memchr(line, '\n', lines->end - lines->at);
		bool whole = !lines->in_the_middle, full = lines->end - lines->at == sizeof(lines->text) - 1;

		if (!newline && !full) {
			if (!lines_fill(lines))
				return NULL;
			continue;
		}
		lines->at = newline ? (size_t)(newline + 1 - lines->text) : lines->end;
		lines->in_the_middle = !newline;
		if (!newline)
			newline = lines->text + lines->end;
		*newline = '\0';
		if (whole)
			return line;
	}
}

/* "start-end perms offset device inode   path" */
static bool parse_line(const char *line, struct range *range)
{
	char *end;
	const char *at;
	int field;

	range->start = strtoull(line, &end, 16);
	if (*end++ != '-')
		return false;
	range->end = strtoull(end, &end, 16);
	at = end;
	range->is_empty = !strncmp(at, " ---p", 5);
	for (field = 0; field < 4 && at; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	range->name = at + strspn(at, " ");
	range->is_empty &= !*range->name;
	return true;
}

/* The first part of the range that something is in, or that is taken by as much as nothing. */
static bool find_user(const void *start, size_t size, char *text, size_t text_size)
{
	uint64_t from = (uintptr_t)start, to = from + size;
	struct lines lines = { .fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC) };
	struct range range;
	bool used = false;
	char *line;

	snprintf(text, text_size, "something that /proc/self/maps does not show");
	while (lines.fd >= 0 && !used && (line = lines_next(&lines))) {
		if (!parse_line(line, &range) || range.end <= from || range.start >= to)
			continue;
		used = !range.is_empty;
		snprintf(text, text_size, "%s at %#llx-%#llx",
			 *range.name ? range.name : "memory without a name",
			 (unsigned long long)range.start, (unsigned long long)range.end);
	}
	if (lines.fd >= 0)
		syscall(SYS_close, lines.fd);
	return used;
}

void address_space_describe(const void *start, size_t size, char *text, size_t text_size)
{
	find_user(start, size, text, text_size);
}

bool address_space_in_use(const void *start, size_t size)
{
	char text[8];

	return find_user(start, size, text, sizeof(text));
}
