#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Libraries that use libmem come and go by dlopen(3) and dlclose(3) while threads go on.
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

# A plugin that has libmem from nowhere else; threads that have used it end after it is gone.
visitor()
{
	cat <<- 'END'
		#include <stdlib.h>
		#include <string.h>
		#include <sys/mman.h>
		#include <mem/alloc.h>
		#include <mem/mem.h>
		#include "task_basic.skel.h"
		#define SIZE ((size_t)2 << 20)
		static struct mem_heap *heap;
		static char *memory;
		__attribute__((visibility("default"))) int begin(void);
		int begin(void)
		{
			char *at;

			memory = mmap(NULL, 4 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (memory == MAP_FAILED)
				return 1;
			/* the half that no boundary of 4 GiB goes through */
			at = (uintptr_t)memory >> 32 == ((uintptr_t)memory + 2 * SIZE) >> 32 ? memory :
				memory + 2 * SIZE;
			heap = (struct mem_heap *)at;
			return mem_heap_init(heap, at + SIZE, SIZE, NULL);
		}
		__attribute__((visibility("default"))) int use(void);
		int use(void)
		{
			char path[600];

			memset(path, 'x', sizeof(path) - 1);
			path[sizeof(path) - 1] = 0;
			/* a message that is short, and one that is long */
			if (!mem_unpin("/nowhere") || !strstr(mem_error_message(), "/nowhere") ||
			    !mem_unpin(path) || !strstr(mem_error_message(), path))
				return 1;
			mem_free(heap, mem_alloc(heap, 100));
			return !task_basic__task_request();
		}
		__attribute__((visibility("default"))) void finish(void);
		void finish(void)
		{
			munmap(memory, 4 * SIZE);
		}
	END
}

stranger()
{
	cat <<- 'END'
		#include <dlfcn.h>
		#include <pthread.h>
		#include <stdio.h>
		static int (*use)(void);
		static pthread_barrier_t meet;
		static void *thread(void *arg)
		{
			*(int *)arg = use();
			pthread_barrier_wait(&meet);
			pthread_barrier_wait(&meet); /* the plugin is gone */
			return NULL;
		}
		int main(int argc, char **argv)
		{
			/* more often than there are thread-specific keys, or room for them */
			for (int i = 0; i < 1100 && argc > 1; i++) {
				void *plugin = dlopen(argv[1], RTLD_NOW);
				pthread_t id;
				int failed;
				if (!plugin)
					return puts(dlerror()), 1;
				if (((int (*)(void))dlsym(plugin, "begin"))())
					return puts("no heap"), 1;
				use = (int (*)(void))dlsym(plugin, "use");
				pthread_barrier_init(&meet, NULL, 2);
				pthread_create(&id, NULL, thread, &failed);
				pthread_barrier_wait(&meet);
				if (failed || use())
					return puts("what it does fails"), 1;
				((void (*)(void))dlsym(plugin, "finish"))();
				dlclose(plugin);
				pthread_barrier_wait(&meet);
				pthread_join(id, NULL);
			}
			return 0;
		}
	END
}

# comes_and_goes LIBRARY...
comes_and_goes()
{
	[ -e "$BUILD/selftests/task_basic.skel.h" ] || skip "the test objects are not built"
	visitor > "$scratch/visitor.c"
	stranger > "$scratch/stranger.c"
	$CC -O2 -g -fPIC -shared -fvisibility=hidden -Iinclude -I"$BUILD/selftests" "$scratch/visitor.c" \
		"$@" -o "$scratch/visitor.so"
	$CC -O2 -g -pthread "$scratch/stranger.c" -ldl -o "$scratch/stranger"
	LD_LIBRARY_PATH=$BUILD "$scratch/stranger" "$scratch/visitor.so"
}

# A plugin with libmem.a in it, in a program that has libmem.so, and there other functions than the plugin calls.
calls_its_own()
{
	[ -e "$BUILD/selftests/shared.skel.h" ] || skip "the test objects are not built"
	cat > "$scratch/plugin.c" <<- 'END'
		#include <mem/mem.h>
		#include "shared.skel.h"
		int visit(void);
		int visit(void)
		{
			struct mem_object *obj = mem_object_open(shared__image(), NULL);
			int known = obj && mem_object_find_region(obj, "bss") && !mem_object_find_map(obj, "none");
			mem_object_close(obj);
			return known;
		}
	END
	cat > "$scratch/host.c" <<- 'END'
		#include <dlfcn.h>
		#include <stdio.h>
		#include <mem/mem.h>
		int main(int argc, char **argv)
		{
			void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
			int (*visit)(void) = plugin ? (int (*)(void))dlsym(plugin, "visit") : NULL;
			mem_object_close(NULL);
			return visit ? !visit() : !!puts(dlerror());
		}
	END
	$CC -O2 -g -fPIC -shared -Iinclude -I"$BUILD/selftests" "$scratch/plugin.c" "$BUILD/libmem.a" \
		-o "$scratch/plugin.so"
	$CC -O2 -g -Iinclude "$scratch/host.c" -L"$BUILD" -lmem -ldl -o "$scratch/host"
	$CC -O2 -g -Iinclude -rdynamic "$scratch/host.c" "$BUILD/libmem.a" -ldl -o "$scratch/whole"
	LD_LIBRARY_PATH=$BUILD "$scratch/host" "$scratch/plugin.so"
	"$scratch/whole" "$scratch/plugin.so"
}

check cells_of_an_unloaded_library_are_forgotten cells_of_an_unloaded_library_are_forgotten
check comes_with_a_plugin comes_and_goes -L"$BUILD" -lmem
check calls_its_own calls_its_own
check is_in_a_plugin comes_and_goes "$BUILD/libmem.a"
finish
