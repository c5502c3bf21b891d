/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs whose sections don't say where to attach them, or nothing that makes sense. */
#include <mem/bpf.h>

#define PROG(section, name)                                                                        \
	SEC(section) int name(void *ctx) { return 1; }

PROG("tracepoint", on_tracepoint)
PROG("xdp", on_xdp)
PROG("tc", on_packet)
PROG("perf_event", on_event)
PROG("kprobe", on_function)
PROG("cgroup_skb/ingress", on_cgroup)
PROG("sk_lookup", on_lookup)
PROG("syscall", on_run)
PROG("sk_msg", on_message)
PROG("socket", on_socket)
PROG("sk_reuseport", on_choice)
PROG("lwt_in", on_tunnel)

PROG("kprobe/a_function+x", bad_offset)
PROG("kprobe/+8", no_function)
PROG("uprobe/no_function", no_binary)
PROG("uprobe/binary:0x", bad_place)
PROG("uprobe/:function", empty_binary)

char LICENSE[] SEC("license") = "GPL";
