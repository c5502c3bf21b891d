/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"
#include "error.h"
#include "probe_target.h"

static int target_error(const char *text, bool in_binary)
{
	return mem__error(EINVAL, "'%s' is no place for a probe: write %s", text,
			  in_binary ? "BINARY:FUNCTION, BINARY:FUNCTION+OFFSET or BINARY:OFFSET"
				    : "FUNCTION or FUNCTION+OFFSET");
}

/* Copy len characters; false if they don't fit. */
static bool copy_part(char *to, size_t size, const char *from, size_t len)
{
	if (len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return true;
}

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return !errno && end != text && !*end;
}

int probe_target_parse(struct probe_target *target, const char *text, bool in_binary)
{
	const char *place = text, *plus;
	bool ok = true;

	memset(target, 0, sizeof(*target));
	if (in_binary) {
		place = strrchr(text, ':');
		if (!place || place == text)
			return target_error(text, in_binary);
		ok = copy_part(target->binary, sizeof(target->binary), text, (size_t)(place - text));
		place++;
	}
	plus = strchr(place, '+');
	if (plus)
		ok = ok && parse_number(plus + 1, &target->offset);
	else if (in_binary && place[0] >= '0' && place[0] <= '9')
		return ok && parse_number(place, &target->offset) ? 0 : target_error(text, in_binary);
	else
		plus = place + strlen(place);
	ok = ok && plus > place &&
	     copy_part(target->function, sizeof(target->function), place, (size_t)(plus - place));
	return ok ? 0 : target_error(text, in_binary);
}

/* One function among a file's symbols. */
struct search {
	const char *name;
	size_t len; /* of the name without "@VERSION" */
	uint64_t offset;
	bool global; /* what was found is a global symbol */
	int found;   /* different places */
};

/* A global function wins over local ones of its name, which are then somebody else's. */
static bool take_symbol(void *ctx, const char *name, uint64_t offset, bool is_global)
{
	struct search *search = ctx;

	if (strncmp(name, search->name, search->len) ||
	    (name[search->len] && name[search->len] != '@'))
		return true;
	if (search->found && search->offset != offset) {
		if (search->global && !is_global)
			return true;
		search->found += search->global == is_global;
	}
	if (!search->found)
		search->found = 1;
	search->offset = offset;
	search->global |= is_global;
	return true;
}

int probe_function_offset(const char *path, const char *function, uint64_t *offset)
{
	struct search search = { .name = function, .len = strcspn(function, "@") };
	struct elf_file elf;
	int err = elf_file_open(&elf, path);

	if (err)
		return err;
	err = elf_file_symbols(&elf, take_symbol, &search);
	elf_file_close(&elf);
	if (err)
		return err;
	if (!search.found)
		return mem__error(ENOENT, "%s has no function '%s' in its symbol tables", path, function);
	if (search.found > 1)
		return mem__error(EEXIST, "%s has several functions '%s': give the offset of the one that "
					  "is meant", path, function);
	*offset += search.offset;
	return 0;
}
