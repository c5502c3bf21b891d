/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
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
#include "nets.h"

enum { ADDRESS = 0x0a090901, NEIGHBOUR = 0x0a090902 };

static void set_up(const char *name)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_flags = IFF_UP};

	ck_assert_int_ge(sock, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(sock, SIOCSIFFLAGS, &request), 0);
	close(sock);
}

int nets_own(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	set_up("lo");
	return (int)if_nametoindex("lo");
}

static void send_to(uint32_t host, int count)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(host)}};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < count; i++)
		sendto(sock, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(sock);
}

void nets_send(int count)
{
	send_to(INADDR_LOOPBACK, count);
}

void nets_send_netkit(int count)
{
	send_to(NEIGHBOUR, count);
}

/* A request to make one link, as rtnetlink wants it. */
struct link_request {
	struct nlmsghdr header;
	struct ifinfomsg info;
	struct rtattr name_attr;
	char name[8];
	struct rtattr link_attr; /* holds the two below */
	struct rtattr kind_attr;
	char kind[8];
	struct rtattr data_attr; /* empty */
};

static int make_netkit(const char *name)
{
	struct link_request request = {
		.header = {sizeof(request), RTM_NEWLINK,
			   NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, 1, 0},
		.name_attr = {sizeof(request.name_attr) + sizeof(request.name), IFLA_IFNAME},
		.link_attr = {sizeof(request) - offsetof(struct link_request, link_attr), IFLA_LINKINFO},
		.kind_attr = {sizeof(request.kind_attr) + sizeof(request.kind), IFLA_INFO_KIND},
		.kind = "netkit",
		.data_attr = {sizeof(request.data_attr), IFLA_INFO_DATA},
	};
	int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char request[256];
	} answer = {0};

	snprintf(request.name, sizeof(request.name), "%s", name);
	ck_assert_int_eq(send(sock, &request, sizeof(request), 0), sizeof(request));
	ck_assert_int_gt(recv(sock, &answer, sizeof(answer), 0), (ssize_t)sizeof(answer.header));
	close(sock);
	ck_assert_uint_eq(answer.header.nlmsg_type, NLMSG_ERROR);
	return answer.error.error;
}

static void set_address(const char *name)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(ADDRESS)}};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request), 0);
	close(sock);
}

int nets_netkit(void)
{
	int err = make_netkit("first");

	if (err)
		return err;
	set_address("first");
	set_up("first");
	set_up("nk0"); /* the name that the kernel gives to the other one */
	return (int)if_nametoindex("first");
}

void nets_connect(int sockets[2])
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(address);

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	sockets[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(sockets[0], (struct sockaddr *)&address, sizeof(address)), 0);
	sockets[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(sockets[1], 0);
	close(listener);
}
