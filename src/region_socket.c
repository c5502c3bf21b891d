/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A region over a Unix socket: one message with the descriptor of a map and, if the sender has it, that of
 * the map's types.
 *
 * The receiver believes nothing in the message. The first descriptor has to be a map, what the message
 * says of it has to be what the kernel says of it, and then it is attached to as any map is. The kernel
 * says whether the second is of the types that it keeps with this map, and what they are: so a receiver
 * without privilege, which could not ask for them by number, compares fields and not just a hash.
 * However the message is wrong, every descriptor that came with it is closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arena.h"
#include "live_map.h"
#include "object.h"
#include "opts.h"
#include "region_attach.h"
#include "schema.h"
#include "sys.h"

#define MESSAGE_MAGIC	"libmem-r"
#define MESSAGE_VERSION 1
#define SCM_PIDFD_TYPE	4 /* SCM_PIDFD, Linux 6.5 */

enum {
	FDS_SENT = 2,  /* the map, and its types */
	FDS_ROOM = 16, /* others are taken in order to be closed, what is more than that at once */
	LABEL_MAX = 4096, /* bytes of a sender's security label: SO_PASSSEC */
};

/* Both ends are on one machine: numbers as it has them. Version 1 has this size and no other. */
struct message {
	char magic[8];        /* MESSAGE_MAGIC without its NUL */
	uint32_t version;     /* MESSAGE_VERSION */
	uint32_t size;        /* sizeof(struct message) */
	uint32_t kind;        /* MEM_REGION_* */
	uint32_t type;        /* BPF_MAP_TYPE_* */
	uint32_t value_size;  /* bytes */
	uint32_t max_entries; /* elements; pages of an arena */
	uint64_t address;     /* of an arena, else 0 */
	uint64_t variables;   /* bytes from the first byte of the region to the first variable */
	uint64_t schema;      /* hash, 0 unknown */
	char name[64];        /* of the region, with a NUL; cut if it is longer */
};

static int send_error(const struct mem_region *region, int err, const char *why)
{
	return object_result(region->obj, mem__error(err, "%s: region '%s' can't be sent: %s",
						     region->obj->name, region->image->name, why));
}

static int fill(const struct mem_region *region, struct message *message)
{
	const struct mem_map *map = region->map;
	bool arena = region->image->kind == MEM_REGION_ARENA;

	memset(message, 0, sizeof(*message));
	memcpy(message->magic, MESSAGE_MAGIC, sizeof(message->magic));
	message->version = MESSAGE_VERSION;
	message->size = sizeof(*message);
	message->kind = region->image->kind;
	message->type = map->image->type;
	message->value_size = map->value_size;
	message->max_entries = map->max_entries;
	message->address = arena ? sys_pointer(region->base) : 0;
	message->variables = region->variables ? (uint64_t)(region->variables - region->base) : 0;
	snprintf(message->name, sizeof(message->name), "%s", region->image->name);
	return schema_region_hash(region, &message->schema);
}

/* The types of a map: the object's own, or those that this process may ask for. -1: not to be had. */
static int open_types(const struct mem_map *map)
{
	struct bpf_map_info info;

	if (live_map_peek(map->fd, &info) || !info.btf_id)
		return -1;
	if (schema_is_btf(map->obj->btf_fd, info.btf_id))
		return fcntl(map->obj->btf_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return sys_btf_open(info.btf_id);
}

static ssize_t send_message(int sock, struct message *message, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_SENT * sizeof(int))];
	} control;
	struct iovec part = {message, sizeof(*message)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t sent;

	memset(&control, 0, sizeof(control));
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	header.msg_control = &control;
	header.msg_controllen = CMSG_SPACE(count * sizeof(int));
	do {
		sent = sendmsg(sock, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent;
}

int mem_region_send(int sock, struct mem_region *region)
{
	int fds[FDS_SENT] = {region->map->fd, -1}, err;
	struct message message;
	ssize_t sent;

	if (region->map->fd < 0)
		return send_error(region, EBADF, "its map does not exist before mem_object_prepare()");
	err = fill(region, &message);
	if (err)
		return object_result(region->obj, err);
	fds[1] = open_types(region->map);
	sent = send_message(sock, &message, fds, fds[1] < 0 ? 1 : 2);
	err = errno;
	if (fds[1] >= 0)
		sys_close(&fds[1]);
	if (sent < 0)
		return send_error(region, err, strerror(err));
	return sent == (ssize_t)sizeof(message) ? 0 : send_error(region, EMSGSIZE, "it was cut");
}

/* --- receiving --- */

struct received {
	struct message message;
	ssize_t size; /* bytes of it */
	int flags;    /* MSG_* */
	int fds[FDS_ROOM];
	size_t fd_count;
};

/*
 * What sockets say of who has sent a message (SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD) nobody here wants. All but the
 * last comes in front of the descriptors, and needs room, or there is none for these.
 */
static void keep_fds(struct received *in, struct msghdr *header)
{
	int fd;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS) {
			for (size_t i = 0; i < count; i++) {
				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
				if (in->fd_count < FDS_ROOM)
					in->fds[in->fd_count++] = fd;
				else
					sys_close(&fd);
			}
		} else if (c->cmsg_type == SCM_PIDFD_TYPE && count) {
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
			sys_close(&fd);
		}
	}
}

static void receive(int sock, struct received *in)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_ROOM * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)) +
			  CMSG_SPACE(LABEL_MAX) + CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {&in->message, sizeof(in->message)};
	struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

	memset(in, 0, sizeof(*in));
	do {
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		in->size = recvmsg(sock, &header, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	} while (in->size < 0 && errno == EINTR);
	in->flags = header.msg_flags;
	if (in->size >= 0)
		keep_fds(in, &header);
}

/* NULL if the message is one of ours and whole. */
static const char *message_fault(const struct received *in)
{
	const struct message *message = &in->message;

	if (!in->size)
		return "the other end has closed the socket";
	if (in->fd_count > FDS_SENT)
		return "more descriptors came with it than belong to it";
	if (in->flags & MSG_CTRUNC)
		return "no descriptor is left here for those that came with it";
	if (in->flags & MSG_TRUNC)
		return "it is too long";
	if (in->size < (ssize_t)sizeof(*message))
		return "it is too short";
	if (memcmp(message->magic, MESSAGE_MAGIC, sizeof(message->magic)) != 0)
		return "it is not of libmem's";
	if (message->version != MESSAGE_VERSION || message->size != sizeof(*message))
		return "it is of another version of libmem's";
	if (!in->fd_count)
		return "no descriptor came with it";
	if (!memchr(message->name, '\0', sizeof(message->name)))
		return "its name has no end";
	return NULL;
}

/* Of a message with a fault; it is not the message's if the kernel could not make its descriptors. */
static int fault_errno(const struct received *in)
{
	if (!in->size)
		return ECONNRESET;
	return in->flags & MSG_CTRUNC && in->fd_count <= FDS_SENT ? EMFILE : EBADMSG;
}

/* NULL if the map is what the message says. */
static const char *map_fault(const struct message *message, const struct bpf_map_info *info)
{
	bool arena = info->type == MEM_BPF_MAP_TYPE_ARENA;

	if (message->type != info->type || message->value_size != info->value_size ||
	    message->max_entries != info->max_entries)
		return "its map is not the one it describes";
	if (arena != (message->kind == MEM_REGION_ARENA) ||
	    message->address != (arena ? info->map_extra : 0))
		return "its arena is not where it says";
	return NULL;
}

/* What the receiver's own header says of the region, against the message. wanted: hash of its types, 0 unknown. */
static const char *schema_fault(const struct message *message, const struct mem_region *region, uint64_t wanted)
{
	uint64_t offset = region->variables ? (uint64_t)(region->variables - region->base) : 0;

	if (region->image->kind == MEM_REGION_ARENA && region->variables && offset != message->variables)
		return "its variables are elsewhere";
	if (region->obj->btf_fd >= 0) /* compared, field by field */
		return NULL;
	if (wanted && message->schema && wanted != message->schema &&
	    message->value_size == region->map->value_size)
		return "its variables or elements have another layout than this program's";
	return NULL;
}

static struct mem_region *attach_received(const struct received *in, const struct mem_image *image,
					  const char *name, const struct mem_attach_opts *opts)
{
	struct bpf_map_info info;
	struct mem_region *region;
	const char *fault;
	uint64_t wanted;
	char who[96];

	if (name && image && strncmp(name, in->message.name, sizeof(in->message.name) - 1) != 0) {
		mem__error(EINVAL, "receiving region '%s': the message has region '%s'", name,
			   in->message.name);
		return NULL;
	}
	snprintf(who, sizeof(who), "receiving region '%s'", in->message.name);
	if (live_map_info(in->fds[0], who, &info))
		return NULL;
	if (in->fd_count > 1 && !schema_is_btf(in->fds[1], info.btf_id)) {
		mem__error(EBADMSG, "receiving region '%s': its second descriptor is not of its map's types",
			   in->message.name);
		return NULL;
	}
	fault = map_fault(&in->message, &info);
	if (fault) {
		mem__error(EINVAL, "receiving region '%s': %s", in->message.name, fault);
		return NULL;
	}
	region = region_attach_typed(image, image ? name : in->message.name, mem_source_fd(in->fds[0]), opts,
				     in->fd_count > 1 ? in->fds[1] : -1);
	if (!region || !image)
		return region;
	if (schema_region_hash(region, &wanted)) {
		mem_region_detach(region);
		return NULL;
	}
	fault = schema_fault(&in->message, region, wanted);
	if (fault) {
		mem_region_detach(region);
		mem__error(EINVAL, "receiving region '%s': %s", in->message.name, fault);
		return NULL;
	}
	return region;
}

static int check_peer(int sock, mem_peer_fn *check, void *ctx)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int err;

	if (!check)
		return 0;
	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return mem__error(errno, "receiving a region: can't tell who is at the other end: %s",
				  strerror(errno));
	err = check(ctx, peer.pid, peer.uid, peer.gid);
	if (err)
		return mem__error(err < 0 ? -err : EACCES, "receiving a region: process %d of user %u is not "
				  "to be trusted", (int)peer.pid, peer.uid);
	return 0;
}

struct mem_region *mem_region_receive(int sock, const struct mem_image *image, const char *name,
				      const struct mem_attach_opts *opts, mem_peer_fn *check, void *ctx)
{
	struct mem_region *region = NULL;
	struct received in;
	const char *fault;

	if (!OPTS_VALID(opts, mem_attach_opts) || check_peer(sock, check, ctx))
		return NULL;
	receive(sock, &in);
	if (in.size < 0) {
		mem__error(errno, "receiving a region: %s", strerror(errno));
		return NULL;
	}
	fault = message_fault(&in);
	if (fault)
		mem__error(fault_errno(&in), "receiving a region: %s", fault);
	else
		region = attach_received(&in, image, name, opts);
	for (size_t i = 0; i < in.fd_count; i++)
		sys_close(&in.fds[i]);
	return region;
}

struct mem_source mem_source_socket(int sock)
{
	struct mem_source source = {MEM_SOURCE_SOCKET, 0, sock, 0, NULL};

	return source;
}
