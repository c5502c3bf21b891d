/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an object's programs name in the running kernel: functions and variables they use (externs)
 * and what they attach to (targets). All names go into one look-up.
 */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "kallsyms.h"
#include "kernel_btf.h"
#include "object.h"

struct wish_list {
	struct kernel_btf_want *wants;
	uint32_t count;
};

static void wish(struct wish_list *list, const char *prefix, const char *name, uint32_t kind,
		 uint32_t *id)
{
	struct kernel_btf_want want = { .name = name, .prefix = prefix, .kind = kind, .id = id };

	list->wants[list->count++] = want;
}

static void wish_extern(struct wish_list *list, const struct mem_extern_image *image,
			struct resolved_extern *resolved)
{
	if (image->kind == MEM_EXTERN_KFUNC)
		wish(list, "", image->name, BTF_KIND_FUNC, &resolved->btf_id);
	else if (image->kind == MEM_EXTERN_KSYM)
		wish(list, "", image->name, BTF_KIND_VAR, &resolved->btf_id);
}

static void wish_target(struct wish_list *list, struct mem_prog *prog)
{
	const char *target = prog->image->target;

	if (!prog->autoload || !target)
		return;
	switch (prog->image->target_kind) {
	case MEM_TARGET_FUNC:
		wish(list, "", target, BTF_KIND_FUNC, &prog->target_id);
		break;
	case MEM_TARGET_TRACEPOINT:
		wish(list, "btf_trace_", target, BTF_KIND_TYPEDEF, &prog->target_id);
		break;
	case MEM_TARGET_LSM:
		wish(list, "bpf_lsm_", target, BTF_KIND_FUNC, &prog->target_id);
		break;
	case MEM_TARGET_ITER:
		wish(list, "bpf_iter_", target, BTF_KIND_FUNC, &prog->target_id);
		break;
	}
}

static const char *extern_noun(uint32_t kind)
{
	switch (kind) {
	case MEM_EXTERN_KFUNC:
		return "function (kfunc)";
	case MEM_EXTERN_KSYM:
		return "variable";
	default:
		return "symbol";
	}
}

/* Externs that only switched-off programs use would be looked up in vain, but are no error. */
static void mark_used(const struct mem_object *obj, const struct mem_func_image *func, bool *used)
{
	for (uint32_t i = 0; i < func->relocs.count; i++) {
		const struct mem_reloc_image *reloc = &obj->image.relocs[func->relocs.first + i];

		if (reloc->kind == MEM_RELOC_EXTERN)
			used[reloc->target] = true;
	}
}

static void mark_used_externs(const struct mem_object *obj, bool *used)
{
	for (uint32_t p = 0; p < obj->image.prog_count; p++) {
		const struct mem_range funcs = obj->progs[p].image->funcs;

		for (uint32_t i = 0; obj->progs[p].autoload && i < funcs.count; i++) {
			uint32_t func = obj->image.prog_funcs[funcs.first + i];

			mark_used(obj, &obj->image.funcs[func], used);
		}
	}
}

static int check_extern(const struct mem_object *obj, uint32_t i)
{
	const struct mem_extern_image *image = &obj->image.externs[i];
	struct resolved_extern *resolved = &obj->externs[i];

	resolved->found |= resolved->btf_id != 0;
	/* .kconfig values were found or missed at prepare */
	if (resolved->found || image->flags & MEM_EXTERN_WEAK || image->kind == MEM_EXTERN_KCONFIG)
		return 0;
	return mem__error(ENOENT,
			  "%s: this kernel has no %s '%s' that programs may use; declare it __weak and "
			  "test for it if the program can do without",
			  obj->name, extern_noun(image->kind), image->name);
}

static int check_target(const struct mem_prog *prog)
{
	const struct mem_prog_image *image = prog->image;

	if (!prog->autoload || prog->target_id || image->target_kind == MEM_TARGET_NONE ||
	    image->target_kind == MEM_TARGET_PROG)
		return 0;
	if (image->target_kind == MEM_TARGET_STRUCT_OPS)
		return mem__error(EINVAL,
				  "%s: program '%s' (section %s) implements no member of a struct_ops "
				  "variable: let one point to it, or switch the program off",
				  prog->obj->name, image->name, image->section);
	if (!image->target)
		return mem__error(EINVAL,
				  "%s: program '%s': section '%s' does not name what to attach to: write "
				  "'%s/NAME'", prog->obj->name, image->name, image->section, image->section);
	return mem__error(ENOENT,
			  "%s: program '%s' (section %s): this kernel has no '%s' to attach to",
			  prog->obj->name, image->name, image->section, image->target);
}

/* Symbols whose address alone is wanted. */
static int resolve_addresses(struct mem_object *obj, const bool *used)
{
	const struct image_view *image = &obj->image;
	struct kallsyms_want *wants = calloc(image->extern_count + 1, sizeof(*wants));
	uint32_t count = 0, next = 0;
	int err = 0;

	if (!wants)
		return mem__error(ENOMEM, "%s: no memory to look up kernel symbols", obj->name);
	for (uint32_t i = 0; i < image->extern_count; i++)
		if (used[i] && image->externs[i].kind == MEM_EXTERN_KSYM_ADDR)
			wants[count++].name = image->externs[i].name;
	if (count)
		err = kallsyms_find(wants, count, obj->name);
	for (uint32_t i = 0; !err && i < image->extern_count; i++) {
		if (!used[i] || image->externs[i].kind != MEM_EXTERN_KSYM_ADDR)
			continue;
		obj->externs[i].found = wants[next].found == 1;
		obj->externs[i].address = wants[next].address;
		if (wants[next].found > 1)
			err = mem__error(EINVAL, "%s: the kernel has %u symbols '%s': which is meant?",
					 obj->name, wants[next].found, wants[next].name);
		next++;
	}
	free(wants);
	return err;
}

static int resolve(struct mem_object *obj, struct wish_list *list, bool *used)
{
	const struct image_view *image = &obj->image;
	int err = 0;

	mark_used_externs(obj, used);
	for (uint32_t i = 0; i < image->extern_count; i++)
		if (used[i])
			wish_extern(list, &image->externs[i], &obj->externs[i]);
	for (uint32_t i = 0; i < image->prog_count; i++)
		wish_target(list, &obj->progs[i]);
	if (list->count)
		err = kernel_btf_find(list->wants, list->count, obj->name);
	err = err ?: resolve_addresses(obj, used);
	for (uint32_t i = 0; !err && i < image->extern_count; i++)
		if (used[i])
			err = check_extern(obj, i);
	for (uint32_t i = 0; !err && i < image->prog_count; i++)
		err = check_target(&obj->progs[i]);
	return err;
}

int resolve_kernel_ids(struct mem_object *obj)
{
	size_t most = (size_t)obj->image.extern_count + obj->image.prog_count + 1;
	struct wish_list list = { .wants = calloc(most, sizeof(struct kernel_btf_want)) };
	bool *used = calloc(most, sizeof(bool));
	int err;

	if (list.wants && used)
		err = resolve(obj, &list, used);
	else
		err = mem__error(ENOMEM, "%s: no memory to look up kernel symbols", obj->name);
	free(used);
	free(list.wants);
	return err;
}
