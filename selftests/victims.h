/* SPDX-License-Identifier: BSD-2-Clause */
/* Child processes that work until they are killed. */
#ifndef SELFTESTS_VICTIMS_H
#define SELFTESTS_VICTIMS_H

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

#endif /* SELFTESTS_VICTIMS_H */
