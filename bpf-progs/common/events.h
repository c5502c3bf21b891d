/* SPDX-License-Identifier: BSD-2-Clause */
/* What a tool waits for besides its input: time, and signals that end it or concern its screen. */
#ifndef COMMON_EVENTS_H
#define COMMON_EVENTS_H

#include <stdbool.h>

#define NEVER 1e300 /* a time, in seconds */

/* Seconds of the monotonic clock. */
double seconds_now(void);

enum {
	SIGNALS_END = 1,  /* the program is to end */
	SIGNALS_DRAW = 2, /* the screen has another size, or was somebody else's for a while */
};

/*
 * A descriptor that can be read when there is such a signal, for signals_read(). Without a screen the program
 * can be stopped and continued without noticing. -1 with a message on stderr that starts with the tool's name.
 */
int signals_open(const char *tool, bool screen);

/* What has come: SIGNALS_*. Where the user asks for it, the program stops in here until it is continued. */
int signals_read(int fd);

#endif /* COMMON_EVENTS_H */
