// SPDX-License-Identifier: BSD-2-Clause
/*
 * libmem.so: what the loader calls of libmem-parts.so. That may come late, with a plugin, when the dynamic
 * linker has long found that this library's weak symbols are nowhere; hence a table and not those.
 */
#include <errno.h>
#include <stdatomic.h>

#include "parts_table.h"

static struct parts_table no_parts; /* not constant, which would be far from what loading touches */
static const struct parts_table *_Atomic parts = &no_parts;

void parts_table_set(const struct parts_table *table)
{
	atomic_store_explicit(&parts, table ? table : &no_parts, memory_order_release);
}

/* NULL if it is not there. */
#define PART_FUNCTION(name) (atomic_load_explicit(&parts, memory_order_acquire)->name)

/* What needs it is there only if the part has made it: a migration, a pin's path, threads' structs. */
#define PART_CALL(name, ...)                                                                       \
	do {                                                                                       \
		__typeof__(name) *function_ = PART_FUNCTION(name);                                 \
                                                                                                   \
		if (function_)                                                                     \
			function_(__VA_ARGS__);                                                    \
	} while (0)

#define PART_VALUE(name, ...)                                                                      \
	({                                                                                         \
		__typeof__(name) *function_ = PART_FUNCTION(name);                                 \
                                                                                                   \
		function_ ? function_(__VA_ARGS__) : 0;                                            \
	})

int context_arguments_load(const struct mem_prog *prog)
{
	return PART_VALUE(context_arguments_load, prog);
}

void heap_forget(const void *memory, size_t size)
{
	PART_CALL(heap_forget, memory, size);
}

void migrate_free(struct mem_map *map)
{
	PART_CALL(migrate_free, map);
}

bool migrate_pending(const struct mem_map *map)
{
	return PART_VALUE(migrate_pending, map);
}

void migrate_settle(struct mem_map *map)
{
	PART_CALL(migrate_settle, map);
}

int reuse_find_pin(struct mem_map *map)
{
	return PART_VALUE(reuse_find_pin, map);
}

int reuse_make_pin(struct mem_map *map)
{
	return PART_VALUE(reuse_make_pin, map);
}

int reuse_set_default_path(struct mem_map *map, const char *folder)
{
	if (!PART_FUNCTION(reuse_set_default_path))
		return part_missing(map->obj->name, "maps that are pinned", "mem_pinning_use");
	return PART_VALUE(reuse_set_default_path, map, folder);
}

void reuse_undo_pins(struct mem_object *obj)
{
	PART_CALL(reuse_undo_pins, obj);
}

int schema_region_hash(const struct mem_region *region, uint64_t *hash)
{
	return PART_VALUE(schema_region_hash, region, hash);
}

void task_close(struct mem_object *obj)
{
	PART_CALL(task_close, obj);
}

int task_load(struct mem_object *obj)
{
	return PART_VALUE(task_load, obj);
}

uint64_t task_number(const struct mem_object *obj, const struct mem_extern_image *ext,
		     uint32_t prog_type)
{
	return PART_VALUE(task_number, obj, ext, prog_type);
}

int task_prepare(struct mem_object *obj)
{
	if (!PART_FUNCTION(task_prepare))
		return part_missing(obj->name, "per-thread structs", "mem_task_use");
	return PART_VALUE(task_prepare, obj);
}

int task_relocate(const struct mem_object *obj, const struct bpf_core_relo *relo,
		  struct bpf_insn *insn)
{
	return PART_VALUE(task_relocate, obj, relo, insn);
}

int type_match_answer(const struct mem_prog *prog, struct insns *insns)
{
	return PART_VALUE(type_match_answer, prog, insns);
}
