/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching programs: by what their section says, and to hooks that are a BPF link and no more. */
#include <errno.h>
#include <string.h>

#include "link.h"
#include "opts.h"

static const struct feature raw_tracepoints = { "raw tracepoints", 4, 17 };
static const struct feature trace_links = { "programs attached by BTF id", 5, 5 };
static const struct feature trace_cookies = { "cookies of programs attached by BTF id", 6, 0 };
static const struct feature raw_cookies = { "cookies of raw tracepoints", 6, 11 };
static const struct feature iterators = { "BPF iterators", 5, 8 };

/* tp_btf, fentry and their kin know their target; name is for raw tracepoints. */
static struct mem_link *attach_raw_tracepoint(const struct mem_prog *prog, const char *name,
					      const struct feature *feature)
{
	struct sys_raw_tracepoint attr = { .name = sys_pointer(name), .prog_fd = (uint32_t)prog->fd,
					   .cookie = prog->cookie };
	int fd;

	if (link_check_loaded(prog))
		return NULL;
	/* older kernels take less, and would not look at the rest of a tp_btf program's */
	fd = sys_bpf_fd(BPF_RAW_TRACEPOINT_OPEN, &attr,
			prog->cookie ? sizeof(attr) : offsetof(struct sys_raw_tracepoint, cookie));
	return fd < 0 ? link_error(prog, name, -fd, feature) : link_new(prog->obj, prog->image->name, fd, -1);
}

struct mem_link *mem_prog_attach_raw_tracepoint(const struct mem_prog *prog, const char *name)
{
	return attach_raw_tracepoint(prog, name, prog->cookie ? &raw_cookies : &raw_tracepoints);
}

struct mem_link *mem_prog_attach_trace(const struct mem_prog *prog)
{
	BPF_ATTR(attr);

	if (!prog->cookie)
		return attach_raw_tracepoint(prog, NULL, &trace_links);
	if (prog->attach_type == BPF_TRACE_RAW_TP)
		return attach_raw_tracepoint(prog, NULL, &raw_cookies);
	if (link_check_loaded(prog))
		return NULL;
	attr.link_create.prog_fd = (uint32_t)prog->fd;
	attr.link_create.attach_type = prog->attach_type;
	attr.link_create.tracing.cookie = prog->cookie;
	return link_create(prog, &attr, sizeof(attr), prog_target(prog), &trace_cookies);
}

struct mem_link *mem_prog_attach_iter(const struct mem_prog *prog, const struct mem_iter_opts *opts)
{
	struct mem_link *link;
	BPF_ATTR(attr);

	if (!LINK_READY(prog, opts, mem_iter_opts))
		return NULL;
	attr.link_create.prog_fd = (uint32_t)prog->fd;
	attr.link_create.attach_type = BPF_TRACE_ITER;
	attr.link_create.iter_info = sys_pointer(OPTS_GET(opts, link_info, NULL));
	attr.link_create.iter_info_len = OPTS_GET(opts, link_info_size, 0);
	link = link_create(prog, &attr, sizeof(attr), prog->image->target, &iterators);
	if (link)
		link->iter = true;
	else if (errno == EBADF && !attr.link_create.iter_info_len)
		link_failed(prog, mem__error(EBADF, "the iterator walks one map: say which in mem_iter_opts"));
	return link;
}

/* The call that attaches a program whose section does not say where. */
static const char *attach_call(const struct mem_prog *prog)
{
	switch (prog->type) {
	case BPF_PROG_TYPE_TRACEPOINT:
		return "mem_prog_attach_tracepoint()";
	case BPF_PROG_TYPE_RAW_TRACEPOINT:
	case BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
		return "mem_prog_attach_raw_tracepoint()";
	case BPF_PROG_TYPE_XDP:
		return "mem_prog_attach_xdp()";
	case BPF_PROG_TYPE_SCHED_CLS:
		return "mem_prog_attach_tcx()";
	case BPF_PROG_TYPE_PERF_EVENT:
		return "mem_prog_attach_perf_event()";
	case BPF_PROG_TYPE_KPROBE:
		return "mem_prog_attach_kprobe(), _uprobe(), their _multi() forms, or _usdt()";
	case MEM_BPF_PROG_TYPE_NETFILTER:
		return "mem_prog_attach_netfilter()";
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_CGROUP_SOCK:
	case BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
	case BPF_PROG_TYPE_CGROUP_DEVICE:
	case BPF_PROG_TYPE_CGROUP_SYSCTL:
	case BPF_PROG_TYPE_CGROUP_SOCKOPT:
	case BPF_PROG_TYPE_SOCK_OPS:
	case BPF_PROG_TYPE_LSM:
		return "mem_prog_attach_cgroup()";
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
		return "mem_prog_attach_netns()";
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_SK_SKB:
		return "mem_prog_attach_sockmap()";
	case BPF_PROG_TYPE_STRUCT_OPS:
		return "mem_map_attach_struct_ops()";
	case BPF_PROG_TYPE_SYSCALL:
		return "mem_prog_run()";
	case BPF_PROG_TYPE_SOCKET_FILTER:
		return "setsockopt(SO_ATTACH_BPF) with mem_prog_fd()";
	case BPF_PROG_TYPE_SK_REUSEPORT:
		return "setsockopt(SO_ATTACH_REUSEPORT_EBPF) with mem_prog_fd()";
	default:
		return "bpf(2) with mem_prog_fd()";
	}
}

static struct mem_link *attach_unknown(const struct mem_prog *prog)
{
	object_result(prog->obj, mem__error(ENOTSUP,
					    "%s: program '%s': section '%s' does not say where to attach "
					    "it: use %s", prog->obj->name, prog->image->name,
					    prog->image->section, attach_call(prog)));
	return NULL;
}

/* By its section, with a part of the library that may be missing. */
static struct mem_link *attach_by_part(const struct mem_prog *prog,
				       struct mem_link *(*attach)(const struct mem_prog *prog))
{
	if (attach)
		return attach(prog);
	object_result(prog->obj, part_missing(prog->obj->name, "programs of this kind", "mem_tracepoint_use(), "
					      "mem_probe_use(), mem_probe_multi_use(), mem_trace_multi_use() or "
					      "mem_usdt_use"));
	return NULL;
}

struct mem_link *mem_prog_attach(const struct mem_prog *prog)
{
	const char *target = prog_target(prog);

	if (link_check_loaded(prog))
		return NULL;
	if (!target)
		return attach_unknown(prog);
	switch (prog->image->attach_kind) {
	case MEM_ATTACH_TRACEPOINT:
		return attach_by_part(prog, attach_tracepoint_target);
	case MEM_ATTACH_RAW_TRACEPOINT:
		return mem_prog_attach_raw_tracepoint(prog, target);
	case MEM_ATTACH_BTF_TRACE:
		return mem_prog_attach_trace(prog);
	case MEM_ATTACH_ITER:
		return mem_prog_attach_iter(prog, NULL);
	case MEM_ATTACH_KPROBE:
		return attach_by_part(prog, attach_kprobe_target);
	case MEM_ATTACH_KSYSCALL:
		return attach_by_part(prog, attach_ksyscall_target);
	case MEM_ATTACH_UPROBE:
		return attach_by_part(prog, attach_uprobe_target);
	case MEM_ATTACH_KPROBE_MULTI:
		return attach_by_part(prog, attach_kprobe_multi_target);
	case MEM_ATTACH_UPROBE_MULTI:
		return attach_by_part(prog, attach_uprobe_multi_target);
	case MEM_ATTACH_TRACE_MULTI:
		return attach_by_part(prog, attach_trace_multi_target);
	case MEM_ATTACH_USDT:
		return attach_by_part(prog, attach_usdt_target);
	default:
		return attach_unknown(prog);
	}
}
