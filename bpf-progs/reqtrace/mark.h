/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For servers: say what the calling thread is working on. It takes some tens of nanoseconds, and works the
 * same whether a tracer is there or not.
 *
 *     mark_join();                    now and then: is there a tracer?
 *
 *     mark_begin(id, "parse");
 *     mark_phase("compute");
 *     mark_end();
 */
#ifndef REQTRACE_MARK_H
#define REQTRACE_MARK_H

#include <string.h>
#include <time.h>
#include "server.skel.h"

#define MARK_ROOM (sizeof(((struct marks *)0)->history) / sizeof(struct mark))
#define MARK_FOLDER "/sys/fs/bpf/reqtrace"

/* ns of the monotonic clock; 0: never. One for all files that include this. */
__attribute__((weak)) uint64_t mark_joined_at;

static inline uint64_t mark_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Be seen by the tracer that shares `folder`, or NULL for the usual one. 0, or -errno if there is none. */
static inline int mark_join(const char *folder)
{
	int result = mem_task_join(folder ? folder : MARK_FOLDER);

	if (result > 0)
		__atomic_store_n(&mark_joined_at, mark_clock(), __ATOMIC_RELAXED);
	return result < 0 ? result : 0;
}

/* Names of phases are eight characters at most: more is cut off. */
static inline uint64_t mark_name(const char *name)
{
	uint64_t word = 0;

	memcpy(&word, name, strnlen(name, sizeof(word)));
	return word;
}

static inline void mark_set(struct marks *marks, uint64_t id, uint64_t phase)
{
	uint32_t count = marks->count + 1;
	struct mark *mark = &marks->history[count % MARK_ROOM];

	__atomic_store_n(&marks->quiet, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	mark->at = mark_clock();
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n(&marks->quiet, 0, __ATOMIC_RELAXED);
	marks->joined = __atomic_load_n(&mark_joined_at, __ATOMIC_RELAXED);
	mark->id = id;
	mark->phase = phase;
	mark->calls = 0;
	/* the programs run in this thread, or while it does not: no other CPU has to see an order */
	__atomic_signal_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&marks->count, count, __ATOMIC_RELAXED);
}

/* The thread works on a request now. `id` is not 0, and no other request of the process has it. */
static inline void mark_begin(uint64_t id, const char *phase)
{
	struct marks *marks = server__task_marks();

	if (marks)
		mark_set(marks, id, mark_name(phase));
}

/* Another phase of the same request. */
static inline void mark_phase(const char *phase)
{
	struct marks *marks = server__task_marks();

	if (marks)
		mark_set(marks, marks->history[marks->count % MARK_ROOM].id, mark_name(phase));
}

/* The thread is done with its request: what it does now is nobody's. */
static inline void mark_end(void)
{
	struct marks *marks = server__task_marks();

	if (marks)
		mark_set(marks, 0, 0);
}

#endif /* REQTRACE_MARK_H */
