/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-thread memory under load: threads come and go by the thousand, some without a word, while programs and
 * other threads write, walk and register. Seconds for each back: LIBMEM_STRESS, 2 if it is not set;
 * `make stress-task SECONDS=180` takes minutes.
 */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "task_basic.skel.h"
#include "tasks.h"

enum { MAKERS = 4, WAVE = 24, PINNED = 600 };

/* The thread sanitizer goes on looking at threads of which it has not seen the end. */
#ifdef __SANITIZE_THREAD__
#define CAN_VANISH 0
#else
#define CAN_VANISH 1
#endif

static struct task_basic *skel;
static atomic_bool over;
static atomic_ulong lives, vanished, children;

static void teardown(void)
{
	task_basic__destroy(skel);
	skel = NULL;
	mem_task_unregister();
}

FIXTURE(NULL, teardown)

static void load(enum mem_task_back back)
{
	mem_log_set(MEM_LOG_WARN, NULL, NULL);
	tasks_use(back, 1000);
	skel = assert_ptr(task_basic__open());
	assert_ok(task_basic__load(skel));
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Between two looks at everything, so that others get the locks too. */
static void rest(void)
{
	const struct timespec nap = {.tv_nsec = 3000000};

	nanosleep(&nap, NULL);
}

static double seconds(void)
{
	const char *text = getenv("LIBMEM_STRESS");

	return text ? strtod(text, NULL) : 2;
}

/* The program counts, and copies the id. */
static bool call_is_right(uint64_t id, uint64_t calls)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	return !mem_prog_run(skel->progs.on_call, &opts) && opts.retval == 1 &&
	       task_basic__task_request()->seen == id && task_basic__task_request()->id == id &&
	       task_basic__task_counters()->calls == calls;
}

static atomic_ulong ids = 1;

/* Threads that were registered ahead may have been seen by a walk, and by nothing else. */
static void *live(void *arg)
{
	struct request *r = task_basic__task_request();
	uint64_t id = atomic_fetch_add(&ids, 1);
	uintptr_t kind = (uintptr_t)arg;

	atomic_fetch_add(&lives, 1);
	if (!r)
		return "no struct";
	if (r->id || r->seen || task_basic__task_counters()->calls)
		return "not zero at first";
	__atomic_store_n(&r->id, id, __ATOMIC_RELEASE);
	for (uint64_t calls = 1; calls <= 3; calls++)
		if (!call_is_right(id, calls))
			return "the program saw somebody else's";
	if (kind % 5 == 1) {
		mem_task_unregister();
		if (task_basic__task_request()->id)
			return "not zero after it was given up";
	}
	if (kind % 7 == 2 && CAN_VANISH) {
		atomic_fetch_add(&vanished, 1);
		syscall(SYS_exit, 0); /* no destructor runs */
	}
	return NULL;
}

static const char *have_child(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		alarm(100);
		_exit(task_basic__task_request() && !task_basic__task_request()->id ? 0 : 1);
	}
	atomic_fetch_add(&children, 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return "the child's struct is not its own";
	return NULL;
}

static void *make_threads(void *arg)
{
	const char *wrong = NULL;
	pthread_t threads[WAVE];

	(void)arg;
	for (unsigned int round = 0; !wrong && !atomic_load(&over); round++) {
		for (uintptr_t i = 0; i < WAVE; i++)
			if (pthread_create(&threads[i], NULL, live, (void *)i))
				return "no thread";
		for (int i = 0; i < WAVE; i++) {
			void *result;

			pthread_join(threads[i], &result);
			wrong = result ? result : wrong;
		}
		if (!wrong && round % 4 == 0)
			wrong = have_child();
	}
	atomic_store(&over, true);
	return (void *)wrong;
}

static int is_sane(void *ctx, int tid, void *data)
{
	uint64_t id = __atomic_load_n(&((struct request *)data)->id, __ATOMIC_ACQUIRE);

	(void)ctx;
	(void)tid;
	return id >= atomic_load(&ids);
}

static void *watch(void *arg)
{
	(void)arg;
	while (!atomic_load(&over)) {
		if (mem_task_register_all() < 0)
			return "registering ahead failed";
		if (task_basic__task_request_each(is_sane, NULL))
			return "a struct holds what nobody wrote";
		rest();
	}
	return NULL;
}

static int count_by_iterator(void)
{
	struct mem_link *link = assert_ptr(mem_prog_attach_iter(skel->progs.dump, NULL));
	int fd = mem_iter_create(link), count = 0;
	uint64_t id;

	assert_ok(fd);
	while (read(fd, &id, sizeof(id)) == sizeof(id))
		count++;
	close(fd);
	mem_link_destroy(link);
	return count;
}

/* Those that are there: this one, and what a sanitizer has of its own. */
static int threads_now(void)
{
	DIR *dir = opendir("/proc/self/task");
	int count = 0;

	ck_assert_ptr_nonnull(dir);
	for (struct dirent *entry; (entry = readdir(dir));)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

/*
 * A thread that was joined is still on its way out in the kernel: an iterator may find it and the directory
 * not, a moment later. So one that should be gone is given time to go.
 */
static void assert_none_is_left(void)
{
	int found = 0, there = 0;

	for (double end = now() + 10; now() < end; rest()) {
		found = count_by_iterator();
		there = threads_now();
		if (found <= there)
			return;
	}
	ck_abort_msg("an iterator finds structs of %d threads where %d are there", found, there);
}

static void join(pthread_t thread)
{
	void *result;

	pthread_join(thread, &result);
	ck_assert_msg(!result, "%s", (char *)result);
}

static void stress(enum mem_task_back back)
{
	pthread_t makers[MAKERS], watcher;
	double end;

	load(back);
	end = now() + seconds();
	for (int i = 0; i < MAKERS; i++)
		ck_assert_int_eq(pthread_create(&makers[i], NULL, make_threads, NULL), 0);
	ck_assert_int_eq(pthread_create(&watcher, NULL, watch, NULL), 0);
	while (now() < end && !atomic_load(&over)) {
		count_by_iterator();
		rest();
	}
	atomic_store(&over, true);
	for (int i = 0; i < MAKERS; i++)
		join(makers[i]);
	join(watcher);
	/* those that vanished have no successor to take their slots; programs don't find them */
	assert_none_is_left();
	ck_assert_uint_gt(atomic_load(&lives), WAVE);
	if (getenv("LIBMEM_STRESS"))
		printf("%s: %lu threads, %lu of them vanished, %lu children\n",
		       (const char *[]){"", "uptr", "arena", "array"}[back], atomic_load(&lives),
		       atomic_load(&vanished), atomic_load(&children));
}

TEST(threads_come_and_go_uptr, .timeout = 3600)
{
	stress(MEM_TASK_BACK_UPTR);
}
END_TEST

TEST(threads_come_and_go_arena, .timeout = 3600)
{
	stress(MEM_TASK_BACK_ARENA);
}
END_TEST

TEST(threads_come_and_go_array, .timeout = 3600)
{
	stress(MEM_TASK_BACK_ARRAY);
}
END_TEST

/* --- pages that the kernel holds for programs --- */

/* Pages that are pinned on this machine, by whomever; -1 if the kernel does not say. */
static long pinned(void)
{
	FILE *file = fopen("/proc/vmstat", "re");
	long acquired = -1, released = 0, value;
	char name[64];

	while (file && fscanf(file, "%63s %ld", name, &value) == 2) {
		if (!strcmp(name, "nr_foll_pin_acquired"))
			acquired = value;
		if (!strcmp(name, "nr_foll_pin_released"))
			released = value;
	}
	if (file)
		fclose(file);
	return acquired < 0 ? -1 : acquired - released;
}

static pthread_barrier_t registered, looked;

static void *be_pinned(void *arg)
{
	struct request *r = task_basic__task_request();

	pthread_barrier_wait(&registered);
	pthread_barrier_wait(&looked);
	return r ? NULL : arg;
}

/* The kernel lets go of a thread's page after a grace period. Others may pin some meanwhile. */
static bool is_back_at(long before)
{
	for (int i = 0; i < 1200; i++) { /* a minute */
		const struct timespec nap = {.tv_nsec = 50000000};

		if (pinned() < before + PINNED / 10)
			return true;
		nanosleep(&nap, NULL);
	}
	return false;
}

TEST(pinned_pages_are_given_back, .timeout = 90)
{
	long before = pinned();
	pthread_t threads[PINNED];

	load(MEM_TASK_BACK_UPTR);
	if (before < 0)
		test_skip("the kernel does not count pinned pages");
	pthread_barrier_init(&registered, NULL, PINNED + 1);
	pthread_barrier_init(&looked, NULL, PINNED + 1);
	for (int i = 0; i < PINNED; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, be_pinned, NULL), 0);
	pthread_barrier_wait(&registered);
	/* only in the emulator is nobody else around whose pages, pinned before, are given back meanwhile */
	ck_assert_int_ge(pinned(), (in_emulator() ? before : 0) + PINNED * 9 / 10);
	pthread_barrier_wait(&looked);
	for (int i = 0; i < PINNED; i++)
		pthread_join(threads[i], NULL);
	ck_assert_msg(is_back_at(before), "%ld pages are pinned, %ld were before", pinned(), before);
	pthread_barrier_destroy(&registered);
	pthread_barrier_destroy(&looked);
}
END_TEST
