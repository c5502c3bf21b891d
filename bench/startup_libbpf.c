/* SPDX-License-Identifier: BSD-2-Clause */
/* The same as startup_libmem.c, with the packaged bpftool's skeleton and libbpf. */
#include <stdio.h>

#include "clock.h"
#include "startup.libbpf.h"

int main(void)
{
	long long start = clock_ns(), loaded;
	struct startup *skel = startup__open_and_load();

	loaded = clock_ns();
	if (!skel) {
		perror("startup_libbpf");
		return 1;
	}
	printf("%lld\n", loaded - start);
	startup__destroy(skel);
	return 0;
}
