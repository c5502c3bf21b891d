// SPDX-License-Identifier: BSD-2-Clause
/*
 * Fresh processes that take turns, there and back, so that none always follows the same other one; and a
 * table of what they took.
 *
 *   run [options] BENCH TITLE NAME=COMMAND...
 *
 *   -n ROUNDS    how often each runs (20)
 *   -s SECONDS   stop earlier than that when so much time is over (10)
 *   -m METRIC    the main number (time)
 *   -c METRICS   more columns, comma separated
 *   -u UNIT      of the main number (us)
 *   -p COMMAND   runs before each, unmeasured
 *   -b NAME      what the others are compared with (the first); - for nothing
 *   -r REPEAT    one more run with BENCH_REPEAT=REPEAT, for METRIC.user and METRIC.system
 *   -t           count system calls: METRIC.calls, METRIC.bpf
 *   -v           no commands: NAME=NUMBER
 *
 * A command is split at spaces. `time` is the whole process, fork to exit, in us; `user`, `system` and
 * `maxrss` (KiB) are what the kernel accounted for it. A command may write more metrics, as lines
 * "name value", to the descriptor that BENCH_FD names. A command that fails has a row that says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "table.h"
#include "trace.h"

#define CASES 16
#define METRICS 24
#define ARGS 32
#define COLUMNS 12
#define OUT_FD 100 /* far from the numbers that a program's own descriptors get */

struct metric {
	char name[32];
	double *samples;
	size_t count;
};

struct bench_case {
	const char *name;
	char *command;
	char *argv[ARGS];
	struct metric metrics[METRICS];
	char failure[256];
};

struct counts {
	double bpf, all;
	int phase;
};

static struct bench_case cases[CASES];
static size_t case_count;
static char *prepare[ARGS];
static int rounds = 20, repeat, count_calls, values_given;
static double seconds = 10;
static const char *main_metric = "time", *unit = "us", *base;
static char *column_names;

static void split(char *text, char **argv)
{
	size_t n = 0;

	for (char *word = strtok(text, " "); word && n < ARGS - 1; word = strtok(NULL, " "))
		argv[n++] = word;
	argv[n] = NULL;
}

static struct metric *metric_of(struct bench_case *c, const char *name)
{
	for (int i = 0; i < METRICS; i++) {
		if (!c->metrics[i].name[0])
			snprintf(c->metrics[i].name, sizeof(c->metrics[i].name), "%s", name);
		if (!strcmp(c->metrics[i].name, name))
			return &c->metrics[i];
	}
	fprintf(stderr, "run: too many metrics\n");
	exit(1);
}

static void add(struct bench_case *c, const char *name, double value)
{
	struct metric *m = metric_of(c, name);

	m->samples = realloc(m->samples, (m->count + 1) * sizeof(*m->samples));
	if (!m->samples)
		exit(1);
	m->samples[m->count++] = value;
}

/* What the command wrote to BENCH_FD. */
static void add_reported(struct bench_case *c, FILE *from, const char *only)
{
	char line[128], name[32];
	double value;

	while (fgets(line, sizeof(line), from))
		if (sscanf(line, "%31s %lf", name, &value) == 2 && (!only || strstr(name, only)))
			add(c, name, value);
}

/* The first line with an error that a command said, or the last at all. */
static void keep_failure(struct bench_case *c, FILE *said, int status)
{
	char line[256] = "";

	rewind(said);
	while (!strstr(c->failure, "error") && fgets(line, sizeof(line), said))
		if (line[0] != '\n')
			snprintf(c->failure, sizeof(c->failure), "%.*s", (int)strcspn(line, "\n"), line);
	if (!c->failure[0])
		snprintf(c->failure, sizeof(c->failure), "status %d", status);
}

static void redirect(int from, int to)
{
	if (dup2(from, to) < 0)
		_exit(127);
}

static pid_t start(char *const *argv, int out, FILE *said)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (out >= 0)
		redirect(out, OUT_FD);
	redirect(fileno(said), STDOUT_FILENO);
	redirect(fileno(said), STDERR_FILENO);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static void run_prepare(void)
{
	FILE *said = tmpfile();
	int status;

	if (prepare[0] && said)
		waitpid(start(prepare, -1, said), &status, 0);
	if (said)
		fclose(said);
}

static double us_of(const struct timeval *t)
{
	return (double)t->tv_sec * 1e6 + (double)t->tv_usec;
}

static void run_once(struct bench_case *c, const char *only)
{
	FILE *said = tmpfile(), *reported;
	struct rusage usage;
	long long since;
	int fds[2], status;
	pid_t pid;

	if (!said || pipe2(fds, O_CLOEXEC)) {
		perror("run");
		exit(1);
	}
	since = clock_ns();
	pid = start(c->argv, fds[1], said);
	close(fds[1]);
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror("run");
		exit(1);
	}
	since = clock_ns() - since;
	reported = fdopen(fds[0], "r");
	if (status) {
		keep_failure(c, said, status);
	} else {
		if (!only) {
			add(c, "time", (double)since / 1000);
			add(c, "user", us_of(&usage.ru_utime));
			add(c, "system", us_of(&usage.ru_stime));
			add(c, "maxrss", (double)usage.ru_maxrss);
		}
		add_reported(c, reported, only);
	}
	fclose(reported);
	fclose(said);
}

static void count_call(void *ctx, const struct trace_call *call)
{
	struct counts *counts = ctx;

	/* what bench/startup/phases.h does itself is not counted */
	if (call->phase != counts->phase || call->nr == SYS_getrusage || call->nr == SYS_clock_gettime)
		return;
	counts->all++;
	counts->bpf += call->nr == SYS_bpf;
}

/* In one more run; what the tool writes to is not seen. */
static void run_traced(struct bench_case *c)
{
	static const char *const phases[] = {"load", "attach", "close"};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char name[32];

	if (dup2(null, OUT_FD) < 0)
		exit(1);
	for (int i = 0; i < 2; i++) {
		struct counts counts = {.phase = i + 1};

		if (trace_run(c->argv, count_call, &counts))
			continue;
		snprintf(name, sizeof(name), "%s.bpf", phases[i]);
		add(c, name, counts.bpf);
		snprintf(name, sizeof(name), "%s.calls", phases[i]);
		add(c, name, counts.all);
	}
	close(OUT_FD);
	close(null);
}

static struct bench_stat stat_of(struct bench_case *c, const char *name)
{
	struct metric *m = metric_of(c, name);

	return bench_stat(m->samples, m->count);
}

/* A column "faults" is the main metric's own, if it has one. */
static double column_of(struct bench_case *c, const char *name)
{
	char own[64];

	snprintf(own, sizeof(own), "%s.%s", main_metric, name);
	for (int i = 0; i < METRICS; i++)
		if (!strcmp(c->metrics[i].name, own))
			return stat_of(c, own).median;
	return stat_of(c, name).median;
}

static void print_case(struct bench_case *c, struct bench_stat base_stat)
{
	struct bench_row row = {.name = c->name, .base = base, .base_stat = base_stat};
	struct bench_column columns[COLUMNS];
	char names[256], *name;

	if (c->failure[0]) {
		bench_print_failure(c->name, c->failure);
		return;
	}
	snprintf(names, sizeof(names), "%s", column_names ? column_names : "");
	for (name = strtok(names, ","); name && row.column_count < COLUMNS; name = strtok(NULL, ","))
		columns[row.column_count++] = (struct bench_column){name, column_of(c, name)};
	row.columns = columns;
	row.stat = stat_of(c, main_metric);
	bench_print(&row);
}

static void measure(void)
{
	long long end = clock_ns() + (long long)(seconds * 1e9);
	char text[16];

	snprintf(text, sizeof(text), "%d", OUT_FD);
	setenv("BENCH_FD", text, 1);
	for (int n = 0; n < rounds && (n < 2 || clock_ns() < end); n++)
		for (size_t i = 0; i < case_count; i++) {
			struct bench_case *c = &cases[n % 2 ? case_count - 1 - i : i];

			if (!c->failure[0]) {
				run_prepare();
				run_once(c, NULL);
			}
		}
	snprintf(text, sizeof(text), "%d", repeat);
	for (size_t i = 0; i < case_count; i++) {
		if (count_calls && !cases[i].failure[0])
			run_traced(&cases[i]);
		if (repeat && !cases[i].failure[0]) {
			setenv("BENCH_REPEAT", text, 1);
			run_once(&cases[i], main_metric);
			unsetenv("BENCH_REPEAT");
		}
	}
}

static void add_case(char *text)
{
	char *equals = strchr(text, '=');
	struct bench_case *c = &cases[case_count++];

	if (!equals || case_count > CASES) {
		fprintf(stderr, "run: %s: not NAME=COMMAND\n", text);
		exit(2);
	}
	*equals = 0;
	c->name = text;
	c->command = equals + 1;
	if (values_given)
		add(c, main_metric, atof(c->command));
	else
		split(c->command, c->argv);
}

static void read_options(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:s:m:c:u:p:b:r:tv")) != -1) {
		switch (option) {
		case 'n': rounds = atoi(optarg); break;
		case 's': seconds = atof(optarg); break;
		case 'm': main_metric = optarg; break;
		case 'c': column_names = optarg; break;
		case 'u': unit = optarg; break;
		case 'p': split(optarg, prepare); break;
		case 'b': base = optarg; break;
		case 'r': repeat = atoi(optarg); break;
		case 't': count_calls = 1; break;
		case 'v': values_given = 1; break;
		default: exit(2);
		}
	}
	if (argc - optind < 3) {
		fprintf(stderr, "run: what? see the top of bench/run.c\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct bench_stat base_stat = {0};

	/* ahead of whatever else the machine does, where that is allowed */
	setpriority(PRIO_PROCESS, 0, -15);
	read_options(argc, argv);
	for (int i = optind + 2; i < argc; i++)
		add_case(argv[i]);
	base = base ? base : cases[0].name;
	if (!strcmp(base, "-"))
		base = NULL;
	if (!values_given)
		measure();
	for (size_t i = 0; i < case_count; i++)
		if (base && !strcmp(cases[i].name, base))
			base_stat = stat_of(&cases[i], main_metric);
	bench_table(argv[optind], argv[optind + 1], unit, base);
	for (size_t i = 0; i < case_count; i++)
		print_case(&cases[i], base_stat);
	return 0;
}
