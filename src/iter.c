/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks of iterator programs. */
#include <errno.h>
#include <string.h>

#include "link.h"

int mem_iter_create(const struct mem_link *link)
{
	int fd;
	BPF_ATTR(attr);

	if (!link->iter)
		return mem__error(EINVAL, "the link is not that of an iterator program");
	attr.iter_create.link_fd = (uint32_t)link->fd;
	fd = sys_bpf_fd(BPF_ITER_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return mem__error(-fd, "can't start a walk of the iterator: %s", strerror(-fd));
	return fd;
}
