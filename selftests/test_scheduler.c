/* SPDX-License-Identifier: BSD-2-Clause */
/* A scheduler of our own runs the machine for a while. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "scheduler.skel.h"

static struct scheduler *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(scheduler__open());
}

static void teardown(void)
{
	scheduler__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static atomic_bool stop;
static atomic_ulong rounds;

static void *work(void *arg)
{
	struct timespec nap = { .tv_nsec = 1000000 };

	(void)arg;
	while (!atomic_load(&stop)) {
		for (volatile int i = 0; i < 100000; i++)
			;
		atomic_fetch_add(&rounds, 1);
		nanosleep(&nap, NULL);
	}
	return NULL;
}

static void state(char *text, size_t size)
{
	int fd = open("/sys/kernel/sched_ext/state", O_RDONLY | O_CLOEXEC);
	ssize_t len;

	ck_assert_int_ge(fd, 0);
	len = read(fd, text, size - 1);
	ck_assert_int_gt(len, 0);
	close(fd);
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static void nap(void)
{
	struct timespec fifty_ms = {.tv_nsec = 50000000};

	nanosleep(&fifty_ms, NULL);
}

/* Until it has counted so far: what hangs ends with the test. */
static void await(const unsigned long long *count, unsigned long long wanted)
{
	while (__atomic_load_n(count, __ATOMIC_RELAXED) < wanted)
		nap();
}

/* The processes of the machine that the tests run on are not ours to schedule. */
TEST(first_come_first_served, .timeout = 60)
{
	struct mem_link *link;
	pthread_t threads[4];
	char text[32];
	int err;

	skel->bss->of_process = (int)getpid();
	err = scheduler__load(skel);
	if (err == -ENOENT)
		test_skip("in this kernel programs can't implement struct sched_ext_ops");
	assert_ok(err);
	if (!in_emulator())
		test_skip("a scheduler would be that of the whole machine: only in the emulator");
	link = assert_ptr(mem_map_attach_struct_ops(skel->maps.first_come));
	state(text, sizeof(text));
	ck_assert_str_eq(text, "enabled");
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
	await(&skel->bss->ran_ours, 100);
	await(&skel->bss->enqueued, 100);
	while (atomic_load(&rounds) < 100)
		nap();
	state(text, sizeof(text));
	ck_assert_str_eq(text, "enabled"); /* nothing stalled, nothing was refused */
	mem_link_destroy(link);
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (state(text, sizeof(text)); strcmp(text, "disabled") != 0; state(text, sizeof(text)))
		nap();
	ck_assert_int_eq(skel->bss->exit_kind, 64); /* SCX_EXIT_UNREG: because we left */
}
END_TEST
