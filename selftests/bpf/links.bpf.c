/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Pairs of programs that take each other's place under a link; each counts its runs. */
#include <mem/bpf.h>

__u64 first, second;

#define COUNTER(section, name, counter, result)                                                    \
	SEC(section) int name(void *ctx)                                                           \
	{                                                                                          \
		__sync_fetch_and_add(&counter, 1);                                                 \
		return result;                                                                     \
	}

COUNTER("?xdp", xdp_first, first, XDP_PASS)
COUNTER("?xdp", xdp_second, second, XDP_PASS)
COUNTER("?tcx/ingress", tcx_first, first, 0)
COUNTER("?tcx/ingress", tcx_second, second, 0)
COUNTER("?cgroup_skb/egress", group_first, first, 1)
COUNTER("?cgroup_skb/egress", group_second, second, 1)
COUNTER("?sk_lookup", lookup_first, first, 1)
COUNTER("?sk_lookup", lookup_second, second, 1)
COUNTER("?raw_tp/sys_enter", on_call, first, 0)
COUNTER("?tp/raw_syscalls/sys_enter", on_tracepoint, first, 0)

char LICENSE[] SEC("license") = "GPL";
