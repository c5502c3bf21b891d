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

static void tool_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, tool_error());
	exit(1);
}

#ifdef SPLIT
/* libmem's phases one by one. */
static struct OBJECT *tool_load(void)
{
	struct OBJECT *skel = TOOL_CALL(OBJECT, open)();

	bench_phase("open");
	if (!skel || mem_object_prepare(skel->obj))
		tool_fail("prepare");
	bench_phase("prepare");
	if (TOOL_CALL(OBJECT, load)(skel))
		tool_fail("load");
	bench_phase("load");
	return skel;
}
#else
static struct OBJECT *tool_load(void)
{
	struct OBJECT *skel = TOOL_CALL(OBJECT, open_and_load)();

	bench_phase("load");
	if (!skel)
		tool_fail("load");
	return skel;
}
#endif

static void tool_live(void)
{
	struct OBJECT *skel;

	bench_start();
	skel = tool_load();
#ifdef ATTACH
	if (TOOL_CALL(OBJECT, attach)(skel))
		tool_fail("attach");
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
