/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system-call line: bpf(2) and its relatives with -errno results, and the structs that the packaged
 * linux/bpf.h (Linux 6.1) does not know yet; uapi.h has the numbers.
 */
#ifndef LIBMEM_SYS_H
#define LIBMEM_SYS_H

#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi.h"

struct perf_event_attr;

#define SYS_COMMON_ATTRS (1 << 16) /* Linux 7.1: with a command, struct sys_common_attr follows */

/* An error number the kernel keeps to itself and yet returns, from BPF_PROG_TEST_RUN and mmap(2). */
#define ENOTSUPP_KERNEL 524

/* What all commands take from Linux 7.1 on: a place for the kernel's own words. */
struct sys_common_attr {
	uint64_t log_buf;
	uint32_t log_size;
	uint32_t log_level;
	uint32_t log_true_size;
	uint32_t pad;
};

/* bpf(BPF_RAW_TRACEPOINT_OPEN); the cookie since Linux 6.11. */
struct sys_raw_tracepoint {
	uint64_t name;
	uint32_t prog_fd;
	uint32_t pad;
	uint64_t cookie;
};

/* bpf(BPF_LINK_CREATE) with the members that tcx uses (Linux 6.6). */
struct sys_link_create_tcx {
	uint32_t prog_fd;
	uint32_t target_ifindex;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t relative; /* fd or id */
	uint32_t pad;
	uint64_t expected_revision;
};

/* bpf(BPF_LINK_CREATE) for a netfilter hook (Linux 6.4). */
struct sys_link_create_netfilter {
	uint32_t prog_fd;
	uint32_t target_fd; /* 0 */
	uint32_t attach_type;
	uint32_t flags;
	uint32_t family; /* NFPROTO_* */
	uint32_t hook;   /* NF_INET_* */
	int32_t priority;
	uint32_t netfilter_flags; /* BPF_F_NETFILTER_IP_DEFRAG */
};

/* bpf(BPF_LINK_CREATE) for many functions of the kernel (Linux 7.2). */
struct sys_link_create_tracing_multi {
	uint32_t prog_fd;
	uint32_t target_fd; /* 0 */
	uint32_t attach_type;
	uint32_t flags;
	uint64_t ids;
	uint64_t cookies;
	uint32_t count;
	uint32_t pad;
};

/* bpf(BPF_LINK_CREATE) for many places of one binary (Linux 6.6). */
struct sys_link_create_uprobe_multi {
	uint32_t prog_fd;
	uint32_t target_fd; /* 0 */
	uint32_t attach_type;
	uint32_t flags;
	uint64_t path;
	uint64_t offsets;
	uint64_t ref_counters;
	uint64_t cookies;
	uint32_t count;
	uint32_t multi_flags; /* 1: at the return */
	uint32_t pid;
	uint32_t pad;
};

/* A union bpf_attr whose every byte is zero: the kernel refuses stray bytes in its padding. */
#define BPF_ATTR(name)                                                                             \
	union bpf_attr name;                                                                       \
	__builtin_memset(&name, 0, sizeof(name))

/* Bytes of union bpf_attr up to and including a member: what an old kernel can still check. */
#define BPF_ATTR_UPTO(member)                                                                      \
	(offsetof(union bpf_attr, member) + sizeof(((union bpf_attr *)0)->member))

static inline uint64_t sys_pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* 0 or what the command returns; -errno. cmd: enum bpf_cmd, or one that is newer than that. */
int sys_bpf(int cmd, const void *attr, size_t size);

/* The same for commands that return a descriptor; never 0, 1 or 2. */
int sys_bpf_fd(enum bpf_cmd cmd, const void *attr, size_t size);

/* The same with a log: a string, "" if the kernel said nothing or is older than 7.1. */
int sys_bpf_logged(enum bpf_cmd cmd, const void *attr, size_t size, char *log, uint32_t log_size);

/* What the kernel says of a map, program, link or BTF: a struct bpf_*_info, zero but for what it asks. 0 or -errno. */
int sys_info(int fd, void *info, size_t size);

/* A descriptor of the kernel's BTF with a number, or -errno. */
int sys_btf_open(uint32_t id);

/* fd or -errno; close-on-exec. */
int sys_perf_event_open(const struct perf_event_attr *attr, int pid, int cpu);

/* Close an fd that may be -1, leaving errno alone, and forget it. */
void sys_close(int *fd);

/* The start of a name, as far as the kernel has room; what is behind it is 0 already. */
void sys_set_name(char name[BPF_OBJ_NAME_LEN], const char *from);

/* Bytes of a page. */
size_t sys_page_size(void);

/* Whole pages that hold size bytes; 0 on overflow. */
size_t sys_page_round(uint64_t size);

/* CPUs the kernel may ever have, numbered from 0; -errno. */
int sys_possible_cpus(void);

/* A whole small file as a string, cut to size - 1 bytes; -errno. */
int sys_read_file(const char *path, char *buf, size_t size);

#endif /* LIBMEM_SYS_H */
