/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables: phases of all requests, and the requests that took longest. */
#ifndef REQTRACE_VIEW_H
#define REQTRACE_VIEW_H

#include "probe.h"
#include "sample.h"
#include "../common/text.h"

struct view {
	enum sort_key sort;
	size_t top;	/* requests at most; 0: the default */
	int height;	/* lines of a screen; 0: not a screen */
	double seconds; /* since the start */
	struct losses losses;
};

void view_draw(struct text *text, const struct view *view, const struct sample *sample);

/*
 * Each phase of each request, a line each: process, request, phase, ns on CPU, waiting and ready, calls. Then, if
 * something is missing in them, a line with what: "lost segments N marks N runs N".
 */
void view_print_raw(struct text *text, const struct view *view, const struct sample *sample);

#endif /* REQTRACE_VIEW_H */
