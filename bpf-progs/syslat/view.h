/* SPDX-License-Identifier: BSD-2-Clause */
/* What a sample looks like: as a screen that is redrawn, and as a report that scrolls by. */
#ifndef SYSLAT_VIEW_H
#define SYSLAT_VIEW_H

#include "sample.h"
#include "../common/text.h"

struct view {
	enum sort_key sort;
	bool by_call;	/* a row is a system call, not a process */
	bool window;	/* the sample covers the last interval, not all since the start */
	bool histogram; /* below the table */
	bool paused;
	size_t top;	    /* rows of the table at most; 0: as many as there is room for */
	uint64_t selected;  /* id of the row whose histogram is shown; 0: that of all calls */
	int height;	    /* lines of the screen; 0: no limit */
	const char *filter; /* what is measured, such as "pid 12"; NULL for everything */
};

/* The name of a sort key, as a user types it; NULL past the last. */
const char *sort_key_name(enum sort_key key);

/* The rows that a view is about. */
struct rows *view_rows(const struct view *view, struct sample *sample);

/* One screen of view->height lines. Sorts the sample. */
void view_draw_screen(struct text *text, const struct view *view, struct sample *sample);

/* As lines, not more than view->height of them unless that is 0. Sorts the sample. */
void view_print(struct text *text, const struct view *view, struct sample *sample);

#endif /* SYSLAT_VIEW_H */
