/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an attached link can be told: to run another program, in one step, so that the hook is
 * never without one, or to let go of its hook while it exists.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link.h"

static int update_error(int err, bool replaces, const char *what)
{
	static const struct feature updates = { "the update of links", 5, 7 };
	char why[256];

	if (err == EPERM && replaces)
		snprintf(why, sizeof(why), "what is attached is not the one to be replaced");
	else if (err == EPERM)
		explain_eperm(why, sizeof(why));
	else if (err == ENOLINK)
		snprintf(why, sizeof(why), "the link is detached");
	else if (err == EINVAL && !explain_missing(why, sizeof(why), &updates))
		snprintf(why, sizeof(why), "links of this kind can't, or the new one is of another type "
					   "or attach type than the old");
	else if (err != EINVAL)
		snprintf(why, sizeof(why), "%s", strerror(err));
	return mem__error(err, "can't update the link to '%s': %s", what, why);
}

int link_update(struct mem_link *link, int fd, int old_fd, const char *what)
{
	int err;
	BPF_ATTR(attr);

	if (link->fd < 0 || link->next)
		return mem__error(ENOTSUP, "can't update the link to '%s': it is none of the kernel's, or "
					   "several", what);
	attr.link_update.link_fd = (uint32_t)link->fd;
	attr.link_update.new_prog_fd = (uint32_t)fd; /* or a map */
	if (old_fd >= 0) {
		attr.link_update.flags = BPF_F_REPLACE;
		attr.link_update.old_prog_fd = (uint32_t)old_fd;
	}
	err = sys_bpf(BPF_LINK_UPDATE, &attr, sizeof(attr));
	return err ? update_error(-err, old_fd >= 0, what) : 0;
}

int mem_link_update(struct mem_link *link, const struct mem_prog *prog, const struct mem_prog *old)
{
	int err = link_check_loaded(prog);

	if (!err && old)
		err = link_check_loaded(old);
	if (!err)
		err = link_update(link, prog->fd, old ? old->fd : -1, prog->image->name);
	return object_result(prog->obj, err);
}

int mem_link_detach(struct mem_link *link)
{
	int err;
	BPF_ATTR(attr);

	if (link->fd < 0 || link->next)
		return mem__error(ENOTSUP, "the link can only be destroyed: it is none of the kernel's, or "
					   "several");
	attr.link_detach.link_fd = (uint32_t)link->fd;
	err = sys_bpf(BPF_LINK_DETACH, &attr, BPF_ATTR_UPTO(link_detach));
	if (err == -ENOTSUP)
		return mem__error(ENOTSUP, "the kernel has no way to detach a link of this kind but to "
					   "destroy it");
	return err ? mem__error(-err, "can't detach the link: %s", strerror(-err)) : 0;
}
