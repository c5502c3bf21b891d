/* SPDX-License-Identifier: BSD-2-Clause */
/* reqtrace and a server, two processes, under loads that are known. */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bpffs.h"
#include "harness.h"
#include "shell.h"

#define MS 1000000ULL
#define FOLDER "/sys/fs/bpf/reqtrace"

enum { NOBODY = 65534 };

struct process {
	pid_t pid;
	int out; /* read end of its standard output */
};

static struct process server, tool;
static char scratch[64], socket_path[80], picture_path[80];

static void teardown(void)
{
	bpffs_unmount();
	unlink(socket_path);
	unlink(picture_path);
	rmdir(scratch);
}

FIXTURE(NULL, teardown)

#define program(name) ((char *)build_path("bpf-progs/reqtrace/" name))

static struct process start(uid_t user, char *const argv[])
{
	struct process process;
	int out[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	process.pid = fork();
	ck_assert_int_ge(process.pid, 0);
	if (!process.pid) {
		dup2(out[1], STDOUT_FILENO);
		if (user && (setgid(user) || setuid(user)))
			_exit(126);
		execv(argv[0], argv);
		_exit(127);
	}
	close(out[1]);
	process.out = out[0];
	return process;
}

static void wait_for_line(const struct process *process, const char *wanted)
{
	char *line = read_text(process->out, true);

	ck_assert_msg(strstr(line, wanted) != NULL, "'%s' instead of '%s'", line, wanted);
	free(line);
}

/* Its remaining output. */
static char *finish(struct process *process, int signal)
{
	char *text;

	kill(process->pid, signal);
	text = read_text(process->out, false);
	ck_assert_int_eq(status_of(process->pid), 0);
	close(process->out);
	return text;
}

static void need_reqtrace(void)
{
	if (in_emulator() && access(program("reqtrace"), X_OK))
		test_skip("the emulator was started without the tool");
	need_bpf();
	need_linux(5, 18, "the previous state of a thread in sched_switch");
	bpffs_mount();
	strcpy(scratch, "/tmp/reqtrace.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(chmod(scratch, 0777), 0); /* for a server of another user */
	snprintf(socket_path, sizeof(socket_path), "%s/socket", scratch);
	snprintf(picture_path, sizeof(picture_path), "%s/picture.svg", scratch);
}

static void start_server(uid_t user)
{
	server = start(user, (char *[]){program("reqserver"), "serve", socket_path, "3", NULL});
	wait_for_line(&server, "there is no such pin");
}

static void start_tool(const char *mode)
{
	tool = start(0, (char *[]){program("reqtrace"), "--raw", "-o", picture_path, "-m", (char *)mode, NULL});
	wait_for_line(&server, "a tracer looks on");
}

/* Send requests, one after the other; the answers. */
static char *load(char *times, char *line)
{
	struct process client = start(0, (char *[]){program("reqserver"), "load", socket_path, times, line, NULL});

	return finish(&client, 0);
}

struct figures {
	unsigned long long on, waits, ready, calls;
};

/* What the tool says of a phase of a request; id 0: of all requests. */
static struct figures figures_of(const char *report, unsigned long long id, const char *phase)
{
	struct figures sum = {0};
	char *copy = strdup(report), *rest, *line;

	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned long long request;
		struct figures figures;
		char name[16];

		if (sscanf(line, "%*u %llu %15s %llu %llu %llu %llu", &request, name, &figures.on,
			   &figures.waits, &figures.ready, &figures.calls) != 6 ||
		    (id && id != request) || (*phase && strcmp(name, phase) != 0))
			continue;
		sum.on += figures.on;
		sum.waits += figures.waits;
		sum.ready += figures.ready;
		sum.calls += figures.calls;
	}
	free(copy);
	return sum;
}

static void check_picture(void)
{
	static const char *const contents[] = {"class=\"request\"", "compute of request 1:", "calls of request 2:",
					       "sleep of request 3:", "class=\"on\"", "class=\"waits\"", "</svg>"};
	int fd = open(picture_path, O_RDONLY | O_CLOEXEC);
	char *svg = read_text(fd, false);

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++)
		ck_assert_msg(strstr(svg, contents[i]) != NULL, "no %s in the picture", contents[i]);
	free(svg);
	close(fd);
}

/* Nanoseconds that a virtual machine's CPUs have not had: who was on one stayed on it, and has no CPU time for them. */
static unsigned long long stolen(void)
{
	FILE *f = fopen("/proc/stat", "re");
	unsigned long long ticks = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "cpu %*u %*u %*u %*u %*u %*u %*u %llu", &ticks), 1);
	fclose(f);
	return ticks * 1000 * MS / (unsigned long long)sysconf(_SC_CLK_TCK);
}

/*
 * What the server itself measured of its CPU time, the calls it was asked to make, the time it was asked to
 * sleep. An emulated or loaded machine may be slow, but not the other way round.
 */
TEST(figures_are_those_of_a_known_load, .timeout = 60)
{
	/* the emulator's scheduler has a clock that ticks, by which the server measures */
	const unsigned int least = in_emulator() ? 5 : 9; /* tenths of what it saw */
	struct figures compute, calls, sleeps, file, all;
	unsigned long long cpu, ignored, lost;
	char *report, *answers[4];

	need_reqtrace();
	lost = stolen();
	start_server(0);
	start_tool("600");
	answers[0] = load("1", "compute=60");
	answers[1] = load("1", "calls=500 calls=500");
	answers[2] = load("1", "sleep=80");
	answers[3] = load("1", "file=4");
	free(finish(&server, SIGTERM));
	report = finish(&tool, SIGINT);
	lost = stolen() - lost;

	ck_assert_int_eq(sscanf(answers[0], "ok %llu", &cpu), 1);
	compute = figures_of(report, 1, "compute");
	all = figures_of(report, 1, "");
	/*
	 * A thread on an emulated CPU that gets no time is on that CPU meanwhile. On a busy machine a stretch of some
	 * milliseconds has been missing, seldom, in the time on the CPU: the time that it was ready is let count.
	 */
	ck_assert_msg(all.on + all.ready >= cpu * least / 10 &&
			      (all.on <= cpu * 3 / 2 + 20 * MS + lost || in_emulator()),
		      "%llu ns on the CPU, where the server saw %llu:\n%s", all.on, cpu, report);
	ck_assert_uint_ge(compute.on + compute.ready, 60 * MS * least / 10);
	ck_assert_uint_le(compute.waits, compute.on / 2);

	/* neither the marks' clock nor anything else adds to them */
	calls = figures_of(report, 2, "calls");
	ck_assert_msg(calls.calls == 1000, "%llu calls:\n%s", calls.calls, report);

	sleeps = figures_of(report, 3, "sleep");
	ck_assert_msg(sleeps.waits >= 79 * MS && sleeps.calls == 1, "sleep:\n%s", report);
	ck_assert_msg(sleeps.on < 40 * MS + lost || in_emulator(), "sleep:\n%s", report);

	file = figures_of(report, 4, "file");
	ck_assert_uint_ge(file.calls, 4 + 4); /* open, fsync, unlink, close */
	ck_assert_uint_le(file.calls, 4 + 8);
	ck_assert_int_eq(sscanf(answers[3], "ok %llu", &ignored), 1);

	check_picture();
	ck_assert_int_ne(access(FOLDER, F_OK), 0);
	for (int i = 0; i < 4; i++)
		free(answers[i]);
	free(report);
}
END_TEST

/* Many requests on all workers at once: nothing is lost, and nobody's is somebody else's. */
TEST(requests_at_once_are_told_apart, .timeout = 60)
{
	struct process clients[6];
	char *report;

	need_reqtrace();
	start_server(0);
	start_tool("600");
	for (int i = 0; i < 6; i++)
		clients[i] = start(0, (char *[]){program("reqserver"), "load", socket_path, "20",
						 "calls=20 lock=1 calls=10 compute=1", NULL});
	for (int i = 0; i < 6; i++)
		free(finish(&clients[i], 0));
	free(finish(&server, SIGTERM));
	report = finish(&tool, SIGINT);
	for (unsigned int id = 1; id <= 120; id++) {
		struct figures calls = figures_of(report, id, "calls"), lock = figures_of(report, id, "lock");

		ck_assert_msg(calls.calls == 30, "request %u: %llu calls:\n%s", id, calls.calls, report);
		ck_assert_msg(lock.waits >= MS * 9 / 10 || in_emulator(), "request %u: %llu ns:\n%s", id,
			      lock.waits, report);
	}
	ck_assert_uint_eq(figures_of(report, 121, "").on, 0);
	free(report);
}
END_TEST

TEST(a_server_outlives_tracers, .timeout = 60)
{
	need_reqtrace();
	start_server(0);
	free(load("3", "compute=1"));
	for (unsigned int round = 0; round < 3; round++) {
		char *report;

		start_tool("600");
		free(load("2", "calls=100"));
		report = finish(&tool, SIGTERM);
		ck_assert_msg(figures_of(report, 0, "calls").calls == 200, "round %u:\n%s", round, report);
		ck_assert_msg(!figures_of(report, 0, "compute").on, "round %u:\n%s", round, report);
		free(report);
		wait_for_line(&server, "there is no such pin");
	}
	free(finish(&server, SIGTERM));
}
END_TEST

TEST(a_server_needs_no_privilege, .timeout = 60)
{
	char *report;

	need_reqtrace();
	need_linux(6, 1, "bpf(2) on what others have made");
	start_server(NOBODY);
	start_tool("666");
	free(load("2", "calls=7"));
	free(finish(&server, SIGTERM));
	report = finish(&tool, SIGINT);
	ck_assert_msg(figures_of(report, 0, "calls").calls == 14, "%s", report);
	free(report);
}
END_TEST

TEST(on_a_terminal_it_is_live_and_leaves_no_trace, .timeout = 60)
{
	struct winsize size = {.ws_row = 24, .ws_col = 90};
	char screen[65536];
	size_t length = 0;
	ssize_t got;
	int fd;

	need_reqtrace();
	start_server(0);
	tool.pid = forkpty(&fd, NULL, NULL, &size);
	ck_assert_int_ge(tool.pid, 0);
	if (!tool.pid) {
		setenv("TERM", "xterm", 1);
		execl(program("reqtrace"), "reqtrace", "-i", "0.1", NULL);
		_exit(127);
	}
	wait_for_line(&server, "a tracer looks on");
	free(load("1", "sleep=20"));
	while (length + 1 < sizeof(screen) && (got = read(fd, screen + length, sizeof(screen) - length - 1)) > 0) {
		length += (size_t)got;
		screen[length] = 0;
		if (strstr(screen, "sleep"))
			break;
	}
	ck_assert_int_eq(write(fd, "q", 1), 1);
	while (length + 1 < sizeof(screen) && (got = read(fd, screen + length, sizeof(screen) - length - 1)) > 0)
		length += (size_t)got;
	screen[length] = 0;
	ck_assert_int_eq(status_of(tool.pid), 0);
	ck_assert_ptr_nonnull(strstr(screen, "\033[?1049h")); /* another screen, and back */
	ck_assert_ptr_nonnull(strstr(screen, "\033[?1049l"));
	ck_assert_ptr_nonnull(strstr(screen, "q quit"));
	close(fd);
	free(finish(&server, SIGTERM));
}
END_TEST

TEST(wrong_arguments_are_refused)
{
	static char *const wrong[][2] = {{"-s", "age"}, {"-m", "abc"}, {"-d", "-1"}, {"-t", "0"}};
	char *tool_path = program("reqtrace");

	if (access(tool_path, X_OK))
		test_skip("the emulator was started without the tool");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		pid_t pid = fork();

		if (!pid) {
			freopen("/dev/null", "w", stderr);
			execl(tool_path, "reqtrace", wrong[i][0], wrong[i][1], NULL);
			_exit(127);
		}
		ck_assert_int_eq(status_of(pid), 2);
	}
}
END_TEST
