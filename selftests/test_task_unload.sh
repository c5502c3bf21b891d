#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A library that uses per-thread structs is unloaded while its threads go on.
. "$(dirname "$0")/harness.sh"

# Each time it is loaded the library's cells are new ones; those it had must not be touched again.
plugin()
{
	cat <<- 'END'
		#include "task_basic.skel.h"
		__attribute__((visibility("default"))) unsigned long next_id(void);
		unsigned long next_id(void)
		{
			struct request *r = task_basic__task_request();
			return r ? ++r->id : 0;
		}
	END
}

host()
{
	cat <<- 'END'
		#include <dlfcn.h>
		#include <pthread.h>
		#include <stdio.h>
		#include <unistd.h>
		#include <sys/wait.h>
		#include <mem/mem.h>
		static unsigned long (*next_id)(void);
		static void *thread(void *arg) { next_id(); return arg; }
		int main(int argc, char **argv)
		{
			for (unsigned long i = 1; i <= 20 && argc > 1; i++) {
				void *plugin = dlopen(argv[1], RTLD_NOW);
				pthread_t id;
				int status;
				if (!plugin)
					return puts(dlerror()), 1;
				next_id = (unsigned long (*)(void))dlsym(plugin, "next_id");
				if (next_id() != i)
					return puts("not the thread's own struct"), 1;
				pthread_create(&id, NULL, thread, NULL);
				pthread_join(id, NULL);
				dlclose(plugin);
				if (!fork()) /* empties the cells that are known */
					_exit(0);
				wait(&status);
				if (status)
					return puts("the child died"), 1;
			}
			mem_task_unregister();
			return 0;
		}
	END
}

cells_of_an_unloaded_library_are_forgotten()
{
	[ -e "$BUILD/selftests/task_basic.skel.h" ] || skip "the test objects are not built"
	plugin > "$scratch/plugin.c"
	host > "$scratch/host.c"
	$CC -O2 -g -fPIC -shared -fvisibility=hidden -Iinclude -I"$BUILD/selftests" "$scratch/plugin.c" \
		-L"$BUILD" -lmem -o "$scratch/plugin.so"
	$CC -O2 -g -pthread -Iinclude "$scratch/host.c" -L"$BUILD" -lmem -ldl -o "$scratch/host"
	LD_LIBRARY_PATH=$BUILD "$scratch/host" "$scratch/plugin.so"
}

check cells_of_an_unloaded_library_are_forgotten cells_of_an_unloaded_library_are_forgotten
finish
