// SPDX-License-Identifier: BSD-2-Clause
/* Arena structures as tools use them, from every kind of program, and as compilers leave them. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/array.h>
#include <mem/counter.h>
#include <mem/elf.h>
#include <mem/list.h>
#include <mem/ring.h>

#include "arena_tools.skel.h"
#include "bpf/arena_tools.h"
#include "harness.h"
#include "shell.h"

static struct arena_tools *skel;
static struct mem_heap *heap;

static void setup(void)
{
	need_bpf();
	need_linux(6, 10, "atomic instructions on arena memory");
}

FIXTURE(setup, NULL)

static void start(void)
{
	struct mem_heap_opts opts = {.sz = sizeof(opts), .present = 32 << 20};

	assert_ok(arena_tools__load(skel));
	heap = &skel->arena->heap;
	assert_ok(mem_heap_create(assert_ptr(mem_object_find_region(skel->obj, "arena")), heap, &opts));
	for (int i = 0; i < 4; i++)
		assert_ok(flows_create(heap, &skel->arena->tables[i], FLOWS));
	assert_ok(words_create(heap, &skel->arena->ticks, 5000));
	assert_ok(halves_create(heap, &skel->arena->minutes, 1000));
	ck_assert_int_eq(mem_ring_create(heap, &skel->arena->up, 256, 32), 0);
	ck_assert_int_eq(mem_ring_create(heap, &skel->arena->down, 256, 32), 0);
	ck_assert_int_eq(mem_bitmap_create(heap, &skel->arena->ids, 5000), 0);
	ck_assert_int_eq(mem_array_create(heap, &skel->arena->visits, 100000, 8), 0);
}

static uint32_t run(const struct mem_prog *prog)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	char packet[64] = {0};

	if (prog == skel->progs.on_packet || prog == skel->progs.on_egress) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
	}
	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

static void *use_all(void *arg)
{
	unsigned int rounds = (unsigned int)test_rounds(20000);
	unsigned long long key, value;

	(void)arg;
	for (unsigned int i = 0; i < rounds; i++) {
		struct event event = {.when = i};

		key = value = i % 1024;
		if (!words_set(heap, &skel->arena->ticks, &key, &value, MEM_HASH_ANY) && i & 1)
			words_remove(heap, &skel->arena->ticks, &key);
		mem_ring_push(heap, &skel->arena->down, &event);
		mem_ring_pop(heap, &skel->arena->up, &event);
		mem_free(heap, mem_alloc(heap, i % 500 + 1));
		mem_counter_add(&skel->arena->packets, 1);
	}
	mem_heap_leave(heap);
	return NULL;
}

/* Nothing is open, each number was given back, and the heap is whole. */
static void check_what_is_left(void)
{
	struct mem_hash_cursor cursor = {0};
	unsigned long long key, value;

	ck_assert_uint_eq(run(skel->progs.close_all), 0);
	ck_assert_uint_eq(skel->bss->wrong, 0);
	ck_assert_uint_gt(skel->bss->opened, 0);
	ck_assert_uint_eq(skel->bss->opened, skel->bss->closed);
	for (unsigned int i = 0; i < 5000; i++)
		ck_assert_int_eq(mem_bitmap_test(heap, &skel->arena->ids, i), 0);
	while (words_next(heap, &skel->arena->ticks, &cursor, &key, &value) > 0)
		ck_assert_uint_eq(key, value);
	ck_assert_msg(mem_heap_is_valid(heap), "%s", mem_error_message());
}

TEST(every_kind_of_program_and_threads_at_once, .timeout = 60)
{
	const struct mem_prog *progs[4];
	struct mem_link *calls, *switches;
	pthread_t thread;
	uint64_t fired;

	skel = assert_ptr(arena_tools__open());
	start();
	progs[0] = skel->progs.everything;
	progs[1] = skel->progs.by_pointer;
	progs[2] = skel->progs.on_packet;
	progs[3] = skel->progs.on_egress;
	ck_assert_uint_eq(run(skel->progs.set_alarm), 0);
	calls = assert_ptr(mem_prog_attach(skel->progs.on_call));
	switches = assert_ptr(mem_prog_attach(skel->progs.on_switch));
	ck_assert_int_eq(pthread_create(&thread, NULL, use_all, NULL), 0);
	for (int i = 0; i < test_rounds(50); i++)
		for (int j = 0; j < 4; j++)
			run(progs[j]);
	pthread_join(thread, NULL);
	fired = skel->bss->fired;
	while (__atomic_load_n(&skel->bss->fired, __ATOMIC_RELAXED) == fired)
		usleep(1000);
	mem_link_destroy(calls);
	mem_link_destroy(switches);
	ck_assert_uint_eq(run(skel->progs.stop_alarm), 0);
	check_what_is_left();
	arena_tools__destroy(skel);
}
END_TEST

/* Works until it is killed. */
static pid_t start_victim(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	if (mem_object_reattach(skel->obj))
		_exit(1);
	for (;;)
		use_all(NULL);
}

/* All of them are loaded above. */
static struct arena_tools *open_some(void)
{
	struct arena_tools *some = assert_ptr(arena_tools__open());

	keep_programs(some->obj, PROGRAMS(some->progs.everything, some->progs.by_pointer, some->progs.close_all));
	return some;
}

/* A second object with the same programs and variables takes the arena of the first one. */
TEST(two_objects_and_processes_that_are_killed, .timeout = 60)
{
	struct arena_tools *other = open_some();
	int status;

	skel = open_some();
	start();
	assert_ok(mem_map_reuse_fd(other->maps.arena, mem_map_fd(skel->maps.arena)));
	assert_ok(arena_tools__load(other));
	ck_assert_ptr_eq(other->arena, skel->arena);
	for (int i = 0; i <= test_rounds(9); i++) {
		pid_t pid = start_victim();

		for (int j = 0; j < 3; j++) {
			ck_assert_uint_eq(run(skel->progs.everything), 0);
			ck_assert_uint_eq(run(other->progs.everything), 0);
		}
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a victim ended by itself: %#x",
			      status);
		assert_ok(mem_heap_recover(heap));
	}
	for (unsigned long long key = 0; key < 1024; key++) /* takes over what is locked */
		ck_assert_int_eq(words_set(heap, &skel->arena->ticks, &key, &key, MEM_HASH_ANY), 0);
	ck_assert_uint_eq(run(other->progs.close_all), 0);
	skel->bss->opened += other->bss->opened;
	skel->bss->closed += other->bss->closed;
	ck_assert_uint_eq(other->bss->wrong, 0);
	check_what_is_left();
	arena_tools__destroy(skel); /* the first one may go first */
	skel = other;
	ck_assert_uint_eq(run(skel->progs.by_pointer), 0);
	arena_tools__destroy(skel);
}
END_TEST

/* Not in the build's folder, which others read meanwhile. */
static void loads(const char *options)
{
	char path[] = "/tmp/libmem-tools-XXXXXX";
	struct mem_object *obj;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	SHELL_OK("clang-19 -g --target=bpf %s -Wall -Wextra -Wno-unused-parameter -Werror -I%s -Iselftests/bpf "
		 "-c %s -o %s", options, source_path("include"), source_path("selftests/bpf/arena_tools.bpf.c"), path);
	obj = assert_ptr(mem_object_open_file(path, NULL));
	unlink(path);
	assert_ok(mem_object_load(obj));
	mem_object_close(obj);
}

/* The verifier sees other instructions each time. */
TEST(compilers_make_what_verifiers_take, .host_only = "runs the compiler", .unsanitized = "is about the compiler's work",
     .timeout = 60)
{
	loads("-O1 -mcpu=v3 -D__TARGET_ARCH_x86");
	loads("-O1 -mcpu=v4");
	loads("-Os -mcpu=v3");
	loads("-O2 -mcpu=v3");
	loads("-O2 -mcpu=v4 -D__TARGET_ARCH_x86");
	loads("-O2 -mcpu=v3 -D__TARGET_ARCH_x86 -DARENA_FLAGS=MEM_ARENA_NO_USER_CONV");
}
END_TEST
