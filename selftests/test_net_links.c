/* SPDX-License-Identifier: BSD-2-Clause */
/* Links to sockets in a map, to netkit devices and to the flow dissector. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "net_links.skel.h"

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

static void set_up(const char *name, const char *address)
{
	struct ifreq request = { .ifr_flags = IFF_UP };
	struct sockaddr_in *in = (struct sockaddr_in *)&request.ifr_addr;
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(sock, SIOCSIFFLAGS, &request), 0);
	if (address) {
		memset(in, 0, sizeof(*in));
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = inet_addr(address);
		ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request), 0);
	}
	close(sock);
}

static void own_network(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	set_up("lo", NULL);
}

/* A TCP connection to ourselves. */
static void connect_pair(int pair[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(server, 1), 0);
	ck_assert_int_eq(getsockname(server, (struct sockaddr *)&address, &len), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(pair[0], (struct sockaddr *)&address, sizeof(address)), 0);
	pair[1] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(pair[1], 0);
	close(server);
}

/* The messages of the sockets in a map go through a program. */
static void filter_messages(const struct mem_map *map)
{
	uint32_t key = 0;
	uint64_t socket;
	struct mem_link *link;
	int pair[2];
	char byte;

	own_network();
	load(skel->progs.on_message, NULL);
	link = mem_prog_attach_sockmap(skel->progs.on_message, map);
	if (linux_version() < 6010) {
		ck_assert_ptr_null(link);
		ck_assert_int_eq(errno, ENOTSUP);
		ck_assert_ptr_nonnull(strstr(mem_error_message(), "6.10"));
		return;
	}
	assert_ptr(link);
	connect_pair(pair);
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
	own_network();
	load(skel->progs.on_segment, NULL);
	link = assert_ptr(mem_prog_attach_sockmap(skel->progs.on_segment, skel->maps.sockets));
	connect_pair(pair);
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

/* A pair of netkit devices: this one is the primary, the other is called nk0. 0 or -errno. */
static int make_netkit(const char *name)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg info;
		struct rtattr name;
		char name_text[12];
		struct rtattr link;
		struct rtattr kind;
		char kind_text[8];
	} request = {
		.header = { .nlmsg_len = sizeof(request), .nlmsg_type = RTM_NEWLINK,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL },
		.name = { sizeof(request.name) + sizeof(request.name_text), IFLA_IFNAME },
		.link = { sizeof(request.link) + sizeof(request.kind) + sizeof(request.kind_text),
			  IFLA_LINKINFO },
		.kind = { sizeof(request.kind) + sizeof(request.kind_text), IFLA_INFO_KIND },
		.kind_text = "netkit",
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	snprintf(request.name_text, sizeof(request.name_text), "%s", name);
	ck_assert_int_eq(send(sock, &request, sizeof(request), 0), sizeof(request));
	ck_assert_int_ge(recv(sock, &answer, sizeof(answer), 0), sizeof(answer.header));
	close(sock);
	ck_assert_int_eq(answer.header.nlmsg_type, NLMSG_ERROR);
	return answer.error.error;
}

static void send_packet(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = inet_addr(address) };
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	sendto(sock, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(sock);
}

TEST(netkit_devices)
{
	struct mem_link *primary, *peer;
	int err;

	need_linux(6, 7, "netkit");
	own_network();
	err = make_netkit("libmem0");
	if (err == -EOPNOTSUPP)
		test_skip("this kernel is built without netkit");
	ck_assert_int_eq(err, 0);
	load(skel->progs.on_primary, skel->progs.on_peer);
	primary = assert_ptr(mem_prog_attach_netkit(skel->progs.on_primary,
						    (int)if_nametoindex("libmem0"), NULL));
	peer = assert_ptr(mem_prog_attach_netkit(skel->progs.on_peer,
						 (int)if_nametoindex("libmem0"), NULL));
	set_up("nk0", "10.9.9.2");
	set_up("libmem0", "172.16.1.1");
	send_packet("172.16.1.7");
	ck_assert_uint_ge(skel->bss->primaries, 1);
	send_packet("10.9.9.7");
	ck_assert_uint_ge(skel->bss->peers, 1);
	assert_ok(mem_link_update(primary, skel->progs.on_primary, skel->progs.on_primary));
	mem_link_destroy(peer);
	mem_link_destroy(primary);
	ck_assert_ptr_null(mem_prog_attach_netkit(skel->progs.on_primary, (int)if_nametoindex("lo"),
						  NULL));
}
END_TEST

TEST(flow_dissector_of_a_network_namespace)
{
	struct mem_link *link;
	int fd;

	own_network();
	load(skel->progs.on_flow, skel->progs.other_on_flow);
	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	link = assert_ptr(mem_prog_attach_netns(skel->progs.on_flow, fd));
	ck_assert_ptr_null(mem_prog_attach_netns(skel->progs.other_on_flow, fd)); /* one at a time */
	close(fd);
	assert_ok(mem_link_update(link, skel->progs.other_on_flow, skel->progs.on_flow));
	assert_ok(mem_link_detach(link));
	mem_link_destroy(link);
}
END_TEST
