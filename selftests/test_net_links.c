/* SPDX-License-Identifier: BSD-2-Clause */
/* Links to sockets in a map, to netkit devices and to the flow dissector. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "net_links.skel.h"
#include "nets.h"

static struct net_links *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(net_links__open());
}

static void teardown(void)
{
	net_links__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static void load(struct mem_prog *one, struct mem_prog *other)
{
	assert_ok(mem_prog_autoload_set(one, 1));
	if (other)
		assert_ok(mem_prog_autoload_set(other, 1));
	assert_ok(net_links__load(skel));
}

/* The messages of the sockets in a map go through a program. */
static void filter_messages(const struct mem_map *map)
{
	uint32_t key = 0;
	uint64_t socket;
	struct mem_link *link;
	int pair[2];
	char byte;

	nets_own();
	load(skel->progs.on_message, NULL);
	link = mem_prog_attach_sockmap(skel->progs.on_message, map);
	if (linux_version() < 6010) {
		ck_assert_ptr_null(link);
		ck_assert_int_eq(errno, ENOTSUP);
		assert_says("6.10");
		return;
	}
	assert_ptr(link);
	nets_connect(pair);
	socket = (uint64_t)pair[0];
	assert_ok(mem_map_update(map, &key, &socket, 0));
	ck_assert_int_eq(write(pair[0], "x", 1), 1);
	ck_assert_int_eq(read(pair[1], &byte, 1), 1);
	ck_assert_uint_eq(skel->bss->messages, 1);
	skel->bss->drop = 1;
	ck_assert_int_eq(write(pair[0], "x", 1), -1);
	ck_assert_int_eq(errno, EACCES);
	ck_assert_uint_eq(skel->bss->messages, 2);
	close(pair[0]);
	close(pair[1]);
	mem_link_destroy(link);
}

TEST(messages_of_the_sockets_in_a_map)
{
	filter_messages(skel->maps.sockets);
}
END_TEST

TEST(messages_of_the_sockets_in_a_hash)
{
	filter_messages(skel->maps.sockets_by_key);
}
END_TEST

TEST(segments_for_the_sockets_in_a_map)
{
	uint32_t key = 0;
	uint64_t socket;
	struct mem_link *link;
	int pair[2];
	char byte;

	need_linux(6, 10, "links to socket maps");
	nets_own();
	load(skel->progs.on_segment, NULL);
	link = assert_ptr(mem_prog_attach_sockmap(skel->progs.on_segment, skel->maps.sockets));
	nets_connect(pair);
	socket = (uint64_t)pair[1];
	assert_ok(mem_map_update(skel->maps.sockets, &key, &socket, 0));
	ck_assert_int_eq(write(pair[0], "x", 1), 1);
	ck_assert_int_eq(read(pair[1], &byte, 1), 1);
	ck_assert_uint_ge(skel->bss->segments, 1);
	close(pair[0]);
	close(pair[1]);
	mem_link_destroy(link);
	ck_assert_ptr_null(mem_prog_attach_sockmap(skel->progs.on_segment, skel->maps.bss));
}
END_TEST

/* Sections that don't say where: what attaches the program is in the message. */
static void says_how(const struct mem_prog *prog, const char *call)
{
	ck_assert_ptr_null(mem_prog_attach(prog));
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_msg(strstr(mem_error_message(), call), "no %s in: %s", call, mem_error_message());
}

TEST(filter_of_a_socket)
{
	int pair[2], fd;
	char byte;

	load(skel->progs.on_packet, skel->progs.on_message);
	says_how(skel->progs.on_message, "mem_prog_attach_sockmap()");
	says_how(skel->progs.on_packet, "setsockopt(SO_ATTACH_BPF)");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	fd = mem_prog_fd(skel->progs.on_packet);
	ck_assert_int_eq(setsockopt(pair[1], SOL_SOCKET, SO_ATTACH_BPF, &fd, sizeof(fd)), 0);
	ck_assert_int_eq(write(pair[0], "x", 1), 1);
	ck_assert_int_eq(read(pair[1], &byte, 1), 1);
	skel->bss->drop = 1;
	ck_assert_int_eq(write(pair[0], "x", 1), 1);
	ck_assert_int_eq(recv(pair[1], &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_uint_eq(skel->bss->filtered, 2);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* Packets may be on their way yet. */
static void wait_for(const unsigned long long *count)
{
	for (int i = 0; i < 6000 && !__atomic_load_n(count, __ATOMIC_RELAXED); i++)
		usleep(5000);
	ck_assert_uint_ge(*count, 1);
}

TEST(netkit_devices)
{
	struct mem_link *primary, *peer;
	int err;

	need_linux(6, 7, "netkit");
	nets_own();
	err = nets_netkit("libmem0");
	if (err == -ENOTSUP)
		test_skip("this kernel is built without netkit");
	ck_assert_int_eq(err, 0);
	load(skel->progs.on_primary, skel->progs.on_peer);
	primary = assert_ptr(mem_prog_attach_netkit(skel->progs.on_primary,
						    (int)if_nametoindex("libmem0"), NULL));
	peer = assert_ptr(mem_prog_attach_netkit(skel->progs.on_peer,
						 (int)if_nametoindex("libmem0"), NULL));
	nets_set_up("nk0", "10.9.9.2");
	nets_set_up("libmem0", "172.16.1.1");
	nets_send_to("172.16.1.7", 1);
	wait_for(&skel->bss->primaries);
	nets_send_to("10.9.9.7", 1);
	wait_for(&skel->bss->peers);
	assert_ok(mem_link_update(primary, skel->progs.on_primary, skel->progs.on_primary));
	mem_link_destroy(peer);
	mem_link_destroy(primary);
	ck_assert_ptr_null(mem_prog_attach_netkit(skel->progs.on_primary, (int)if_nametoindex("lo"),
						  NULL));
}
END_TEST

/* A socket that packets are handed to by the hash of their flow, which takes dissecting them; -1: no such sockets. */
static int socket_by_flow(int ifindex)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP), .sll_ifindex = ifindex,
	};
	const int fanout = 7 | PACKET_FANOUT_HASH << 16;
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_IP));

	if (sock < 0)
		return -1;
	ck_assert_int_eq(bind(sock, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(sock, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof(fanout)), 0);
	return sock;
}

TEST(flow_dissector_of_a_network_namespace)
{
	int fd, lo = nets_own(), sock = socket_by_flow(lo);
	struct mem_link *link, *again;

	load(skel->progs.on_flow, skel->progs.other_on_flow);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	link = assert_ptr(mem_prog_attach_netns(skel->progs.on_flow, fd));
	ck_assert_ptr_null(mem_prog_attach_netns(skel->progs.other_on_flow, fd)); /* one at a time */
	nets_send(3);
	if (sock >= 0) {
		wait_for(&skel->bss->flows);
		ck_assert_uint_eq(skel->bss->flow_protocol, htons(ETH_P_IP));
	}
	assert_ok(mem_link_update(link, skel->progs.other_on_flow, skel->progs.on_flow));
	nets_send(3);
	if (sock >= 0)
		wait_for(&skel->bss->other_flows);
	assert_ok(mem_link_detach(link));
	again = assert_ptr(mem_prog_attach_netns(skel->progs.on_flow, fd));
	mem_link_destroy(again);
	mem_link_destroy(link);
	close(sock);
	close(fd);
}
END_TEST
