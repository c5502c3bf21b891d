/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the tests of one file, each in a child process made by Check, and prints for each
 *
 *     ok   suite.test
 *     FAIL suite.test (file:line: why)
 *     skip suite.test (reason)
 *
 * on stdout. What the tests themselves print goes to stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <mem/mem.h>

#include "harness.h"
#include "leaks.h"
#include "rawbpf.h"

enum { SLOWNESS = SANITIZED ? 4 : 1 };
/* For what hangs. A slow machine with other work needs many times what a test takes elsewhere. */
enum { DEFAULT_TIMEOUT = 20, CLEARING_UP = 30, TIMES = 4 };

static struct test *tests, **last_test = &tests;
static const struct test_fixture *file_fixture;
static int forking; /* CK_FORK=no, for a debugger, runs the tests in this process */

/* Written by the child that runs a test, read by this process. */
static struct {
	int skipped;  /* by test_skip() */
	int finished; /* got to its end */
	struct test_place place;
	char reason[400];
} * verdict;
struct test_place *test_place;

void test_register(struct test *test)
{
	*last_test = test;
	last_test = &test->next;
}

void test_use_fixture(const struct test_fixture *fixture)
{
	file_fixture = fixture;
}

void test_skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(verdict->reason, sizeof(verdict->reason), fmt, args);
	va_end(args);
	verdict->skipped = 1;
	if (!forking)
		fprintf(stderr, "skipped, and with it all that follows: %s\n", verdict->reason);
	fflush(NULL);
	_exit(EXIT_SUCCESS); /* ends the child only: what the test left behind goes with it */
}

int linux_version(void)
{
	struct utsname name;
	int major = 0, minor = 0;

	uname(&name);
	sscanf(name.release, "%d.%d", &major, &minor);
	return major * 1000 + minor;
}

void need_linux(int major, int minor, const char *what)
{
	if (linux_version() < major * 1000 + minor)
		test_skip("%s: needs Linux %d.%d", what, major, minor);
}

void need_bpf(void)
{
	int err = raw_bpf_allowed();

	if (err)
		test_skip("this kernel refuses bpf(2): %s", strerror(-err));
}

int in_emulator(void)
{
	return getenv("LIBMEM_EMULATOR") != NULL;
}

int fewer_rounds(void)
{
	const char *wanted = getenv("LIBMEM_ROUNDS");

	return in_emulator() && !(wanted && !strcmp(wanted, "all"));
}

int test_rounds(int n)
{
	if (!fewer_rounds())
		return n;
	return n < 10 ? 1 : n / 10;
}

double test_seconds(double s)
{
	return fewer_rounds() ? s / 3 : s;
}

static const char *path_under(const char *variable, const char *fallback, const char *relative)
{
	static char paths[8][512];
	static unsigned next;
	char *path = paths[next++ % 8];
	const char *root = getenv(variable);

	snprintf(path, sizeof(paths[0]), "%s/%s", root ? root : fallback, relative);
	return path;
}

const char *build_path(const char *relative)
{
	return path_under("LIBMEM_BUILD", BUILD_DIR, relative);
}

const char *source_path(const char *relative)
{
	return path_under("LIBMEM_SOURCE", ".", relative);
}

const char *test_message(void)
{
	return mem_error_message();
}

static int is_among(const struct mem_prog *prog, const struct mem_prog *const *wanted)
{
	while (*wanted && *wanted != prog)
		wanted++;
	return *wanted != NULL;
}

void keep_programs(struct mem_object *obj, const struct mem_prog *const *wanted)
{
	struct mem_prog *prog = NULL;

	while ((prog = mem_object_next_prog(obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, is_among(prog, wanted)));
}

void load_only(struct mem_object *obj, const struct mem_prog *wanted)
{
	keep_programs(obj, PROGRAMS(wanted));
	assert_ok(mem_object_load(obj));
}

uint32_t run_program(const struct mem_prog *prog)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	assert_ok(mem_prog_run(prog, &opts));
	return opts.retval;
}

static void before_test(void)
{
	/* stdout has the verdicts; it is put back by nobody because only the child loses it */
	if (forking)
		dup2(STDERR_FILENO, STDOUT_FILENO);
	leaks_before();
}

static void after_test(void)
{
	char text[2000];
	int leaks;

	fflush(NULL);
	leaks = leaks_after(text, sizeof(text));
	if (leaks)
		ck_abort_msg("left behind: %s", text);
	verdict->finished = 1;
}

/* Tell the kernel's log which test runs, so that what the kernel prints there has a place. */
static void mark_console(const char *suite, const char *test)
{
	char line[200];
	int fd, len;

	if (!in_emulator())
		return;
	len = snprintf(line, sizeof(line), "<4>test: %s.%s\n", suite, test);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	/* one write is one line of the log; dprintf() fails here, because it wants to seek */
	if (fd < 0 || write(fd, line, len) != len)
		perror("/dev/kmsg");
	if (fd >= 0)
		close(fd);
}

/* One line, then the rest of a longer text, each line after a tab. Times of a second and more are shown. */
static void print_verdict(const char *verb, const char *suite, const char *test, const char *reason,
			  double seconds)
{
	const char *end = strchr(reason, '\n');

	printf("%-4s %s.%s", verb, suite, test);
	if (seconds >= 1)
		printf(" [%.1f s]", seconds);
	if (*reason)
		printf(" (%.*s)", end ? (int)(end - reason) : (int)strlen(reason), reason);
	putchar('\n');
	while (end && *++end) {
		const char *line = end;

		end = strchr(line, '\n');
		printf("\t%.*s\n", end ? (int)(end - line) : (int)strlen(line), line);
	}
	fflush(stdout);
}

double test_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int comes_to(const unsigned long long *count, unsigned long long least)
{
	for (double end = test_now() + 60; __atomic_load_n(count, __ATOMIC_RELAXED) < least; usleep(1000))
		if (test_now() > end)
			return 0;
	return 1;
}

int comes_to_rest(const unsigned long long *count, void (*f)(void))
{
	unsigned long long before;

	for (double end = test_now() + 60; test_now() < end; usleep(1000)) {
		before = __atomic_load_n(count, __ATOMIC_RELAXED);
		f();
		if (__atomic_load_n(count, __ATOMIC_RELAXED) == before)
			return 1;
	}
	return 0;
}

/*
 * A limit ends tests that hang; it is no measure of how quick they are. So those who share the processors with
 * others, or have to do with emulated ones, get more time; and as others may begin any moment, nobody gets less
 * than some times what is enough alone.
 */
static double seconds_for(const struct test *test)
{
	double limit = test->timeout > DEFAULT_TIMEOUT ? test->timeout : DEFAULT_TIMEOUT;
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	double load, times = in_emulator() ? TIMES : 1;

	if (getloadavg(&load, 1) == 1 && cpus > 0)
		times *= 1 + load / (double)cpus;
	return (limit * SLOWNESS + CLEARING_UP) * (times > TIMES ? times : TIMES) + leaks_patience;
}

static SRunner *runner_for(const struct test *test)
{
	TCase *tcase = tcase_create(test->name);
	Suite *suite = suite_create(test->name);
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tcase, before_test, after_test);
	if (file_fixture)
		tcase_add_checked_fixture(tcase, file_fixture->setup, file_fixture->teardown);
	tcase_set_timeout(tcase, seconds_for(test));
	tcase_add_test(tcase, *test->function);
	suite_add_tcase(suite, tcase);
	return runner;
}

/* An assertion that failed knows where it is; who died otherwise had passed the last one that held. */
static void describe_failure(char *text, size_t size, TestResult *result)
{
	const struct test_place *place = &verdict->place;

	if (tr_rtype(result) == CK_ERROR && place->file)
		snprintf(text, size, "after %s:%d: %s", place->file, place->line, tr_msg(result));
	else
		snprintf(text, size, "%s:%d: %s", tr_lfile(result), tr_lno(result), tr_msg(result));
}

/* Returns 1 if the test failed. */
static int run_test(const char *suite, const struct test *test)
{
	SRunner *runner = runner_for(test);
	TestResult **results;
	char text[4096] = "";
	const char *verb = "ok";
	double began = test_now();
	int failed;

	memset(verdict, 0, sizeof(*verdict));
	mark_console(suite, test->name);
	fflush(NULL);
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner) != 0;
	results = srunner_results(runner);
	if (failed) {
		describe_failure(text, sizeof(text), results[0]);
	} else if (verdict->skipped) {
		verb = "skip";
		snprintf(text, sizeof(text), "%s", verdict->reason);
	} else if (!verdict->finished) {
		failed = 1;
		snprintf(text, sizeof(text), "the process exited in the middle of it");
	}
	print_verdict(failed ? "FAIL" : verb, suite, test->name, text, test_now() - began);
	free(results);
	srunner_free(runner);
	return failed;
}

/* A pattern is a test's name, or a shell pattern for it; without any, every test is wanted. */
static int wanted(const struct test *test, char **patterns)
{
	if ((in_emulator() && test->host_only) || (SANITIZED && test->unsanitized))
		return 0;
	if (!*patterns)
		return !in_emulator() || !test->slow_emulated;
	for (; *patterns; patterns++)
		if (fnmatch(*patterns, test->name, 0) == 0)
			return 1;
	return 0;
}

/*
 * glibc keeps the stacks of threads that ended, and the memory of its per-thread heaps, mapped.
 * Tell it not to, or every test with a thread would seem to leak.
 */
static void restart_without_caches(char **argv)
{
	if (getenv("GLIBC_TUNABLES"))
		return;
	setenv("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0:glibc.malloc.arena_max=1", 1);
	execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	const char *suite = program_invocation_short_name;
	const char *fork = getenv("CK_FORK");
	int failed = 0;

	(void)argc;
	restart_without_caches(argv);
	/* a threshold that does not move: what is above it and not freed is a mapping left behind */
	mallopt(M_MMAP_THRESHOLD, 1 << 17);
	forking = !fork || strcmp(fork, "no");
	if (!strncmp(suite, "test_", 5))
		suite += 5;
	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (verdict == MAP_FAILED)
		return perror("mmap"), 1;
	test_place = &verdict->place;
	for (const struct test *test = tests; test; test = test->next)
		if (wanted(test, argv + 1))
			failed += run_test(suite, test);
	return failed != 0;
}
