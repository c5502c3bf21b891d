/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"
#include "leaks.h"
#include "made.h"
#include "rawbpf.h"

/* A sanitizer's own allocator maps and keeps anonymous memory as it likes. */
enum { COUNT_ANONYMOUS = !SANITIZED };

enum { NAME_SIZE = 80, FDS_MAX = 1024, RANGES_MAX = 8192 };

struct open_fd {
	int fd;
	char target[NAME_SIZE]; /* what /proc/self/fd says */
};

struct range {
	uintptr_t start, end; /* end is not part of it */
	char name[NAME_SIZE]; /* "" for anonymous memory */
};

/* Kinds of BPF objects, and how the kernel lists them. */
static const struct {
	const char *name;
	int next_cmd, fd_cmd;
} kinds[MADE_KINDS] = {
	[MADE_LINK] = {"link", BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID},
	[MADE_PROG] = {"program", BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID},
	[MADE_MAP] = {"map", BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID},
	[MADE_BTF] = {"BTF", BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID},
};

struct state {
	struct open_fd fds[FDS_MAX];
	int fd_count;
	struct range ranges[RANGES_MAX];
	int range_count;
};

/* Not on the heap or the stack, so that taking a snapshot changes neither. */
static struct state before, after;

double leaks_patience = LEAKS_PATIENCE;

/* Text that grows line by line as far as it fits. */
struct report {
	char *text;
	size_t size, used;
	int lines;
};

__attribute__((format(printf, 2, 3))) static void add(struct report *report, const char *fmt, ...)
{
	size_t room = report->size - report->used;
	va_list args;
	int len;

	report->lines++;
	va_start(args, fmt);
	len = vsnprintf(report->text + report->used, room, fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len + 1 < room)
		report->used += len;
	else
		report->text[report->used] = '\0';
	if (report->used + 2 < report->size)
		strcpy(report->text + report->used++, "\n");
}

/* ---- file descriptors */

static void take_fds(struct state *state)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	state->fd_count = 0;
	ck_assert_msg(dir != NULL, "/proc/self/fd: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		struct open_fd *slot = &state->fds[state->fd_count];
		ssize_t len;

		if (!isdigit((unsigned char)*entry->d_name))
			continue;
		slot->fd = atoi(entry->d_name);
		if (slot->fd == dirfd(dir))
			continue;
		len = readlinkat(dirfd(dir), entry->d_name, slot->target, NAME_SIZE - 1);
		slot->target[len < 0 ? 0 : len] = '\0';
		ck_assert_int_lt(++state->fd_count, FDS_MAX);
	}
	closedir(dir);
}

static const struct open_fd *find_fd(const struct state *state, int fd)
{
	for (int i = 0; i < state->fd_count; i++)
		if (state->fds[i].fd == fd)
			return &state->fds[i];
	return NULL;
}

static void compare_fds(struct report *report)
{
	for (int i = 0; i < after.fd_count; i++) {
		const struct open_fd *now = &after.fds[i], *old = find_fd(&before, now->fd);

		if (!old)
			add(report, "file descriptor %d (%s) left open", now->fd, now->target);
		else if (strcmp(old->target, now->target))
			add(report, "file descriptor %d was %s, is %s", now->fd, old->target,
			    now->target);
	}
	for (int i = 0; i < before.fd_count; i++)
		if (!find_fd(&after, before.fds[i].fd))
			add(report, "file descriptor %d (%s) was closed, but is not the test's",
			    before.fds[i].fd, before.fds[i].target);
}

/* ---- mappings */

/* The heap and the stack grow as they like; what is on them is the leak sanitizer's business. */
static int ignored(const char *name)
{
	return !strcmp(name, "[heap]") || !strcmp(name, "[uprobes]") || !strncmp(name, "[stack", 6) ||
	       (!COUNT_ANONYMOUS && !*name);
}

static void add_range(struct state *state, const char *line)
{
	struct range *range = &state->ranges[state->range_count];
	unsigned long start, end;
	int name_at = 0;

	ck_assert_int_eq(sscanf(line, "%lx-%lx %*s %*s %*s %*s %n", &start, &end, &name_at), 2);
	snprintf(range->name, NAME_SIZE, "%s", line + name_at);
	if (!strncmp(range->name, "[anon", 5))
		range->name[0] = '\0';
	range->start = start;
	range->end = end;
	if (!ignored(range->name))
		ck_assert_int_lt(++state->range_count, RANGES_MAX);
}

static void take_ranges(struct state *state)
{
	static char text[1 << 20];
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got;

	ck_assert_int_ge(fd, 0);
	while ((got = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += got;
	close(fd);
	ck_assert_uint_lt(used, sizeof(text) - 1);
	text[used] = '\0';
	state->range_count = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		add_range(state, line);
	}
}

/*
 * Report the parts of `of` that `in` does not have under the same name. Both are ascending, and
 * neighbours of one name may have been merged or split meanwhile, so parts are compared.
 */
static void missing_ranges(struct report *report, const struct state *of, const struct state *in,
			   const char *what)
{
	for (int i = 0; i < of->range_count; i++) {
		const struct range *range = &of->ranges[i];
		uintptr_t at = range->start;

		for (int j = 0; j < in->range_count && at < range->end; j++) {
			const struct range *other = &in->ranges[j];

			if (other->end <= at || strcmp(other->name, range->name))
				continue;
			if (other->start > at)
				break;
			at = other->end;
		}
		if (at < range->end)
			add(report, "mapping %#lx-%#lx (%s) %s", (unsigned long)at,
			    (unsigned long)range->end, *range->name ? range->name : "anonymous",
			    what);
	}
}

/* ---- BPF objects */

/* An id is not given twice in the time of a test. */
static int is_alive(enum made_kind kind, uint32_t id)
{
	return raw_next_id(kinds[kind].next_cmd, id - 1) == id;
}

static uint32_t count_living(void)
{
	uint32_t living = 0, count;

	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++) {
		const uint32_t *ids = made_ids(kind, &count);

		for (uint32_t i = 0; i < count; i++)
			living += is_alive(kind, ids[i]);
	}
	return living;
}

static const char *describe(enum made_kind kind, uint32_t id)
{
	static char text[64];
	struct bpf_prog_info prog = {0};
	struct bpf_map_info map = {0};
	int fd = raw_fd_by_id(kinds[kind].fd_cmd, id);

	text[0] = '\0';
	if (fd >= 0 && kind == MADE_PROG && raw_info(fd, &prog, sizeof(prog)) == 0)
		snprintf(text, sizeof(text), " \"%.16s\" of type %u", prog.name, prog.type);
	if (fd >= 0 && kind == MADE_MAP && raw_info(fd, &map, sizeof(map)) == 0)
		snprintf(text, sizeof(text), " \"%.16s\" of type %u", map.name, map.type);
	if (fd >= 0)
		close(fd);
	return text;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec / 1e9;
}

static void report_living(struct report *report, enum made_kind kind)
{
	uint32_t count;
	const uint32_t *ids = made_ids(kind, &count);

	for (uint32_t i = 0; i < count; i++)
		if (is_alive(kind, ids[i]))
			add(report, "%s %u%s left in the kernel", kinds[kind].name, ids[i],
			    describe(kind, ids[i]));
}

/* The kernel may take long for many objects, or when it has other things to do: as long as it gets on. */
static void wait_for_the_kernel(void)
{
	double deadline = now() + leaks_patience;
	uint32_t living = count_living(), left;

	for (useconds_t wait = 500; living && now() < deadline; wait *= 2) {
		usleep(wait < 200000 ? wait : 200000);
		left = count_living();
		if (left < living)
			deadline = now() + leaks_patience;
		living = left;
	}
}

static void compare_objects(struct report *report)
{
	wait_for_the_kernel();
	for (enum made_kind kind = 0; kind < MADE_KINDS; kind++)
		report_living(report, kind);
}

/* ---- all of it */

void leaks_before(void)
{
	made_start();
	take_fds(&before);
	take_ranges(&before);
}

int leaks_after(char *text, size_t size)
{
	struct report report = {.text = text, .size = size};
	pid_t child = waitpid(-1, NULL, WNOHANG);

	*text = '\0';
	if (child >= 0 || errno != ECHILD)
		add(&report, "a child process was not waited for");
	take_fds(&after);
	take_ranges(&after);
	compare_fds(&report);
	missing_ranges(&report, &after, &before, "left mapped");
	missing_ranges(&report, &before, &after, "is gone, but is not the test's");
	compare_objects(&report);
	return report.lines;
}
