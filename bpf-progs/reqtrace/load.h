/* SPDX-License-Identifier: BSD-2-Clause */
/* The client: a number of connections, each of which sends requests one after the other. */
#ifndef REQTRACE_LOAD_H
#define REQTRACE_LOAD_H

#include <sys/un.h>

/* "address" of a Unix socket. 0, or -1 with errno. */
int load_address(const char *path, struct sockaddr_un *address);

/* Each of `count` lines is sent `times` times by a connection of its own. Prints the answers; 0 if all are "ok". */
int load_run(const struct sockaddr_un *address, int times, char **lines, int count);

#endif /* REQTRACE_LOAD_H */
