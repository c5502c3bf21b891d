/* SPDX-License-Identifier: BSD-2-Clause */
/* Child processes that work in an arena until they are killed. */
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

#endif /* SELFTESTS_VICTIMS_H */
