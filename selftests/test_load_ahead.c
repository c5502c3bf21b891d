/* SPDX-License-Identifier: BSD-2-Clause */
/* Many programs, loaded by several threads: nothing but the time is different. */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "harness.h"
#include "many.skel.h"

static int threads_started;
static bool no_threads;
static pthread_t main_thread; /* of the test of signals */

/* In front of the C library's. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	*(void **)&next = dlsym(RTLD_NEXT, "pthread_create");
	if (no_threads)
		return EAGAIN;
	threads_started++;
	return next(thread, attr, fn, arg);
}

static struct many *open_many(uint32_t flags)
{
	struct mem_open_opts opts = {.sz = sizeof(opts), .flags = flags};

	if (!main_thread) /* else signals disturb that */
		need_bpf();
	need_linux(5, 14, "syscall programs");
	threads_started = 0;
	return assert_ptr(many__open_opts(&opts));
}

static void run_all(struct many *skel)
{
	struct mem_prog *prog = NULL;
	uint64_t sum = 0;
	int count = 0;

	while ((prog = mem_object_next_prog(skel->obj, prog))) {
		ck_assert_int_ge(mem_prog_fd(prog), 0);
		ck_assert_int_eq(mem_prog_run(prog, NULL), 0);
		count++;
	}
	for (size_t i = 0; i < 64; i++)
		sum += skel->bss->runs[i];
	ck_assert_int_eq(count, 40);
	ck_assert_uint_eq(sum, 40);
}

static int cpus(void)
{
	cpu_set_t set;

	ck_assert_int_eq(sched_getaffinity(0, sizeof(set), &set), 0);
	return CPU_COUNT(&set);
}

TEST(threads_load_all)
{
	struct many *skel = open_many(0);

	assert_ok(many__load(skel));
	ck_assert_int_eq(threads_started > 0, cpus() > 1);
	run_all(skel);
	many__destroy(skel);
}
END_TEST

TEST(one_thread_when_asked)
{
	struct many *skel = open_many(MEM_OPEN_ONE_THREAD);

	assert_ok(many__load(skel));
	ck_assert_int_eq(threads_started, 0);
	run_all(skel);
	many__destroy(skel);
}
END_TEST

TEST(no_thread_can_be_had)
{
	struct many *skel = open_many(0);

	no_threads = true;
	assert_ok(many__load(skel));
	no_threads = false;
	run_all(skel);
	many__destroy(skel);
}
END_TEST

TEST(one_cpu)
{
	struct many *skel = open_many(0);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
	assert_ok(many__load(skel));
	ck_assert_int_eq(threads_started, 0);
	run_all(skel);
	many__destroy(skel);
}
END_TEST

static int logged;

static void count_log(void *ctx, enum mem_log_level level, const char *text)
{
	(void)text;
	ck_assert(pthread_equal(*(pthread_t *)ctx, pthread_self()));
	logged += level == MEM_LOG_ERROR;
}

static char *first_line(const char *text)
{
	return strndup(text, strcspn(text, "\n"));
}

/* Said once, by the caller's thread, in the same words. */
TEST(a_bad_one_fails_as_without_threads)
{
	struct many *skel = open_many(MEM_OPEN_ONE_THREAD);
	pthread_t self = pthread_self();
	char *message, *again;

	mem_log_set(MEM_LOG_WARN, count_log, &self);
	skel->rodata->bad = 33;
	assert_err(many__load(skel), -EACCES);
	message = first_line(mem_object_error(skel->obj)); /* addresses follow */
	ck_assert_ptr_nonnull(strstr(message, "prog_33"));
	many__destroy(skel);

	skel = open_many(0);
	logged = 0;
	skel->rodata->bad = 33;
	assert_err(many__load(skel), -EACCES);
	ck_assert_int_eq(logged, 1);
	again = first_line(mem_object_error(skel->obj));
	ck_assert_str_eq(again, message);
	many__destroy(skel);
	free(message);
	free(again);
}
END_TEST

TEST(lenient_load_leaves_out_the_bad_one)
{
	struct many *skel = open_many(MEM_OPEN_LENIENT);
	struct mem_prog *prog = NULL;

	skel->rodata->bad = 25;
	assert_ok(many__load(skel));
	while ((prog = mem_object_next_prog(skel->obj, prog)))
		ck_assert_int_eq(mem_prog_fd(prog) < 0, !strcmp(mem_prog_name(prog), "prog_25"));
	ck_assert_ptr_nonnull(strstr(mem_prog_error(skel->progs.prog_25), "prog_25"));
	many__destroy(skel);
}
END_TEST

static volatile sig_atomic_t elsewhere;

static void on_signal(int signal)
{
	(void)signal;
	elsewhere |= !pthread_equal(main_thread, pthread_self());
}

/* The application's handlers run in its own threads. */
TEST(signals_stay_away_from_helpers)
{
	struct sigaction action = {.sa_handler = on_signal};
	int pause = in_emulator() ? 5000 : 500; /* us: hardly time for the verifier to get through once */
	struct itimerval often = {{0, pause}, {0, pause}}, never = {{0, 0}, {0, 0}};
	struct many *skel;

	need_bpf();
	main_thread = pthread_self();
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < (fewer_rounds() ? 2 : 10); i++) {
		skel = open_many(0);
		assert_ok(many__load(skel));
		many__destroy(skel);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert(!elsewhere);
}
END_TEST

/* The verifier gives up at a signal; these come in less time than it takes for one of the programs. */
TEST(signals_may_come_all_the_time)
{
	struct sigaction action = {.sa_handler = on_signal};
	int pause = in_emulator() ? 1000 : 20; /* us */
	struct itimerval often = {{0, pause}, {0, pause}}, never = {{0, 0}, {0, 0}};
	sigset_t blocked;
	struct many *skel;

	need_bpf();
	main_thread = pthread_self();
	sigaction(SIGALRM, &action, NULL);
	skel = open_many(MEM_OPEN_ONE_THREAD);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_ok(many__load(skel));
	setitimer(ITIMER_REAL, &never, NULL);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
	ck_assert(!sigismember(&blocked, SIGALRM));
	many__destroy(skel);
}
END_TEST
