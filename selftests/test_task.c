/* SPDX-License-Identifier: BSD-2-Clause */
/* Per-thread memory: one set of tests for each way in which programs find it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "task_basic.skel.h"
#include "tasks.h"

static struct task_basic *skel;

static void use(enum mem_task_back back)
{
	mem_log_set(MEM_LOG_WARN, NULL, NULL);
	tasks_use(back, 600);
}

static void load(void)
{
	skel = assert_ptr(task_basic__open());
	assert_ok(task_basic__load(skel));
}

static void attach(void)
{
	skel->links.on_getppid = assert_ptr(mem_prog_attach(skel->progs.on_getppid));
}

static void unload(void)
{
	task_basic__destroy(skel);
	skel = NULL;
}

static void teardown(void)
{
	unload();
	mem_task_unregister();
}

FIXTURE(NULL, teardown)

static const struct request *early;

/* With the static library, constructors of the program come before those of libmem. */
__attribute__((constructor)) static void use_early(void)
{
	early = task_basic__task_request();
	mem_task_unregister();
}

TEST(constructors_have_structs)
{
	ck_assert_ptr_nonnull(early);
}
END_TEST

static uint32_t echo(void)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	assert_ok(mem_prog_run(skel->progs.echo, &opts));
	return opts.retval;
}

/* Run a program in the calling thread that counts in its structs. */
static void call(void)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	mem_prog_run(skel->progs.on_call, &opts);
}

/* --- both sides --- */

static void both_sides(enum mem_task_back back)
{
	struct request *r;

	use(back);
	load();
	ck_assert_int_eq(mem_task_back_used(), back);
	ck_assert_uint_eq(echo(), 0); /* not registered yet */
	r = assert_ptr(task_basic__task_request());
	ck_assert_uint_eq(r->id, 0);
	r->id = 41;
	ck_assert_uint_eq(echo(), 42);
	ck_assert_uint_eq(r->seen, 41);
	ck_assert_int_eq(r->name[0], 'x');
	ck_assert_ptr_eq(task_basic__task_request(), r);
	ck_assert_uint_eq(task_basic__task_counters()->calls, 0);
	attach();
	syscall(SYS_getppid);
	syscall(SYS_getppid);
	ck_assert_uint_eq(task_basic__task_counters()->calls, 2);
	ck_assert_uint_eq(task_basic__task_request()->id, 41);
	mem_task_unregister();
	ck_assert_uint_eq(echo(), 0);
	ck_assert_uint_eq(assert_ptr(task_basic__task_request())->id, 0);
	ck_assert_uint_eq(echo(), 1);
}

/* --- threads --- */

enum { THREADS = 500 };
static unsigned int number; /* of threads, at most so many */

static pthread_barrier_t all_set, all_done;

static void *one_thread(void *arg)
{
	uint64_t id = (uintptr_t)arg;
	struct request *r = task_basic__task_request();
	void *result = NULL;

	if (!r || r->id || r->seen || task_basic__task_counters()->calls)
		result = "not zero at first";
	if (r)
		r->id = id;
	for (int i = 0; i < 10; i++)
		call();
	if (task_basic__task_counters()->calls != 10 || !r || r->seen != id)
		result = "not seen by the program";
	pthread_barrier_wait(&all_set);
	pthread_barrier_wait(&all_done);
	return result;
}

static int count_ids(void *ctx, int tid, void *data)
{
	(void)tid;
	*(uint64_t *)ctx += ((struct request *)data)->id;
	return 0;
}

static void threads(enum mem_task_back back)
{
	pthread_t thread[THREADS];
	uint64_t sum = 0;
	int count;

	number = fewer_rounds() ? THREADS / 5 : THREADS;
	use(back);
	load();
	pthread_barrier_init(&all_set, NULL, number + 1);
	pthread_barrier_init(&all_done, NULL, number + 1);
	for (int round = 0; round < 2; round++) {
		for (uintptr_t i = 0; i < number; i++)
			ck_assert_int_eq(pthread_create(&thread[i], NULL, one_thread, (void *)(i + 1)), 0);
		pthread_barrier_wait(&all_set);
		sum = 0;
		assert_ok(task_basic__task_request_each(count_ids, &sum));
		ck_assert_uint_eq(sum, number * (number + 1) / 2);
		ck_assert_uint_eq(tasks_sum(skel->progs.dump, &count), sum);
		ck_assert_uint_eq(count, number);
		pthread_barrier_wait(&all_done);
		for (unsigned int i = 0; i < number; i++) {
			void *result;

			pthread_join(thread[i], &result);
			ck_assert_msg(!result, "thread %u: %s", i, (char *)result);
		}
		tasks_sum(skel->progs.dump, &count);
		ck_assert_int_eq(count, 0);
	}
	pthread_barrier_destroy(&all_set);
	pthread_barrier_destroy(&all_done);
}

/* --- fork --- */

static void in_child(struct request *mine)
{
	struct request *r;

	alarm(100);
	mine->seen = 5; /* still memory, though nobody else's */
	if (echo() != 0)
		_exit(10); /* registered as the parent */
	r = task_basic__task_request();
	if (!r)
		_exit(11);
	if (r->id)
		_exit(12);
	r->id = 100;
	if (echo() != 101)
		_exit(13);
	_exit(0);
}

static void forked(enum mem_task_back back)
{
	struct request *r;
	int status;
	pid_t pid;

	use(back);
	load();
	r = assert_ptr(task_basic__task_request());
	r->id = 7;
	pid = fork();
	if (!pid)
		in_child(r);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "child: status %#x", status);
	ck_assert_uint_eq(r->id, 7);
	ck_assert_uint_eq(r->seen, 0);
	ck_assert_uint_eq(echo(), 8);
}

/* --- before the first object, and after the last --- */

static void early_and_late(enum mem_task_back back)
{
	struct request *r;

	use(back);
	r = assert_ptr(task_basic__task_request());
	r->id = 9;
	load();
	ck_assert_uint_eq(task_basic__task_request()->id, 9);
	ck_assert_uint_eq(echo(), 10);
	r->seen = 1; /* may be memory of the past, but is memory */
	unload();
	assert_ptr(task_basic__task_request())->id = 3;
	load();
	/* who loads need not ask for its struct again to be seen */
	ck_assert_uint_eq(echo(), 4);
	ck_assert_uint_eq(task_basic__task_request()->id, 3);
}

/* --- all at once --- */

static void *sleeper(void *arg)
{
	struct request *r;
	void *result = NULL;

	pthread_barrier_wait(&all_set); /* running, and not registered by itself */
	pthread_barrier_wait(&all_done);
	call();
	r = task_basic__task_request();
	if (!r)
		return "no struct";
	if (task_basic__task_counters()->calls != (uintptr_t)arg)
		result = "what programs left is lost";
	r->id = 1;
	call();
	if (r->seen != 1)
		result = "not seen";
	return result;
}

static void register_all(enum mem_task_back back)
{
	pthread_t thread[20];

	use(back);
	assert_err(mem_task_register_all(), -EINVAL);
	load();
	pthread_barrier_init(&all_set, NULL, 21);
	pthread_barrier_init(&all_done, NULL, 21);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, sleeper, (void *)1), 0);
	pthread_barrier_wait(&all_set);
	ck_assert_int_eq(mem_task_register_all(), 21);
	pthread_barrier_wait(&all_done);
	for (int i = 0; i < 20; i++) {
		void *result;

		pthread_join(thread[i], &result);
		ck_assert_msg(!result, "thread %d: %s", i, (char *)result);
	}
	pthread_barrier_destroy(&all_set);
	pthread_barrier_destroy(&all_done);
}

/* --- several objects --- */

static void two_objects(enum mem_task_back back)
{
	struct task_basic *second;
	struct request *r;

	use(back);
	load();
	r = assert_ptr(task_basic__task_request());
	r->id = 20;
	second = assert_ptr(task_basic__open());
	assert_ok(task_basic__load(second));
	ck_assert_uint_eq(echo(), 21);
	unload();
	skel = second;
	ck_assert_ptr_eq(task_basic__task_request(), r);
	ck_assert_uint_eq(echo(), 21);
}

/* --- stress: threads come and go, all of them seen by programs --- */

static void *short_life(void *arg)
{
	struct request *r = task_basic__task_request();

	if (!r || r->id || r->seen)
		return "not zero at first";
	r->id = (uintptr_t)arg;
	call();
	call();
	if (r->seen != (uintptr_t)arg || r->id != (uintptr_t)arg)
		return "somebody else's";
	if (task_basic__task_counters()->calls != 2)
		return "calls of somebody else";
	return NULL;
}

static void *many_lives(void *arg)
{
	for (uintptr_t i = 0; i < (fewer_rounds() ? 25 : 1000); i++) {
		pthread_t thread;
		void *result;

		if (pthread_create(&thread, NULL, short_life, (void *)((uintptr_t)arg + i)))
			return "no thread";
		pthread_join(thread, &result);
		if (result)
			return result;
	}
	return NULL;
}

static void stress(enum mem_task_back back)
{
	pthread_t thread[8];
	int count;

	use(back);
	load();
	for (uintptr_t i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, many_lives, (void *)((i + 1) << 32)), 0);
	for (int i = 0; i < 20; i++)
		tasks_sum(skel->progs.dump, &count);
	for (int i = 0; i < 8; i++) {
		void *result;

		pthread_join(thread[i], &result);
		ck_assert_msg(!result, "%s", (char *)result);
	}
	tasks_sum(skel->progs.dump, &count);
	ck_assert_int_eq(count, 0);
}

/* --- thread ids that are used again --- */

/* Ends without running a destructor, so nobody takes its struct back. */
static void *vanish(void *arg)
{
	(void)arg;
	task_basic__task_request()->id = 77;
	call();
	syscall(SYS_exit, 0);
	return NULL;
}

static void *follow(void *arg)
{
	int wanted = *(int *)arg;

	if ((int)syscall(SYS_gettid) != wanted)
		return "another id";
	if (echo() != 0)
		return "sees what its predecessor left";
	if (task_basic__task_request()->id || task_basic__task_request()->seen)
		return "not zero at first";
	task_basic__task_request()->id = 5;
	return echo() == 6 ? NULL : "not seen";
}

static bool next_tid(int tid)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "w");
	bool done = file && fprintf(file, "%d", tid - 1) > 0;

	if (file)
		done &= !fclose(file);
	return done;
}

static void *store_tid(void *arg)
{
	*(int *)arg = (int)syscall(SYS_gettid);
	return vanish(NULL);
}

static void same_tid(enum mem_task_back back)
{
	void *result = "never started";
	pthread_t thread;

	use(back);
	load();
	for (int tries = 0; tries < 100; tries++) {
		int tid = 0;

		ck_assert_int_eq(pthread_create(&thread, NULL, store_tid, &tid), 0);
		pthread_join(thread, NULL);
		if (!next_tid(tid))
			test_skip("thread ids can't be chosen: no /proc/sys/kernel/ns_last_pid");
		ck_assert_int_eq(pthread_create(&thread, NULL, follow, &tid), 0);
		pthread_join(thread, &result);
		if (!result || strcmp(result, "another id") != 0)
			break;
	}
	ck_assert_msg(!result, "%s", (char *)result);
}

/* --- a process that executes another program --- */

static void executed(enum mem_task_back back)
{
	struct timespec pause = {0, 1000000};
	int count, ready[2];
	char byte;
	pid_t pid;

	use(back);
	load();
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		alarm(100);
		task_basic__task_request()->id = 1000;
		if (echo() != 1001 || tasks_sum(skel->progs.dump, &count) != 1000)
			_exit(1);
		/* the parent sees the end of the pipe when the other program is about to begin */
		execlp("sleep", "sleep", "100", NULL);
		_exit(2);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 0);
	close(ready[0]);
	/* the kernel closes it before the thread stops being who it was */
	for (int i = 0; i < 30000 && tasks_sum(skel->progs.dump, &count); i++)
		nanosleep(&pause, NULL);
	ck_assert_uint_eq(tasks_sum(skel->progs.dump, &count), 0);
	ck_assert_int_eq(count, 0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- destructors of a thread that use structs while it ends --- */

static pthread_key_t early_key, late_key; /* made before libmem's key, and after */

static void use_again(void *count)
{
	struct request *r = task_basic__task_request();

	/* the thread's own, or one that starts from zero after it was given up */
	if (r && (r->id == 0 || r->id == 31)) {
		r->id = 31;
		call();
		__atomic_fetch_add((int *)count, r->seen == 31, __ATOMIC_RELAXED);
	}
}

/* Comes back as long as the C library lets it, and libmem no longer in the last round. */
static void use_for_ever(void *count)
{
	use_again(count);
	pthread_setspecific(late_key, count);
}

static void *ends_slowly(void *count)
{
	pthread_setspecific(early_key, count);
	pthread_setspecific(late_key, count);
	task_basic__task_request()->id = 31;
	return NULL;
}

static void destructors(enum mem_task_back back)
{
	int used = 0, count;
	pthread_t thread;

	use(back);
	ck_assert_int_eq(pthread_key_create(&early_key, use_again), 0);
	load();
	assert_ptr(task_basic__task_request());
	ck_assert_int_eq(pthread_key_create(&late_key, use_for_ever), 0);
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	for (int i = 0; i < 50; i++) {
		ck_assert_int_eq(pthread_create(&thread, NULL, ends_slowly, &used), 0);
		pthread_join(thread, NULL);
	}
	ck_assert_int_ge(used, 50 * 3);
	tasks_sum(skel->progs.dump, &count);
	ck_assert_int_eq(count, 1); /* the calling thread's */
	pthread_key_delete(early_key);
	pthread_key_delete(late_key);
}

/* --- more threads than slots --- */

static void *one_too_many(void *arg)
{
	struct request *r = task_basic__task_request();

	(void)arg;
	if (!r)
		return "no memory";
	r->id = 3;
	return echo() ? "seen by programs, without a slot" : NULL;
}

static void no_slot_left(enum mem_task_back back)
{
	struct mem_task_opts opts = {.sz = sizeof(opts), .back = back, .threads = 1};
	pthread_t thread;
	void *result;

	use(back);
	assert_ok(mem_task_setup(&opts));
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	load();
	assert_ptr(task_basic__task_request());
	ck_assert_uint_eq(echo(), 1);
	ck_assert_int_eq(pthread_create(&thread, NULL, one_too_many, NULL), 0);
	pthread_join(thread, &result);
	ck_assert_msg(!result, "%s", (char *)result);
	mem_task_unregister();
	ck_assert_uint_eq(assert_ptr(task_basic__task_request())->id, 0);
	ck_assert_uint_eq(echo(), 1);
}

/* --- pthread_cancel(3) --- */

static void *cancels_itself(void *arg)
{
	(void)arg;
	pthread_cancel(pthread_self()); /* carried out at the next cancellation point */
	if (!task_basic__task_request())
		return "no struct";
	pthread_testcancel();
	return "it goes on";
}

static void *uses_a_struct(void *arg)
{
	(void)arg;
	return task_basic__task_request() ? NULL : "no struct";
}

/* A thread that is to end does so between calls, not with what others wait for. */
static const char *cancel_some(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 3; i++) {
		pthread_create(&thread, NULL, cancels_itself, NULL);
		pthread_join(thread, &result);
		if (result != PTHREAD_CANCELED)
			return result;
	}
	pthread_create(&thread, NULL, uses_a_struct, NULL);
	pthread_join(thread, &result);
	return result;
}

/* In a process of its own, where the C library may load what it unwinds stacks with. */
static void cancelled(enum mem_task_back back)
{
	const char *problem;
	int status;
	pid_t pid;

	use(back);
	load();
	pid = fork();
	if (!pid) {
		alarm(60);
		problem = cancel_some();
		if (problem)
			fprintf(stderr, "%s\n", problem);
		_exit(!!problem);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "child: status %#x", status);
}

#define FOR_EACH_BACK(what, ...)                                                                   \
	TEST(what##_uptr, ##__VA_ARGS__)                                                           \
	{                                                                                          \
		what(MEM_TASK_BACK_UPTR);                                                          \
	}                                                                                          \
	END_TEST                                                                                   \
	TEST(what##_arena, ##__VA_ARGS__)                                                          \
	{                                                                                          \
		what(MEM_TASK_BACK_ARENA);                                                         \
	}                                                                                          \
	END_TEST                                                                                   \
	TEST(what##_array, ##__VA_ARGS__)                                                          \
	{                                                                                          \
		what(MEM_TASK_BACK_ARRAY);                                                         \
	}                                                                                          \
	END_TEST

FOR_EACH_BACK(both_sides)
FOR_EACH_BACK(threads, .timeout = 60)
FOR_EACH_BACK(forked)
FOR_EACH_BACK(early_and_late)
FOR_EACH_BACK(register_all)
FOR_EACH_BACK(two_objects)
FOR_EACH_BACK(same_tid)
FOR_EACH_BACK(executed)
FOR_EACH_BACK(destructors)
FOR_EACH_BACK(cancelled)
FOR_EACH_BACK(stress, .timeout = 120)

/* --- fork(3) in one thread, the first use in another --- */

static int is_forking, lock_is_held, has_forked;

static bool wait_for(const int *flag, int milliseconds)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE) && milliseconds-- > 0)
		usleep(1000);
	return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

/* The fork has begun, and goes on when the other thread has the registry's lock. */
static void before_fork(void)
{
	__atomic_store_n(&is_forking, 1, __ATOMIC_RELEASE);
	wait_for(&lock_is_held, 10000);
}

/* With the lock: long enough for a fork that does not wait for it. */
static void on_log(void *ctx, enum mem_log_level level, const char *text)
{
	(void)ctx;
	(void)level;
	if (!strstr(text, "per-thread structs are in"))
		return;
	__atomic_store_n(&lock_is_held, 1, __ATOMIC_RELEASE);
	wait_for(&has_forked, 50);
}

static void *forks_meanwhile(void *arg)
{
	int status = -1;
	pid_t pid = fork();

	(void)arg;
	if (!pid) {
		alarm(60);
		_exit(!task_basic__task_request());
	}
	__atomic_store_n(&has_forked, 1, __ATOMIC_RELEASE);
	waitpid(pid, &status, 0);
	return (void *)(intptr_t)status;
}

TEST(a_child_of_the_moment_of_the_first_use)
{
	pthread_t thread;
	void *status;

	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	ck_assert_int_eq(pthread_atfork(before_fork, NULL, NULL), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, forks_meanwhile, NULL), 0);
	ck_assert(wait_for(&is_forking, 10000));
	mem_log_set(MEM_LOG_INFO, on_log, NULL);
	load();
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	pthread_join(thread, &status);
	ck_assert_msg(!status, "child: status %#lx", (unsigned long)(uintptr_t)status);
}
END_TEST

TEST(slots_may_run_out_arena)
{
	no_slot_left(MEM_TASK_BACK_ARENA);
}
END_TEST

TEST(slots_may_run_out_array)
{
	no_slot_left(MEM_TASK_BACK_ARRAY);
}
END_TEST

TEST(more_slots_than_an_arena_has_room_for)
{
	struct mem_task_opts opts = {.sz = sizeof(opts), .back = MEM_TASK_BACK_ARENA, .threads = 4096,
				     .block_size = 1 << 20};

	use(MEM_TASK_BACK_ARENA);
	assert_ok(mem_task_setup(&opts));
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	skel = assert_ptr(task_basic__open());
	assert_err(task_basic__load(skel), -E2BIG);
	assert_says("so many threads with so many bytes each");
}
END_TEST

TEST(packets_have_no_thread)
{
	unsigned char packet[64] = {0};
	struct mem_run_opts opts = {.sz = sizeof(opts), .data_in = packet, .data_size_in = 64};

	need_bpf();
	load();
	assert_ptr(task_basic__task_request());
	assert_ok(mem_prog_run(skel->progs.on_packet, &opts));
	ck_assert_uint_eq(opts.retval, 2); /* XDP_PASS */
}
END_TEST
