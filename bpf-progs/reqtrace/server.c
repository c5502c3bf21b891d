/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reqserver: a small server that says what it works on, for reqtrace.
 *
 *     reqserver serve SOCKET [WORKERS]    answer requests until a signal comes
 *     reqserver load SOCKET TIMES LINE... send them: a connection for each LINE
 *
 * All workers wait at one epoll instance for requests, lines of text (work.h). A connection is armed for one
 * worker at a time. There need not be a tracer: the server looks for one every second.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"
#include "mark.h"
#include "work.h"

#define MAX_WORKERS 256

static int epoll, listener;
static atomic_uint_fast64_t requests;

static int arm(int operation, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(epoll, operation, fd, &event);
}

static void accept_one(void)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 && arm(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLONESHOT))
		close(fd);
}

/* One request. A client sends a line at once and waits for the answer. */
static void serve(int fd)
{
	char line[LINE_SIZE], answer[LINE_SIZE];
	ssize_t got;
	int length;

	got = read(fd, line, sizeof(line) - 1);
	if (got <= 0) {
		close(fd);
		return;
	}
	line[got] = 0;
	mark_begin(1 + atomic_fetch_add(&requests, 1), "parse");
	length = work_do(line, answer);
	if (write(fd, answer, (size_t)length) < 0 || arm(EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT))
		close(fd);
	mark_end();
}

static void *serve_connections(void *arg)
{
	struct epoll_event event;

	while (epoll_wait(epoll, &event, 1, -1) == 1 || errno == EINTR) {
		if (event.data.fd == listener)
			accept_one();
		else
			serve(event.data.fd);
	}
	return arg;
}

static int start_workers(int count)
{
	pthread_t thread;

	for (int i = 0; i < count; i++)
		if (pthread_create(&thread, NULL, serve_connections, NULL))
			return -1;
	return 0;
}

static int complain(const char *what)
{
	fprintf(stderr, "reqserver: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

/* Until a signal: is there a tracer now, or another one than before? */
static void look_for_tracers(const sigset_t *signals)
{
	const struct timespec second = {.tv_sec = 1};
	char said[512] = "";

	do {
		const char *now = mark_join(getenv("REQTRACE_FOLDER")) ? mem_error_message()
								       : "a tracer looks on";

		if (strcmp(said, now) != 0)
			printf("reqserver: %s\n", now);
		fflush(stdout);
		snprintf(said, sizeof(said), "%s", now);
	} while (sigtimedwait(signals, NULL, &second) < 0);
}

static int serve_at(const char *path, int workers)
{
	struct sockaddr_un address;
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	mem_log_set(MEM_LOG_SILENT, NULL, NULL); /* no tracer is no error */
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (listener < 0 || epoll < 0)
		return complain("socket");
	unlink(path);
	if (load_address(path, &address) ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 128) ||
	    arm(EPOLL_CTL_ADD, listener, EPOLLIN | EPOLLEXCLUSIVE))
		return complain(path);
	if (start_workers(workers))
		return complain("threads");
	look_for_tracers(&signals);
	unlink(path);
	return EXIT_SUCCESS;
}

static int usage(void)
{
	fputs("usage: reqserver serve SOCKET [WORKERS]\n"
	      "       reqserver load SOCKET TIMES LINE...\n"
	      "LINE: " WORK_HELP "\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address;
	int workers = argc > 3 ? atoi(argv[3]) : 4;

	if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "serve") && workers > 0 && workers <= MAX_WORKERS)
		return serve_at(argv[2], workers);
	if (argc < 5 || strcmp(argv[1], "load") != 0 || atoi(argv[3]) < 1)
		return usage();
	if (load_address(argv[2], &address))
		return complain(argv[2]);
	return load_run(&address, atoi(argv[3]), argv + 4, argc - 4) ? EXIT_FAILURE : EXIT_SUCCESS;
}
