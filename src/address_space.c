/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has the addresses that something else needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"

/* "start-end perms offset device inode   path": the range, and where the name begins. */
static bool parse_line(char *line, uint64_t *start, uint64_t *end, const char **name)
{
	char *at;
	int field;

	*start = strtoull(line, &at, 16);
	if (*at++ != '-')
		return false;
	*end = strtoull(at, &at, 16);
	for (field = 0; field < 4 && at; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return false;
	line[strcspn(line, "\n")] = '\0';
	*name = at + strspn(at, " ");
	return true;
}

void address_space_describe(const void *start, size_t size, char *text, size_t text_size)
{
	uint64_t from = (uintptr_t)start, to = from + size, low, high;
	FILE *file = fopen("/proc/self/maps", "re");
	const char *name;
	char *line = NULL;
	size_t capacity = 0;

	snprintf(text, text_size, "something that /proc/self/maps does not show");
	while (file && getline(&line, &capacity, file) > 0) {
		if (!parse_line(line, &low, &high, &name) || high <= from || low >= to)
			continue;
		snprintf(text, text_size, "%s at %#llx-%#llx", *name ? name : "memory without a name",
			 (unsigned long long)low, (unsigned long long)high);
		break;
	}
	free(line);
	if (file)
		fclose(file);
}
