/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to functions of programs and of the kernel, and to hooks of the network. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/netfilter.h> /* after netinet/in.h, or they clash */
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_group.h"
#include "harness.h"
#include "nets.h"
#include "probes.skel.h"

#define DEVICES "/sys/bus/event_source/devices/"

static struct probes *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(probes__open());
}

static void teardown(void)
{
	probes__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

/* The C library's function, which the compiler must not leave out. */
static void call_getppid(int times)
{
	pid_t (*volatile call)(void) = getppid;

	while (times--)
		call();
}

/* A system call that has an argument: the kernel's types and lists of functions lack the others. */
static void call_getpgid(int times)
{
	while (times--)
		getpgid(0);
}

static void need_kprobes(void)
{
	if (access(DEVICES "kprobe/type", R_OK))
		test_skip("this kernel is built without kprobes");
}

static void call_some(void)
{
	call_getppid(5);
}

TEST(function_of_a_library_by_section, .timeout = 90)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_uprobe);
	link = assert_ptr(mem_prog_attach(skel->progs.on_uprobe));
	call_getppid(5);
	ck_assert_uint_ge(skel->bss->uprobes, 5); /* other processes call it too */
	mem_link_destroy(link);
	ck_assert(comes_to_rest(&skel->bss->uprobes, call_some));
}
END_TEST

TEST(function_of_one_process_with_a_cookie)
{
	struct mem_probe_opts opts = { .sz = sizeof(opts), .cookie = 0x1234567890 };
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_uprobe);
	link = assert_ptr(mem_prog_attach_uprobe(skel->progs.on_uprobe, getpid(), "libc.so.6",
						 "getppid", &opts));
	call_getppid(3);
	ck_assert_uint_eq(skel->bss->uprobes, 3);
	ck_assert_uint_eq(skel->bss->cookie, 0x1234567890);
	mem_link_destroy(link);
}
END_TEST

TEST(return_of_a_function)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_uretprobe);
	link = assert_ptr(mem_prog_attach(skel->progs.on_uretprobe));
	call_getppid(4);
	ck_assert_uint_ge(skel->bss->uretprobes, 4);
	mem_link_destroy(link);
}
END_TEST

TEST(functions_by_pattern)
{
	struct mem_link *link;

	need_linux(6, 6, "uprobe.multi");
	load_only(skel->obj, skel->progs.on_uprobe_multi);
	link = assert_ptr(mem_prog_attach(skel->progs.on_uprobe_multi));
	call_getppid(6);
	ck_assert_uint_ge(skel->bss->multi_uprobes, 6);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_uprobe_multi(skel->progs.on_uprobe_multi, -1, "libc.so.6",
							"libmem_no_*", NULL));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TEST(places_that_are_not_there)
{
	const struct mem_prog *prog = skel->progs.on_uprobe;

	load_only(skel->obj, prog);
	ck_assert_ptr_null(mem_prog_attach_uprobe(prog, -1, "libmem-none.so", "x", NULL));
	ck_assert_int_eq(errno, ENOENT);
	assert_says("libmem-none.so");
	ck_assert_ptr_null(mem_prog_attach_uprobe(prog, -1, "libc.so.6", "libmem_none", NULL));
	ck_assert_int_eq(errno, ENOENT);
	assert_says("libmem_none");
	ck_assert_ptr_null(mem_prog_attach_uprobe(prog, -1, "/proc/self/status", "x", NULL));
	ck_assert_ptr_null(mem_prog_attach_uprobe(prog, -1, "/dev/null", "x", NULL));
}
END_TEST

TEST(kernel_function_and_its_return)
{
	struct mem_link *enter, *leave;

	need_kprobes();
	assert_ok(probes__load(skel));
	enter = assert_ptr(mem_prog_attach(skel->progs.on_kprobe));
	leave = assert_ptr(mem_prog_attach(skel->progs.on_kretprobe));
	call_getpgid(5);
	ck_assert_uint_ge(skel->bss->kprobes, 5);
	ck_assert_uint_ge(skel->bss->kretprobes, 5);
	mem_link_destroy(leave);
	mem_link_destroy(enter);
	ck_assert_ptr_null(mem_prog_attach_kprobe(skel->progs.on_kprobe, "libmem_none", NULL));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TEST(system_call_by_name)
{
	struct mem_link *link;

	need_kprobes();
	load_only(skel->obj, skel->progs.on_ksyscall);
	link = assert_ptr(mem_prog_attach(skel->progs.on_ksyscall));
	call_getpgid(5);
	ck_assert_uint_ge(skel->bss->syscalls, 5);
	mem_link_destroy(link);
}
END_TEST

TEST(kernel_functions_by_pattern)
{
	struct mem_link *link;

	need_kprobes();
	load_only(skel->obj, skel->progs.on_kprobe_multi);
	link = mem_prog_attach(skel->progs.on_kprobe_multi);
	if (!link && errno == ENOTSUP && strstr(mem_error_message(), "CONFIG_FPROBE"))
		test_skip("this kernel is built without fprobes");
	assert_ptr(link);
	call_getpgid(5);
	ck_assert_uint_ge(skel->bss->multi_kprobes, 5);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_kprobe_multi(skel->progs.on_kprobe_multi, "libmem_no*", NULL));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TEST(kernel_without_kprobes_says_so)
{
	if (!access(DEVICES "kprobe/type", R_OK))
		return; /* tested above */
	load_only(skel->obj, skel->progs.on_kprobe);
	ck_assert_ptr_null(mem_prog_attach(skel->progs.on_kprobe));
	ck_assert_int_eq(errno, ENOTSUP);
	assert_says("no kprobes");
}
END_TEST

TEST(entry_of_a_kernel_function)
{
	struct mem_link *link;

	need_kprobes(); /* kernels without have no ftrace either, on which this rests */
	load_only(skel->obj, skel->progs.on_fentry);
	link = assert_ptr(mem_prog_attach(skel->progs.on_fentry));
	call_getpgid(5);
	ck_assert_uint_ge(skel->bss->entries, 5);
	mem_link_destroy(link);
}
END_TEST

TEST(control_group)
{
	struct mem_link *link;
	int fd;

	nets_own();
	fd = control_group_root();
	load_only(skel->obj, skel->progs.on_egress);
	link = assert_ptr(mem_prog_attach_cgroup(skel->progs.on_egress, fd));
	close(fd);
	nets_send(5);
	ck_assert_uint_ge(skel->bss->egress, 5);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_cgroup(skel->progs.on_egress, -1));
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

TEST(network_namespace)
{
	struct mem_link *link;
	int fd;

	nets_own();
	load_only(skel->obj, skel->progs.on_lookup);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	link = assert_ptr(mem_prog_attach_netns(skel->progs.on_lookup, fd));
	close(fd);
	nets_send(5);
	ck_assert(comes_to(&skel->bss->lookups, 1));
	mem_link_destroy(link);
}
END_TEST

TEST(netfilter_hook)
{
	struct mem_netfilter_opts opts = { .sz = sizeof(opts), .family = NFPROTO_IPV4,
					   .hook = NF_INET_LOCAL_OUT, .priority = 100 };
	struct mem_link *link;

	need_linux(6, 4, "BPF netfilter programs");
	nets_own();
	for (struct mem_prog *prog = NULL; (prog = mem_object_next_prog(skel->obj, prog));)
		assert_ok(mem_prog_autoload_set(prog, prog == skel->progs.on_filter));
	if (probes__load(skel) == -EINVAL)
		test_skip("this kernel is built without BPF netfilter programs");
	link = assert_ptr(mem_prog_attach_netfilter(skel->progs.on_filter, &opts));
	nets_send(5);
	ck_assert(comes_to(&skel->bss->filtered, 5));
	mem_link_destroy(link);
	opts.hook = 77;
	ck_assert_ptr_null(mem_prog_attach_netfilter(skel->progs.on_filter, &opts));
}
END_TEST
