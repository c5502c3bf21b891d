/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One epoll, whose entries say what is to be called: the listening socket, the UDP socket, the clock,
 * the signals, and a connection each.
 *
 * A client that doesn't read its answers is not read from either, so that what waits for it is bounded.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include "command.h"
#include "kv.h"
#include "server.h"
#include "udp.h"

#define READ_SIZE   65536
#define REPLY_LIMIT (4U << 20) /* bytes that wait for one client */
#define ACCEPT_MAX  16	       /* connections accepted at a time */

/* Something with a file descriptor. */
struct source {
	int fd;
	void (*ready)(struct server *server, struct source *source, uint32_t events);
};

struct connection {
	struct source source; /* the first member */
	struct client client;
	struct bytes in;  /* what came in and is not dealt with */
	struct bytes out; /* what is to go out */
	bool writing;	  /* waits for room in the socket, and is not read from */
	struct connection *next, **at;
};

struct server {
	struct cache *cache;
	struct command_counts counts;
	struct source listener, udp, clock, signals;
	struct udp *datagrams;
	struct connection *connections;
	int epoll;
	bool over;
	bool crowded; /* no descriptors: nothing is accepted until the next second */
};

static int watch(struct server *server, struct source *source, uint32_t events, int how)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	return epoll_ctl(server->epoll, how, source->fd, &event) ? -errno : 0;
}

/* ---- connections */

static void connection_close(struct server *server, struct connection *connection)
{
	*connection->at = connection->next;
	if (connection->next)
		connection->next->at = connection->at;
	close(connection->source.fd);
	bytes_free(&connection->in);
	bytes_free(&connection->out);
	free(connection);
	server->counts.connections--;
}

/* Run the commands that are there, as long as their answers have room. */
static void run_commands(struct connection *connection)
{
	size_t done = 0, used = 1;

	while (used && done < connection->in.size && !connection->client.quit &&
	       connection->out.size < REPLY_LIMIT) {
		used = command_run(&connection->client, connection->in.data + done,
				   connection->in.size - done);
		done += used;
	}
	bytes_drop(&connection->in, done);
}

/* Write what there is: whether the connection goes on. */
static bool connection_write(struct server *server, struct connection *connection)
{
	struct bytes *out = &connection->out;
	size_t done = 0;
	ssize_t sent = 1;

	while (done < out->size) {
		sent = send(connection->source.fd, out->data + done, out->size - done, MSG_NOSIGNAL);
		if (sent < 0)
			break;
		done += (size_t)sent;
	}
	if (sent < 0 && errno != EAGAIN && errno != EINTR)
		return false;
	bytes_drop(out, done);
	if (connection->writing != (out->size > 0)) {
		connection->writing = out->size > 0;
		if (watch(server, &connection->source, connection->writing ? EPOLLOUT : EPOLLIN,
			  EPOLL_CTL_MOD))
			return false;
	}
	return !connection->client.quit || out->size;
}

static bool connection_read(struct connection *connection)
{
	char bytes[READ_SIZE];
	ssize_t got = recv(connection->source.fd, bytes, sizeof(bytes), 0);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	bytes_add(&connection->in, bytes, (size_t)got);
	return got > 0;
}

static void connection_ready(struct server *server, struct source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)source;
	bool goes_on = true;
	size_t before;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !connection->writing)
		goes_on = connection_read(connection);
	do {
		before = connection->in.size;
		if (goes_on)
			run_commands(connection);
		goes_on = goes_on && connection_write(server, connection);
	} while (goes_on && !connection->writing && connection->in.size && connection->in.size < before);
	if (!goes_on || connection->in.failed || connection->out.failed)
		connection_close(server, connection);
}

static int connection_open(struct server *server, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));
	int on = 1, err;

	if (!connection)
		return -ENOMEM;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	connection->source = (struct source){.fd = fd, .ready = connection_ready};
	connection->client = (struct client){.cache = server->cache,
					     .counts = &server->counts,
					     .reply = &connection->out};
	err = watch(server, &connection->source, EPOLLIN, EPOLL_CTL_ADD);
	if (err) {
		free(connection);
		return err;
	}
	connection->next = server->connections;
	connection->at = &server->connections;
	if (connection->next)
		connection->next->at = &connection->next;
	server->connections = connection;
	server->counts.connections++;
	server->counts.connections_total++;
	return 0;
}

static void listener_ready(struct server *server, struct source *source, uint32_t events)
{
	(void)events;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			if (connection_open(server, fd))
				close(fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
			/* It would be ready all the time. */
			server->crowded = true;
			watch(server, source, 0, EPOLL_CTL_MOD);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

/* ---- the other sources */

static void udp_ready(struct server *server, struct source *source, uint32_t events)
{
	(void)events;
	udp_serve(server->datagrams, source->fd, server->cache, &server->counts);
}

static void clock_ready(struct server *server, struct source *source, uint32_t events)
{
	uint64_t ticks;

	(void)events;
	if (read(source->fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	cache_tick(server->cache);
	if (server->crowded && !watch(server, &server->listener, EPOLLIN, EPOLL_CTL_MOD))
		server->crowded = false;
}

static void signals_ready(struct server *server, struct source *source, uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		server->over = true;
}

/* ---- opening */

static int open_socket(const struct options *options, int type)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(options->port),
				 .sin_addr = options->address};
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, err;

	if (fd < 0)
		return -errno;
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	if (!bind(fd, (struct sockaddr *)&at, sizeof(at)) && (type != SOCK_STREAM || !listen(fd, 1024)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int open_sockets(struct server *server, const struct options *options)
{
	char address[INET_ADDRSTRLEN];

	server->listener = (struct source){open_socket(options, SOCK_STREAM), listener_ready};
	server->udp = (struct source){open_socket(options, SOCK_DGRAM), udp_ready};
	if (server->listener.fd >= 0 && server->udp.fd >= 0)
		return 0;
	inet_ntop(AF_INET, &options->address, address, sizeof(address));
	fprintf(stderr, "kv: %s port %u of %s: %s\n", server->listener.fd < 0 ? "TCP" : "UDP",
		options->port, address,
		strerror(server->listener.fd < 0 ? -server->listener.fd : -server->udp.fd));
	return -EADDRINUSE;
}

static int open_events(struct server *server)
{
	struct itimerspec second = {{1, 0}, {1, 0}};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server->signals = (struct source){signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), signals_ready};
	server->clock = (struct source){timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
					clock_ready};
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->signals.fd < 0 || server->clock.fd < 0 || server->epoll < 0 ||
	    timerfd_settime(server->clock.fd, 0, &second, NULL) ||
	    watch(server, &server->signals, EPOLLIN, EPOLL_CTL_ADD) ||
	    watch(server, &server->clock, EPOLLIN, EPOLL_CTL_ADD) ||
	    watch(server, &server->listener, EPOLLIN, EPOLL_CTL_ADD) ||
	    watch(server, &server->udp, EPOLLIN, EPOLL_CTL_ADD)) {
		fprintf(stderr, "kv: waiting for events: %s\n", strerror(errno));
		return -EIO;
	}
	return 0;
}

struct server *server_open(const struct options *options, struct cache *cache)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server) {
		fprintf(stderr, "kv: out of memory\n");
		return NULL;
	}
	server->listener.fd = server->udp.fd = server->clock.fd = server->signals.fd = server->epoll = -1;
	server->cache = cache;
	server->counts.start = cache_now();
	server->datagrams = udp_open();
	if (!server->datagrams || open_sockets(server, options) || open_events(server)) {
		server_close(server);
		return NULL;
	}
	return server;
}

int server_run(struct server *server)
{
	struct epoll_event events[64];
	int count;

	while (!server->over) {
		/* One at a time where one may close another: none does, but itself. */
		count = epoll_wait(server->epoll, events, 64, -1);
		if (count < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < count; i++) {
			struct source *source = events[i].data.ptr;

			source->ready(server, source, events[i].events);
		}
	}
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void server_close(struct server *server)
{
	if (!server)
		return;
	while (server->connections)
		connection_close(server, server->connections);
	udp_close(server->datagrams);
	close_fd(server->listener.fd);
	close_fd(server->udp.fd);
	close_fd(server->clock.fd);
	close_fd(server->signals.fd);
	close_fd(server->epoll);
	free(server);
}
