/* SPDX-License-Identifier: BSD-2-Clause */
/* Control groups (version 2): the machine's root, and one below it that is the test's own. */
#ifndef SELFTESTS_CONTROL_GROUP_H
#define SELFTESTS_CONTROL_GROUP_H

/* A descriptor of the root; nothing stays mounted. */
int control_group_root(void);

/* Make a group without a process in it. A descriptor of it; both are the caller's to end. */
int control_group_make(void);
void control_group_remove(void);

/* Put this process into the group, or back into the root. */
void control_group_enter(void);
void control_group_leave(void);

#endif /* SELFTESTS_CONTROL_GROUP_H */
