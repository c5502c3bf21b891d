/* SPDX-License-Identifier: BSD-2-Clause */
/* migrate_old.skel.h for programs that have migrate_new.skel.h as well: its types get other names. */
#ifndef SELFTESTS_MIGRATE_OLD_H
#define SELFTESTS_MIGRATE_OLD_H

#define migrate_state old_state
#define migrate_limit old_limit
#define migrate_conf old_conf
#define migrate_row old_row
#define MIGRATE_IDLE OLD_IDLE
#define MIGRATE_RUNNING OLD_RUNNING
#define MIGRATE_BROKEN OLD_BROKEN
#include "migrate_old.skel.h"
#undef migrate_state
#undef migrate_limit
#undef migrate_conf
#undef migrate_row
#undef MIGRATE_IDLE
#undef MIGRATE_RUNNING
#undef MIGRATE_BROKEN
#undef MEM_TYPE_enum_migrate_state
#undef MEM_TYPE_struct_migrate_limit
#undef MEM_TYPE_struct_migrate_conf
#undef MEM_TYPE_struct_migrate_row

#endif /* SELFTESTS_MIGRATE_OLD_H */
