/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching to functions: kprobes in the kernel, uprobes in programs and libraries, one at a time
 * through perf events. Many at once: attach_multi.c.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "elf_symbols.h"
#include "link.h"
#include "opts.h"
#include "probe_target.h"

#define DEVICES "/sys/bus/event_source/devices/"

/* A number in a file of sysfs, after prefix ("config:0"); -errno. */
static int sysfs_number(const char *path, const char *prefix)
{
	char text[64];
	int err = sys_read_file(path, text, sizeof(text));

	if (err)
		return err;
	return strncmp(text, prefix, strlen(prefix)) ? -EINVAL : atoi(text + strlen(prefix));
}

/* Event type and flag for the return form of a kind of probe; 0, or -errno with a message. */
static int probe_attr(const struct mem_prog *prog, const char *kind, bool returns,
		      struct perf_event_attr *attr)
{
	char path[128];
	int type, bit = 0;

	snprintf(path, sizeof(path), DEVICES "%s/type", kind);
	type = sysfs_number(path, "");
	if (type >= 0 && returns) {
		snprintf(path, sizeof(path), DEVICES "%s/format/retprobe", kind);
		bit = sysfs_number(path, "config:");
	}
	if (type < 0 || bit < 0)
		return mem__error(ENOTSUP, "%s: can't attach program '%s': this kernel has no %ss (%s)",
				  prog->obj->name, prog->image->name, kind,
				  type == -ENOENT ? "built without them" : strerror(type < 0 ? -type : -bit));
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	attr->type = (uint32_t)type;
	attr->config = returns ? 1ULL << bit : 0;
	return 0;
}

static struct mem_link *attach_event(const struct mem_prog *prog, struct perf_event_attr *attr,
				     int pid, uint64_t cookie, const char *target)
{
	/* one event on one CPU runs the program on all, unless it is for one process */
	int event_fd = sys_perf_event_open(attr, pid, pid < 0 ? 0 : -1);

	if (event_fd < 0)
		return link_error(prog, target, -event_fd, NULL);
	return link_perf_event(prog, event_fd, cookie, target);
}

bool probe_returns(const struct mem_prog *prog, const struct mem_probe_opts *opts)
{
	return prog->image->flags & MEM_PROG_RETURN || OPTS_GET(opts, returns, 0);
}

struct mem_link *mem_prog_attach_kprobe(const struct mem_prog *prog, const char *function,
					const struct mem_probe_opts *opts)
{
	bool returns = probe_returns(prog, opts);
	struct perf_event_attr attr = { 0 };
	char target[256];

	if (!LINK_READY(prog, opts, mem_probe_opts))
		return NULL;
	if (object_result(prog->obj, probe_attr(prog, "kprobe", returns, &attr)))
		return NULL;
	attr.config1 = sys_pointer(function);
	attr.config2 = OPTS_GET(opts, offset, 0);
	snprintf(target, sizeof(target), "kernel function %s", function);
	return attach_event(prog, &attr, -1, link_cookie(prog, opts), target);
}

struct mem_link *link_uprobe(const struct mem_prog *prog, int pid, const char *path, uint64_t offset,
			     uint64_t ref_counter, uint64_t cookie)
{
	struct perf_event_attr attr = { 0 };
	char target[512];

	if (object_result(prog->obj, probe_attr(prog, "uprobe", probe_returns(prog, NULL), &attr)))
		return NULL;
	attr.config |= ref_counter << 32;
	attr.config1 = sys_pointer(path);
	attr.config2 = offset;
	snprintf(target, sizeof(target), "%.400s at %#llx", path, (unsigned long long)offset);
	return attach_event(prog, &attr, pid, cookie, target);
}

struct mem_link *mem_prog_attach_uprobe(const struct mem_prog *prog, int pid, const char *binary,
					const char *function, const struct mem_probe_opts *opts)
{
	uint64_t offset = OPTS_GET(opts, offset, 0);
	struct perf_event_attr attr = { 0 };
	char path[4096], target[512];
	int err;

	if (!LINK_READY(prog, opts, mem_probe_opts))
		return NULL;
	err = elf_find_binary(binary, path, sizeof(path));
	if (!err && function)
		err = probe_function_offset(path, function, &offset);
	if (err)
		return link_failed(prog, err);
	if (object_result(prog->obj, probe_attr(prog, "uprobe", probe_returns(prog, opts), &attr)))
		return NULL;
	attr.config |= OPTS_GET(opts, ref_counter, 0) << 32;
	attr.config1 = sys_pointer(path);
	attr.config2 = offset;
	snprintf(target, sizeof(target), "%.350s:%.150s", path, function ?: "offset");
	return attach_event(prog, &attr, pid, link_cookie(prog, opts), target);
}

/* The function behind a system call on this kernel: "__x64_sys_" or "__se_sys_" and the name. */
static const char *syscall_prefix(void)
{
#if defined(__x86_64__)
	return "__x64_sys_";
#elif defined(__i386__)
	return "__ia32_sys_";
#elif defined(__aarch64__)
	return "__arm64_sys_";
#elif defined(__s390x__)
	return "__s390x_sys_";
#elif defined(__riscv)
	return "__riscv_sys_";
#else
	return "__se_sys_";
#endif
}

struct mem_link *mem_prog_attach_ksyscall(const struct mem_prog *prog, const char *name,
					  const struct mem_probe_opts *opts)
{
	char function[128];

	snprintf(function, sizeof(function), "%s%s", syscall_prefix(), name);
	return mem_prog_attach_kprobe(prog, function, opts);
}

struct mem_link *attach_ksyscall_target(const struct mem_prog *prog)
{
	return mem_prog_attach_ksyscall(prog, prog_target(prog), NULL);
}

/* The place that a program's section names. */
static int section_place(const struct mem_prog *prog, struct probe_target *target, bool in_binary)
{
	int err = probe_target_parse(target, prog_target(prog), in_binary);

	if (err)
		mem__error_prefix("%s: program '%s': ", prog->obj->name, prog->image->name);
	return object_result(prog->obj, err);
}

/* "function+0x10" */
struct mem_link *attach_kprobe_target(const struct mem_prog *prog)
{
	struct mem_probe_opts opts = { .sz = sizeof(opts) };
	struct probe_target target;

	if (section_place(prog, &target, false))
		return NULL;
	opts.offset = target.offset;
	return mem_prog_attach_kprobe(prog, target.function, &opts);
}

/* "binary:function+0x10" */
struct mem_link *attach_uprobe_target(const struct mem_prog *prog)
{
	struct mem_probe_opts opts = { .sz = sizeof(opts) };
	struct probe_target target;

	if (section_place(prog, &target, true))
		return NULL;
	opts.offset = target.offset;
	return mem_prog_attach_uprobe(prog, -1, target.binary,
				      target.function[0] ? target.function : NULL, &opts);
}

void mem_probe_use(void)
{
}
