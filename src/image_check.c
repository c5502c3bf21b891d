/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is an image consistent? Every range, index, string and size is looked at before anything else
 * uses it, so that nothing behind this file has to.
 *
 * What only the kernel can judge (does this map type exist, does the program make sense) is left
 * to the kernel.
 */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "image.h"
#include "spare.h"

/* linux/bpf.h may be older than the arena */
#define MAP_TYPE_ARENA	33
#define KERNEL_NAME_MAX 15 /* characters; BPF_OBJ_NAME_LEN with its NUL is 16 */
#define MAP_FLAGS	(MEM_MAP_INTERNAL | MEM_MAP_PROTOTYPE | MEM_MAP_TASK | MEM_MAP_NO_AUTOCREATE)
#define ARENA_SIZE_MAX	(1ULL << 32)

#define OP_LD_IMM64 0x18 /* BPF_LD | BPF_IMM | BPF_DW, takes two instructions */
#define OP_CALL	    0x85 /* BPF_JMP | BPF_CALL */

/* What the checks share. */
struct check {
	const struct image_view *view;
	const char *name;	      /* of the image */
	struct image_strings strings; /* of its BTF; size 0 if there is none */
	uint32_t *stamps;	      /* per maps and per funcs row: see use */
};

#define BAD(check, fmt, ...) mem__error(EINVAL, "%s: " fmt, (check)->name, ##__VA_ARGS__)

static int in_range(struct mem_range range, uint32_t count)
{
	return range.first <= count && range.count <= count - range.first;
}

static int is_power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

static int check_type(const struct check *check, const char *table, uint32_t row, uint32_t type)
{
	/* a type takes 12 bytes at least, which bounds its id */
	if (type && type > check->view->btf_size / 12)
		return BAD(check, "%s[%u]: BTF has no type %u", table, row, type);
	return 0;
}

/* The kernel refuses other names with nothing but EINVAL. */
static int kernel_name_ok(const char *name)
{
	size_t len = name ? strnlen(name, KERNEL_NAME_MAX + 1) : 0;

	if (!len || len > KERNEL_NAME_MAX)
		return 0;
	for (size_t i = 0; i < len; i++) {
		char c = name[i], letter = (char)(c | 0x20);

		/* by hand: isalnum(3) would touch the C library's tables in every program */
		if (!(letter >= 'a' && letter <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '.')
			return 0;
	}
	return 1;
}

static int holds_maps(const struct mem_map_image *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || map->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static int check_inner_map(const struct check *check, uint32_t row)
{
	const struct mem_map_image *map = &check->view->maps[row], *inner;

	if (map->inner_map == MEM_NONE)
		return 0;
	if (!holds_maps(map))
		return BAD(check, "maps[%u]: type %u can't hold maps", row, map->type);
	if (map->inner_map >= check->view->map_count)
		return BAD(check, "maps[%u]: inner map %u of %u", row, map->inner_map,
			   check->view->map_count);
	inner = &check->view->maps[map->inner_map];
	if (!(inner->flags & MEM_MAP_PROTOTYPE) || inner->inner_map != MEM_NONE)
		return BAD(check, "maps[%u]: inner map %u is not a plain prototype", row,
			   map->inner_map);
	return 0;
}

static int check_init(const struct check *check, const struct mem_map_image *map, uint32_t row)
{
	const struct image_view *view = check->view;
	const struct mem_init_image *init = &view->inits[row];

	if (init->kind == MEM_INIT_MAP && holds_maps(map)) {
		if (init->target < view->map_count &&
		    !(view->maps[init->target].flags & MEM_MAP_PROTOTYPE))
			return 0;
	} else if (init->kind == MEM_INIT_CALLBACK && map->type == BPF_MAP_TYPE_STRUCT_OPS) {
		if (init->target < view->prog_count && !(init->slot % 8) && map->value_size >= 8 &&
		    init->slot <= map->value_size - 8)
			return 0;
	} else if (init->kind == MEM_INIT_PROG && map->type == BPF_MAP_TYPE_PROG_ARRAY) {
		if (init->target < view->prog_count)
			return 0;
	}
	return BAD(check, "inits[%u]: kind %u with target %u does not fit map %s", row, init->kind,
		   init->target, map->name);
}

static int check_map(const struct check *check, uint32_t row)
{
	const struct image_view *view = check->view;
	const struct mem_map_image *map = &view->maps[row];
	int err;

	if (!map->name || !*map->name)
		return BAD(check, "maps[%u]: no name", row);
	if (!kernel_name_ok(map->kernel_name))
		return BAD(check, "maps[%u]: kernel name is not 1 to 15 of [A-Za-z0-9_.]", row);
	if (map->flags & ~(uint32_t)MAP_FLAGS || map->pinning > 1 ||
	    map->pin_path)
		return BAD(check, "maps[%u]: flags %#x, pinning %u", row, map->flags, map->pinning);
	if (!in_range(map->inits, view->init_count))
		return BAD(check, "maps[%u]: initial elements past the end of their table", row);
	err = check_type(check, "maps", row, map->key_type);
	err = err ?: check_type(check, "maps", row, map->value_type);
	err = err ?: check_inner_map(check, row);
	for (uint32_t i = 0; !err && i < map->inits.count; i++)
		err = check_init(check, map, map->inits.first + i);
	return err;
}

/*
 * A region of variables is the one element of an array, exactly. The array can't be mapped if there
 * are locks or timers among the variables.
 */
static int holds_variables(const struct mem_map_image *map, const struct mem_region_image *region)
{
	return map->type == BPF_MAP_TYPE_ARRAY && map->key_size == 4 && map->max_entries == 1 &&
	       map->value_size == region->size && region->size && region->section;
}

static int check_region_map(const struct check *check, uint32_t row)
{
	const struct mem_region_image *region = &check->view->regions[row];
	const struct mem_map_image *map = &check->view->maps[region->map];
	int fits = 0;

	switch (region->kind) {
	case MEM_REGION_DATA:
	case MEM_REGION_RODATA:
	case MEM_REGION_KCONFIG:
		fits = holds_variables(map, region);
		break;
	case MEM_REGION_ARRAY:
		fits = map->type == BPF_MAP_TYPE_ARRAY && map->map_flags & BPF_F_MMAPABLE &&
		       !region->size;
		break;
	case MEM_REGION_PERCPU:
		fits = map->type == BPF_MAP_TYPE_PERCPU_ARRAY && map->max_entries == 1 &&
		       map->value_size == region->size && region->size && region->section;
		break;
	case MEM_REGION_STRUCT_OPS:
		fits = map->type == BPF_MAP_TYPE_STRUCT_OPS && map->value_size == region->size &&
		       region->size;
		break;
	case MEM_REGION_ARENA:
		fits = map->type == MAP_TYPE_ARENA && map->map_flags & BPF_F_MMAPABLE &&
		       region->size <= ARENA_SIZE_MAX;
		break;
	default:
		return BAD(check, "regions[%u]: unknown kind %u", row, region->kind);
	}
	if (!fits || map->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK))
		return BAD(check, "regions[%u]: map %s can't hold it", row, map->name);
	return 0;
}

static int check_region(const struct check *check, uint32_t row)
{
	const struct image_view *view = check->view;
	const struct mem_region_image *region = &view->regions[row];
	int err;

	if (!region->name || !*region->name)
		return BAD(check, "regions[%u]: no name", row);
	if (region->map >= view->map_count)
		return BAD(check, "regions[%u]: map %u of %u", row, region->map, view->map_count);
	/* a map is mapped once */
	if (check->stamps[region->map]++)
		return BAD(check, "regions[%u]: map %s has a region already", row,
			   view->maps[region->map].name);
	if (region->init_size > region->size || !region->init != !region->init_size)
		return BAD(check, "regions[%u]: %llu bytes of initial contents for %llu bytes", row,
			   (unsigned long long)region->init_size, (unsigned long long)region->size);
	if (!is_power_of_two(region->align))
		return BAD(check, "regions[%u]: alignment %u is not a power of two", row,
			   region->align);
	err = check_type(check, "regions", row, region->type);
	return err ?: check_region_map(check, row);
}

static const struct bpf_insn *insn_at(const struct image_view *view, uint32_t index)
{
	return (const struct bpf_insn *)&view->insns[index];
}

static int is_ld_imm64(const struct check *check, const struct mem_func_image *func, uint32_t insn)
{
	if (insn_at(check->view, func->insns.first + insn)->code != OP_LD_IMM64)
		return 0;
	return insn + 1 < func->insns.count &&
	       !insn_at(check->view, func->insns.first + insn + 1)->code;
}

static int is_call(const struct check *check, const struct mem_func_image *func, uint32_t insn)
{
	return insn_at(check->view, func->insns.first + insn)->code == OP_CALL;
}

static int region_offset_ok(const struct image_view *view, const struct mem_reloc_image *reloc)
{
	const struct mem_region_image *region;

	if (reloc->target >= view->region_count)
		return 0;
	region = &view->regions[reloc->target];
	return region->kind != MEM_REGION_ARRAY && region->kind != MEM_REGION_KCONFIG &&
	       region->kind != MEM_REGION_STRUCT_OPS &&
	       reloc->offset <= region->size; /* one past the last variable is an address in C */
}

static int reloc_fits(const struct check *check, const struct mem_func_image *func,
		      const struct mem_reloc_image *reloc)
{
	const struct image_view *view = check->view;
	int load = is_ld_imm64(check, func, reloc->insn), call = is_call(check, func, reloc->insn);

	switch (reloc->kind) {
	case MEM_RELOC_MAP:
		return load && reloc->target < view->map_count &&
		       !(view->maps[reloc->target].flags & MEM_MAP_PROTOTYPE);
	case MEM_RELOC_REGION:
		return load && region_offset_ok(view, reloc);
	case MEM_RELOC_FUNC:
		return load && reloc->target < view->func_count;
	case MEM_RELOC_CALL:
		return call && reloc->target < view->func_count;
	case MEM_RELOC_EXTERN:
		/* the address of a kernel function can be loaded, to see whether it exists */
		return reloc->target < view->extern_count &&
		       (load || (call && view->externs[reloc->target].kind == MEM_EXTERN_KFUNC));
	default:
		return 0;
	}
}

static int check_relocs(const struct check *check, const struct mem_func_image *func)
{
	for (uint32_t i = 0; i < func->relocs.count; i++) {
		const struct mem_reloc_image *reloc = &check->view->relocs[func->relocs.first + i];

		if (reloc->insn >= func->insns.count || (i && reloc->insn <= reloc[-1].insn))
			return BAD(check, "function %s: relocs[%u]: instruction %u out of order",
				   func->name, func->relocs.first + i, reloc->insn);
		if (!reloc_fits(check, func, reloc))
			return BAD(
				check,
				"function %s: relocs[%u]: kind %u, target %u, offset %u does not "
				"fit instruction %u",
				func->name, func->relocs.first + i, reloc->kind, reloc->target,
				reloc->offset, reloc->insn);
	}
	return 0;
}

/* A call of something in the object or the kernel needs a relocation: it names no target itself. */
static int check_insns(const struct check *check, const struct mem_func_image *func)
{
	uint32_t reloc = func->relocs.first, end = reloc + func->relocs.count;

	for (uint32_t i = 0; i < func->insns.count; i++) {
		const struct bpf_insn *insn = insn_at(check->view, func->insns.first + i);
		int relocated = reloc < end && check->view->relocs[reloc].insn == i;

		reloc += relocated;
		if (insn->code == OP_CALL && insn->src_reg && !relocated)
			return BAD(check, "function %s: instruction %u calls an unnamed function",
				   func->name, i);
		if (insn->code != OP_LD_IMM64)
			continue;
		if (!is_ld_imm64(check, func, i) ||
		    (insn->src_reg == BPF_PSEUDO_FUNC && !relocated))
			return BAD(check, "function %s: instruction %u loads half a constant",
				   func->name, i);
		i++;
	}
	return 0;
}

static int check_lines(const struct check *check, const struct mem_func_image *func)
{
	for (uint32_t i = 0; i < func->lines.count; i++) {
		const struct bpf_line_info *line = &check->view->line_infos[func->lines.first + i];

		if (line->insn_off >= func->insns.count ||
		    (i && line->insn_off <= line[-1].insn_off))
			return BAD(check,
				   "function %s: line_infos[%u]: instruction %u out of order",
				   func->name, func->lines.first + i, line->insn_off);
		if (line->file_name_off >= check->strings.size ||
		    line->line_off >= check->strings.size)
			return BAD(check, "function %s: line_infos[%u]: text outside BTF",
				   func->name, func->lines.first + i);
	}
	return 0;
}

static int check_cores(const struct check *check, const struct mem_func_image *func)
{
	for (uint32_t i = 0; i < func->cores.count; i++) {
		const struct bpf_core_relo *core = &check->view->core_relos[func->cores.first + i];

		if (core->insn_off >= func->insns.count ||
		    (i && core->insn_off < core[-1].insn_off))
			return BAD(check,
				   "function %s: core_relos[%u]: instruction %u out of order",
				   func->name, func->cores.first + i, core->insn_off);
		if (core->access_str_off >= check->strings.size || !core->type_id ||
		    check_type(check, "core_relos", func->cores.first + i, core->type_id))
			return BAD(check, "function %s: core_relos[%u]: outside BTF", func->name,
				   func->cores.first + i);
	}
	return 0;
}

static int check_func(const struct check *check, uint32_t row)
{
	const struct image_view *view = check->view;
	const struct mem_func_image *func = &view->funcs[row];
	int err;

	if (!func->name || !*func->name || !func->section)
		return BAD(check, "funcs[%u]: no name", row);
	if (func->flags & ~(uint32_t)MEM_FUNC_GLOBAL)
		return BAD(check, "function %s: unknown flags %#x", func->name, func->flags);
	if (!func->insns.count || !in_range(func->insns, view->insn_count) ||
	    !in_range(func->relocs, view->reloc_count) ||
	    !in_range(func->lines, view->line_info_count) ||
	    !in_range(func->cores, view->core_relo_count))
		return BAD(check, "function %s: rows past the end of their table", func->name);
	err = check_type(check, "funcs", row, func->type);
	err = err ?: check_relocs(check, func);
	err = err ?: check_insns(check, func);
	err = err ?: check_lines(check, func);
	return err ?: check_cores(check, func);
}

static const struct mem_region_image *kconfig_region(const struct image_view *view)
{
	for (uint32_t i = 0; i < view->region_count; i++)
		if (view->regions[i].kind == MEM_REGION_KCONFIG)
			return &view->regions[i];
	return NULL;
}

static int check_task_number(const struct check *check, const struct mem_extern_image *ext)
{
	if (ext->kcfg_kind < MEM_TASK_NUMBER_BACK || ext->kcfg_kind > MEM_TASK_NUMBER_OFFSET ||
	    (ext->kcfg_kind == MEM_TASK_NUMBER_OFFSET && ext->kcfg_offset >= check->view->task_count))
		return BAD(check, "extern %s: number %u of task %u", ext->name, ext->kcfg_kind,
			   ext->kcfg_offset);
	return 0;
}

static int check_task(const struct check *check, uint32_t row)
{
	const struct image_view *view = check->view;
	const struct mem_task_image *task = &view->tasks[row];

	if (!task->name || !*task->name || !task->size || !is_power_of_two(task->align) || task->flags)
		return BAD(check, "tasks[%u]: %u bytes, alignment %u, flags %#x", row, task->size,
			   task->align, task->flags);
	if (!in_range(task->fields, view->task_field_count))
		return BAD(check, "task %s: fields past the end of their table", task->name);
	for (uint32_t i = 0; i < task->fields.count; i++) {
		const struct mem_task_field_image *field = &view->task_fields[task->fields.first + i];

		if (!field->name || !field->type ||
		    (uint64_t)field->offset + field->size > 8 * (uint64_t)task->size)
			return BAD(check, "task %s: field %u is outside of its %u bytes", task->name, i,
				   task->size);
	}
	return check_type(check, "tasks", row, task->type);
}

static int check_extern(const struct check *check, uint32_t row,
			const struct mem_region_image *kconfig)
{
	const struct mem_extern_image *ext = &check->view->externs[row];

	if (!ext->name || !*ext->name)
		return BAD(check, "externs[%u]: no name", row);
	if (ext->kind < MEM_EXTERN_KFUNC || ext->kind > MEM_EXTERN_TASK ||
	    ext->flags & ~(uint32_t)MEM_EXTERN_WEAK)
		return BAD(check, "extern %s: kind %u, flags %#x", ext->name, ext->kind,
			   ext->flags);
	if (ext->kind == MEM_EXTERN_TASK)
		return check_task_number(check, ext);
	if (ext->kind != MEM_EXTERN_KCONFIG)
		return check_type(check, "externs", row, ext->type);
	if (ext->kcfg_kind < MEM_KCFG_CHAR || ext->kcfg_kind > MEM_KCFG_CHAR_ARR ||
	    ext->kcfg_signed > 1)
		return BAD(check, "extern %s: unknown kind of value %u", ext->name, ext->kcfg_kind);
	if (!kconfig || !ext->kcfg_size || ext->kcfg_offset > kconfig->size ||
	    ext->kcfg_size > kconfig->size - ext->kcfg_offset)
		return BAD(check, "extern %s: %u bytes at %u are outside .kconfig", ext->name,
			   ext->kcfg_size, ext->kcfg_offset);
	if (ext->kcfg_kind != MEM_KCFG_CHAR_ARR && ext->kcfg_size > 8)
		return BAD(check, "extern %s: a value of %u bytes", ext->name, ext->kcfg_size);
	return check_type(check, "externs", row, ext->type);
}

/* Whatever a function of a program calls must be in that program's list as well. */
static int check_callees(const struct check *check, const struct mem_prog_image *prog,
			 uint32_t stamp)
{
	const struct image_view *view = check->view;

	for (uint32_t i = 0; i < prog->funcs.count; i++) {
		const struct mem_func_image *func =
			&view->funcs[view->prog_funcs[prog->funcs.first + i]];

		for (uint32_t j = 0; j < func->relocs.count; j++) {
			const struct mem_reloc_image *reloc = &view->relocs[func->relocs.first + j];

			if (reloc->kind != MEM_RELOC_CALL && reloc->kind != MEM_RELOC_FUNC)
				continue;
			if (check->stamps[reloc->target] != stamp)
				return BAD(check, "program %s: lacks function %s, which %s calls",
					   prog->name, view->funcs[reloc->target].name, func->name);
		}
	}
	return 0;
}

static int check_prog(const struct check *check, uint32_t row)
{
	const struct image_view *view = check->view;
	const struct mem_prog_image *prog = &view->progs[row];
	uint32_t stamp = row + 1;

	if (!prog->name || !*prog->name || !prog->section)
		return BAD(check, "progs[%u]: no name", row);
	if (prog->attach_kind > MEM_ATTACH_TRACE_MULTI || prog->target_kind > MEM_TARGET_PROG ||
	    prog->flags & ~(uint32_t)(MEM_PROG_NO_AUTOLOAD | MEM_PROG_RETURN))
		return BAD(check, "program %s: attach kind %u, target kind %u, flags %#x",
			   prog->name, prog->attach_kind, prog->target_kind, prog->flags);
	if (!prog->funcs.count || !in_range(prog->funcs, view->prog_func_count))
		return BAD(check, "program %s: no functions, or past the end of their table",
			   prog->name);
	for (uint32_t i = 0; i < prog->funcs.count; i++) {
		uint32_t func = view->prog_funcs[prog->funcs.first + i];

		if (func >= view->func_count || check->stamps[func] == stamp)
			return BAD(check, "program %s: function %u is missing or there twice",
				   prog->name, func);
		check->stamps[func] = stamp;
	}
	return check_callees(check, prog, stamp);
}

static int check_tables(struct check *check)
{
	const struct image_view *view = check->view;
	const struct mem_region_image *kconfig = kconfig_region(view);
	int err = 0;

	for (uint32_t i = 0; !err && i < view->map_count; i++)
		err = check_map(check, i);
	for (uint32_t i = 0; !err && i < view->region_count; i++)
		err = check_region(check, i);
	for (uint32_t i = 0; !err && i < view->extern_count; i++)
		err = check_extern(check, i, kconfig);
	for (uint32_t i = 0; !err && i < view->task_count; i++)
		err = check_task(check, i);
	for (uint32_t i = 0; !err && i < view->func_count; i++)
		err = check_func(check, i);
	/* from here on the stamps are for functions */
	memset(check->stamps, 0, view->func_count * sizeof(check->stamps[0]));
	for (uint32_t i = 0; !err && i < view->prog_count; i++)
		err = check_prog(check, i);
	return err;
}

int image_check(const struct image_view *view)
{
	struct check check = {.view = view, .name = view->image->name};
	size_t stamps = view->map_count > view->func_count ? view->map_count : view->func_count;
	int err;

	if (view->image->flags)
		return BAD(&check, "unknown flags %#x", view->image->flags);
	err = image_btf_strings(view, &check.strings);
	if (err)
		return err;
	check.stamps = spare_calloc(stamps + 1, sizeof(check.stamps[0]));
	if (!check.stamps)
		return mem__error(ENOMEM, "%s: no memory to check %zu rows", check.name, stamps);
	err = check_tables(&check);
	spare_free(check.stamps);
	return err;
}

int mem_image_is_valid(const struct mem_image *image)
{
	struct image_view view;
	int valid;

	if (image_widen(image, &view))
		return 0;
	valid = !image_check(&view);
	image_view_free(&view);
	return valid;
}
