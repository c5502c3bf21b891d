/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "kv.h"
#include "udp.h"

#define BATCH	      16    /* datagrams received at a time */
#define ROUNDS	      8	    /* batches before others have their turn */
#define DATAGRAM_SIZE 65536 /* bytes */

/* One datagram that came in: where from, and at which of our addresses. */
struct datagram {
	struct sockaddr_in from;
	char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct iovec iov;
	char bytes[DATAGRAM_SIZE];
};

struct udp {
	struct mmsghdr header[BATCH];
	struct datagram in[BATCH];
	struct bytes reply;
};

struct frame {
	uint16_t id, number, count, zero;
};

struct udp *udp_open(void)
{
	struct udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		fprintf(stderr, "kv: out of memory\n");
	return udp;
}

void udp_close(struct udp *udp)
{
	if (!udp)
		return;
	bytes_free(&udp->reply);
	free(udp);
}

/* The answer goes out from the address that the request came in at, by whichever interface. */
static void keep_address(struct msghdr *header)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);

	if (control && control->cmsg_type == IP_PKTINFO)
		((struct in_pktinfo *)CMSG_DATA(control))->ipi_ifindex = 0;
	else
		header->msg_controllen = 0;
}

/* Send the answer in as many datagrams as it takes. What the socket has no room for is lost, as UDP is. */
static void answer(struct udp *udp, int fd, struct msghdr *header, uint16_t id)
{
	size_t count = (udp->reply.size + KV_UDP_TEXT - 1) / KV_UDP_TEXT;
	struct frame frame = {.id = id, .count = htons((uint16_t)count)};
	struct iovec iov[2] = {{&frame, sizeof(frame)}};

	if (count > UINT16_MAX)
		return;
	keep_address(header);
	header->msg_iov = iov;
	header->msg_iovlen = 2;
	for (size_t i = 0; i < count; i++) {
		size_t at = i * KV_UDP_TEXT, left = udp->reply.size - at;

		frame.number = htons((uint16_t)i);
		iov[1].iov_base = udp->reply.data + at;
		iov[1].iov_len = left < KV_UDP_TEXT ? left : KV_UDP_TEXT;
		sendmsg(fd, header, MSG_NOSIGNAL);
	}
}

static void serve_one(struct udp *udp, int fd, struct mmsghdr *header, struct client *client)
{
	const char *bytes = udp->in[header - udp->header].bytes;
	size_t size = header->msg_len, at = sizeof(struct frame), used = 1;
	struct frame frame;

	if (size <= sizeof(frame))
		return;
	memcpy(&frame, bytes, sizeof(frame));
	udp->reply.size = 0;
	client->skip = 0;
	if (frame.number || frame.count != htons(1))
		bytes_text(&udp->reply, "SERVER_ERROR multi-packet request not supported\r\n");
	else
		while (at < size && used && !client->quit) {
			used = command_run(client, bytes + at, size - at);
			at += used;
			if (!used || client->skip > size - at)
				break;
		}
	if (!used && !udp->reply.size)
		bytes_text(&udp->reply, "CLIENT_ERROR incomplete request\r\n");
	client->quit = false;
	answer(udp, fd, &header->msg_hdr, frame.id);
}

static void prepare(struct udp *udp)
{
	for (int i = 0; i < BATCH; i++) {
		struct datagram *in = &udp->in[i];

		in->iov = (struct iovec){in->bytes, sizeof(in->bytes)};
		udp->header[i].msg_hdr = (struct msghdr){
			.msg_name = &in->from,
			.msg_namelen = sizeof(in->from),
			.msg_iov = &in->iov,
			.msg_iovlen = 1,
			.msg_control = in->control,
			.msg_controllen = sizeof(in->control),
		};
	}
}

void udp_serve(struct udp *udp, int fd, struct cache *cache, struct command_counts *counts)
{
	struct client client = {.cache = cache, .counts = counts, .reply = &udp->reply};
	int count = BATCH;

	for (int round = 0; round < ROUNDS && count == BATCH; round++) {
		prepare(udp);
		count = recvmmsg(fd, udp->header, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < count; i++)
			serve_one(udp, fd, &udp->header[i], &client);
	}
}
