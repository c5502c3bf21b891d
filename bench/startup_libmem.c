/* SPDX-License-Identifier: BSD-2-Clause */
/* Open and load once; print nanoseconds. */
#include <stdio.h>

#include "clock.h"
#include "startup.skel.h"

int main(void)
{
	long long start = clock_ns(), loaded;
	struct startup *skel = startup__open_and_load();

	loaded = clock_ns();
	if (!skel) {
		fprintf(stderr, "startup_libmem: %s\n", mem_error_message());
		return 1;
	}
	printf("%lld\n", loaded - start);
	startup__destroy(skel);
	return 0;
}
