// SPDX-License-Identifier: BSD-2-Clause
/* libmem-parts.so: gives libmem.so its functions for as long as it is loaded. */
#include "parts_table.h"

static const struct parts_table table = {
	.context_arguments_load = context_arguments_load,
	.heap_forget = heap_forget,
	.migrate_free = migrate_free,
	.migrate_pending = migrate_pending,
	.migrate_settle = migrate_settle,
	.reuse_find_pin = reuse_find_pin,
	.reuse_make_pin = reuse_make_pin,
	.reuse_set_default_path = reuse_set_default_path,
	.reuse_undo_pins = reuse_undo_pins,
	.schema_region_hash = schema_region_hash,
	.task_close = task_close,
	.task_load = task_load,
	.task_number = task_number,
	.task_prepare = task_prepare,
	.task_relocate = task_relocate,
	.type_match_answer = type_match_answer,
};

/* Before any constructor of those that need this library, and after all of their destructors. */
__attribute__((constructor)) static void offer(void)
{
	parts_table_set(&table);
}

__attribute__((destructor)) static void withdraw(void)
{
	parts_table_set(NULL);
}
