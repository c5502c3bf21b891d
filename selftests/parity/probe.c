/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parity-probe-LOADER [-o] [-t SECONDS] DIR NAME...: what a loader makes of object files.
 *
 * Prints rows of tab-separated columns: loader, object, "open" or "load" or "prog", program,
 * section, result, message. "load" is the whole object as it is, "prog" one program with all others
 * switched off. Results are ok, fail, crash and timeout: each step is a process of its own, so that
 * what happens to one is a row, and the next one starts afresh.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probe.h"

/* A row is written by one write(2) to a pipe that several probes share. */
#define MESSAGE_SIZE 1536
#define LIST_SIZE (1 << 20)

/* What a step's process leaves for its parent. */
struct report {
	int err;
	char message[MESSAGE_SIZE];
	char list[LIST_SIZE]; /* after open: "autoload name\tsection\n" for each program */
};

struct step {
	const char *what; /* "open", "load", "prog" */
	const char *prog; /* "" unless one program is meant */
	const char *section;
};

static struct report *report;
static unsigned limit = 30; /* seconds for one step */

/* Lines to pieces of one line. */
static void keep_message(const char *text, int err)
{
	char *out = report->message, *end = out + MESSAGE_SIZE - 4;

	if (!*text)
		text = strerror(-err);
	while (*text && out < end) {
		if (*text != '\n')
			*out++ = *text == '\t' || *text == '\r' ? ' ' : *text;
		else if (text[1] && text[1] != '\n')
			out += sprintf(out, " | ");
		text++;
	}
	*out = 0;
}

static void list_progs(void)
{
	const char *name, *section;
	size_t used = 0;
	bool autoload;

	while (used < LIST_SIZE && probe_next_prog(&name, &section, &autoload))
		used += (size_t)snprintf(report->list + used, LIST_SIZE - used, "%d %s\t%s\n", autoload,
					 name, section);
	if (used >= LIST_SIZE)
		report->list[0] = 0;
}

/* A file system of its own for the maps that objects pin, gone with the process. */
static void make_private_bpffs(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	if (mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		fprintf(stderr, "parity-probe: /sys/fs/bpf: %s\n", strerror(errno));
}

static void run_step(const char *object, const struct step *step)
{
	bool opens = !strcmp(step->what, "open");

	alarm(limit);
	report->err = probe_open(object);
	if (!report->err && opens)
		list_progs();
	if (!report->err && !opens) {
		make_private_bpffs();
		report->err = probe_load(*step->prog ? step->prog : NULL);
	}
	if (report->err)
		keep_message(probe_message(), report->err);
	_exit(0);
}

static void print_row(const char *object, const struct step *step, const char *result)
{
	printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\n", probe_loader, object, step->what, step->prog,
	       step->section, result, report->message);
	fflush(stdout);
}

/* Do one step in a child: true if it went well. */
static bool do_step(const char *object, const struct step *step)
{
	const char *result = "ok";
	int status;
	pid_t pid;

	report->message[0] = report->list[0] = 0;
	report->err = 0;
	pid = fork();
	if (pid < 0) {
		fprintf(stderr, "parity-probe: fork: %s\n", strerror(errno));
		exit(EXIT_FAILURE);
	}
	if (!pid)
		run_step(object, step);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status)) {
		result = WTERMSIG(status) == SIGALRM ? "timeout" : "crash";
		snprintf(report->message, MESSAGE_SIZE, "%s", strsignal(WTERMSIG(status)));
	} else if (report->err || status) {
		result = "fail";
	}
	print_row(object, step, result);
	return !strcmp(result, "ok");
}

/* What loads with the whole object need not be loaded alone. */
static void do_progs(const char *object, char *list, bool loaded)
{
	char *line, *name, *section;

	while ((line = strsep(&list, "\n")) && *line) {
		section = line + 2;
		name = strsep(&section, "\t");
		struct step step = {"prog", name, section};

		if (loaded && line[0] == '1') {
			report->message[0] = 0;
			print_row(object, &step, "ok");
		} else {
			do_step(object, &step);
		}
	}
}

static void do_object(const char *object, bool open_only)
{
	struct step open = {"open", "", ""}, load = {"load", "", ""};
	char *list;

	if (!do_step(object, &open) || open_only)
		return;
	list = strdup(report->list);
	if (!list)
		exit(EXIT_FAILURE);
	do_progs(object, list, do_step(object, &load));
	free(list);
}

int main(int argc, char **argv)
{
	struct rlimit no_core = {0, 0};
	bool open_only = false;
	int option;

	while ((option = getopt(argc, argv, "ot:")) != -1) {
		if (option == 'o')
			open_only = true;
		else if (option == 't')
			limit = (unsigned)atoi(optarg);
		else
			return 2;
	}
	if (argc - optind < 1 || chdir(argv[optind])) {
		fprintf(stderr, "usage: parity-probe-%s [-o] [-t SECONDS] DIR NAME...\n", probe_loader);
		return 2;
	}
	setrlimit(RLIMIT_CORE, &no_core);
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED) {
		fprintf(stderr, "parity-probe: mmap: %s\n", strerror(errno));
		return EXIT_FAILURE;
	}
	for (int i = optind + 1; i < argc; i++)
		do_object(argv[i], open_only);
	return 0;
}
