/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding a map that exists already. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "explain.h"
#include "live_map.h"
#include "object.h"
#include "pin.h"
#include "sys.h"

void live_map_describe(const struct mem_source *source, char *text, size_t size)
{
	switch (source->kind) {
	case MEM_SOURCE_PIN:
		snprintf(text, size, "pin '%s'", source->path ? source->path : "");
		break;
	case MEM_SOURCE_ID:
		snprintf(text, size, "map id %u", source->id);
		break;
	case MEM_SOURCE_FD:
		snprintf(text, size, "descriptor %d", source->fd);
		break;
	case MEM_SOURCE_SOCKET:
		snprintf(text, size, "socket %d", source->fd);
		break;
	default:
		snprintf(text, size, "source of unknown kind %u", source->kind);
	}
}

static bool is_folder(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISDIR(status.st_mode);
}

static void explain_pin(const char *path, int err, char *text, size_t size)
{
	char mount[256];
	bool elsewhere = (err == ENOENT || err == EACCES || err == EPERM) &&
			 pin_explain_mount(path, mount, sizeof(mount));

	if (err == ENOENT)
		snprintf(text, size, elsewhere ? "there is no such pin: %s" : "there is no such pin", mount);
	else if (elsewhere)
		snprintf(text, size, "%s", mount);
	else if (err == EACCES && is_folder(path))
		snprintf(text, size, "it is a folder");
	else if (err == EACCES)
		snprintf(text, size,
			 "its mode or its folder's does not let this user read and write it, and the "
			 "kernel maps no descriptor that is for reading only (share a frozen region with "
			 "mode 0666, or pass a descriptor)");
	else if (err == EPERM)
		explain_eperm(text, size);
	else
		snprintf(text, size, "%s", strerror(err));
}

static int open_pin(const char *path, const char *who)
{
	char why[320];
	int fd;
	BPF_ATTR(attr);

	if (!path)
		return mem__error(EINVAL, "%s: the path of the pin is NULL", who);
	attr.pathname = sys_pointer(path);
	fd = sys_bpf_fd(BPF_OBJ_GET, &attr, BPF_ATTR_UPTO(file_flags));
	if (fd >= 0)
		return fd;
	explain_pin(path, -fd, why, sizeof(why));
	return mem__error(-fd, "%s: can't open pin '%s': %s", who, path, why);
}

static int open_id(uint32_t id, const char *who)
{
	char why[256];
	int fd;
	BPF_ATTR(attr);

	attr.map_id = id;
	fd = sys_bpf_fd(BPF_MAP_GET_FD_BY_ID, &attr, sizeof(attr));
	if (fd >= 0)
		return fd;
	if (fd == -ENOENT)
		snprintf(why, sizeof(why), "there is none");
	else if (fd == -EPERM)
		snprintf(why, sizeof(why), "finding maps by id needs CAP_SYS_ADMIN");
	else
		snprintf(why, sizeof(why), "%s", strerror(-fd));
	return mem__error(-fd, "%s: can't open map id %u: %s", who, id, why);
}

static int open_fd(int fd, const char *who)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return copy >= 0 ? copy
			 : mem__error(errno, "%s: can't use descriptor %d: %s", who, fd, strerror(errno));
}

int live_map_open(const struct mem_source *source, const char *who)
{
	switch (source->kind) {
	case MEM_SOURCE_PIN:
		return open_pin(source->path, who);
	case MEM_SOURCE_ID:
		return open_id(source->id, who);
	case MEM_SOURCE_FD:
		return open_fd(source->fd, who);
	case MEM_SOURCE_SOCKET:
		return mem__error(EINVAL, "%s: what comes over a socket can be attached to, and nothing else",
				  who);
	default:
		return mem__error(EINVAL, "%s: a source of kind %u is unknown", who, source->kind);
	}
}
