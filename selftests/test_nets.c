/* SPDX-License-Identifier: BSD-2-Clause */
/* Attaching to sockets in a map, and to netkit devices. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "nets.h"
#include "nets.skel.h"

static struct nets *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(nets__open());
}

static void teardown(void)
{
	nets__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

/* Five messages through a connection, one end of which is in the map. */
static void exchange(int in_map)
{
	int sockets[2];
	char byte;

	nets_own();
	nets_connect(sockets);
	assert_ok(mem_map_update(skel->maps.sockets, &(uint32_t){0}, &(uint64_t){(uint64_t)sockets[in_map]},
				 0));
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(send(sockets[0], "x", 1, 0), 1);
		ck_assert_int_eq(recv(sockets[1], &byte, 1, 0), 1);
		ck_assert_int_eq(byte, 'x');
	}
	close(sockets[0]);
	close(sockets[1]);
}

/* The link, where the kernel has such links. */
static struct mem_link *attach(const struct mem_prog *prog)
{
	struct mem_link *link = mem_prog_attach_sockmap(prog, skel->maps.sockets);

	if (linux_version() >= 6010)
		return assert_ptr(link);
	ck_assert_ptr_null(link);
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_ptr_nonnull(strstr(mem_error_message(), "6.10"));
	return NULL;
}

TEST(messages_of_sockets_in_a_map)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_message);
	link = attach(skel->progs.on_message);
	if (!link)
		return;
	exchange(0);
	ck_assert_uint_eq(skel->bss->messages, 5);
	mem_link_destroy(link);
	exchange(0);
	ck_assert_uint_eq(skel->bss->messages, 5);
	ck_assert_ptr_null(mem_prog_attach_sockmap(skel->progs.on_message, skel->maps.bss));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

TEST(what_sockets_in_a_map_receive)
{
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_stream);
	link = attach(skel->progs.on_stream);
	if (!link)
		return;
	exchange(1);
	ck_assert_uint_ge(skel->bss->streams, 1); /* segments may be joined */
	mem_link_destroy(link);
}
END_TEST

TEST(netkit_device)
{
	struct mem_link *link;
	int ifindex, lo;

	need_linux(6, 7, "netkit");
	load_only(skel->obj, skel->progs.on_netkit);
	lo = nets_own();
	ck_assert_ptr_null(mem_prog_attach_netkit(skel->progs.on_netkit, lo, NULL));
	ck_assert_ptr_nonnull(strstr(mem_error_message(), "on_netkit"));
	ifindex = nets_netkit();
	if (ifindex == -EOPNOTSUPP)
		test_skip("this kernel is built without netkit devices");
	assert_ok(ifindex);
	link = assert_ptr(mem_prog_attach_netkit(skel->progs.on_netkit, ifindex, NULL));
	/* those that come before the devices are ready get lost */
	for (int i = 0; i < 500 && skel->bss->packets < 5; i++) {
		nets_send_netkit(1);
		usleep(10000);
	}
	ck_assert_uint_ge(skel->bss->packets, 5);
	mem_link_destroy(link);
}
END_TEST
