/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "events.h"
#include "term.h"

double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int signals_open(const char *tool, bool screen)
{
	sigset_t set;
	int fd;

	signal(SIGPIPE, SIG_IGN); /* a reader that has gone is seen when writing */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (screen) {
		sigaddset(&set, SIGTSTP);
		sigaddset(&set, SIGWINCH);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fprintf(stderr, "%s: can't wait for signals: %m\n", tool);
	return fd;
}

static void stop_for_a_while(void)
{
	term_leave();
	raise(SIGSTOP); /* what the shell expects of Ctrl-Z; here goes on what `fg` continues */
	term_enter();
}

int signals_read(int fd)
{
	struct signalfd_siginfo info;
	int come = 0;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGTSTP)
			stop_for_a_while();
		if (info.ssi_signo == SIGTSTP || info.ssi_signo == SIGWINCH)
			come |= SIGNALS_DRAW;
		else
			come |= SIGNALS_END;
	}
	return come;
}
