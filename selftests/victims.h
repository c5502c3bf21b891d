/* SPDX-License-Identifier: BSD-2-Clause */
/* Child processes that work until they are killed. */
#ifndef SELFTESTS_VICTIMS_H
#define SELFTESTS_VICTIMS_H

#include <stddef.h>
#include <sys/types.h>

struct mem_object;

/*
 * In the child: map the object's region "arena" again, where it was. Most kernels give an arena to no child of
 * fork(). Unlike mem_object_reattach() this takes no lock that a thread of the parent may have had.
 */
void victim_map_arena(struct mem_object *obj);

/* Kill it, and make sure that it died of nothing else. */
void victim_kill(pid_t pid);

/*
 * Have a child do what process() does, and kill it when it is about to make its nth system call, or has made it. 1: it
 * had ended before, with 0.
 */
int victim_kill_at(void (*process)(void), int nth);

/* A word of some shared memory that a child has changed. */
struct victim_change {
	size_t state; /* number of its instruction that changed something, from 1 on */
	size_t word;
	unsigned long long value;
};

/* All that shared memory has been while a child worked on it: what it would be, had the child been killed there. */
struct victim_log {
	unsigned long long *first;
	struct victim_change *change;
	size_t words, count, room, states, next;
};

/*
 * Have a child do what process() does, which stops itself by SIGSTOP, and from there on look at the memory after each
 * of its instructions. The child has ended when this returns.
 */
struct victim_log victim_watch(void (*process)(void), const void *memory, size_t size);

/* Make the memory what it was after so many changes; call it with 0, 1, ... until it returns 0: there is no more. */
int victim_state(struct victim_log *log, void *memory, size_t state);

#endif /* SELFTESTS_VICTIMS_H */
