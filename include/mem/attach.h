/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief Attaching programs: the ways there are, and the links they make. Part of <mem/mem.h>.
 */
#ifndef MEM_ATTACH_H
#define MEM_ATTACH_H

#include <mem/object.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup link Links
 * @{
 */

/**
 * @brief Attach a program as its section says.
 *
 * Works for sections that name all there is to know: tracepoint, raw_tracepoint, tp_btf, iter, fentry and its
 * family, lsm, kprobe, ksyscall, uprobe, usdt, and the multi forms.
 *
 * @param prog  of a loaded object
 * @return the link, to be destroyed by the caller; NULL with errno
 *         EBADF not loaded, ENOTSUP the section does not say where (the message names the
 *         function to call), ENOENT no such tracepoint or function, EPERM no privilege, or what the kernel
 *         answered
 */
struct mem_link *mem_prog_attach(const struct mem_prog *prog);

/**
 * @brief Choose what bpf_get_attach_cookie() returns to a program.
 *
 * It belongs to the links that are made from now on, unless their options have another one: of
 * tracepoints, perf events, probes and their multi forms (Linux 5.15), fentry and its kin, lsm
 * (6.0), raw tracepoints and tp_btf (6.11). Kernels that are older refuse to attach.
 *
 * @param prog    of an object in any phase
 * @param cookie  0 for none
 */
void mem_prog_cookie_set(struct mem_prog *prog, uint64_t cookie);

/**
 * @brief Attach a program to a tracepoint.
 *
 * tracefs need not be mounted.
 *
 * @param prog      a loaded program of type tracepoint
 * @param category  such as "sched"
 * @param name      such as "sched_switch"
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such tracepoint,
 *         EPERM no privilege, or what the kernel answered
 */
struct mem_link *mem_prog_attach_tracepoint(const struct mem_prog *prog, const char *category,
					    const char *name);

/**
 * @brief Attach a program to a raw tracepoint.
 * @param prog  a loaded program of type raw_tracepoint or raw_tracepoint_writable
 * @param name  such as "sched_switch"
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such tracepoint,
 *         EPERM, or what the kernel answered. Linux 4.17.
 */
struct mem_link *mem_prog_attach_raw_tracepoint(const struct mem_prog *prog, const char *name);

/**
 * @brief Attach a program whose target was fixed when it was loaded: tp_btf, fentry, fexit, lsm.
 * @param prog  a loaded program of such a type
 * @return the link, to be destroyed by the caller; NULL with errno EPERM no privilege, or what the
 *         kernel answered. Linux 5.5.
 */
struct mem_link *mem_prog_attach_trace(const struct mem_prog *prog);

/**
 * @brief Attach a program to a perf event.
 * @param prog      a loaded program of type perf_event, tracepoint or kprobe
 * @param event_fd  of perf_event_open(2); the link keeps a duplicate, the caller keeps its own
 * @return the link, to be destroyed by the caller; NULL with errno EBADF no descriptor, EINVAL not an
 *         event for this program, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_perf_event(const struct mem_prog *prog, int event_fd);

/** Options of the probe functions. Zero means the default for every member but sz. */
struct mem_probe_opts {
	size_t sz;            /**< sizeof(struct mem_probe_opts) */
	uint64_t cookie;      /**< what bpf_get_attach_cookie() returns; Linux 5.15 */
	uint64_t offset;      /**< bytes, from the function, or into the file if there is none */
	uint64_t ref_counter; /**< uprobes: bytes into the file, of a USDT semaphore */
	int returns;          /**< 1: run at the return, also where the section does not say so */
	int reserved;         /**< 0 */
};

/**
 * @brief Attach a program to a kernel function.
 * @param prog      a loaded program of type kprobe
 * @param function  name
 * @param opts      NULL: at the start, or at the return as the section says
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such function, ENOTSUP
 *         the kernel is built without kprobes, EPERM no privilege, or what else the kernel answered. Linux 4.17.
 */
struct mem_link *mem_prog_attach_kprobe(const struct mem_prog *prog, const char *function,
					const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to a system call, by the function that this architecture has for it.
 * @param prog  a loaded program of type kprobe
 * @param name  of the system call, such as "openat"
 * @param opts  as for mem_prog_attach_kprobe()
 * @return as mem_prog_attach_kprobe()
 */
struct mem_link *mem_prog_attach_ksyscall(const struct mem_prog *prog, const char *name,
					  const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to all kernel functions that match a pattern, with one link.
 * @param prog     a loaded program of section kprobe.multi or one of its forms
 * @param pattern  as fnmatch(3) has it: "tcp_*"
 * @param opts     as for mem_prog_attach_kprobe(), without an offset
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT nothing matches, ENOTSUP
 *         Linux before 5.18, EPERM no privilege, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_kprobe_multi(const struct mem_prog *prog, const char *pattern,
					      const struct mem_probe_opts *opts);

/**
 * @brief Attach a trampoline program to all kernel functions that match a pattern, with one link.
 * @param prog     a loaded program of section fentry.multi, fexit.multi, fsession.multi or one of their
 *                 sleepable forms
 * @param pattern  as fnmatch(3) has it; functions of modules are left out
 * @param opts     NULL, or with the cookie of all of them
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT nothing matches, EINVAL one of the
 *         functions can't be traced, ENOTSUP Linux before 7.2, EPERM no privilege, or what else the
 *         kernel answered
 */
struct mem_link *mem_prog_attach_trace_multi(const struct mem_prog *prog, const char *pattern,
					     const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to a function of a program or library.
 * @param prog      a loaded program of type kprobe (section uprobe or uretprobe)
 * @param pid       of the process, -1: every process, also those that start later
 * @param binary    path, or a name that is looked up in PATH, or as a library ("libc.so.6")
 * @param function  name, "name@VERSION", or NULL: opts->offset counts from the start of the file
 * @param opts      NULL: at the start, or at the return as the section says
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such binary or function,
 *         EEXIST several functions of that name, EINVAL not an ELF file, ENOTSUP the kernel is built
 *         without uprobes, or what else the kernel answered. Linux 4.17.
 */
struct mem_link *mem_prog_attach_uprobe(const struct mem_prog *prog, int pid, const char *binary,
					const char *function, const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to all functions of a binary that match a pattern, with one link.
 * @param prog     a loaded program of section uprobe.multi or one of its forms
 * @param pid      of the process, -1: every process
 * @param binary   as for mem_prog_attach_uprobe()
 * @param pattern  as fnmatch(3) has it
 * @param opts     as for mem_prog_attach_uprobe(), without offset and ref_counter
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT nothing matches, ENOTSUP
 *         Linux before 6.6, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_uprobe_multi(const struct mem_prog *prog, int pid,
					      const char *binary, const char *pattern,
					      const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to a USDT probe, at all its places in a binary.
 *
 * The program includes libbpf's bpf/usdt.bpf.h, whose maps receive where the arguments are.
 *
 * @param prog      a loaded program of section usdt or usdt.s
 * @param pid       of the process, -1: every process
 * @param binary    as for mem_prog_attach_uprobe()
 * @param provider  of the probe, the first argument of its DTRACE_PROBE() or STAP_PROBE()
 * @param name      of the probe
 * @param cookie    what bpf_usdt_cookie() returns
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such binary or probe, EINVAL
 *         the object has no maps for it or the arguments aren't understood, E2BIG those maps are full,
 *         or what else the kernel answered. Linux 5.15, on x86-64 and arm64.
 */
struct mem_link *mem_prog_attach_usdt(const struct mem_prog *prog, int pid, const char *binary,
				      const char *provider, const char *name, uint64_t cookie);

/**
 * @brief Attach a program to the XDP hook of a network interface.
 * @param prog     a loaded program of type xdp
 * @param ifindex  of the interface, in the caller's network namespace
 * @param flags    XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE, XDP_FLAGS_HW_MODE, or 0
 * @return the link, to be destroyed by the caller; NULL with errno EBUSY one is attached, ENODEV no such
 *         interface, ENOTSUP the driver can't, or what else the kernel answered. Linux 5.9.
 */
struct mem_link *mem_prog_attach_xdp(const struct mem_prog *prog, int ifindex, uint32_t flags);

/** Options of mem_prog_attach_tcx() and _netkit(). Zero means the default for every member but sz. */
struct mem_tcx_opts {
	size_t sz;                  /**< sizeof(struct mem_tcx_opts) */
	uint32_t flags;             /**< BPF_F_BEFORE, BPF_F_AFTER, BPF_F_REPLACE ... */
	uint32_t relative_fd;       /**< program or link that flags refer to, or 0 */
	uint32_t relative_id;       /**< the same by id, with BPF_F_ID */
	uint32_t attach_type;       /**< BPF_TCX_* or BPF_NETKIT_*; 0: as the section says */
	uint64_t expected_revision; /**< of the hook's list, 0: any */
};

/**
 * @brief Attach a program to the ingress or egress hook of a network interface.
 * @param prog     a loaded program of type sched_cls; section tcx/ingress or tcx/egress, or
 *                 opts->attach_type
 * @param ifindex  of the interface, in the caller's network namespace
 * @param opts     NULL for defaults
 * @return the link, to be destroyed by the caller; NULL with errno EINVAL no direction given,
 *         ENODEV no such interface, ENOTSUP Linux before 6.6, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_tcx(const struct mem_prog *prog, int ifindex,
				     const struct mem_tcx_opts *opts);

/**
 * @brief Attach a program to a netkit device.
 * @param prog     a loaded program of type sched_cls; section netkit/primary or netkit/peer, or
 *                 opts->attach_type
 * @param ifindex  of the primary device, in the caller's network namespace
 * @param opts     NULL for defaults
 * @return as mem_prog_attach_tcx(). Linux 6.7.
 */
struct mem_link *mem_prog_attach_netkit(const struct mem_prog *prog, int ifindex,
					const struct mem_tcx_opts *opts);

/**
 * @brief Attach a program to a control group and those below it.
 * @param prog       a loaded program of a cgroup type, or sockops, or lsm_cgroup
 * @param cgroup_fd  of the group's directory in the version 2 hierarchy; stays the caller's
 * @return the link, to be destroyed by the caller; NULL with errno EBADF not loaded or not a control group, or
 *         what else the kernel answered. Linux 5.7.
 */
struct mem_link *mem_prog_attach_cgroup(const struct mem_prog *prog, int cgroup_fd);

/**
 * @brief Attach a program to a network namespace.
 * @param prog      a loaded program of type sk_lookup or flow_dissector
 * @param netns_fd  of /proc/PID/ns/net or a bound name; stays the caller's
 * @return the link, to be destroyed by the caller; NULL with errno, what the kernel answered.
 *         Linux 5.8.
 */
struct mem_link *mem_prog_attach_netns(const struct mem_prog *prog, int netns_fd);

/**
 * @brief Attach a program to a socket map, for the sockets in it.
 * @param prog  a loaded program of type sk_skb or sk_msg
 * @param map   a SOCKMAP or SOCKHASH of a prepared object
 * @return the link, to be destroyed by the caller; NULL with errno ENOTSUP Linux before 6.10, or what
 *         else the kernel answered
 */
struct mem_link *mem_prog_attach_sockmap(const struct mem_prog *prog, const struct mem_map *map);

/** Options of mem_prog_attach_netfilter(). Zero means the default for every member but sz. */
struct mem_netfilter_opts {
	size_t sz;        /**< sizeof(struct mem_netfilter_opts) */
	uint32_t family;  /**< NFPROTO_IPV4 or NFPROTO_IPV6 */
	uint32_t hook;    /**< NF_INET_* */
	int32_t priority; /**< among the programs of the hook, lowest first */
	uint32_t flags;   /**< BPF_F_NETFILTER_IP_DEFRAG */
};

/**
 * @brief Attach a program to a netfilter hook of the caller's network namespace.
 * @param prog  a loaded program of type netfilter
 * @param opts  where
 * @return the link, to be destroyed by the caller; NULL with errno EINVAL no such hook, ENOTSUP Linux
 *         before 6.4, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_netfilter(const struct mem_prog *prog,
					   const struct mem_netfilter_opts *opts);

/**
 * @brief Let the kernel use an implementation of one of its interfaces (tcp_congestion_ops ...).
 *
 * The variable may be changed until mem_object_prepare(); a member that points to a program of the
 * object is a call of that program.
 *
 * @param map  a struct_ops map of a loaded object
 * @return the link, to be destroyed by the caller; NULL with errno EEXIST an implementation of that
 *         name is registered, EINVAL not a struct_ops map, or what else the kernel answered. Linux 5.6.
 */
struct mem_link *mem_map_attach_struct_ops(const struct mem_map *map);

/** Options of mem_prog_attach_iter(). Zero means the default for every member but sz. */
struct mem_iter_opts {
	size_t sz;               /**< sizeof(struct mem_iter_opts) */
	const void *link_info;   /**< union bpf_iter_link_info: the map, cgroup or task to walk */
	uint32_t link_info_size; /**< bytes */
};

/**
 * @brief Attach an iterator program, to be run by reading mem_iter_create().
 * @param prog  a loaded iterator program
 * @param opts  NULL walks everything
 * @return the link, to be destroyed by the caller; NULL with errno EBADF this iterator needs to be
 *         told a map, or what else the kernel answered. Linux 5.8.
 */
struct mem_link *mem_prog_attach_iter(const struct mem_prog *prog, const struct mem_iter_opts *opts);

/**
 * @brief Start one walk of an attached iterator.
 * @param link  from mem_prog_attach_iter()
 * @return fd to read(2) the program's output from, to be closed by the caller; -EINVAL not an
 *         iterator, or what else the kernel answered
 */
int mem_iter_create(const struct mem_link *link);

/**
 * @brief File descriptor of a link.
 * @param link  a link
 * @return fd, owned by the link: a BPF link, or a perf event on kernels before 5.15
 */
int mem_link_fd(const struct mem_link *link);

/**
 * @brief Replace the program of a link in one step: the hook is never without one.
 *
 * @param link  to an XDP, tcx, netkit, cgroup, network namespace or iterator hook, or a socket map
 * @param prog  a loaded program of the same type and attach type, of any object
 * @param old   the program that must be attached for this to be done; NULL: any
 * @return 0, or -EPERM another program than @p old is attached, -EINVAL the hook or @p prog is of another
 *         kind, -ENOLINK the link is detached, -EBADF a program is not loaded, -ENOTSUP not a single
 *         BPF link, or what else the kernel answered. Linux 5.7.
 */
int mem_link_update(struct mem_link *link, const struct mem_prog *prog, const struct mem_prog *old);

/**
 * @brief Replace the implementation of a kernel interface in one step.
 *
 * @param link  from mem_map_attach_struct_ops(), of a variable in .struct_ops.link
 * @param map   a struct_ops map of a loaded object, for the same interface and by the same name
 * @param old   the map that must be attached for this to be done; NULL: any
 * @return 0, or -EPERM another map than @p old is attached, -EINVAL @p map is of another kind or the
 *         interface does not allow it, -ENOTSUP the interface can't be updated, or what else the
 *         kernel answered. Linux 6.4.
 */
int mem_link_update_map(struct mem_link *link, const struct mem_map *map, const struct mem_map *old);

/**
 * @brief Take a link off its hook without destroying it, pinned or not.
 *
 * @param link  to an XDP, tcx, netkit, cgroup or network namespace hook, or of a struct_ops map (6.11)
 * @return 0, also when it was detached before, or -ENOTSUP links of this kind can only be destroyed,
 *         or what else the kernel answered. Linux 5.9.
 */
int mem_link_detach(struct mem_link *link);

/**
 * @brief Pin a link, in place of what is pinned there: the program stays attached when the link is
 *        destroyed or the process ends. mem_unpin() undoes it.
 *
 * Folders that are missing are made, for this user only. Reading the pin of an iterator runs it.
 *
 * @param link  a link, but not of a USDT probe or a variable in .struct_ops
 * @param path  in a BPF file system; its last part has no '.'
 * @param mode  permissions; 0 is 0600
 * @return 0, or -EINVAL no path or no such mode, -ENOTSUP not a single BPF link (perf events need Linux
 *         5.15), -EPERM not a BPF file system (the message has the command that mounts one) or no privilege,
 *         or what else the kernel answered. Linux 5.7.
 */
int mem_link_pin(const struct mem_link *link, const char *path, unsigned int mode);

/**
 * @brief Open a link that is pinned.
 * @param path  of the pin
 * @return the link, to be destroyed by the caller, which leaves the pin; NULL with errno ENOENT no such
 *         pin, EBADF the pin of something else, EACCES or EPERM this user may not open it, ENOMEM
 */
struct mem_link *mem_link_open(const char *path);

/**
 * @brief Detach a program, unless its link is pinned or open elsewhere, and free the link.
 * @param link  a link; NULL does nothing
 */
void mem_link_destroy(struct mem_link *link);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_ATTACH_H */
