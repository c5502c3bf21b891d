/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * share: a program with privilege loads, and hands its counters to readers that have none.
 *
 *     share serve SOCKET   as root: load, then send the region to everybody who connects
 *     share read SOCKET    as anybody: receive it, and show what the programs count
 *
 * The region is read-only for applications before anybody could have mapped it otherwise: a reader
 * can look at it for as long as it likes, without a system call, and never change it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "share.skel.h"

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static int complain(const char *what)
{
	fprintf(stderr, "share: %s: %s\n", what, strerror(errno));
	return 1;
}

static int complain_mem(void)
{
	fprintf(stderr, "share: %s\n", mem_error_message());
	return 1;
}

/* A socket with an address; -1 with errno. */
static int make_socket(const char *path, struct sockaddr_un *address)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address->sun_path, path, strlen(path));
	return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
}

/* Send the region to each who connects, until a signal comes. */
static int hand_out(int listener, struct mem_region *region)
{
	while (!stopped) {
		int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (peer < 0 && errno == EINTR)
			continue;
		if (peer < 0)
			return complain("accept");
		if (mem_region_send(peer, region)) /* a reader that went away is no reason to end */
			complain_mem();
		close(peer);
	}
	return 0;
}

static int listen_at(const char *path, struct mem_region *region)
{
	struct sockaddr_un address;
	int listener = make_socket(path, &address), ret;

	if (listener < 0)
		return complain(path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || chmod(path, 0666) ||
	    listen(listener, 16))
		ret = complain(path);
	else
		ret = hand_out(listener, region);
	close(listener);
	unlink(path);
	return ret;
}

static int serve(const char *path)
{
	struct share *skel = share__open();
	struct mem_region *region;
	int ret;

	if (!skel)
		return complain_mem();
	region = mem_object_find_region(skel->obj, "bss");
	if (!region || mem_region_readonly_set(region, 1) || share__load(skel) || share__attach(skel))
		ret = complain_mem();
	else
		ret = listen_at(path, region);
	share__destroy(skel);
	return ret;
}

/* Only root may tell us what to map. */
static int is_root(void *ctx, int pid, unsigned int uid, unsigned int gid)
{
	(void)ctx;
	(void)pid;
	(void)gid;
	return uid ? -EPERM : 0;
}

static int show(const struct share__bss *counters)
{
	for (int second = 0; second < 3 && !stopped; second++) {
		__typeof__(counters->calls) before = counters->calls;

		sleep(1);
		printf("%llu system calls, the last by process %u\n",
		       (unsigned long long)(counters->calls - before), counters->last_pid);
		fflush(stdout);
	}
	return 0;
}

static int read_region(const char *path)
{
	struct sockaddr_un address;
	int sock = make_socket(path, &address);
	struct mem_region *region;
	int ret;

	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)))
		return complain(path);
	region = mem_region_receive(sock, share__image(), "bss", NULL, is_root, NULL);
	close(sock);
	if (!region)
		return complain_mem();
	ret = show((const struct share__bss *)mem_region_variables(region, NULL));
	mem_region_detach(region);
	return ret;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (argc == 3 && !strcmp(argv[1], "serve"))
		return serve(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "read"))
		return read_region(argv[2]);
	fprintf(stderr, "usage: share serve|read SOCKET\n");
	return 2;
}
