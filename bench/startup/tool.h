/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tool that loads OBJECT, by the skeleton of whichever loader SKELETON belongs to, and attaches it if
 * it is an object to attach. The functions of all three have the same names.
 */
#ifndef BENCH_STARTUP_TOOL_H
#define BENCH_STARTUP_TOOL_H

#include SKELETON

#include "phases.h"
#include "tracefs.h"

#define TOOL_JOIN(object, function) object##__##function
#define TOOL_CALL(object, function) TOOL_JOIN(object, function)

/* What the loader says of its failure. */
static const char *tool_error(void);

static void tool_live(void)
{
	struct OBJECT *skel;

	bench_start();
	skel = TOOL_CALL(OBJECT, open_and_load)();
	bench_phase("load");
	if (!skel) {
		fprintf(stderr, "load: %s\n", tool_error());
		exit(1);
	}
#ifdef ATTACH
	if (TOOL_CALL(OBJECT, attach)(skel)) {
		fprintf(stderr, "attach: %s\n", tool_error());
		exit(1);
	}
	bench_phase("attach");
#endif
	TOOL_CALL(OBJECT, destroy)(skel);
	bench_phase("close");
}

static inline int tool_main(void)
{
#ifdef ATTACH
	need_tracefs();
#endif
	bench_live(tool_live);
	return 0;
}

#endif /* BENCH_STARTUP_TOOL_H */
