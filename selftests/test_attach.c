/* SPDX-License-Identifier: BSD-2-Clause */
/* Each way of attaching, with events that the test causes itself. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "hooks.skel.h"
#include "nets.h"
#include "placeless.skel.h"

static struct hooks *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(hooks__open());
}

static void teardown(void)
{
	hooks__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static void call_getppid(int times)
{
	while (times--)
		syscall(SYS_getppid);
}

static void call_ten_times(void)
{
	call_getppid(10);
}

TEST(tracepoint_by_section)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_short_name);
	link = assert_ptr(mem_prog_attach(skel->progs.on_short_name));
	ck_assert_int_gt(mem_link_fd(link), 2);
	call_getppid(10);
	ck_assert_uint_ge(skel->bss->tracepoints, 10);
	mem_link_destroy(link);
}
END_TEST

TEST(tracepoint_of_one_system_call_counts_exactly)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_tracepoint);
	link = mem_prog_attach(skel->progs.on_tracepoint);
	if (!link && errno == ENOENT)
		test_skip("this kernel has no tracepoints per system call");
	assert_ptr(link);
	skel->bss->tracepoints = 0;
	call_getppid(10);
	ck_assert_uint_ge(skel->bss->tracepoints, 10);
	mem_link_destroy(link);
}
END_TEST

TEST(tracepoint_that_is_not_there)
{
	load_only(skel->obj, skel->progs.on_short_name);
	ck_assert_ptr_null(mem_prog_attach_tracepoint(skel->progs.on_short_name, "sched", "nope"));
	ck_assert_int_eq(errno, ENOENT);
	assert_says("sched/nope");
	ck_assert_ptr_nonnull(strstr(mem_object_error(skel->obj), "sched/nope"));
}
END_TEST

TEST(raw_tracepoint_by_section_and_by_name, .timeout = 90)
{
	struct mem_link *link;
	uint64_t seen;

	load_only(skel->obj, skel->progs.on_raw_tracepoint);
	link = assert_ptr(mem_prog_attach(skel->progs.on_raw_tracepoint));
	call_getppid(10);
	mem_link_destroy(link);
	seen = skel->bss->raw_tracepoints;
	ck_assert_uint_ge(seen, 10);
	ck_assert(comes_to_rest(&skel->bss->raw_tracepoints, call_ten_times));
	seen = skel->bss->raw_tracepoints;
	link = assert_ptr(mem_prog_attach_raw_tracepoint(skel->progs.on_raw_tracepoint, "sys_enter"));
	call_getppid(10);
	ck_assert_uint_ge(skel->bss->raw_tracepoints, seen + 10);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_raw_tracepoint(skel->progs.on_raw_tracepoint, "nope"));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TEST(section_that_does_not_say_where)
{
	load_only(skel->obj, skel->progs.on_any_raw_tracepoint);
	ck_assert_ptr_null(mem_prog_attach(skel->progs.on_any_raw_tracepoint));
	ck_assert_int_eq(errno, ENOTSUP);
	assert_says("mem_prog_attach_raw_tracepoint()");
	/* for the skeleton that is no error: the application attaches it */
	assert_ok(hooks__attach(skel));
	ck_assert_ptr_null(skel->links.on_any_raw_tracepoint);
}
END_TEST

/* The message when the program of this name is loaded and attached by its section; errno must be err. */
static const char *refusal(const char *name, int err)
{
	struct placeless *placeless = assert_ptr(placeless__open());
	const struct mem_prog *prog = assert_ptr(mem_object_find_prog(placeless->obj, name));

	load_only(placeless->obj, prog);
	ck_assert_msg(!mem_prog_attach(prog), "%s is attached", name);
	ck_assert_msg(errno == err, "%s: errno %d: %s", name, errno, mem_error_message());
	ck_assert_msg(strstr(mem_error_message(), name) != NULL, "not named: %s", mem_error_message());
	placeless__destroy(placeless);
	return mem_error_message();
}

TEST(the_call_that_says_where_is_named)
{
	static const char *const calls[][2] = {
		{"on_tracepoint", "use mem_prog_attach_tracepoint()"},
		{"on_xdp", "use mem_prog_attach_xdp()"},
		{"on_packet", "use mem_prog_attach_tcx()"},
		{"on_event", "use mem_prog_attach_perf_event()"},
		{"on_function", "use mem_prog_attach_kprobe(), _uprobe()"},
		{"on_cgroup", "use mem_prog_attach_cgroup()"},
		{"on_lookup", "use mem_prog_attach_netns()"},
		{"on_run", "use mem_prog_run()"},
		{"on_message", "use mem_prog_attach_sockmap()"},
		{"on_socket", "use setsockopt(SO_ATTACH_BPF) with mem_prog_fd()"},
		{"on_choice", "use setsockopt(SO_ATTACH_REUSEPORT_EBPF) with mem_prog_fd()"},
		{"on_tunnel", "use bpf(2) with mem_prog_fd()"},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const char *message = refusal(calls[i][0], ENOTSUP);

		ck_assert_msg(strstr(message, calls[i][1]) != NULL, "%s: %s", calls[i][0], message);
	}
}
END_TEST

TEST(places_that_make_no_sense_are_quoted)
{
	static const char *const places[][2] = {
		{"bad_offset", "'a_function+x' is no place for a probe: write FUNCTION or FUNCTION+OFFSET"},
		{"no_function", "'+8' is no place for a probe: write FUNCTION or FUNCTION+OFFSET"},
		{"no_binary", "'no_function' is no place for a probe: write BINARY:FUNCTION"},
		{"bad_place", "'binary:0x' is no place for a probe: write BINARY:FUNCTION"},
		{"empty_binary", "':function' is no place for a probe: write BINARY:FUNCTION"},
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *message = refusal(places[i][0], EINVAL);

		ck_assert_msg(strstr(message, places[i][1]) != NULL, "%s: %s", places[i][0], message);
	}
}
END_TEST

TEST(typed_tracepoint)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_btf_tracepoint);
	link = assert_ptr(mem_prog_attach(skel->progs.on_btf_tracepoint));
	call_getppid(10);
	ck_assert_uint_ge(skel->bss->btf_tracepoints, 10);
	mem_link_destroy(link);
}
END_TEST

TEST(perf_event_keeps_its_own_descriptor)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 100000, /* ns */
	};
	struct mem_link *link;
	int event;

	load_only(skel->obj, skel->progs.on_event);
	event = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	ck_assert_int_ge(event, 0);
	link = assert_ptr(mem_prog_attach_perf_event(skel->progs.on_event, event));
	close(event);
	for (volatile uint32_t i = 0; i < 1u << 28 && !*(volatile unsigned long long *)&skel->bss->events;
	     i++)
		;
	ck_assert_uint_gt(skel->bss->events, 0);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_perf_event(skel->progs.on_event, -1));
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

TEST(xdp_on_an_interface)
{
	struct mem_link *link;
	int lo = nets_own();

	load_only(skel->obj, skel->progs.on_xdp);
	link = assert_ptr(mem_prog_attach_xdp(skel->progs.on_xdp, lo, 0));
	nets_send(5);
	ck_assert(comes_to(&skel->bss->packets_xdp, 5));
	ck_assert_ptr_null(mem_prog_attach_xdp(skel->progs.on_xdp, lo, 0));
	ck_assert_int_eq(errno, EBUSY);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_xdp(skel->progs.on_xdp, 99999, 0));
	ck_assert_int_eq(errno, ENODEV);
}
END_TEST

TEST(tcx_in_both_directions)
{
	struct mem_tcx_opts opts = { .sz = sizeof(opts), .attach_type = 47 /* egress */ };
	struct mem_link *in, *out;
	int lo = nets_own();

	assert_ok(mem_prog_autoload_set(skel->progs.on_btf_tracepoint, 0));
	assert_ok(hooks__load(skel));
	if (linux_version() < 6006) {
		ck_assert_ptr_null(mem_prog_attach_tcx(skel->progs.on_tc, lo, &opts));
		ck_assert_int_eq(errno, ENOTSUP);
		assert_says("6.6");
		return;
	}
	in = assert_ptr(mem_prog_attach_tcx(skel->progs.on_ingress, lo, NULL));
	ck_assert_ptr_null(mem_prog_attach_tcx(skel->progs.on_tc, lo, NULL));
	ck_assert_int_eq(errno, EINVAL);
	out = assert_ptr(mem_prog_attach_tcx(skel->progs.on_tc, lo, &opts));
	nets_send(5);
	ck_assert(comes_to(&skel->bss->packets_in, 5));
	ck_assert(comes_to(&skel->bss->packets_out, 5));
	mem_link_destroy(out);
	mem_link_destroy(in);
}
END_TEST

TEST(iterator_is_read)
{
	struct mem_link *link;
	char text[256];
	ssize_t size;
	int fd;

	load_only(skel->obj, skel->progs.dump_tasks);
	link = assert_ptr(mem_prog_attach(skel->progs.dump_tasks));
	fd = mem_iter_create(link);
	assert_ok(fd);
	size = read(fd, text, sizeof(text) - 1);
	ck_assert_int_ge(size, 5);
	ck_assert_mem_eq(text, "task\n", 5);
	close(fd);
	mem_link_destroy(link);
}
END_TEST

TEST(iterator_over_a_map_is_told_which)
{
	union bpf_iter_link_info info = {};
	struct mem_iter_opts opts = { .sz = sizeof(opts), .link_info = &info, .link_info_size = sizeof(info) };
	struct mem_link *link;
	char text[8];
	int fd;

	load_only(skel->obj, skel->progs.dump_elements);
	ck_assert_ptr_null(mem_prog_attach(skel->progs.dump_elements));
	ck_assert_int_eq(errno, EBADF);
	ck_assert_ptr_nonnull(strstr(mem_error_message(), "'dump_elements': the iterator walks one map: "));
	ck_assert_ptr_nonnull(strstr(mem_error_message(), "mem_iter_opts"));
	info.map.map_fd = (uint32_t)mem_map_fd(skel->maps.bss);
	link = assert_ptr(mem_prog_attach_iter(skel->progs.dump_elements, &opts));
	fd = mem_iter_create(link);
	assert_ok(fd);
	ck_assert_int_eq(read(fd, text, sizeof(text)), 8);
	ck_assert_mem_eq(text, "element\n", 8);
	close(fd);
	mem_link_destroy(link);
}
END_TEST

/* A program with the capabilities for BPF, started by a user who may not look into tracefs. */
TEST(tracefs_that_is_for_root_only)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	uint32_t caps = CAP_TO_MASK(CAP_BPF) | CAP_TO_MASK(CAP_PERFMON);
	struct __user_cap_data_struct sets[2] = { [1] = { caps, caps, 0 } };
	bool mounted = !access("/sys/kernel/tracing/events", F_OK);
	struct stat root;

	ck_assert_int_eq(stat("/sys/kernel/tracing", &root), 0);
	if (mounted && root.st_mode & S_IXOTH)
		test_skip("everybody may look into tracefs here");
	load_only(skel->obj, skel->progs.on_short_name);
	ck_assert_int_eq(prctl(PR_SET_KEEPCAPS, 1), 0);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
	ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
	ck_assert_ptr_null(mem_prog_attach(skel->progs.on_short_name));
	ck_assert_ptr_nonnull(strstr(mem_error_message(), mounted ? "CAP_DAC_READ_SEARCH" : "tracefs is not mounted"));
}
END_TEST

TEST(only_an_iterator_can_be_walked)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_raw_tracepoint);
	link = assert_ptr(mem_prog_attach(skel->progs.on_raw_tracepoint));
	assert_err(mem_iter_create(link), -EINVAL);
	mem_link_destroy(link);
}
END_TEST

static struct mem_link *attach_with(int call, const void *opts)
{
	const struct mem_prog *prog = skel->progs.on_tracepoint;

	switch (call) {
	case 0:
		return mem_prog_attach_kprobe(prog, "f", opts);
	case 1:
		return mem_prog_attach_uprobe(prog, 0, "libc.so.6", "f", opts);
	case 2:
		return mem_prog_attach_kprobe_multi(prog, "f*", opts);
	case 3:
		return mem_prog_attach_uprobe_multi(prog, 0, "libc.so.6", "f*", opts);
	case 4:
		return mem_prog_attach_trace_multi(prog, "f*", opts);
	case 5:
		return mem_prog_attach_tcx(prog, 1, opts);
	case 6:
		return mem_prog_attach_netfilter(prog, opts);
	default:
		return mem_prog_attach_iter(prog, opts);
	}
}

/* Before anything else is looked at, so that it does not matter what is attached to where. */
TEST(options_of_another_version)
{
	struct {
		size_t sz;
		char members[200]; /* more than any of them has */
	} opts = {0};

	for (int call = 0; call < 8; call++) {
		opts.sz = 0;
		opts.members[sizeof(opts.members) - 1] = 0;
		ck_assert_ptr_null(attach_with(call, &opts));
		ck_assert_int_eq(errno, EINVAL);
		assert_says("sz is 0; set it to sizeof(struct mem_");
		ck_assert_str_eq(mem_object_error(skel->obj), mem_error_message());
		opts.sz = sizeof(opts);
		opts.members[sizeof(opts.members) - 1] = 1;
		ck_assert_ptr_null(attach_with(call, &opts));
		ck_assert_int_eq(errno, ENOTSUP);
		assert_says("needs a newer libmem than");
		opts.members[sizeof(opts.members) - 1] = 0;
		ck_assert_ptr_null(attach_with(call, &opts)); /* what is 0 is the default, known or not */
		ck_assert_int_eq(errno, EBADF);
		assert_says("it is not loaded");
	}
}
END_TEST

TEST(links_of_the_application_are_kept)
{
	struct mem_link *own;

	load_only(skel->obj, skel->progs.on_raw_tracepoint);
	own = assert_ptr(mem_prog_attach(skel->progs.on_raw_tracepoint));
	skel->links.on_raw_tracepoint = own;
	assert_ok(hooks__attach(skel));
	ck_assert_ptr_eq(skel->links.on_raw_tracepoint, own);
}
END_TEST

TEST(programs_may_be_left_to_the_application)
{
	struct mem_prog *prog = skel->progs.on_btf_tracepoint;

	ck_assert_str_eq(mem_prog_section(prog), "tp_btf/sys_enter");
	load_only(skel->obj, prog);
	mem_prog_autoattach_set(prog, 0);
	assert_ok(hooks__attach(skel));
	ck_assert_ptr_null(skel->links.on_btf_tracepoint);
	mem_prog_autoattach_set(prog, 1);
	assert_ok(hooks__attach(skel));
	ck_assert_ptr_nonnull(skel->links.on_btf_tracepoint);
}
END_TEST
