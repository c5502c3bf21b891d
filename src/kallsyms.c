/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "kallsyms.h"

static void offer(struct kallsyms_want *wants, uint32_t count, uint64_t address, const char *name)
{
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(wants[i].name, name))
			continue;
		if (!wants[i].found || wants[i].address != address)
			wants[i].found++;
		wants[i].address = address;
	}
}

/* "ffffffff81000000 T _text" with "\t[module]" behind it for a module's. */
static int read_symbols(FILE *file, struct kallsyms_want *wants, uint32_t count)
{
	char *line = NULL;
	size_t size = 0;
	bool any_address = false;
	int err;

	while (getline(&line, &size, file) > 0) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);

		if (end == line || strlen(end) < 4) /* " T x" */
			continue;
		any_address |= address != 0;
		end += 3;
		end[strcspn(end, "\t\n")] = '\0';
		offer(wants, count, address, end);
	}
	err = feof(file) ? 0 : -errno;
	free(line);
	return err || any_address ? err : -EPERM;
}

int kallsyms_find(struct kallsyms_want *wants, uint32_t count, const char *object)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	int err;

	if (!file)
		return mem__error(errno, "%s: can't read kernel addresses from /proc/kallsyms: %s",
				  object, strerror(errno));
	err = read_symbols(file, wants, count);
	fclose(file);
	if (err && err != -EPERM)
		return mem__error(-err, "%s: can't read /proc/kallsyms: %s", object, strerror(-err));
	if (err)
		return mem__error(EPERM,
				  "%s: /proc/kallsyms hides its addresses: the process needs CAP_SYSLOG, and "
				  "kernel.kptr_restrict must be below 2", object);
	return 0;
}
