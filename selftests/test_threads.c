/* SPDX-License-Identifier: BSD-2-Clause */
/* What several threads may do at a time. `make check-tsan` runs these with the thread sanitizer. */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <mem/elf.h>

#include "harness.h"
#include "plain.skel.h"

enum { THREADS = 4, ROUNDS = 200 };

/* Run a function in THREADS threads, each given its number. */
static void in_threads(void *(*function)(void *))
{
	pthread_t threads[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, function, (void *)i), 0);
	for (int i = 0; i < THREADS; i++) {
		void *failed;

		ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
		ck_assert_msg(!failed, "thread %d: %s", i, (const char *)failed);
	}
}

static void *fail_to_read(void *number)
{
	char path[32];

	snprintf(path, sizeof(path), "/nowhere/%d", (int)(uintptr_t)number);
	for (int i = 0; i < ROUNDS; i++) {
		if (mem_image_read_file(path, NULL) || errno != ENOENT)
			return "read what is not there";
		if (!strstr(mem_error_message(), path))
			return "has the message of another";
	}
	return NULL;
}

TEST(messages_are_the_threads_own)
{
	in_threads(fail_to_read);
}
END_TEST

static int logged; /* atomic */

static void count_message(void *ctx, enum mem_log_level level, const char *text)
{
	(void)level;
	if (ctx == &logged && !strncmp(text, "/nowhere/", 9))
		__atomic_fetch_add(&logged, 1, __ATOMIC_RELAXED);
}

TEST(the_log_gets_the_messages_of_all)
{
	mem_log_set(MEM_LOG_ERROR, count_message, &logged);
	in_threads(fail_to_read);
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	ck_assert_int_eq(logged, THREADS * ROUNDS);
}
END_TEST

static void *live(void *number)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	struct plain *skel = plain__open();
	const char *failed = NULL;
	uint32_t step = 1 + (uint32_t)(uintptr_t)number;

	if (!skel)
		return "open failed";
	skel->rodata->step = step;
	if (plain__load(skel) || plain__attach(skel) || mem_prog_run(skel->progs.calls, &opts))
		failed = "load, attach or run failed";
	else if (skel->bss->hits < 10 * step)
		failed = "counts in another object";
	plain__destroy(skel);
	return (void *)failed;
}

TEST(objects_of_one_image_live_in_threads)
{
	need_bpf();
	in_threads(live);
}
END_TEST

static int stop; /* atomic */

/* The value is there all the time, whichever memory is behind it. */
static void *watch(void *variable)
{
	const char *failed = NULL;

	while (!failed && !__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		if (__atomic_load_n((uint64_t *)variable, __ATOMIC_RELAXED) != 7)
			failed = "saw another value";
	return (void *)failed;
}

TEST(a_region_is_read_while_it_is_prepared)
{
	need_bpf();
	for (int i = 0; i < (fewer_rounds() ? 4 : 20); i++) {
		struct plain *skel = assert_ptr(plain__open());
		pthread_t thread;
		void *failed;
		int err;

		__atomic_store_n(&stop, 0, __ATOMIC_RELEASE);
		ck_assert_int_eq(pthread_create(&thread, NULL, watch, &skel->data->start), 0);
		err = plain__prepare(skel);
		__atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
		pthread_join(thread, &failed);
		assert_ok(err);
		ck_assert_msg(!failed, "%s", (const char *)failed);
		plain__destroy(skel);
	}
}
END_TEST
