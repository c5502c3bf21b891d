/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program's section name says: its type, where it is attached, and to what. The names are
 * libbpf's (1.8), so that every existing source means the same here.
 */
#include "reader/reader.h"

#define SLEEPABLE BPF_F_SLEEPABLE
#define FRAGS	  BPF_F_XDP_HAS_FRAGS
#define RETURN	  MEM_PROG_RETURN

/* "name+" matches "name" and "name/target", others match exactly. The first match counts. */
struct section_rule {
	const char *name;
	uint32_t type;	      /* BPF_PROG_TYPE_* */
	uint32_t attach_type; /* BPF_* expected attach type */
	uint32_t attach_kind; /* MEM_ATTACH_* */
	uint32_t target_kind; /* MEM_TARGET_* */
	uint32_t prog_flags;  /* BPF_F_* */
	uint32_t flags;	      /* MEM_PROG_* */
};

#define RULE(name, type, attach)                                                                   \
	{                                                                                          \
		name, BPF_PROG_TYPE_##type, attach, 0, 0, 0, 0                                     \
	}
#define RULE_FLAGS(name, type, attach, flags)                                                      \
	{                                                                                          \
		name, BPF_PROG_TYPE_##type, attach, 0, 0, flags, 0                                 \
	}
#define PROBE(name, attach, kind, prog_flags, flags)                                               \
	{                                                                                          \
		name, BPF_PROG_TYPE_KPROBE, attach, MEM_ATTACH_##kind, 0, prog_flags, flags        \
	}
#define TRACE(name, type, attach, kind, target, prog_flags)                                        \
	{                                                                                          \
		name, BPF_PROG_TYPE_##type, attach, MEM_ATTACH_##kind, MEM_TARGET_##target,        \
			prog_flags, 0                                                              \
	}

static const struct section_rule rules[] = {
	RULE("socket", SOCKET_FILTER, 0),
	RULE("sk_reuseport/migrate", SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT_OR_MIGRATE),
	RULE("sk_reuseport", SK_REUSEPORT, BPF_SK_REUSEPORT_SELECT),

	PROBE("kprobe+", 0, KPROBE, 0, 0),
	PROBE("uprobe+", 0, UPROBE, 0, 0),
	PROBE("uprobe.s+", 0, UPROBE, SLEEPABLE, 0),
	PROBE("kretprobe+", 0, KPROBE, 0, RETURN),
	PROBE("uretprobe+", 0, UPROBE, 0, RETURN),
	PROBE("uretprobe.s+", 0, UPROBE, SLEEPABLE, RETURN),
	PROBE("kprobe.multi+", BPF_TRACE_KPROBE_MULTI, KPROBE_MULTI, 0, 0),
	PROBE("kretprobe.multi+", BPF_TRACE_KPROBE_MULTI, KPROBE_MULTI, 0, RETURN),
	PROBE("kprobe.session+", MEM_BPF_TRACE_KPROBE_SESSION, KPROBE_MULTI, 0, 0),
	PROBE("uprobe.multi+", MEM_BPF_TRACE_UPROBE_MULTI, UPROBE_MULTI, 0, 0),
	PROBE("uretprobe.multi+", MEM_BPF_TRACE_UPROBE_MULTI, UPROBE_MULTI, 0, RETURN),
	PROBE("uprobe.session+", MEM_BPF_TRACE_UPROBE_SESSION, UPROBE_MULTI, 0, 0),
	PROBE("uprobe.multi.s+", MEM_BPF_TRACE_UPROBE_MULTI, UPROBE_MULTI, SLEEPABLE, 0),
	PROBE("uretprobe.multi.s+", MEM_BPF_TRACE_UPROBE_MULTI, UPROBE_MULTI, SLEEPABLE, RETURN),
	PROBE("uprobe.session.s+", MEM_BPF_TRACE_UPROBE_SESSION, UPROBE_MULTI, SLEEPABLE, 0),
	PROBE("ksyscall+", 0, KSYSCALL, 0, 0),
	PROBE("kretsyscall+", 0, KSYSCALL, 0, RETURN),
	PROBE("usdt+", 0, USDT, 0, 0),
	PROBE("usdt.s+", 0, USDT, SLEEPABLE, 0),

	RULE("tc/ingress", SCHED_CLS, MEM_BPF_TCX_INGRESS),
	RULE("tc/egress", SCHED_CLS, MEM_BPF_TCX_EGRESS),
	RULE("tcx/ingress", SCHED_CLS, MEM_BPF_TCX_INGRESS),
	RULE("tcx/egress", SCHED_CLS, MEM_BPF_TCX_EGRESS),
	RULE("tc", SCHED_CLS, 0),
	RULE("classifier", SCHED_CLS, 0),
	RULE("action", SCHED_ACT, 0),
	RULE("netkit/primary", SCHED_CLS, MEM_BPF_NETKIT_PRIMARY),
	RULE("netkit/peer", SCHED_CLS, MEM_BPF_NETKIT_PEER),

	TRACE("tracepoint+", TRACEPOINT, 0, TRACEPOINT, NONE, 0),
	TRACE("tp+", TRACEPOINT, 0, TRACEPOINT, NONE, 0),
	TRACE("raw_tracepoint+", RAW_TRACEPOINT, 0, RAW_TRACEPOINT, NONE, 0),
	TRACE("raw_tp+", RAW_TRACEPOINT, 0, RAW_TRACEPOINT, NONE, 0),
	TRACE("raw_tracepoint.w+", RAW_TRACEPOINT_WRITABLE, 0, RAW_TRACEPOINT, NONE, 0),
	TRACE("raw_tp.w+", RAW_TRACEPOINT_WRITABLE, 0, RAW_TRACEPOINT, NONE, 0),
	TRACE("tp_btf+", TRACING, BPF_TRACE_RAW_TP, BTF_TRACE, TRACEPOINT, 0),
	TRACE("fentry+", TRACING, BPF_TRACE_FENTRY, BTF_TRACE, FUNC, 0),
	TRACE("fmod_ret+", TRACING, BPF_MODIFY_RETURN, BTF_TRACE, FUNC, 0),
	TRACE("fexit+", TRACING, BPF_TRACE_FEXIT, BTF_TRACE, FUNC, 0),
	TRACE("fentry.s+", TRACING, BPF_TRACE_FENTRY, BTF_TRACE, FUNC, SLEEPABLE),
	TRACE("fmod_ret.s+", TRACING, BPF_MODIFY_RETURN, BTF_TRACE, FUNC, SLEEPABLE),
	TRACE("fexit.s+", TRACING, BPF_TRACE_FEXIT, BTF_TRACE, FUNC, SLEEPABLE),
	TRACE("fsession+", TRACING, MEM_BPF_TRACE_FSESSION, BTF_TRACE, FUNC, 0),
	TRACE("fsession.s+", TRACING, MEM_BPF_TRACE_FSESSION, BTF_TRACE, FUNC, SLEEPABLE),
	TRACE("fentry.multi+", TRACING, MEM_BPF_TRACE_FENTRY_MULTI, TRACE_MULTI, NONE, 0),
	TRACE("fentry.multi.s+", TRACING, MEM_BPF_TRACE_FENTRY_MULTI, TRACE_MULTI, NONE, SLEEPABLE),
	TRACE("fexit.multi+", TRACING, MEM_BPF_TRACE_FEXIT_MULTI, TRACE_MULTI, NONE, 0),
	TRACE("fexit.multi.s+", TRACING, MEM_BPF_TRACE_FEXIT_MULTI, TRACE_MULTI, NONE, SLEEPABLE),
	TRACE("fsession.multi+", TRACING, MEM_BPF_TRACE_FSESSION_MULTI, TRACE_MULTI, NONE, 0),
	TRACE("fsession.multi.s+", TRACING, MEM_BPF_TRACE_FSESSION_MULTI, TRACE_MULTI, NONE, SLEEPABLE),
	TRACE("freplace+", EXT, 0, BTF_TRACE, PROG, 0),
	TRACE("lsm+", LSM, BPF_LSM_MAC, BTF_TRACE, LSM, 0),
	TRACE("lsm.s+", LSM, BPF_LSM_MAC, BTF_TRACE, LSM, SLEEPABLE),
	TRACE("lsm_cgroup+", LSM, BPF_LSM_CGROUP, NONE, LSM, 0),
	TRACE("iter+", TRACING, BPF_TRACE_ITER, ITER, ITER, 0),
	TRACE("iter.s+", TRACING, BPF_TRACE_ITER, ITER, ITER, SLEEPABLE),
	TRACE("struct_ops+", STRUCT_OPS, 0, STRUCT_OPS, STRUCT_OPS, 0),
	TRACE("struct_ops.s+", STRUCT_OPS, 0, STRUCT_OPS, STRUCT_OPS, SLEEPABLE),

	RULE_FLAGS("syscall", SYSCALL, 0, SLEEPABLE),
	RULE_FLAGS("xdp.frags/devmap", XDP, BPF_XDP_DEVMAP, FRAGS),
	RULE("xdp/devmap", XDP, BPF_XDP_DEVMAP),
	RULE_FLAGS("xdp.frags/cpumap", XDP, BPF_XDP_CPUMAP, FRAGS),
	RULE("xdp/cpumap", XDP, BPF_XDP_CPUMAP),
	RULE_FLAGS("xdp.frags", XDP, BPF_XDP, FRAGS),
	RULE("xdp", XDP, BPF_XDP),
	RULE("perf_event", PERF_EVENT, 0),
	RULE("lwt_in", LWT_IN, 0),
	RULE("lwt_out", LWT_OUT, 0),
	RULE("lwt_xmit", LWT_XMIT, 0),
	RULE("lwt_seg6local", LWT_SEG6LOCAL, 0),
	RULE("sockops", SOCK_OPS, BPF_CGROUP_SOCK_OPS),
	RULE("sk_skb/stream_parser", SK_SKB, BPF_SK_SKB_STREAM_PARSER),
	RULE("sk_skb/stream_verdict", SK_SKB, BPF_SK_SKB_STREAM_VERDICT),
	RULE("sk_skb/verdict", SK_SKB, BPF_SK_SKB_VERDICT),
	RULE("sk_skb", SK_SKB, 0),
	RULE("sk_msg", SK_MSG, BPF_SK_MSG_VERDICT),
	RULE("lirc_mode2", LIRC_MODE2, BPF_LIRC_MODE2),
	RULE("flow_dissector", FLOW_DISSECTOR, BPF_FLOW_DISSECTOR),
	RULE("cgroup_skb/ingress", CGROUP_SKB, BPF_CGROUP_INET_INGRESS),
	RULE("cgroup_skb/egress", CGROUP_SKB, BPF_CGROUP_INET_EGRESS),
	RULE("cgroup/skb", CGROUP_SKB, 0),
	RULE("cgroup/sock_create", CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE),
	RULE("cgroup/sock_release", CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE),
	RULE("cgroup/sock", CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE),
	RULE("cgroup/post_bind4", CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND),
	RULE("cgroup/post_bind6", CGROUP_SOCK, BPF_CGROUP_INET6_POST_BIND),
	RULE("cgroup/bind4", CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND),
	RULE("cgroup/bind6", CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_BIND),
	RULE("cgroup/connect4", CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT),
	RULE("cgroup/connect6", CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_CONNECT),
	RULE("cgroup/connect_unix", CGROUP_SOCK_ADDR, MEM_BPF_CGROUP_UNIX_CONNECT),
	RULE("cgroup/sendmsg4", CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG),
	RULE("cgroup/sendmsg6", CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_SENDMSG),
	RULE("cgroup/sendmsg_unix", CGROUP_SOCK_ADDR, MEM_BPF_CGROUP_UNIX_SENDMSG),
	RULE("cgroup/recvmsg4", CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_RECVMSG),
	RULE("cgroup/recvmsg6", CGROUP_SOCK_ADDR, BPF_CGROUP_UDP6_RECVMSG),
	RULE("cgroup/recvmsg_unix", CGROUP_SOCK_ADDR, MEM_BPF_CGROUP_UNIX_RECVMSG),
	RULE("cgroup/getpeername4", CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETPEERNAME),
	RULE("cgroup/getpeername6", CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETPEERNAME),
	RULE("cgroup/getpeername_unix", CGROUP_SOCK_ADDR, MEM_BPF_CGROUP_UNIX_GETPEERNAME),
	RULE("cgroup/getsockname4", CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_GETSOCKNAME),
	RULE("cgroup/getsockname6", CGROUP_SOCK_ADDR, BPF_CGROUP_INET6_GETSOCKNAME),
	RULE("cgroup/getsockname_unix", CGROUP_SOCK_ADDR, MEM_BPF_CGROUP_UNIX_GETSOCKNAME),
	RULE("cgroup/sysctl", CGROUP_SYSCTL, BPF_CGROUP_SYSCTL),
	RULE("cgroup/getsockopt", CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT),
	RULE("cgroup/setsockopt", CGROUP_SOCKOPT, BPF_CGROUP_SETSOCKOPT),
	RULE("cgroup/dev", CGROUP_DEVICE, BPF_CGROUP_DEVICE),
	RULE("sk_lookup", SK_LOOKUP, BPF_SK_LOOKUP),
	{"netfilter", MEM_BPF_PROG_TYPE_NETFILTER, MEM_BPF_NETFILTER, 0, 0, 0, 0},
};

/* The target in a section name, "" if the rule matches without one, NULL if it does not match. */
static const char *match(const struct section_rule *rule, const char *section)
{
	size_t len = strlen(rule->name);

	if (rule->name[len - 1] != '+')
		return strcmp(rule->name, section) ? NULL : "";
	len--;
	if (strncmp(rule->name, section, len) || (section[len] && section[len] != '/'))
		return NULL;
	return section[len] ? section + len + 1 : "";
}

int sections_fill_prog(struct reader *r, const char *section, struct mem_prog_image *prog)
{
	if (*section == '?') {
		prog->flags |= MEM_PROG_NO_AUTOLOAD;
		section++;
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct section_rule *rule = &rules[i];
		const char *target = match(rule, section);

		if (!target)
			continue;
		prog->type = rule->type;
		prog->expected_attach_type = rule->attach_type;
		prog->prog_flags = rule->prog_flags;
		prog->attach_kind = rule->attach_kind;
		prog->target_kind = rule->target_kind;
		prog->flags |= rule->flags;
		if (*target) {
			prog->target = reader_string(r, target);
			return prog->target ? 0 : -ENOMEM;
		}
		return 0;
	}
	/* a name nobody knows: only who loads the program has to say what it is */
	return 0;
}
