/* SPDX-License-Identifier: BSD-2-Clause */
/* The demo tool as a user has it, beside processes that make known system calls. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "harness.h"
#include "shell.h"

#define MS 1000000ULL

struct tool {
	pid_t pid;
	int out; /* read ends of its standard output and error */
	int err;
};

static const char *syslat(void)
{
	return build_path("bpf-progs/syslat/syslat");
}

static void need_tool(void)
{
	if (in_emulator() && access(syslat(), X_OK))
		test_skip("the emulator was started without the tool");
}

static void need_syslat(void)
{
	need_tool();
	need_bpf();
	need_linux(6, 10, "atomic operations in arenas");
}

/* Run a command with pipes for its output; the arguments end with NULL. */
static struct tool start_argv(char *const argv[])
{
	struct tool tool;
	int out[2], err[2];

	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	tool.pid = fork();
	ck_assert_int_ge(tool.pid, 0);
	if (!tool.pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	tool.out = out[0];
	tool.err = err[0];
	return tool;
}

#define start(...) start_argv((char *[]){(char *)syslat(), ##__VA_ARGS__, NULL})

/* Wait for the tool to end, as it should; gives its remaining output. */
static char *finish(struct tool *tool)
{
	char *text = read_text(tool->out, false), *errors = read_text(tool->err, false);
	int status = status_of(tool->pid);

	ck_assert_msg(!status && !*errors, "syslat ended with %d: %s", status, errors);
	free(errors);
	close(tool->out);
	close(tool->err);
	return text;
}

static char *last_line(char *text)
{
	char *end = strrchr(text, '\n');

	ck_assert_ptr_nonnull(end);
	*end = 0;
	end = strrchr(text, '\n');
	return end ? end + 1 : text;
}

/* The number that follows "key": in JSON from here on. */
static uint64_t number(const char *json, const char *key)
{
	char quoted[64];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\":", key);
	at = strstr(json, quoted);
	ck_assert_msg(at != NULL, "no %s in %.300s", quoted, json);
	return strtoull(at + strlen(quoted), NULL, 10);
}

/* The object of a process in the tool's JSON, NULL if there is none. */
static const char *process_in(const char *json, pid_t pid)
{
	char start[32];

	snprintf(start, sizeof(start), "{\"pid\":%d,", pid);
	return strstr(json, start);
}

/* Calls of the first histogram from here on that lie in buckets from..to. */
static uint64_t calls_between(const char *json, uint64_t from, uint64_t to)
{
	const char *at = strstr(json, "\"histogram\":["), *end;
	uint64_t calls = 0;

	ck_assert_ptr_nonnull(at);
	end = strchr(at, ']');
	while ((at = strstr(at, "{\"from_ns\"")) && at < end) {
		if (number(at, "from_ns") >= from && number(at, "to_ns") <= to)
			calls += number(at, "calls");
		at++;
	}
	return calls;
}

/* A child that makes known calls once it is told to. */
struct worker {
	pid_t pid;
	int go; /* closing it starts the work */
};

static struct worker start_worker(void (*work)(void *), void *arg)
{
	struct worker worker;
	int fds[2];
	char byte;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	worker.pid = fork();
	ck_assert_int_ge(worker.pid, 0);
	if (!worker.pid) {
		syscall(SYS_close, fds[1]);
		if (syscall(SYS_read, fds[0], &byte, 1) == 0)
			work(arg);
		syscall(SYS_exit_group, 0);
	}
	close(fds[0]);
	worker.go = fds[1];
	return worker;
}

static void go(const struct worker *worker)
{
	close(worker->go);
}

/* The tool's first output comes when it is attached: from then on every call counts. */
static void wait_until_attached(const struct tool *tool)
{
	char *line = read_text(tool->out, true);

	if (!*line) {
		char *errors = read_text(tool->err, false);

		ck_abort_msg("syslat ended: %s", errors);
	}
	free(line);
}

/* A name for processes that no other test has, not even the same one run by somebody else. */
static char *own_name(const char *what)
{
	static char name[16]; /* as long as the kernel takes */

	snprintf(name, sizeof(name), "%.7s%d", what, getpid());
	return name;
}

#define QUICK 5000
#define SLOW  20

static void call_quick_and_slow(void *arg)
{
	struct timespec ten_ms = {.tv_nsec = 10 * MS};

	(void)arg;
	for (int i = 0; i < QUICK; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < SLOW; i++)
		syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &ten_ms, NULL);
}

/*
 * Not one call more or less: the read() that the worker waits in began before the tool was there,
 * and exit_group() does not return.
 */
TEST(a_known_workload_is_counted_exactly, .timeout = 20)
{
	struct worker worker;
	struct tool tool;
	const char *process, *calls;
	char pid[16], *text, *json;

	need_syslat();
	worker = start_worker(call_quick_and_slow, NULL);
	snprintf(pid, sizeof(pid), "%d", worker.pid);
	tool = start("-p", pid, "--json", "-i", "0.1");
	wait_until_attached(&tool);
	go(&worker);
	ck_assert_int_eq(status_of(worker.pid), 0);
	text = finish(&tool); /* ends because the process did */
	json = last_line(text);

	process = process_in(json, worker.pid);
	ck_assert_msg(process != NULL, "no process %s in %s", pid, json);
	ck_assert_uint_eq(number(process, "calls"), QUICK + SLOW);
	ck_assert_uint_eq(calls_between(process, 0, UINT64_MAX), QUICK + SLOW);
	/* those that were asked for ten milliseconds took that long or longer; most others did not */
	ck_assert_uint_ge(calls_between(process, 8 * MS, UINT64_MAX), SLOW);
	ck_assert_uint_ge(calls_between(process, 0, 8 * MS), QUICK * 9 / 10);
	ck_assert_uint_ge(number(process, "total_ns"), SLOW * 10 * MS);
	ck_assert_uint_ge(number(process, "max_ns"), 10 * MS);
	ck_assert_uint_lt(number(process, "p50_ns"), MS);
	ck_assert_uint_eq(number(json, "calls"), QUICK + SLOW);
	ck_assert_uint_eq(number(json, "unattributed"), 0);
	ck_assert_uint_eq(number(json, "unmeasured"), 0);

	calls = strstr(json, "\"syscalls\":[");
	ck_assert_uint_eq(number(strstr(calls, "\"getppid\""), "calls"), QUICK);
	ck_assert_uint_eq(number(strstr(calls, "\"clock_nanosleep\""), "calls"), SLOW);
	free(text);
}
END_TEST

#define THREADS 8

static void *call_in_thread(void *arg)
{
	for (int i = 0; i < QUICK; i++)
		syscall(SYS_getppid);
	return arg;
}

static void call_in_threads(void *arg)
{
	pthread_t threads[THREADS];

	(void)arg;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call_in_thread, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Several CPUs add to one record, and claim it, at once. */
TEST(threads_share_the_record_of_their_process, .timeout = 20)
{
	struct worker worker;
	struct tool tool;
	char pid[16], *text, *json;

	need_syslat();
	worker = start_worker(call_in_threads, NULL);
	snprintf(pid, sizeof(pid), "%d", worker.pid);
	tool = start("-p", pid, "--json", "-i", "0.1");
	wait_until_attached(&tool);
	go(&worker);
	ck_assert_int_eq(status_of(worker.pid), 0);
	text = finish(&tool);
	json = last_line(text);
	ck_assert_uint_eq(number(strstr(json, "\"getppid\""), "calls"), QUICK * THREADS);
	json = (char *)process_in(json, worker.pid);
	ck_assert_ptr_nonnull(json);
	ck_assert_uint_ge(number(json, "calls"), QUICK * THREADS);
	ck_assert_ptr_null(process_in(json + 1, worker.pid));
	free(text);
}
END_TEST

TEST(no_bpf_call_follows_the_last_attach, .host_only = "runs strace", .timeout = 20)
{
	struct tool tool;
	char trace[] = "/tmp/syslat-trace-XXXXXX", *text, *line, *next;
	int fd = mkstemp(trace), links = 0;

	need_syslat();
	tool = start_argv((char *[]){"strace", "-f", "-e", "trace=bpf", "-o", trace, "-E",
				     "ASAN_OPTIONS=detect_leaks=0", /* it can't under strace */
				     (char *)syslat(), "-d", "1", "-i", "0.1", NULL});
	free(finish(&tool));
	text = read_text(fd, false);
	for (line = text; (next = strchr(line, '\n')); line = next + 1) {
		*next = 0;
		if (strstr(line, "bpf(BPF_RAW_TRACEPOINT_OPEN") ||
		    strstr(line, "bpf(BPF_LINK_CREATE"))
			links++;
		else
			ck_assert_msg(!links || !strstr(line, "bpf("), "after attaching: %s", line);
	}
	ck_assert_int_eq(links, 3);
	free(text);
	close(fd);
	unlink(trace);
}
END_TEST

#define SHORT_LIVED 75
#define BATCH	    25

static int batches[2]; /* a pipe: a byte starts the next batch */

/* Processes that end, one after the other; each makes the same calls. */
static void run_short_lived(void *arg)
{
	char byte;

	prctl(PR_SET_NAME, arg);
	for (int i = 0; i < SHORT_LIVED; i++) {
		pid_t pid;

		if (i && i % BATCH == 0 && read(batches[0], &byte, 1) != 1)
			return;
		pid = fork();
		if (!pid) {
			for (int j = 0; j < 10; j++)
				syscall(SYS_getppid);
			syscall(SYS_exit_group, 0);
		}
		waitpid(pid, NULL, 0);
	}
}

static int occurrences(const char *text, const char *what)
{
	int count = 0;

	while ((text = strstr(text, what))) {
		count++;
		text++;
	}
	return count;
}

/* Wait until the tool has seen that many end, and has had the time to take their slots back. */
static void wait_for_ended(const struct tool *tool, int count)
{
	for (int later = 0; later < 3;) {
		char *line = read_text(tool->out, true);

		ck_assert_msg(*line, "syslat ended");
		later += occurrences(line, "\"ended\":true") >= count;
		free(line);
	}
}

/* Their slots are used again: fewer slots than processes lose no call. */
TEST(slots_of_ended_processes_are_used_again, .timeout = 30)
{
	struct worker worker;
	struct tool tool;
	char *text, *json;

	need_syslat();
	ck_assert_int_eq(pipe2(batches, O_CLOEXEC), 0);
	worker = start_worker(run_short_lived, own_name("short"));
	tool = start("-n", own_name("short"), "--json", "-i", "0.2", "--slots", "64");
	wait_until_attached(&tool);
	go(&worker);
	for (int ended = BATCH; ended < SHORT_LIVED; ended += BATCH) {
		wait_for_ended(&tool, ended);
		ck_assert_int_eq(write(batches[1], "n", 1), 1);
	}
	ck_assert_int_eq(status_of(worker.pid), 0);
	close(batches[0]);
	close(batches[1]);
	kill(tool.pid, SIGINT);
	text = finish(&tool);
	json = last_line(text);
	ck_assert_uint_eq(number(json, "unattributed"), 0);
	ck_assert_int_eq(occurrences(json, "\"ended\":true"), SHORT_LIVED + 1);
	ck_assert_uint_eq(number(strstr(json, "\"getppid\""), "calls"), SHORT_LIVED * 10);
	free(text);
}
END_TEST

/* When the first of them ends, all have made their calls: none has had a slot of another's. */
static void run_together(void *arg)
{
	int done[2], end[2];
	char byte;

	prctl(PR_SET_NAME, arg);
	if (pipe(done) || pipe(end))
		return;
	for (int i = 0; i < 20; i++) {
		if (fork())
			continue;
		close(end[1]);
		for (int j = 0; j < 100; j++)
			syscall(SYS_getppid);
		syscall(SYS_write, done[1], "d", 1);
		syscall(SYS_read, end[0], &byte, 1);
		syscall(SYS_exit_group, 0);
	}
	for (int i = 0; i < 20 && read(done[0], &byte, 1) == 1; i++)
		;
	close(end[1]);
	while (wait(NULL) > 0)
		;
}

TEST(a_full_table_is_reported, .timeout = 20)
{
	struct worker worker;
	struct tool tool;
	char *text, *json;

	need_syslat();
	worker = start_worker(run_together, own_name("full"));
	tool = start("-n", own_name("full"), "--json", "-i", "0.1", "--slots", "4");
	wait_until_attached(&tool);
	go(&worker);
	ck_assert_int_eq(status_of(worker.pid), 0);
	kill(tool.pid, SIGTERM);
	text = finish(&tool);
	json = last_line(text);
	ck_assert_uint_ge(number(json, "unattributed"), 16 * 100);
	/* the system calls have them all the same */
	ck_assert_uint_eq(number(strstr(json, "\"getppid\""), "calls"), 20 * 100);
	free(text);
}
END_TEST

static void call_some(void *arg)
{
	prctl(PR_SET_NAME, arg);
	for (int i = 0; i < 10; i++)
		syscall(SYS_getppid);
}

static char *run_named(const char *name, bool json)
{
	struct worker worker = start_worker(call_some, (void *)name);
	struct tool tool = json ? start("-n", (char *)name, "-i", "0.1", "--json")
				: start("-n", (char *)name, "-i", "0.1");

	wait_until_attached(&tool);
	go(&worker);
	ck_assert_int_eq(status_of(worker.pid), 0);
	kill(tool.pid, SIGINT);
	return finish(&tool);
}

TEST(a_hostile_name_is_shown_but_not_obeyed, .timeout = 20, .slow_emulated = "is about the tool, whatever the kernel is")
{
	static const char name[] = "\033[2Jx\"\n\xff";
	char *text;

	need_syslat();
	text = run_named(name, false);
	ck_assert_ptr_null(strchr(text, '\033'));
	ck_assert_ptr_nonnull(strstr(text, "?[2Jx\"??"));
	free(text);
	text = run_named(name, true);
	ck_assert_ptr_nonnull(
		strstr(last_line(text), "\"name\":\"\\u001b[2Jx\\\"\\u000a\\ufffd\""));
	free(text);
}
END_TEST

TEST(the_name_filter_is_exact, .timeout = 20)
{
	char *text;

	need_syslat();
	text = run_named(own_name("name"), true);
	/* the ten calls; prctl() returns when the process has the name, but began before */
	ck_assert_uint_eq(number(last_line(text), "calls"), 10);
	free(text);
}
END_TEST

/* What it says when it ends with this status, and nothing else; to be freed by the caller. */
static char *refusal(struct tool tool, int status)
{
	char *out = read_text(tool.out, false), *errors = read_text(tool.err, false);

	ck_assert_int_eq(status_of(tool.pid), status);
	ck_assert_str_eq(out, "");
	ck_assert_str_ne(errors, "");
	free(out);
	close(tool.out);
	close(tool.err);
	return errors;
}

TEST(bad_arguments_are_refused_by_name)
{
	static const struct {
		char *option, *value;
		const char *says;
	} cases[] = {
		{"-i", "0", "--interval"},
		{"-i", "-1", "--interval"},
		{"-i", "nan", "--interval"},
		{"-i", "1x", "--interval"},
		{"-d", "", "--duration"},
		{"-d", "1e99", "--duration"},
		{"-p", "0", "--pid"},
		{"-p", "1.5", "--pid"},
		{"-p", "99999999999", "--pid"},
		{"-s", "tim", "--sort"},
		{"-t", "0", "--top"},
		{"-n", "", "--name"},
		{"-n", "sixteen_bytes_xx", "--name"},
		{"--slots", "-4", "--slots"},
		{"-d1", "surplus", "surplus"},
	};

	need_tool();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *errors = refusal(start(cases[i].option, cases[i].value), 2);

		ck_assert_msg(strstr(errors, cases[i].says), "%s %s: %s", cases[i].option,
			      cases[i].value, errors);
		free(errors);
	}
}
END_TEST

TEST(a_process_that_does_not_exist_is_refused)
{
	struct worker worker;
	char pid[16], *errors;

	need_tool();
	worker = start_worker(call_some, "gone");
	go(&worker);
	status_of(worker.pid);
	snprintf(pid, sizeof(pid), "%d", worker.pid);
	errors = refusal(start("-p", pid), 1);
	ck_assert_ptr_nonnull(strstr(errors, "no such process"));
	free(errors);
}
END_TEST

TEST(without_privilege_it_says_which_is_missing)
{
	char *errors;
	pid_t pid;

	need_syslat();
	pid = fork();
	if (!pid) {
		/* by descriptor: nobody need not be able to reach the build directory */
		char path[32];
		int fd = open(syslat(), O_PATH);

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (setgid(65534) || setuid(65534))
			_exit(1);
		errors = refusal(start_argv((char *[]){path, "-d", "1", NULL}), 1);
		_exit(strstr(errors, "CAP_BPF") ? 0 : 2);
	}
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

TEST(a_reader_that_leaves_ends_it, .timeout = 20, .slow_emulated = "is about the tool, whatever the kernel is")
{
	struct tool tool;
	char *errors;

	need_syslat();
	tool = start("-i", "0.1");
	wait_until_attached(&tool);
	close(tool.out);
	errors = read_text(tool.err, false);
	ck_assert_str_eq(errors, "");
	ck_assert_int_eq(status_of(tool.pid), 1);
	close(tool.err);
	free(errors);
}
END_TEST

TEST(a_full_disk_is_an_error, .slow_emulated = "is about the tool, whatever the kernel is")
{
	struct tool tool;
	char *errors, command[600];

	need_syslat();
	snprintf(command, sizeof(command), "exec %s -d 0.1 >/dev/full", syslat());
	tool = start_argv((char *[]){"sh", "-c", command, NULL});
	errors = refusal(tool, 1);
	ck_assert_ptr_nonnull(strstr(errors, "No space left"));
	free(errors);
}
END_TEST

TEST(a_closed_output_is_refused)
{
	char *errors, command[600];

	need_tool();
	snprintf(command, sizeof(command), "exec %s -d 0.1 >&-", syslat());
	errors = refusal(start_argv((char *[]){"sh", "-c", command, NULL}), 1);
	ck_assert_ptr_nonnull(strstr(errors, "output is closed"));
	free(errors);
}
END_TEST

TEST(one_table_for_each_interval, .timeout = 20, .slow_emulated = "is about the tool, whatever the kernel is")
{
	struct tool tool;
	int tables = 0;
	char *text;

	need_syslat();
	for (int seconds = 1; tables < 3; seconds *= 2) { /* a busy machine may be late */
		char duration[12];

		snprintf(duration, sizeof(duration), "%d", seconds);
		tool = start("-d", duration, "-i", "0.25", "-w", "-t", "3");
		text = finish(&tool);
		tables = occurrences(text, "syslat  last");
		ck_assert_int_ge(tables, 1);
		ck_assert_int_le(tables, 4 * seconds);
		free(text);
	}
	tool = start("-d", "0.2");
	text = finish(&tool);
	ck_assert_int_eq(occurrences(text, "syslat  in"), 1);
	free(text);
}
END_TEST

/* ---- the tool on a terminal */

struct screen {
	pid_t pid;
	int fd;
	struct termios before;
	char seen[1 << 16]; /* drawn, and not yet waited for */
	size_t size;
};

static struct screen start_on_screen(int columns, int lines)
{
	struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)lines};
	struct screen screen = {0};
	int slave;

	ck_assert_int_eq(openpty(&screen.fd, &slave, NULL, NULL, &size), 0);
	ck_assert_int_eq(tcgetattr(slave, &screen.before), 0);
	screen.pid = fork();
	if (!screen.pid) {
		login_tty(slave);
		setenv("TERM", "xterm", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		execl(syslat(), "syslat", "-i", "0.1", NULL);
		_exit(127);
	}
	close(slave);
	fcntl(screen.fd, F_SETFD, FD_CLOEXEC);
	return screen;
}

/* Read what it draws up to some text. */
static void wait_for_text(struct screen *screen, const char *wanted)
{
	char *at;
	ssize_t got;

	while (!(at = memmem(screen->seen, screen->size, wanted, strlen(wanted)))) {
		if (screen->size > sizeof(screen->seen) / 2) { /* the end is enough */
			memmove(screen->seen, screen->seen + screen->size - 100, 100);
			screen->size = 100;
		}
		got = read(screen->fd, screen->seen + screen->size, sizeof(screen->seen) / 2);
		ck_assert_msg(got > 0, "it ended before it showed '%s'", wanted);
		screen->size += (size_t)got;
	}
	at += strlen(wanted);
	screen->size -= (size_t)(at - screen->seen);
	memmove(screen->seen, at, screen->size);
}

static void press_key(struct screen *screen, const char *key)
{
	ck_assert_int_eq(write(screen->fd, key, strlen(key)), (ssize_t)strlen(key));
}

/* The terminal is as it was: settings, cursor, first screen. */
static void end_on_screen(struct screen *screen, int status)
{
	struct termios after;

	wait_for_text(screen, "\033[?1049l");
	wait_for_text(screen, "all calls"); /* the last report stays */
	while (read(screen->fd, (char[4096]){0}, 4096) > 0)
		;
	ck_assert_int_eq(status_of(screen->pid), status);
	ck_assert_int_eq(tcgetattr(screen->fd, &after), 0);
	ck_assert_uint_eq(after.c_lflag, screen->before.c_lflag);
	close(screen->fd);
}

TEST(keys_change_the_screen, .host_only = "needs a pseudo-terminal", .timeout = 20)
{
	struct screen screen;

	need_syslat();
	screen = start_on_screen(80, 24);
	wait_for_text(&screen, "\033[?1049h");
	wait_for_text(&screen, "by time");
	press_key(&screen, "c");
	wait_for_text(&screen, "by calls");
	press_key(&screen, "w");
	wait_for_text(&screen, "syslat\033[0m  last");
	press_key(&screen, "s");
	wait_for_text(&screen, "CALL ");
	press_key(&screen, "\033[B\033OB\033[5~"); /* down twice, and a key it does not know */
	press_key(&screen, " ");
	wait_for_text(&screen, "PAUSED");
	ck_assert_int_eq(ioctl(screen.fd, TIOCSWINSZ, &(struct winsize){5, 20, 0, 0}), 0);
	wait_for_text(&screen, "syslat");
	ck_assert_int_eq(ioctl(screen.fd, TIOCSWINSZ, &(struct winsize){1, 1, 0, 0}), 0);
	wait_for_text(&screen, "s");
	ck_assert_int_eq(ioctl(screen.fd, TIOCSWINSZ, &(struct winsize){50, 200, 0, 0}), 0);
	press_key(&screen, "q");
	end_on_screen(&screen, 0);
}
END_TEST

TEST(signals_leave_the_terminal_as_it_was, .host_only = "needs a pseudo-terminal", .timeout = 20)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	need_syslat();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct screen screen = start_on_screen(80, 24);

		wait_for_text(&screen, "by time");
		kill(screen.pid, signals[i]);
		end_on_screen(&screen, 0);
	}
}
END_TEST

/* A crash too: the settings are put back, and the signal still kills. */
TEST(a_crash_leaves_the_terminal_as_it_was, .host_only = "needs a pseudo-terminal", .timeout = 20)
{
	struct screen screen;
	struct termios after;

	need_syslat();
	screen = start_on_screen(80, 24);
	wait_for_text(&screen, "by time");
	kill(screen.pid, SIGSEGV);
	wait_for_text(&screen, "\033[?1049l");
	ck_assert_int_eq(status_of(screen.pid), -SIGSEGV);
	ck_assert_int_eq(tcgetattr(screen.fd, &after), 0);
	ck_assert_uint_eq(after.c_lflag, screen.before.c_lflag);
	close(screen.fd);
}
END_TEST
