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
#include "rawbpf.h"

/* A sanitizer's own allocator maps and keeps anonymous memory as it likes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNT_ANONYMOUS 0
#else
#define COUNT_ANONYMOUS 1
#endif

enum { NAME_SIZE = 80, FDS_MAX = 1024, RANGES_MAX = 8192, IDS_MAX = 8192 };

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
	const char *fdinfo; /* the line of /proc/PID/fdinfo/FD that has the id */
} kinds[] = {
	{"link", BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID, "link_id:"},
	{"program", BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, "prog_id:"},
	{"map", BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, "map_id:"},
	{"BTF", BPF_BTF_GET_NEXT_ID, BPF_BTF_GET_FD_BY_ID, "btf_id:"},
};
enum { LINK, PROG, MAP, BTF, KINDS };

struct id_set {
	uint32_t ids[IDS_MAX]; /* ascending */
	int count;	       /* -1: the kernel did not want to tell */
};

struct state {
	struct open_fd fds[FDS_MAX];
	int fd_count;
	struct range ranges[RANGES_MAX];
	int range_count;
	struct id_set objects[KINDS];
};

/* Not on the heap or the stack, so that taking a snapshot changes neither. */
static struct state before, after;

/* Seconds. What the kernel frees after its longest grace periods can take this long where all CPUs are busy. */
double leaks_patience = 30;

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

static void take_objects(struct state *state)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct id_set *set = &state->objects[kind];
		long id = 0;

		set->count = 0;
		while ((id = raw_next_id(kinds[kind].next_cmd, id)) > 0) {
			set->ids[set->count] = id;
			ck_assert_int_lt(++set->count, IDS_MAX);
		}
		if (id < 0)
			set->count = -1;
	}
}

static int id_cmp(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int has_id(const struct id_set *set, uint32_t id)
{
	return set->count > 0 && bsearch(&id, set->ids, set->count, sizeof(id), id_cmp) != NULL;
}

/* The kernel describes its own types as BTF objects too; loading a module makes one. */
static int is_kernel_btf(uint32_t id)
{
	struct bpf_btf_info info = {0};
	int fd = raw_fd_by_id(BPF_BTF_GET_FD_BY_ID, id), yes = 0;

	if (fd >= 0) {
		yes = raw_info(fd, &info, sizeof(info)) == 0 && info.kernel_btf;
		close(fd);
	}
	return yes;
}

/*
 * Keep in after.objects what appeared since leaks_before(). Whatever appears from now on is not the
 * test's: other processes make objects all the time.
 */
static void take_new_objects(void)
{
	take_objects(&after);
	for (int kind = 0; kind < KINDS; kind++) {
		struct id_set *set = &after.objects[kind];
		int kept = 0;

		if (before.objects[kind].count < 0)
			set->count = 0;
		for (int i = 0; i < set->count; i++)
			if (!has_id(&before.objects[kind], set->ids[i]) &&
			    !(kind == BTF && is_kernel_btf(set->ids[i])))
				set->ids[kept++] = set->ids[i];
		set->count = kept;
	}
}

/* Drop from after.objects what is gone. Returns how many are left. */
static int keep_living_objects(void)
{
	static struct state living;
	int total = 0;

	take_objects(&living);
	for (int kind = 0; kind < KINDS; kind++) {
		struct id_set *set = &after.objects[kind];
		int kept = 0;

		for (int i = 0; i < set->count; i++)
			if (has_id(&living.objects[kind], set->ids[i]))
				set->ids[kept++] = set->ids[i];
		set->count = kept;
		total += kept;
	}
	return total;
}

static void forget_object(int kind, uint32_t id);

/* What a foreign object keeps alive in its turn. */
static void forget_referenced(int kind, int fd)
{
	uint32_t map_ids[64];
	struct bpf_prog_info prog = {.nr_map_ids = 64, .map_ids = (uintptr_t)map_ids};
	struct bpf_map_info map = {0};
	struct bpf_link_info link = {0};

	if (kind == LINK && raw_info(fd, &link, sizeof(link)) == 0)
		forget_object(PROG, link.prog_id);
	if (kind == MAP && raw_info(fd, &map, sizeof(map)) == 0)
		forget_object(BTF, map.btf_id);
	if (kind == PROG && raw_info(fd, &prog, sizeof(prog)) == 0) {
		forget_object(BTF, prog.btf_id);
		for (uint32_t i = 0; i < prog.nr_map_ids && i < 64; i++)
			forget_object(MAP, map_ids[i]);
	}
}

static void forget_object(int kind, uint32_t id)
{
	struct id_set *set = &after.objects[kind];
	int fd;

	for (int i = 0; i < set->count; i++) {
		if (set->ids[i] != id)
			continue;
		memmove(&set->ids[i], &set->ids[i + 1], (set->count - i - 1) * sizeof(id));
		set->count--;
		fd = raw_fd_by_id(kinds[kind].fd_cmd, id);
		if (fd >= 0) {
			forget_referenced(kind, fd);
			close(fd);
		}
		return;
	}
}

static void forget_held_by(const char *pid, const char *fd)
{
	char path[64], target[NAME_SIZE], line[256];
	ssize_t len;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/%.16s/fd/%.16s", pid, fd);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return;
	target[len] = '\0';
	if (!strstr(target, "bpf") && !strstr(target, "btf"))
		return;
	snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		for (int kind = 0; kind < KINDS; kind++)
			if (!strncmp(line, kinds[kind].fdinfo, strlen(kinds[kind].fdinfo)))
				forget_object(kind, atoi(line + strlen(kinds[kind].fdinfo)));
	if (info)
		fclose(info);
}

/* Drop from after.objects what other processes hold. */
static void forget_foreign(void)
{
	DIR *proc = opendir("/proc"), *fds;
	struct dirent *process, *entry;
	char path[64];

	while (proc && (process = readdir(proc))) {
		if (!isdigit((unsigned char)*process->d_name) || atoi(process->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/fd", process->d_name);
		fds = opendir(path);
		while (fds && (entry = readdir(fds)))
			forget_held_by(process->d_name, entry->d_name);
		if (fds)
			closedir(fds);
	}
	if (proc)
		closedir(proc);
}

static const char *describe(int kind, uint32_t id)
{
	static char text[64];
	struct bpf_prog_info prog = {0};
	struct bpf_map_info map = {0};
	int fd = raw_fd_by_id(kinds[kind].fd_cmd, id);

	text[0] = '\0';
	if (fd >= 0 && kind == PROG && raw_info(fd, &prog, sizeof(prog)) == 0)
		snprintf(text, sizeof(text), " \"%.16s\" of type %u", prog.name, prog.type);
	if (fd >= 0 && kind == MAP && raw_info(fd, &map, sizeof(map)) == 0)
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

static void compare_objects(struct report *report)
{
	double deadline = now() + leaks_patience * (in_emulator() ? 4 : 1);
	int left;

	take_new_objects();
	for (useconds_t wait = 500; (left = keep_living_objects()) && now() < deadline; wait *= 2) {
		usleep(wait < 200000 ? wait : 200000);
		if (wait > 8000)
			forget_foreign();
	}
	for (int kind = 0; left && kind < KINDS; kind++)
		for (int i = 0; i < after.objects[kind].count; i++)
			add(report, "%s %u%s left in the kernel", kinds[kind].name,
			    after.objects[kind].ids[i], describe(kind, after.objects[kind].ids[i]));
}

/* ---- all of it */

void leaks_before(void)
{
	take_objects(&before);
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
