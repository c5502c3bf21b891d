/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to the network's hooks and to control groups: BPF links and no more. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "link.h"
#include "opts.h"

static const struct feature xdp_links = { "XDP links", 5, 9 };
static const struct feature cgroup_links = { "links to control groups", 5, 7 };
static const struct feature netns_links = { "links to network namespaces", 5, 8 };
static const struct feature netfilter_links = { "BPF netfilter programs", 6, 4 };
static const struct feature sockmap_links = { "links to socket maps", 6, 10 };
static const struct feature tcx_links = { "tcx", 6, 6 };
static const struct feature netkit_links = { "netkit", 6, 7 };

/* tcx and netkit differ in the attach type alone. */
static struct mem_link *attach_device(const struct mem_prog *prog, int ifindex,
				      const struct mem_tcx_opts *opts,
				      const struct feature *feature, const char *sections)
{
	struct sys_link_create_tcx attr = { 0 };
	char target[32];

	if (!LINK_READY(prog, opts, mem_tcx_opts))
		return NULL;
	attr.prog_fd = (uint32_t)prog->fd;
	attr.target_ifindex = (uint32_t)ifindex;
	attr.attach_type = OPTS_GET(opts, attach_type, 0) ?: prog->attach_type;
	attr.flags = OPTS_GET(opts, flags, 0);
	attr.relative = OPTS_GET(opts, relative_id, 0) ?: OPTS_GET(opts, relative_fd, 0);
	attr.expected_revision = OPTS_GET(opts, expected_revision, 0);
	if (!attr.attach_type) {
		object_result(prog->obj,
			      mem__error(EINVAL,
					 "%s: program '%s' (section %s): on which side? set "
					 "mem_tcx_opts.attach_type, or name the section %s",
					 prog->obj->name, prog->image->name, prog->image->section,
					 sections));
		return NULL;
	}
	snprintf(target, sizeof(target), "interface %d", ifindex);
	return link_create(prog, &attr, sizeof(attr), target, feature);
}

struct mem_link *mem_prog_attach_tcx(const struct mem_prog *prog, int ifindex,
				     const struct mem_tcx_opts *opts)
{
	return attach_device(prog, ifindex, opts, &tcx_links, "tcx/ingress or tcx/egress");
}

struct mem_link *mem_prog_attach_netkit(const struct mem_prog *prog, int ifindex,
					const struct mem_tcx_opts *opts)
{
	return attach_device(prog, ifindex, opts, &netkit_links, "netkit/primary or netkit/peer");
}

/* A link to what a descriptor stands for. */
static struct mem_link *attach_to_fd(const struct mem_prog *prog, int fd, const char *target,
				     const struct feature *feature)
{
	BPF_ATTR(attr);

	if (link_check_loaded(prog))
		return NULL;
	if (fd < 0)
		return link_error(prog, target, EBADF, NULL);
	attr.link_create.prog_fd = (uint32_t)prog->fd;
	attr.link_create.target_fd = (uint32_t)fd;
	attr.link_create.attach_type = prog->attach_type;
	return link_create(prog, &attr, sizeof(attr), target, feature);
}

struct mem_link *mem_prog_attach_cgroup(const struct mem_prog *prog, int cgroup_fd)
{
	return attach_to_fd(prog, cgroup_fd, "the control group", &cgroup_links);
}

struct mem_link *mem_prog_attach_netns(const struct mem_prog *prog, int netns_fd)
{
	return attach_to_fd(prog, netns_fd, "the network namespace", &netns_links);
}

struct mem_link *mem_prog_attach_sockmap(const struct mem_prog *prog, const struct mem_map *map)
{
	return attach_to_fd(prog, map->fd, map->image->name, &sockmap_links);
}

struct mem_link *mem_prog_attach_netfilter(const struct mem_prog *prog,
					   const struct mem_netfilter_opts *opts)
{
	struct sys_link_create_netfilter attr = { 0 };

	if (!LINK_READY(prog, opts, mem_netfilter_opts))
		return NULL;
	attr.prog_fd = (uint32_t)prog->fd;
	attr.attach_type = MEM_BPF_NETFILTER;
	attr.family = OPTS_GET(opts, family, 0);
	attr.hook = OPTS_GET(opts, hook, 0);
	attr.priority = OPTS_GET(opts, priority, 0);
	attr.netfilter_flags = OPTS_GET(opts, flags, 0);
	return link_create(prog, &attr, sizeof(attr), "the netfilter hook", &netfilter_links);
}

/* if_indextoname(3) would do, and bring all of getifaddrs(3) into a static program. */
static bool interface_exists(int ifindex)
{
	struct ifreq request = { .ifr_ifindex = ifindex };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool exists = sock < 0 || !ioctl(sock, SIOCGIFNAME, &request);

	sys_close(&sock);
	return exists;
}

struct mem_link *mem_prog_attach_xdp(const struct mem_prog *prog, int ifindex, uint32_t flags)
{
	char target[32];
	BPF_ATTR(attr);

	if (link_check_loaded(prog))
		return NULL;
	attr.link_create.prog_fd = (uint32_t)prog->fd;
	attr.link_create.target_ifindex = (uint32_t)ifindex;
	attr.link_create.attach_type = BPF_XDP;
	attr.link_create.flags = flags;
	snprintf(target, sizeof(target), "interface %d", ifindex);
	/* for this the kernel has only EINVAL, as for much else */
	if (!interface_exists(ifindex))
		return link_error(prog, target, ENODEV, NULL);
	return link_create(prog, &attr, sizeof(attr), target, &xdp_links);
}
