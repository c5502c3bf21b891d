// SPDX-License-Identifier: BSD-2-Clause
/* From the object file: elf FILE */
#include <mem/elf.h>
#include <mem/mem.h>

#include "phases.h"

static const char *path;

static void fail(void)
{
	fprintf(stderr, "%s\n", mem_error_message());
	exit(1);
}

static void live(void)
{
	struct mem_object *obj;

	bench_start();
	obj = mem_object_open_file(path, NULL);
	if (!obj || mem_object_load(obj))
		fail();
	bench_phase("load");
	mem_object_close(obj);
	bench_phase("close");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	path = argv[1];
	bench_live(live);
	return 0;
}
