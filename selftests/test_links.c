/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be done with a link: replace what is under it, take it off its hook, pin it, open it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpffs.h"
#include "congestion_link.skel.h"
#include "control_group.h"
#include "harness.h"
#include "hooks.skel.h"
#include "links.skel.h"
#include "nets.h"

#define PIN "/sys/fs/bpf/libmem-test/link"

static struct links *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(links__open());
}

static void teardown(void)
{
	links__destroy(skel);
	skel = NULL;
	bpffs_unmount();
}

FIXTURE(setup, teardown)

static void load(struct mem_prog *one, struct mem_prog *other)
{
	assert_ok(mem_prog_autoload_set(one, 1));
	if (other)
		assert_ok(mem_prog_autoload_set(other, 1));
	assert_ok(links__load(skel));
}

static void message_has(const char *part)
{
	ck_assert_msg(strstr(mem_error_message(), part), "no '%s' in: %s", part, mem_error_message());
}

static void send_packets(void)
{
	nets_send(5);
}

/* The link is to one; then to other, to one again if it is as expected, and to none. */
static void updates_and_detaches(struct mem_link *link, const struct mem_prog *one,
				 const struct mem_prog *other, void (*trigger)(void))
{
	uint64_t seen;

	trigger();
	ck_assert(comes_to(&skel->bss->first, 1));
	ck_assert_uint_eq(skel->bss->second, 0);

	assert_err(mem_link_update(link, other, other), -EPERM);
	message_has("not the one to be replaced");
	assert_ok(mem_link_update(link, other, one));
	ck_assert(comes_to_rest(&skel->bss->first, trigger));
	ck_assert(comes_to(&skel->bss->second, 1));

	seen = skel->bss->first;
	assert_ok(mem_link_update(link, one, NULL));
	trigger();
	ck_assert(comes_to(&skel->bss->first, seen + 1));

	assert_ok(mem_link_detach(link));
	ck_assert(comes_to_rest(&skel->bss->first, trigger));
	assert_err(mem_link_update(link, other, NULL), -ENOLINK);
	message_has("detached");
	assert_ok(mem_link_detach(link));
	mem_link_destroy(link);
}

TEST(xdp_program_is_replaced)
{
	int lo = nets_own();

	load(skel->progs.xdp_first, skel->progs.xdp_second);
	updates_and_detaches(assert_ptr(mem_prog_attach_xdp(skel->progs.xdp_first, lo, 0)),
			     skel->progs.xdp_first, skel->progs.xdp_second, send_packets);
}
END_TEST

TEST(tcx_program_is_replaced)
{
	int lo = nets_own();

	need_linux(6, 6, "tcx");
	load(skel->progs.tcx_first, skel->progs.tcx_second);
	updates_and_detaches(assert_ptr(mem_prog_attach_tcx(skel->progs.tcx_first, lo, NULL)),
			     skel->progs.tcx_first, skel->progs.tcx_second, send_packets);
}
END_TEST

TEST(program_of_a_control_group_is_replaced)
{
	int fd = control_group_make();

	control_group_enter();
	nets_own();
	load(skel->progs.group_first, skel->progs.group_second);
	updates_and_detaches(assert_ptr(mem_prog_attach_cgroup(skel->progs.group_first, fd)),
			     skel->progs.group_first, skel->progs.group_second, send_packets);
	close(fd);
	control_group_leave();
	control_group_remove();
}
END_TEST

TEST(program_of_a_network_namespace_is_replaced)
{
	int fd;

	nets_own();
	load(skel->progs.lookup_first, skel->progs.lookup_second);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	updates_and_detaches(assert_ptr(mem_prog_attach_netns(skel->progs.lookup_first, fd)),
			     skel->progs.lookup_first, skel->progs.lookup_second, send_packets);
	close(fd);
}
END_TEST

TEST(update_says_what_is_wrong)
{
	int lo = nets_own();
	struct mem_link *link;

	assert_ok(mem_prog_autoload_set(skel->progs.on_call, 1));
	load(skel->progs.xdp_first, skel->progs.lookup_first);
	link = assert_ptr(mem_prog_attach_xdp(skel->progs.xdp_first, lo, 0));
	assert_err(mem_link_update(link, skel->progs.lookup_first, NULL), -EINVAL);
	message_has("'lookup_first'");
	assert_err(mem_link_update(link, skel->progs.xdp_second, NULL), -EBADF);
	assert_err(mem_link_update(link, skel->progs.xdp_first, skel->progs.xdp_second), -EBADF);
	message_has("not loaded");
	assert_err(mem_link_update_map(link, skel->maps.bss, NULL), -EINVAL);
	mem_link_destroy(link);
	link = assert_ptr(mem_prog_attach(skel->progs.on_call));
	assert_err(mem_link_update(link, skel->progs.on_call, NULL), -EINVAL);
	assert_err(mem_link_detach(link), -ENOTSUP);
	message_has("destroy");
	mem_link_destroy(link);
}
END_TEST

TEST(pinned_link_outlives_its_maker)
{
	int lo = nets_own();
	struct mem_link *link;
	struct stat status;

	bpffs_mount();
	load(skel->progs.xdp_first, skel->progs.xdp_second);
	link = assert_ptr(mem_prog_attach_xdp(skel->progs.xdp_first, lo, 0));
	assert_ok(mem_link_pin(link, PIN, 0640));
	ck_assert_int_eq(stat(PIN, &status), 0);
	ck_assert_uint_eq(status.st_mode & 07777, 0640);
	mem_link_destroy(link);
	send_packets();
	ck_assert(comes_to(&skel->bss->first, 5));
	ck_assert_ptr_null(mem_prog_attach_xdp(skel->progs.xdp_second, lo, 0));
	ck_assert_int_eq(errno, EBUSY);

	/* as a later version of the program does that takes over */
	link = assert_ptr(mem_link_open(PIN));
	ck_assert_int_gt(mem_link_fd(link), 2);
	assert_ok(mem_link_update(link, skel->progs.xdp_second, skel->progs.xdp_first));
	mem_link_destroy(link);
	send_packets();
	ck_assert(comes_to(&skel->bss->second, 5));

	assert_ok(mem_unpin(PIN));
	ck_assert_ptr_null(mem_link_open(PIN));
	ck_assert_int_eq(errno, ENOENT);
	message_has(PIN);
	assert_ok(rmdir("/sys/fs/bpf/libmem-test"));
}
END_TEST

TEST(pin_of_a_link_takes_the_place_of_an_older_one, .timeout = 90)
{
	int lo = nets_own();
	struct mem_link *link, *opened;

	bpffs_mount();
	load(skel->progs.xdp_first, skel->progs.on_call);
	link = assert_ptr(mem_prog_attach(skel->progs.on_call));
	assert_ok(mem_link_pin(link, PIN, 0));
	mem_link_destroy(link);
	link = assert_ptr(mem_prog_attach_xdp(skel->progs.xdp_first, lo, 0));
	assert_ok(mem_link_pin(link, PIN, 0));
	opened = assert_ptr(mem_link_open(PIN));
	assert_ok(mem_link_detach(opened));
	/* neither is attached; of a pin that is replaced the kernel lets go when it comes to it */
	ck_assert(comes_to_rest(&skel->bss->first, send_packets));
	mem_link_destroy(opened);
	mem_link_destroy(link);
}
END_TEST

TEST(pin_of_something_else_is_no_link)
{
	bpffs_mount();
	load(skel->progs.xdp_first, NULL);
	assert_ok(mem_map_pin(skel->maps.bss, PIN, 0));
	ck_assert_ptr_null(mem_link_open(PIN));
	ck_assert_int_eq(errno, EBADF);
	message_has("something else than a link");
	ck_assert_ptr_null(mem_link_open("/tmp"));
	ck_assert_ptr_null(mem_link_open(NULL));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

TEST(pin_outside_of_a_bpf_file_system)
{
	struct mem_link *link;

	load(skel->progs.on_call, NULL);
	link = assert_ptr(mem_prog_attach(skel->progs.on_call));
	assert_err(mem_link_pin(link, "/tmp/libmem-no-pin", 0), -EPERM);
	message_has("mount -t bpf");
	assert_err(mem_link_pin(link, NULL, 0), -EINVAL);
	assert_err(mem_link_pin(link, "", 0), -EINVAL);
	mem_link_destroy(link);
}
END_TEST

TEST(tracepoint_stays_by_its_pin)
{
	struct mem_link *link;

	bpffs_mount();
	load(skel->progs.on_tracepoint, NULL);
	link = assert_ptr(mem_prog_attach(skel->progs.on_tracepoint));
	assert_ok(mem_link_pin(link, PIN, 0));
	mem_link_destroy(link);
	skel->bss->first = 0;
	for (int i = 0; i < 10; i++)
		syscall(SYS_getppid);
	ck_assert_uint_ge(skel->bss->first, 10);
	assert_ok(mem_unpin(PIN));
}
END_TEST

TEST(runs_are_counted)
{
	struct mem_prog_stats stats = { .sz = sizeof(stats) }, before;
	union bpf_attr attr;
	struct mem_link *link;
	int enabled;

	memset(&attr, 0, sizeof(attr)); /* BPF_STATS_RUN_TIME */
	assert_err(mem_prog_stats(skel->progs.on_call, &stats), -EBADF);
	load(skel->progs.on_call, NULL);
	assert_err(mem_prog_stats(skel->progs.on_call, NULL), -EINVAL);
	enabled = (int)syscall(SYS_bpf, BPF_ENABLE_STATS, &attr, sizeof(attr));
	ck_assert_int_ge(enabled, 0);
	link = assert_ptr(mem_prog_attach(skel->progs.on_call));
	assert_ok(mem_prog_stats(skel->progs.on_call, &stats));
	before = stats;
	for (int i = 0; i < 10; i++)
		syscall(SYS_getppid);
	assert_ok(mem_prog_stats(skel->progs.on_call, &stats));
	ck_assert_uint_ge(stats.runs, before.runs + 10);
	ck_assert_uint_gt(stats.run_ns, before.run_ns);
	mem_link_destroy(link);
	close(enabled);
}
END_TEST

TEST(misses_are_counted)
{
	struct mem_prog_stats stats = { .sz = sizeof(stats) };
	struct mem_link *link;

	need_linux(6, 12, "printing without a lock that a program of its tracepoint would wait for");
	load(skel->progs.on_print, skel->progs.print);
	link = assert_ptr(mem_prog_attach(skel->progs.on_print));
	assert_ok(mem_prog_stats(skel->progs.on_print, &stats));
	ck_assert_uint_eq(stats.misses, 0);
	assert_ok(mem_prog_run(skel->progs.print, NULL));
	assert_ok(mem_prog_stats(skel->progs.on_print, &stats));
	ck_assert_uint_ge(stats.misses, 1);
	mem_link_destroy(link);
}
END_TEST

static void sees_cookie(struct mem_prog *prog)
{
	struct mem_link *link;

	load(prog, NULL);
	mem_prog_cookie_set(prog, 0x1234567890);
	link = assert_ptr(mem_prog_attach(prog));
	syscall(SYS_getppid);
	ck_assert_uint_eq(skel->bss->cookie, 0x1234567890);
	mem_link_destroy(link);
	mem_prog_cookie_set(prog, 0);
	link = assert_ptr(mem_prog_attach(prog));
	syscall(SYS_getppid);
	ck_assert_uint_eq(skel->bss->cookie, 0);
	mem_link_destroy(link);
}

TEST(tracepoint_knows_its_cookie)
{
	sees_cookie(skel->progs.cookie_of_tracepoint);
}
END_TEST

TEST(raw_tracepoint_knows_its_cookie)
{
	need_linux(6, 11, "cookies of raw tracepoints");
	sees_cookie(skel->progs.cookie_of_raw_tracepoint);
}
END_TEST

TEST(typed_tracepoint_knows_its_cookie)
{
	need_linux(6, 11, "cookies of raw tracepoints");
	sees_cookie(skel->progs.cookie_of_typed_tracepoint);
}
END_TEST

TEST(perf_event_knows_its_cookie)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 100000 };
	volatile unsigned long long *seen;
	struct mem_link *link;
	int event;

	load(skel->progs.cookie_of_event, NULL);
	seen = (volatile unsigned long long *)&skel->bss->cookie;
	event = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	ck_assert_int_ge(event, 0);
	mem_prog_cookie_set(skel->progs.cookie_of_event, 77);
	link = assert_ptr(mem_prog_attach_perf_event(skel->progs.cookie_of_event, event));
	close(event);
	for (volatile uint32_t i = 0; i < 1u << 28 && !*seen; i++)
		;
	ck_assert_uint_eq(*seen, 77);
	mem_link_destroy(link);
}
END_TEST

TEST(old_kernel_has_no_cookies_for_raw_tracepoints)
{
	load(skel->progs.on_call, NULL);
	mem_prog_cookie_set(skel->progs.on_call, 1);
	skel->links.on_call = mem_prog_attach(skel->progs.on_call);
	if (linux_version() >= 6011) {
		assert_ptr(skel->links.on_call);
	} else {
		ck_assert_ptr_null(skel->links.on_call);
		ck_assert_int_eq(errno, ENOTSUP);
		message_has("6.11");
	}
}
END_TEST

TEST(pinned_iterator_is_a_file)
{
	struct hooks *walk = assert_ptr(hooks__open());
	struct mem_prog *prog = NULL;
	struct mem_link *link;
	char text[64];
	int fd;

	bpffs_mount();
	while ((prog = mem_object_next_prog(walk->obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, prog == walk->progs.dump_tasks));
	assert_ok(hooks__load(walk));
	link = assert_ptr(mem_prog_attach(walk->progs.dump_tasks));
	assert_ok(mem_link_pin(link, PIN, 0));
	mem_link_destroy(link);
	fd = open(PIN, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(read(fd, text, sizeof(text)), 5);
	ck_assert_mem_eq(text, "task\n", 5);
	close(fd);
	link = assert_ptr(mem_link_open(PIN));
	fd = mem_iter_create(link);
	assert_ok(fd);
	ck_assert_int_ge(read(fd, text, sizeof(text)), 5);
	close(fd);
	mem_link_destroy(link);
	hooks__destroy(walk);
}
END_TEST

/* Open and close a connection with this congestion control. */
static void connect_with(const char *congestion)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(server, 1), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &len), 0);
	ck_assert_int_eq(setsockopt(client, IPPROTO_TCP, TCP_CONGESTION, congestion,
				    (socklen_t)strlen(congestion)), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	close(client);
	close(server);
}

TEST(implementation_of_an_interface_is_replaced)
{
	struct congestion_link *one = assert_ptr(congestion_link__open());
	struct congestion_link *other = assert_ptr(congestion_link__open());
	struct mem_link *link;
	int turn;

	need_linux(6, 4, "links to struct_ops maps");
	turn = nets_take_turn();
	if (congestion_link__load(one) == -ENOENT)
		test_skip("in this kernel programs can't implement struct tcp_congestion_ops");
	assert_ok(congestion_link__load(other));
	link = mem_map_attach_struct_ops(one->maps.updated_cc);
	if (!link && (errno == EPERM || errno == ENOTSUP))
		test_skip("this kernel refuses struct_ops programs");
	assert_ptr(link);
	nets_own();
	connect_with("libmem_updated");
	ck_assert_uint_ge(one->bss->inits, 1);

	assert_err(mem_link_update_map(link, other->maps.updated_cc, other->maps.updated_cc), -EPERM);
	message_has("not the one to be replaced");
	assert_ok(mem_link_update_map(link, other->maps.updated_cc, one->maps.updated_cc));
	one->bss->inits = 0;
	connect_with("libmem_updated");
	ck_assert_uint_eq(one->bss->inits, 0);
	ck_assert_uint_ge(other->bss->inits, 1);
	mem_link_destroy(link);
	congestion_link__destroy(other);
	congestion_link__destroy(one);
	close(turn);
}
END_TEST
