/* SPDX-License-Identifier: BSD-2-Clause */
/* The functions of libmem-parts.so that libmem.so calls. In a static program it calls them directly (parts.h). */
#ifndef LIBMEM_PARTS_TABLE_H
#define LIBMEM_PARTS_TABLE_H

#include "../context_arguments.h"
#include "../migrate.h"
#include "../object.h"
#include "../reuse.h"
#include "../schema.h"
#include "../task.h"
#include "../type_match.h"

struct parts_table {
	__typeof__(context_arguments_load) *context_arguments_load;
	__typeof__(heap_forget) *heap_forget;
	__typeof__(migrate_free) *migrate_free;
	__typeof__(migrate_pending) *migrate_pending;
	__typeof__(migrate_settle) *migrate_settle;
	__typeof__(reuse_find_pin) *reuse_find_pin;
	__typeof__(reuse_make_pin) *reuse_make_pin;
	__typeof__(reuse_set_default_path) *reuse_set_default_path;
	__typeof__(reuse_undo_pins) *reuse_undo_pins;
	__typeof__(schema_region_hash) *schema_region_hash;
	__typeof__(task_close) *task_close;
	__typeof__(task_load) *task_load;
	__typeof__(task_number) *task_number;
	__typeof__(task_prepare) *task_prepare;
	__typeof__(task_relocate) *task_relocate;
	__typeof__(type_match_answer) *type_match_answer;
};

/* From now on these are called; NULL: none. */
void parts_table_set(const struct parts_table *table);

#endif /* LIBMEM_PARTS_TABLE_H */
