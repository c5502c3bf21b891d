/* SPDX-License-Identifier: BSD-2-Clause */
/* An attached program. */
#ifndef LIBMEM_LINK_H
#define LIBMEM_LINK_H

#include "explain.h"
#include "object.h"
#include "opts.h"
#include "sys.h"

struct mem_link {
	int fd;            /* a BPF link; -1 when the kernel has none for this hook */
	int event_fd;      /* the perf event under it; -1 if there is none */
	int map_fd;        /* a struct_ops map that is registered itself, else -1 */
	bool iter;         /* mem_iter_create() works on it */
	struct mem_link *next; /* the other places of a USDT probe, NULL after the last */
};

/*
 * Take over both descriptors (-1: none), also on failure. name: of the program or map, for the message.
 * NULL with errno and a message.
 */
struct mem_link *link_new(struct mem_object *obj, const char *name, int fd, int event_fd);

/* 0, or -EBADF with a message if prog is not loaded. */
int link_check_loaded(const struct mem_prog *prog);

/* Whether prog is loaded and the options to attach it with are good ones; if not, errno and a message. */
#define LINK_READY(prog, opts, type) link_ready(prog, OPTS_VALID(opts, type))
bool link_ready(const struct mem_prog *prog, bool opts_valid);

/* Record why prog can't be attached to target (NULL: what its section says). Returns NULL. */
struct mem_link *link_error(const struct mem_prog *prog, const char *target, int err,
			    const struct feature *feature);

/* Put in front of the message that prog can't be attached. Returns NULL with errno -err. */
struct mem_link *link_failed(const struct mem_prog *prog, int err);

/* bpf(BPF_LINK_CREATE), then link_new(). */
struct mem_link *link_create(const struct mem_prog *prog, const void *attr, size_t size,
			     const char *target, const struct feature *feature);

/*
 * link_update.c: let a link use fd, a program or a map, if it uses old_fd now (-1: whatever it uses).
 * what: its name, for the message. 0, or -errno with a message.
 */
int link_update(struct mem_link *link, int fd, int old_fd, const char *what);

/* attach_perf.c: a link over a perf event, which is taken over also on failure. */
struct mem_link *link_perf_event(const struct mem_prog *prog, int event_fd, uint64_t cookie,
				 const char *target);

/* The cookie of a link: that of its options, or else of its program. */
static inline uint64_t link_cookie(const struct mem_prog *prog, const struct mem_probe_opts *opts)
{
	return OPTS_GET(opts, cookie, 0) ?: prog->cookie;
}

/* attach_probe.c: whether the program runs at the return of a function */
bool probe_returns(const struct mem_prog *prog, const struct mem_probe_opts *opts);

/* attach_perf.c, attach_probe.c, attach_multi.c, usdt.c: by what the section says */
struct mem_link *attach_tracepoint_target(const struct mem_prog *prog) PART;
struct mem_link *attach_kprobe_target(const struct mem_prog *prog) PART;
struct mem_link *attach_ksyscall_target(const struct mem_prog *prog) PART;
struct mem_link *attach_uprobe_target(const struct mem_prog *prog) PART;
struct mem_link *attach_kprobe_multi_target(const struct mem_prog *prog) PART;
struct mem_link *attach_uprobe_multi_target(const struct mem_prog *prog) PART;
struct mem_link *attach_usdt_target(const struct mem_prog *prog) PART;
struct mem_link *attach_trace_multi_target(const struct mem_prog *prog) PART;

/* attach_probe.c: a uprobe at a place of a file; ref_counter: 0 if it has none */
struct mem_link *link_uprobe(const struct mem_prog *prog, int pid, const char *path, uint64_t offset,
			     uint64_t ref_counter, uint64_t cookie);

#endif /* LIBMEM_LINK_H */
