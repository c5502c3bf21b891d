/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "nets.h"

void nets_set_up(const char *name, const char *address)
{
	struct ifreq request = {.ifr_flags = IFF_UP};
	struct sockaddr_in in = {.sin_family = AF_INET};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(sock, 0);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	ck_assert_int_eq(ioctl(sock, SIOCSIFFLAGS, &request), 0);
	if (address) {
		in.sin_addr.s_addr = inet_addr(address);
		memcpy(&request.ifr_addr, &in, sizeof(in));
		ck_assert_int_eq(ioctl(sock, SIOCSIFADDR, &request), 0);
	}
	close(sock);
}

int nets_own(void)
{
	ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
	nets_set_up("lo", NULL);
	return (int)if_nametoindex("lo");
}

void nets_send_to(const char *address, int count)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9),
				 .sin_addr.s_addr = inet_addr(address)};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (int i = 0; i < count; i++)
		sendto(sock, "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
	close(sock);
}

void nets_send(int count)
{
	nets_send_to("127.0.0.1", count);
}

/* A request to make one link, as rtnetlink wants it. */
struct link_request {
	struct nlmsghdr header;
	struct ifinfomsg info;
	struct rtattr name_attr;
	char name[12];
	struct rtattr link_attr; /* holds the two below */
	struct rtattr kind_attr;
	char kind[8];
	struct rtattr data_attr; /* empty */
};

int nets_netkit(const char *name)
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

int nets_take_turn(void)
{
	int fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	return fd;
}
