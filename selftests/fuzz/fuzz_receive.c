/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What mem_region_receive() makes of any message with any descriptors.
 *
 * An input is a head, which says how the message is sent and what for it is received, and the message.
 * Where this process may make maps there are real ones among the descriptors; the rest needs no
 * privilege.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mem/mem.h>

#include "fuzz/fuzz.h"
#include "region_arena.skel.h"
#include "region_data.skel.h"

enum { MESSAGE_SIZE = 120, FDS_MAX = 40, KINDS = 6, ADDRESS_AT = 32 };

/* The first bytes of an input. */
struct head {
	uint8_t region;   /* which is wanted: 0 .. 2; others: whatever comes */
	uint8_t how;      /* bit 0: a stream; bit 1: to be written to; bit 2: elements from 7 on */
	uint8_t fd_count; /* descriptors to send */
	uint8_t kinds[4]; /* of the descriptors in turn */
	uint8_t split;    /* bytes before a pause, of a stream */
	uint8_t address;  /* not 0: the message has the arena's real address */
};

/* The regions that messages are about. */
static const struct {
	const struct mem_image *(*image)(void);
	const char *name;
} regions[] = {
	{region_data__image, "bss"},
	{region_data__image, "table"},
	{region_arena__image, "arena"},
};

static int fds[KINDS];         /* of the maps behind the regions, and of other things */
static uint8_t good[3][MESSAGE_SIZE];
static uint64_t arena_address;

static void open_region(int i, int null)
{
	struct mem_object *obj = mem_object_open(regions[i].image(), NULL);
	struct mem_region *region;
	int pair[2];

	FUZZ_REQUIRE(obj, "%s", mem_error_message());
	region = mem_object_find_region(obj, regions[i].name);
	fds[i] = null;
	if (!mem_object_prepare(obj)) {
		FUZZ_REQUIRE(!socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), "socketpair: %m");
		FUZZ_REQUIRE(!mem_region_send(pair[0], region), "%s", mem_error_message());
		FUZZ_REQUIRE(recv(pair[1], good[i], MESSAGE_SIZE, 0) == MESSAGE_SIZE, "recv: %m");
		close(pair[0]);
		close(pair[1]);
		fds[i] = dup(mem_map_fd(mem_region_map(region)));
	}
	mem_object_close(obj); /* an arena is to be mapped, not shared with what is mapped */
}

static void open_all(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		open_region(i, null);
	memcpy(&arena_address, good[2] + ADDRESS_AT, sizeof(arena_address));
	fds[3] = null;
	fds[4] = memfd_create("fuzz", MFD_CLOEXEC);
	fds[5] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

void fuzz_receive_end(void)
{
	for (int i = 0; i < KINDS; i++)
		if (i > 2 || fds[i] != fds[3])
			close(fds[i]);
	memset(fds, 0, sizeof(fds));
}

static void send_part(int sock, const uint8_t *bytes, size_t size, const struct head *head)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = {(void *)bytes, size};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	size_t count = head ? head->fd_count % (FDS_MAX + 1) : 0;

	memset(&control, 0, sizeof(control));
	if (count) {
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
	}
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &fds[head->kinds[i % 4] % KINDS],
		       sizeof(int));
	FUZZ_REQUIRE(sendmsg(sock, &header, 0) == (ssize_t)size, "sendmsg: %m");
}

static void send_all(int sock, const struct head *head, const uint8_t *bytes, size_t size)
{
	size_t first = head->how & 1 && head->split < size ? head->split : size;

	if (first)
		send_part(sock, bytes, first, head);
	if (first < size)
		send_part(sock, bytes + first, size - first, first ? NULL : head);
	shutdown(sock, SHUT_WR);
}

/* All of it is there, and a pointer to its end is inside. */
static void use(struct mem_region *region)
{
	size_t size;
	const volatile char *data = mem_region_data(region, &size);

	FUZZ_REQUIRE(data && size, "a region without memory");
	(void)data[0];
	if (mem_region_kind(region) != MEM_REGION_ARENA) /* which has pages on demand */
		(void)data[size - 1];
	if (mem_region_writable(region))
		*(volatile char *)data = 0;
	mem_region_detach(region);
}

static void receive(int sock, const struct head *head)
{
	struct mem_attach_opts opts = {.sz = sizeof(opts), .writable = head->how >> 1 & 1,
				       .first = head->how & 4 ? 7 : 0};
	const struct mem_image *image = head->region < 3 ? regions[head->region].image() : NULL;
	const char *name = image ? regions[head->region].name : NULL;
	struct mem_region *region;

	mem_image_is_valid(NULL); /* sets a message to tell a new one from */
	errno = 0;
	region = mem_region_receive(sock, image, name, &opts, NULL, NULL);
	if (region)
		use(region);
	else
		FUZZ_REQUIRE(errno && strcmp(mem_error_message(), "image: NULL") != 0, "errno %d: %s", errno,
			     mem_error_message());
}

/* The next descriptor that would be given out. */
static int next_fd(void)
{
	int fd = dup(fds[3]);

	close(fd);
	return fd;
}

void fuzz_receive(const uint8_t *data, size_t size)
{
	uint8_t message[400] = {0};
	struct head head;
	int pair[2], before;

	if (!fds[3])
		open_all();
	if (size <= sizeof(head) || size - sizeof(head) > sizeof(message))
		return;
	memcpy(&head, data, sizeof(head));
	memcpy(message, data + sizeof(head), size - sizeof(head));
	if (head.address)
		memcpy(message + ADDRESS_AT, &arena_address, sizeof(arena_address));
	before = next_fd();
	FUZZ_REQUIRE(!socketpair(AF_UNIX, head.how & 1 ? SOCK_STREAM : SOCK_SEQPACKET, 0, pair),
		     "socketpair: %m");
	send_all(pair[0], &head, message, size - sizeof(head));
	receive(pair[1], &head);
	close(pair[0]);
	close(pair[1]);
	FUZZ_REQUIRE(next_fd() == before, "a descriptor was left open");
}

/* ---- changing inputs */

static uint32_t pick(uint32_t *state, uint32_t below)
{
	/* xorshift */
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state % below;
}

/* A message as libmem sends it, with its descriptor. */
static size_t start_afresh(uint8_t *data, uint32_t *random)
{
	uint8_t which = (uint8_t)pick(random, 3);
	struct head head = {.region = (uint8_t)(pick(random, 4) ? which : 3), .fd_count = 1,
			    .kinds = {which, which, which, which}, .address = which == 2};

	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), good[which], MESSAGE_SIZE);
	return sizeof(head) + MESSAGE_SIZE;
}

/* One of the numbers of the message: a little more or less, a power of two, or anything. */
static void change_number(uint8_t *message, uint32_t *random)
{
	uint8_t *at = message + 8 + 4 * pick(random, 12);
	uint32_t number;

	memcpy(&number, at, sizeof(number));
	switch (pick(random, 4)) {
	case 0:
		number += pick(random, 16) - 8;
		break;
	case 1:
		number = 1U << pick(random, 32);
		break;
	case 2:
		number = 0 - pick(random, 3);
		break;
	default:
		number ^= pick(random, 1U << 31);
	}
	memcpy(at, &number, sizeof(number));
}

size_t mutate_receive(uint8_t *data, size_t size, size_t max_size, unsigned int seed,
		      size_t (*anything)(uint8_t *, size_t, size_t))
{
	uint32_t random = seed | 1;

	if (!fds[3])
		open_all();
	if (max_size < sizeof(struct head) + MESSAGE_SIZE)
		return anything(data, size, max_size);
	if (size < sizeof(struct head) + MESSAGE_SIZE || !pick(&random, 8))
		size = start_afresh(data, &random);
	switch (pick(&random, 8)) {
	case 0:
		return anything(data, size, max_size);
	case 1: /* the way it is sent */
		data[pick(&random, sizeof(struct head))] = (uint8_t)pick(&random, 256);
		return size;
	case 2: /* its length */
		return sizeof(struct head) + 1 + pick(&random, (uint32_t)(size - sizeof(struct head)));
	default:
		change_number(data + sizeof(struct head), &random);
		return size;
	}
}
