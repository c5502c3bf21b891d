/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to perf events, of which tracepoints are one kind, known by a number in tracefs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "link.h"
#include "tracefs.h"

static const struct feature cookies = { "cookies of attached programs", 5, 15 };

static int read_id(int tracefs, const char *path)
{
	int fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC), err;
	char text[32];
	ssize_t size;

	if (fd < 0)
		return -errno;
	size = read(fd, text, sizeof(text) - 1);
	err = size < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	text[size] = '\0';
	return atoi(text);
}

/* Where tracefs usually is first, without looking whether it is there. */
static int find_id(const char *category, const char *name, int *tracefs)
{
	char path[512] = TRACEFS_USUAL "/";
	const size_t root = sizeof(TRACEFS_USUAL);
	int len = snprintf(path + root, sizeof(path) - root, "events/%s/%s/id", category, name), id;

	if (len < 0 || (size_t)len >= sizeof(path) - root)
		return -ENAMETOOLONG;
	id = read_id(AT_FDCWD, path);
	if (id != -ENOENT)
		return id;
	*tracefs = tracefs_open();
	if (*tracefs < 0)
		return *tracefs;
	id = read_id(*tracefs, path + root);
	close(*tracefs);
	return id;
}

/* The number of a tracepoint, or -errno with a message. */
static int tracepoint_id(const struct mem_prog *prog, const char *category, const char *name)
{
	const char *object = prog->obj->name, *program = prog->image->name;
	int tracefs = 0, id = find_id(category, name, &tracefs);

	if (tracefs < 0)
		return mem__error(-tracefs,
				  "%s: can't attach program '%s': tracefs is not mounted and the process "
				  "may not mount it: mount -t tracefs tracefs /sys/kernel/tracing",
				  object, program);
	if (id == -ENOENT)
		return mem__error(ENOENT, "%s: can't attach program '%s': this kernel has no tracepoint "
					  "%s/%s", object, program, category, name);
	if (id < 0)
		return mem__error(-id, "%s: can't attach program '%s': reading the number of "
				       "tracepoint %s/%s: %s", object, program, category, name,
				  id == -EACCES ? "tracefs is not for this user: give the process "
						  "CAP_DAC_READ_SEARCH as well" : strerror(-id));
	return id;
}

/* A BPF link over the event from Linux 5.15 on; before that the event itself holds the program. */
struct mem_link *link_perf_event(const struct mem_prog *prog, int event_fd, uint64_t cookie,
				 const char *target)
{
	int fd, err;
	BPF_ATTR(attr);

	attr.link_create.prog_fd = (uint32_t)prog->fd;
	attr.link_create.target_fd = (uint32_t)event_fd;
	attr.link_create.attach_type = BPF_PERF_EVENT;
	attr.link_create.perf_event.bpf_cookie = cookie;
	fd = sys_bpf_fd(BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd >= 0)
		return link_new(prog->obj, prog->image->name, fd, event_fd);
	if (fd == -EINVAL && kernel_older_than(5, 15) && !cookie) {
		if (!ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, prog->fd))
			return link_new(prog->obj, prog->image->name, -1, event_fd);
		fd = -errno;
	}
	err = -fd;
	sys_close(&event_fd);
	return link_error(prog, target, err, cookie ? &cookies : NULL);
}

struct mem_link *mem_prog_attach_tracepoint(const struct mem_prog *prog, const char *category,
					    const char *name)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.wakeup_events = 1,
	};
	char target[256];
	int id, event_fd;

	if (link_check_loaded(prog))
		return NULL;
	id = tracepoint_id(prog, category, name);
	if (id < 0) {
		object_result(prog->obj, id);
		return NULL;
	}
	snprintf(target, sizeof(target), "tracepoint %s/%s", category, name);
	attr.config = (uint64_t)id;
	/* one event runs the program on every CPU */
	event_fd = sys_perf_event_open(&attr, -1, 0);
	if (event_fd < 0)
		return link_error(prog, target, -event_fd, NULL);
	return link_perf_event(prog, event_fd, prog->cookie, target);
}

/* "category/name" */
struct mem_link *attach_tracepoint_target(const struct mem_prog *prog)
{
	const char *target = prog_target(prog), *slash = strchr(target, '/');
	char category[128];

	if (!slash || (size_t)(slash - target) >= sizeof(category))
		return link_error(prog, target, EINVAL, NULL);
	memcpy(category, target, (size_t)(slash - target));
	category[slash - target] = '\0';
	return mem_prog_attach_tracepoint(prog, category, slash + 1);
}

struct mem_link *mem_prog_attach_perf_event(const struct mem_prog *prog, int event_fd)
{
	int own_fd;

	if (link_check_loaded(prog))
		return NULL;
	own_fd = fcntl(event_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (own_fd < 0)
		return link_error(prog, "the perf event", errno, NULL);
	return link_perf_event(prog, own_fd, prog->cookie, "the perf event");
}

void mem_tracepoint_use(void)
{
}
