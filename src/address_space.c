/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has the addresses that something else needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

struct range {
	uint64_t start, end;
	const char *name;
	bool is_empty; /* nothing but addresses: what arenas leave in forked children looks like this */
};

/* "start-end perms offset device inode   path" */
static bool parse_line(char *line, struct range *range)
{
	char *at;
	int field;

	range->start = strtoull(line, &at, 16);
	if (*at++ != '-')
		return false;
	range->end = strtoull(at, &at, 16);
	range->is_empty = !strncmp(at, " ---p", 5);
	for (field = 0; field < 4 && at; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	line[strcspn(line, "\n")] = '\0';
	range->name = at + strspn(at, " ");
	range->is_empty &= !*range->name;
	return true;
}

/* The first part of the range that something is in, or that is taken by as much as nothing. */
static bool find_user(const void *start, size_t size, char *text, size_t text_size)
{
	uint64_t from = (uintptr_t)start, to = from + size;
	FILE *file = fopen("/proc/self/maps", "re");
	struct range range;
	char *line = NULL;
	size_t capacity = 0;
	bool used = false;

	snprintf(text, text_size, "something that /proc/self/maps does not show");
	while (file && !used && getline(&line, &capacity, file) > 0) {
		if (!parse_line(line, &range) || range.end <= from || range.start >= to)
			continue;
		used = !range.is_empty;
		snprintf(text, text_size, "%s at %#llx-%#llx",
			 *range.name ? range.name : "memory without a name",
			 (unsigned long long)range.start, (unsigned long long)range.end);
	}
	free(line);
	if (file)
		fclose(file);
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
