/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <mem/elf.h>

#include "probe.h"

const char *const probe_loader = "libmem";

static struct mem_object *obj;
static struct mem_prog *last;

int probe_open(const char *path)
{
	obj = mem_object_open_file(path, NULL);
	return obj ? 0 : -errno;
}

bool probe_next_prog(const char **name, const char **section, bool *autoload)
{
	last = mem_object_next_prog(obj, last);
	if (!last)
		return false;
	*name = mem_prog_name(last);
	*section = mem_prog_section(last);
	*autoload = mem_prog_autoload(last) > 0;
	return true;
}

int probe_load(const char *only)
{
	struct mem_prog *prog = NULL;

	while (only && (prog = mem_object_next_prog(obj, prog)))
		mem_prog_autoload_set(prog, !strcmp(mem_prog_name(prog), only));
	return mem_object_load(obj);
}

const char *probe_message(void)
{
	return mem_error_message();
}
