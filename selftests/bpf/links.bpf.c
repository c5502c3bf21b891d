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

/* Printing, of which the program hears, and prints. */
SEC("?raw_tp/bpf_trace_printk")
int on_print(void *ctx)
{
	static const char text[] = "libmem";

	bpf_trace_printk(text, sizeof(text));
	return 0;
}

SEC("?syscall")
int print(void *ctx)
{
	static const char text[] = "libmem";

	bpf_trace_printk(text, sizeof(text));
	return 0;
}

__u64 cookie;

#define COOKIE(section, name)                                                                      \
	SEC(section) int name(void *ctx)                                                           \
	{                                                                                          \
		cookie = bpf_get_attach_cookie(ctx);                                               \
		return 0;                                                                          \
	}

COOKIE("?tp/raw_syscalls/sys_enter", cookie_of_tracepoint)
COOKIE("?perf_event", cookie_of_event)
COOKIE("?raw_tp/sys_enter", cookie_of_raw_tracepoint)
COOKIE("?tp_btf/sys_enter", cookie_of_typed_tracepoint)

char LICENSE[] SEC("license") = "GPL";
