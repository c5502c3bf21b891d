/* SPDX-License-Identifier: BSD-2-Clause */
/* Links with a name in a BPF file system: programs that stay attached when the process ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "pin.h"

enum { LINK_TYPE_ITER = 4 }; /* BPF_LINK_TYPE_ITER */

int mem_link_pin(const struct mem_link *link, const char *path, unsigned int mode)
{
	if (!path || !*path || mode & ~07777u)
		return mem__error(EINVAL, "the link can't be pinned at '%s' with mode %#o",
				  path ? path : "(null)", mode);
	if (link->next)
		return mem__error(ENOTSUP, "the link is several of the kernel's, one for each place of "
					   "the probe: no single pin holds them");
	if (link->map_fd >= 0)
		return mem__error(ENOTSUP, "a variable in .struct_ops is attached without a link that "
					   "could be pinned: put it into .struct_ops.link (Linux 6.4)");
	if (link->fd < 0)
		return mem__error(ENOTSUP, "this kernel attaches to perf events without a link that could "
					   "be pinned; it needs Linux 5.15");
	return pin_create(link->fd, path, mode ? mode : PIN_MODE_DEFAULT, true, "the link");
}

static struct mem_link *open_error(const char *path, int err)
{
	char why[256];

	if (err == ENOENT)
		snprintf(why, sizeof(why), "there is no such pin");
	else if (err == EBADF)
		snprintf(why, sizeof(why), "it is the pin of something else than a link");
	else if ((err == EACCES || err == EPERM) && pin_explain_mount(path, why, sizeof(why)))
		;
	else if (err == EPERM)
		explain_eperm(why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", strerror(err));
	mem__error(err, "can't open the link '%s': %s", path, why);
	return NULL;
}

/* The kernel opens any pin and describes whatever a descriptor is; only its name says which. */
static int link_type(int fd)
{
	struct bpf_link_info info;
	char link[40], target[40] = "";
	int err;

	memset(&info, 0, sizeof(info));
	err = sys_info(fd, &info, sizeof(info));
	if (err)
		return err;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, target, sizeof(target) - 1) > 0 && !strstr(target, "bpf_link") &&
	    !strstr(target, "bpf-link"))
		return -EBADF;
	return (int)info.type;
}

struct mem_link *mem_link_open(const char *path)
{
	struct mem_link *link;
	int fd, type;
	BPF_ATTR(attr);

	if (!path)
		return open_error("(null)", EINVAL);
	attr.pathname = sys_pointer(path);
	fd = sys_bpf_fd(BPF_OBJ_GET, &attr, BPF_ATTR_UPTO(file_flags));
	if (fd < 0)
		return open_error(path, -fd);
	type = link_type(fd);
	link = type < 0 ? NULL : calloc(1, sizeof(*link));
	if (!link) {
		sys_close(&fd);
		return open_error(path, type < 0 ? -type : ENOMEM);
	}
	link->fd = fd;
	link->event_fd = link->map_fd = -1;
	link->iter = type == LINK_TYPE_ITER;
	return link;
}
