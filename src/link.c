/* SPDX-License-Identifier: BSD-2-Clause */
/* Links: what all ways of attaching share. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "struct_ops.h"

int link_check_loaded(const struct mem_prog *prog)
{
	if (prog->fd >= 0)
		return 0;
	return object_result(prog->obj,
			     mem__error(EBADF, "%s: program '%s' can't be attached: it is not loaded",
					prog->obj->name, prog->image->name));
}

bool link_ready(const struct mem_prog *prog, bool opts_valid)
{
	if (!opts_valid)
		object_result(prog->obj, -errno);
	return opts_valid && !link_check_loaded(prog);
}

struct mem_link *link_error(const struct mem_prog *prog, const char *target, int err,
			    const struct feature *feature)
{
	char why[256];

	if (explain_refusal(err, why, sizeof(why)))
		;
	else if (err == EINVAL && feature && explain_missing(why, sizeof(why), feature))
		err = ENOTSUP;
	else
		snprintf(why, sizeof(why), "%s", strerror(err));
	object_result(prog->obj,
		      mem__error(err, "%s: can't attach program '%s' (section %s)%s%s: %s",
				 prog->obj->name, prog->image->name, prog->image->section,
				 target ? " to " : "", target ?: "", why));
	return NULL;
}

struct mem_link *link_failed(const struct mem_prog *prog, int err)
{
	mem__error_prefix("%s: can't attach program '%s': ", prog->obj->name, prog->image->name);
	object_result(prog->obj, err);
	return NULL;
}

struct mem_link *link_new(struct mem_object *obj, const char *name, int fd, int event_fd)
{
	struct mem_link *link = calloc(1, sizeof(*link));

	if (!link) {
		sys_close(&fd);
		sys_close(&event_fd);
		object_result(obj, mem__error(ENOMEM, "%s: can't attach '%s': no memory for a link",
					      obj->name, name));
		return NULL;
	}
	link->fd = fd;
	link->event_fd = event_fd;
	link->map_fd = -1;
	return link;
}

struct mem_link *link_create(const struct mem_prog *prog, const void *attr, size_t size,
			     const char *target, const struct feature *feature)
{
	int fd = sys_bpf_fd(BPF_LINK_CREATE, attr, size);

	return fd < 0 ? link_error(prog, target, -fd, feature) : link_new(prog->obj, prog->image->name, fd, -1);
}

int mem_link_fd(const struct mem_link *link)
{
	return link->fd >= 0 ? link->fd : link->event_fd >= 0 ? link->event_fd : link->map_fd;
}

void mem_link_destroy(struct mem_link *link)
{
	while (link) {
		struct mem_link *next = link->next;

		if (link->map_fd >= 0)
			struct_ops_unregister(link->map_fd);
		sys_close(&link->fd);
		sys_close(&link->event_fd);
		sys_close(&link->map_fd);
		free(link);
		link = next;
	}
}
