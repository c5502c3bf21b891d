/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_STARTUP_TRACEFS_H
#define BENCH_STARTUP_TRACEFS_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* libbpf finds tracepoints only where tracefs is mounted: mount it for this process, if it isn't. */
static inline void need_tracefs(void)
{
	if (!access("/sys/kernel/tracing/events", F_OK))
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL)) {
		perror("tracefs");
		exit(1);
	}
}

#endif /* BENCH_STARTUP_TRACEFS_H */
