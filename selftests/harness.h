/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A test is one function in selftests/test_<suite>.c:
 *
 *     TEST(it_adds)
 *     {
 *             ck_assert_int_eq(1 + 1, 2);
 *     }
 *     END_TEST
 *
 * Nothing else has to be edited: the file becomes a program of its own, build/selftests/test_<suite>,
 * and TEST() registers the function. Each test runs in a child process. Whatever it leaves behind
 * (file descriptors, mappings, child processes, BPF objects in the kernel) fails it: see leaks.h.
 *
 * Options follow the name: TEST(it_compiles, .host_only = "runs the compiler", .timeout = 60)
 */
#ifndef SELFTESTS_HARNESS_H
#define SELFTESTS_HARNESS_H

#include <check.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/*
 * Check writes a record to a file for each assertion that holds, to know where a test was that died.
 * Here it is a note in memory: a loop of assertions costs next to nothing, in the emulator above all.
 */
struct test_place {
	const char *file;
	int line;
};
extern struct test_place *test_place; /* shared with the process that runs the tests */

static inline void test_passes(const char *file, int line)
{
	__atomic_store_n(&test_place->file, file, __ATOMIC_RELAXED);
	__atomic_store_n(&test_place->line, line, __ATOMIC_RELAXED);
}
#define _mark_point(file, line) test_passes(file, line)

struct test {
	const char *name;
	const TTest *const *function; /* Check's own description of it */
	double timeout;		      /* seconds, on an ordinary machine, where it needs more than the default */
	const char *host_only;	      /* why it can't run in the emulator, NULL if it can */
	const char *slow_emulated;    /* why it runs in the emulator only when asked for by name */
	const char *unsanitized;      /* why it can't run under a sanitizer, NULL if it can */
	struct test *next;
};

/* A setup and a teardown around each test of the file, inside the checks for leaks. */
struct test_fixture {
	void (*setup)(void);
	void (*teardown)(void);
};

void test_register(struct test *test);
void test_use_fixture(const struct test_fixture *fixture);

#define TEST(fn, ...)                                                                              \
	static const TTest *fn;                                                                    \
	static struct test fn##_test = {.name = #fn, .function = &fn, ##__VA_ARGS__};              \
	__attribute__((constructor)) static void fn##_register(void)                               \
	{                                                                                          \
		test_register(&fn##_test);                                                         \
	}                                                                                          \
	START_TEST(fn)

/* FIXTURE(setup, teardown): at most one in a file; either may be NULL. */
#define FIXTURE(before, after)                                                                     \
	__attribute__((constructor)) static void use_fixture(void)                                 \
	{                                                                                          \
		static const struct test_fixture fixture = {before, after};                        \
		test_use_fixture(&fixture);                                                        \
	}

/*
 * End the running test as skipped. The reason is printed at the end of `make test`, so it has to
 * be true and about the machine: a kernel that lacks something, a privilege that is not there.
 */
void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Skip unless this process may create maps and load programs. */
void need_bpf(void);

/* Skip on kernels before major.minor: need_linux(6, 9, "arenas"). */
void need_linux(int major, int minor, const char *what);

/* Version of the running kernel as major * 1000 + minor: 6018 for 6.18. */
int linux_version(void);

/* Path of something that was built: build_path("selftests/maps.bpf.o"). Static, 8 at a time. */
const char *build_path(const char *relative);

/* Path of a file of the source tree: source_path("selftests/data/x.h"). Static, 8 at a time. */
const char *source_path(const char *relative);

/* Whether this runs inside the emulator. */
int in_emulator(void);

/*
 * How often to repeat what meets rare cases by chance, or for how long. In the emulator, which is ten times
 * slower while the code is the same, it is a tenth of n, at least 1, and a third of the seconds;
 * LIBMEM_ROUNDS=all has it be all of it there, too. For repetitions only: a number that a test counts on, or
 * another kernel may answer to, stays.
 */
int test_rounds(int n);

/* Whether those are fewer: in the emulator, unless LIBMEM_ROUNDS=all. */
int fewer_rounds(void);
double test_seconds(double s);

/* Seconds by a clock that nobody sets. */
double test_now(void);

/*
 * What programs count. One that is at work on another CPU when its link goes, or a packet that is on its way, counts
 * a moment later: comes_to() waits for a count of at least so much, comes_to_rest() until f() does not change it.
 * Both wait a minute.
 */
int comes_to(const unsigned long long *count, unsigned long long least);
int comes_to_rest(const unsigned long long *count, void (*f)(void));

/* A build with sanitizers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/*
 * For calls into libmem: fail with the library's message, or check that there is one.
 *
 *     assert_ok(mem_object_load(obj));             0 or more
 *     assert_err(mem_object_load(obj), -EALREADY);
 *     skel = assert_ptr(foo__open(NULL));          not NULL; gives the pointer back
 *     assert_says("Linux 6.9");                    the last message has these words
 */
#define assert_ok(call)                                                                            \
	do {                                                                                       \
		long long result_ = (call);                                                        \
		if (result_ < 0)                                                                   \
			ck_abort_msg("%s = %lld (%s)", #call, result_, test_message());            \
	} while (0)

#define assert_err(call, expected)                                                                 \
	do {                                                                                       \
		long long result_ = (call), expected_ = (expected);                                \
		if (result_ != expected_)                                                          \
			ck_abort_msg("%s = %lld, not %s (%s)", #call, result_, #expected,          \
				     test_message());                                              \
		ck_assert_msg(*test_message(), "%s failed without a message", #call);              \
	} while (0)

#define assert_ptr(call)                                                                           \
	({                                                                                         \
		__auto_type pointer_ = (call);                                                     \
		if (!pointer_)                                                                     \
			ck_abort_msg("%s = NULL: %m (%s)", #call, test_message());                 \
		pointer_;                                                                          \
	})

#define assert_says(words)                                                                         \
	do {                                                                                       \
		const char *words_ = (words);                                                      \
		ck_assert_msg(strstr(test_message(), words_) != NULL, "'%s' does not say '%s'",    \
			      test_message(), words_);                                             \
	} while (0)

/* mem_error_message(). */
const char *test_message(void);

/* Load an object with just one of its programs: not every kernel has the hooks of the others. */
struct mem_object;
struct mem_prog;
void load_only(struct mem_object *obj, const struct mem_prog *wanted);

/* Load an object's PROGRAMS(a, b ...) and no others, when it is loaded: the verifier may take long for each. */
void keep_programs(struct mem_object *obj, const struct mem_prog *const *wanted);
#define PROGRAMS(...) ((const struct mem_prog *const[]){__VA_ARGS__ __VA_OPT__(,) NULL})

/* Run a program that takes nothing; what it returned. */
uint32_t run_program(const struct mem_prog *prog);

#endif /* SELFTESTS_HARNESS_H */
