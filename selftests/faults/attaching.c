/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that fail while programs are attached, each way there is. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/netfilter.h> /* after netinet/in.h, or they clash */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpffs.h"
#include "congestion.skel.h"
#include "congestion_link.skel.h"
#include "control_group.h"
#include "externs.skel.h"
#include "faults/sweep.h"
#include "hooks.skel.h"
#include "links.skel.h"
#include "net_links.skel.h"
#include "nets.h"
#include "plain.skel.h"
#include "probes.skel.h"
#include "tracing.skel.h"
#include "usdt.skel.h"
#include "usdt_note.h"

OBJECT(plain, 0);
OBJECT(hooks, 6006);
OBJECT(externs, 0);
OBJECT(probes, 0);
OBJECT(usdt, 0);
OBJECT(congestion, 0);
OBJECT(net_links, 6010);
OBJECT(links, 0);
OBJECT(tracing, 7002);
OBJECT(congestion_link, 6004);

static int linked(struct subject *s, struct mem_link *link)
{
	s->link = link;
	return result(link);
}

/* ---- by section, and hooks without a descriptor */

static int try_mem_skeleton_attach(struct subject *s)
{
	return mem_skeleton_attach(s->skel, s->object->layout());
}

static int try_mem_prog_attach(struct subject *s)
{
	return linked(s, mem_prog_attach(the_prog(s)));
}

static int try_mem_prog_attach_tracepoint(struct subject *s)
{
	return linked(s, mem_prog_attach_tracepoint(the_prog(s), "raw_syscalls", "sys_enter"));
}

static int try_mem_prog_attach_raw_tracepoint(struct subject *s)
{
	return linked(s, mem_prog_attach_raw_tracepoint(the_prog(s), "sys_exit"));
}

static int try_mem_prog_attach_trace(struct subject *s)
{
	return linked(s, mem_prog_attach_trace(the_prog(s)));
}

static int try_mem_prog_attach_iter(struct subject *s)
{
	return linked(s, mem_prog_attach_iter(the_prog(s), NULL));
}

static void attached_iterator(struct subject *s)
{
	one_loaded(s);
	assert_ok(try_mem_prog_attach_iter(s));
}

static int try_mem_iter_create(struct subject *s)
{
	int fd = mem_iter_create(s->link);

	if (fd >= 0)
		close(fd);
	return fd;
}

/* ---- probes */

#ifdef __aarch64__
#define GETPGI "__arm64_sys_getpgi"
#else
#define GETPGI "__x64_sys_getpgi"
#endif

static int try_mem_prog_attach_kprobe(struct subject *s)
{
	return linked(s, mem_prog_attach_kprobe(the_prog(s), GETPGI "d", NULL));
}

static int try_mem_prog_attach_ksyscall(struct subject *s)
{
	return linked(s, mem_prog_attach_ksyscall(the_prog(s), "getpgid", NULL));
}

static int try_mem_prog_attach_kprobe_multi(struct subject *s)
{
	return linked(s, mem_prog_attach_kprobe_multi(the_prog(s), GETPGI "*", NULL));
}

static int try_mem_prog_attach_trace_multi(struct subject *s)
{
	return linked(s, mem_prog_attach_trace_multi(the_prog(s), "bpf_fentry_test[12]", NULL));
}

static int try_mem_prog_attach_uprobe(struct subject *s)
{
	return linked(s, mem_prog_attach_uprobe(the_prog(s), getpid(), "libc.so.6", "getppid", NULL));
}

static int try_mem_prog_attach_uprobe_multi(struct subject *s)
{
	return linked(s, mem_prog_attach_uprobe_multi(the_prog(s), -1, "libc.so.6", "getppi?", NULL));
}

static int try_mem_prog_attach_usdt(struct subject *s)
{
	return linked(s, mem_prog_attach_usdt(the_prog(s), getpid(), "/proc/self/exe", "libmem",
					      "faults", 1));
}

/* Never called: it is there to be found. */
static void __attribute__((noinline, used)) usdt_probe(void)
{
#ifdef __aarch64__
	asm volatile(USDT_NOTE("faults", "8@7"));
#else
	asm volatile(USDT_NOTE("faults", "8@$7"));
#endif
}

/* ---- hooks that are named by a descriptor */

static void event_opened(struct subject *s)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000000, /* ns */
	};

	one_loaded(s);
	s->source = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	ck_assert_int_ge(s->source, 0);
}

static int try_mem_prog_attach_perf_event(struct subject *s)
{
	return linked(s, mem_prog_attach_perf_event(the_prog(s), s->source));
}

static void cgroup_opened(struct subject *s)
{
	one_loaded(s);
	s->source = control_group_root();
}

static int try_mem_prog_attach_cgroup(struct subject *s)
{
	return linked(s, mem_prog_attach_cgroup(the_prog(s), s->source));
}

static void netns_opened(struct subject *s)
{
	one_loaded(s);
	s->source = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(s->source, 0);
}

static int try_mem_prog_attach_netns(struct subject *s)
{
	return linked(s, mem_prog_attach_netns(the_prog(s), s->source));
}

static int try_mem_prog_attach_sockmap(struct subject *s)
{
	return linked(s, mem_prog_attach_sockmap(the_prog(s), mem_object_find_map(s->obj, "sockets")));
}

/* ---- hooks of the network */

static int loopback(void)
{
	return (int)if_nametoindex("lo");
}

static int try_mem_prog_attach_xdp(struct subject *s)
{
	return linked(s, mem_prog_attach_xdp(the_prog(s), loopback(), 0));
}

static int try_mem_prog_attach_tcx(struct subject *s)
{
	return linked(s, mem_prog_attach_tcx(the_prog(s), loopback(), NULL));
}

static int try_mem_prog_attach_netkit(struct subject *s)
{
	return linked(s, mem_prog_attach_netkit(the_prog(s), (int)if_nametoindex("first"), NULL));
}

static int try_mem_prog_attach_netfilter(struct subject *s)
{
	struct mem_netfilter_opts opts = {.sz = sizeof(opts), .family = NFPROTO_IPV4,
					  .hook = NF_INET_LOCAL_OUT, .priority = 100};

	return linked(s, mem_prog_attach_netfilter(the_prog(s), &opts));
}

/* ---- interfaces that programs implement */

static int try_mem_map_attach_struct_ops(struct subject *s)
{
	return linked(s, mem_map_attach_struct_ops(the_map(s)));
}

/* ---- links that exist */

#define PIN "/sys/fs/bpf/faults"

/* The first of a pair is attached; the operation is about the second, or about none. */
static void pair_attached(struct subject *s)
{
	struct mem_prog *first, *second;

	opened(s);
	first = assert_ptr(mem_object_find_prog(s->obj, "xdp_first"));
	second = assert_ptr(mem_object_find_prog(s->obj, "xdp_second"));
	assert_ok(mem_prog_autoload_set(first, 1));
	assert_ok(mem_prog_autoload_set(second, 1));
	assert_ok(mem_object_load(s->obj));
	s->link = assert_ptr(mem_prog_attach_xdp(first, loopback(), 0));
}

static int try_mem_link_update(struct subject *s)
{
	return mem_link_update(s->link, the_prog(s), NULL);
}

static int try_mem_link_detach(struct subject *s)
{
	return mem_link_detach(s->link);
}

static int try_mem_link_pin(struct subject *s)
{
	return mem_link_pin(s->link, PIN, 0640);
}

static void unpin(struct subject *s)
{
	(void)s;
	unlink(PIN);
}

static void link_attached(struct subject *s)
{
	one_loaded(s);
	s->link = assert_ptr(mem_prog_attach(the_prog(s)));
}

static void link_pinned(struct subject *s)
{
	link_attached(s);
	assert_ok(try_mem_link_pin(s));
	mem_link_destroy(s->link);
	s->link = NULL;
}

static int try_mem_link_open(struct subject *s)
{
	return linked(s, mem_link_open(PIN));
}

/* Another object's implementation is attached; this one's is to take its place. */
static struct congestion_link *earlier;

static void interface_attached(struct subject *s)
{
	loaded(s);
	earlier = assert_ptr(congestion_link__open_and_load());
	s->link = assert_ptr(mem_map_attach_struct_ops(earlier->maps.updated_cc));
}

static void detach_interface(struct subject *s)
{
	mem_link_destroy(s->link);
	s->link = NULL;
	congestion_link__destroy(earlier);
}

static int try_mem_link_update_map(struct subject *s)
{
	return mem_link_update_map(s->link, the_map(s), NULL);
}

/* ---- the tables */

static const struct operation attaching[] = {
	{TRY_WITH(mem_skeleton_attach, "plain"), &plain, loaded, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_attach, "hooks"), &hooks, loaded, NULL, AGAIN},
	{TRY_WITH(mem_skeleton_attach, "externs"), &externs, loaded, NULL, AGAIN},
	{TRY(mem_prog_attach), &hooks, one_loaded, "on_raw_tracepoint", AGAIN},
	{TRY_WITH(mem_prog_attach, "tracepoint"), &hooks, one_loaded, "on_tracepoint", AGAIN | REFUSED},
	{TRY(mem_prog_attach_tracepoint), &hooks, one_loaded, "on_short_name", AGAIN},
	{TRY(mem_prog_attach_raw_tracepoint), &hooks, one_loaded, "on_any_raw_tracepoint", AGAIN},
	{TRY(mem_prog_attach_trace), &hooks, one_loaded, "on_btf_tracepoint", AGAIN},
	{TRY(mem_prog_attach_iter), &hooks, one_loaded, "dump_tasks", AGAIN},
	{TRY(mem_iter_create), &hooks, attached_iterator, "dump_tasks", AGAIN | NAMELESS},
	{TRY(mem_prog_attach_perf_event), &hooks, event_opened, "on_event", AGAIN},
	{TRY(mem_prog_attach_xdp), &hooks, one_loaded, "on_xdp", AGAIN},
	{TRY(mem_prog_attach_tcx), &hooks, one_loaded, "on_ingress", AGAIN},
	{TRY(mem_prog_attach_cgroup), &probes, cgroup_opened, "on_egress", AGAIN},
	{TRY(mem_prog_attach_netns), &probes, netns_opened, "on_lookup", AGAIN},
	{TRY(mem_prog_attach_sockmap), &net_links, one_loaded, "on_message", AGAIN},
	{TRY(mem_prog_attach_uprobe), &probes, one_loaded, "on_uprobe", AGAIN},
	{TRY_WITH(mem_prog_attach_uprobe, "return"), &probes, one_loaded, "on_uretprobe", AGAIN},
	{TRY(mem_prog_attach_usdt), &usdt, one_loaded, "on_probe", AGAIN},
	{0},
};

static const struct operation keeping[] = {
	{TRY(mem_link_update), &links, pair_attached, "xdp_second", AGAIN | NAMELESS},
	{TRY(mem_link_detach), &links, pair_attached, "xdp_second", AGAIN | NAMELESS},
	{TRY(mem_link_pin), &links, link_attached, "on_call", AGAIN | NAMELESS, unpin},
	{TRY(mem_link_open), &links, link_pinned, "on_call", AGAIN | NAMELESS, unpin},
	{0},
};

static const struct operation replacing[] = {
	{TRY(mem_link_update_map), &congestion_link, interface_attached, "updated_cc",
	 AGAIN | NAMELESS, detach_interface},
	{0},
};

/* What the kernel of a container or a small machine may lack. */
static const struct operation probing[] = {
	{TRY(mem_prog_attach_kprobe), &probes, one_loaded, "on_kprobe", AGAIN | REFUSED},
	{TRY_WITH(mem_prog_attach_kprobe, "return"), &probes, one_loaded, "on_kretprobe", AGAIN | REFUSED},
	{TRY(mem_prog_attach_ksyscall), &probes, one_loaded, "on_ksyscall", AGAIN | REFUSED},
	{TRY(mem_prog_attach_uprobe_multi), &probes, one_loaded, "on_uprobe_multi", AGAIN | REFUSED},
	{TRY(mem_prog_attach_netkit), &net_links, one_loaded, "on_primary", AGAIN | REFUSED},
	{0},
};

static const struct operation matching[] = {
	{TRY(mem_prog_attach_kprobe_multi), &probes, one_loaded, "on_kprobe_multi", AGAIN | REFUSED},
	{TRY(mem_prog_attach_trace_multi), &tracing, one_loaded, "on_entries", AGAIN},
	{0},
};

static const struct operation filtering[] = {
	{TRY(mem_prog_attach_netfilter), &probes, one_loaded, "on_filter", AGAIN},
	{0},
};

static const struct operation implementing[] = {
	{TRY_AS("mem_skeleton_open_and_load congestion", open_and_load), &congestion, NULL, NULL, AGAIN | TOLD},
	{TRY(mem_map_attach_struct_ops), &congestion, loaded, "libmem_cc", AGAIN | REFUSED},
	{0},
};

SWEEP_TABLE(attaching)
SWEEP_TABLE(keeping)
SWEEP_TABLE(replacing)
SWEEP_TABLE(probing)
SWEEP_TABLE(matching)
SWEEP_TABLE(filtering)
SWEEP_TABLE(implementing)

TEST(attaching_fails, .timeout = 120, .slow_emulated = "loads programs a thousand times")
{
	need_bpf();
	nets_own();
	sweep_all(attaching);
}
END_TEST

TEST(links_that_exist_fail, .timeout = 60)
{
	need_bpf();
	nets_own();
	bpffs_mount();
	sweep_all(keeping);
	bpffs_unmount();
}
END_TEST

TEST(attaching_to_what_not_every_kernel_has_fails, .timeout = 60)
{
	need_bpf();
	nets_own();
	nets_netkit("first");
	sweep_all(probing);
}
END_TEST

TEST(attaching_to_kernel_functions_by_pattern_fails, .timeout = 60,
     .slow_emulated = "reads the list of the kernel's functions thirty times")
{
	need_bpf();
	sweep_all(matching);
}
END_TEST

TEST(attaching_to_netfilter_fails, .timeout = 60)
{
	struct probes *skel;
	int err;

	need_bpf();
	need_linux(6, 4, "BPF netfilter programs");
	nets_own();
	skel = assert_ptr(probes__open());
	for (struct mem_prog *prog = NULL; (prog = mem_object_next_prog(skel->obj, prog));)
		assert_ok(mem_prog_autoload_set(prog, prog == skel->progs.on_filter));
	err = probes__load(skel);
	probes__destroy(skel);
	if (err == -EINVAL)
		test_skip("this kernel is built without BPF netfilter programs");
	sweep_all(filtering);
}
END_TEST

TEST(implementing_an_interface_fails, .timeout = 60, .slow_emulated = "reads the kernel's types hundreds of times")
{
	struct congestion *skel;
	struct mem_link *link;
	int err;

	need_bpf();
	nets_take_turn(); /* it ends with this process: each sweep takes what is open for what was there before */
	skel = assert_ptr(congestion__open());
	err = congestion__load(skel);
	if (err == -ENOENT)
		test_skip("in this kernel programs can't implement struct tcp_congestion_ops");
	assert_ok(err);
	link = mem_map_attach_struct_ops(skel->maps.libmem_cc);
	mem_link_destroy(link);
	congestion__destroy(skel);
	sweep_all(implementing);
	if (link)
		sweep_all(replacing);
}
END_TEST
