/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an object's programs name in the running kernel: functions and variables they use (externs)
 * and what they attach to (targets). All names go into one look-up.
 */
#include <errno.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_btf.h"
#include "object.h"
#include "spare.h"

struct wish_list {
	struct kernel_btf_want *wants;
	uint32_t count;
};

static void wish(struct wish_list *list, const char *prefix, const char *name, uint32_t kind,
		 uint32_t *id, uint32_t *module)
{
	struct kernel_btf_want want = { .name = name, .prefix = prefix, .kind = kind, .id = id,
					.module = module };

	list->wants[list->count++] = want;
}

static void wish_extern(struct wish_list *list, const struct mem_extern_image *image,
			struct resolved_extern *resolved)
{
	if (image->kind == MEM_EXTERN_KFUNC)
		wish(list, "", image->name, BTF_KIND_FUNC, &resolved->btf_id, &resolved->module);
	else if (image->kind == MEM_EXTERN_KSYM)
		wish(list, "", image->name, BTF_KIND_VAR, &resolved->btf_id, &resolved->module);
}

static void wish_target(struct wish_list *list, struct mem_prog *prog)
{
	static const struct {
		const char *prefix;
		uint32_t kind;
	} forms[] = {
		[MEM_TARGET_FUNC] = { "", BTF_KIND_FUNC },
		[MEM_TARGET_TRACEPOINT] = { "btf_trace_", BTF_KIND_TYPEDEF },
		[MEM_TARGET_LSM] = { "bpf_lsm_", BTF_KIND_FUNC },
		[MEM_TARGET_ITER] = { "bpf_iter_", BTF_KIND_FUNC },
	};
	uint32_t kind = prog->image->target_kind;
	const char *target = prog_target(prog);

	if (prog->autoload && target && prog->target_prog_fd < 0 && kind >= MEM_TARGET_FUNC &&
	    kind <= MEM_TARGET_ITER)
		wish(list, forms[kind].prefix, target, forms[kind].kind, &prog->target_id,
		     &prog->target_module);
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

/* Call visit for each extern that a program reaches, until it returns an error. */
static int visit_externs(const struct mem_prog *prog,
			 int (*visit)(const struct mem_prog *prog, uint32_t ext, void *ctx), void *ctx)
{
	const struct image_view *image = &prog->obj->image;
	const struct mem_range funcs = prog->image->funcs;
	int err = 0;

	for (uint32_t f = 0; f < funcs.count; f++) {
		const struct mem_range relocs = image->funcs[image->prog_funcs[funcs.first + f]].relocs;

		for (uint32_t i = 0; !err && i < relocs.count; i++) {
			const struct mem_reloc_image *reloc = &image->relocs[relocs.first + i];

			if (reloc->kind == MEM_RELOC_EXTERN)
				err = visit(prog, reloc->target, ctx);
		}
	}
	return err;
}

static int mark_extern(const struct mem_prog *prog, uint32_t ext, void *ctx)
{
	bool *used = ctx;

	(void)prog;
	used[ext] = true;
	return 0;
}

static int check_extern(const struct mem_prog *prog, uint32_t ext, void *ctx)
{
	const struct mem_object *obj = prog->obj;
	const struct mem_extern_image *image = &obj->image.externs[ext];
	const struct resolved_extern *resolved = &obj->externs[ext];

	(void)ctx;
	if (resolved->ambiguous)
		return mem__error(EINVAL, "%s: program '%s': the kernel has several symbols '%s': which is "
					  "meant?", obj->name, prog->image->name, image->name);
	/* .kconfig values were found or missed at prepare */
	if (resolved->found || image->flags & MEM_EXTERN_WEAK || image->kind == MEM_EXTERN_KCONFIG ||
	    image->kind == MEM_EXTERN_TASK)
		return 0;
	return mem__error(ENOENT,
			  "%s: program '%s': this kernel has no %s '%s' that programs may use; declare it "
			  "__weak and test for it if the program can do without",
			  obj->name, prog->image->name, extern_noun(image->kind), image->name);
}

static const char *target_noun(uint32_t kind)
{
	switch (kind) {
	case MEM_TARGET_FUNC:
		return "function";
	case MEM_TARGET_TRACEPOINT:
		return "tracepoint";
	case MEM_TARGET_LSM:
		return "security hook";
	default:
		return "iterator";
	}
}

static int check_target(const struct mem_prog *prog)
{
	const struct mem_prog_image *image = prog->image;
	const char *target = prog_target(prog);

	if (prog->target_id || image->target_kind == MEM_TARGET_NONE)
		return 0;
	if (image->target_kind == MEM_TARGET_STRUCT_OPS)
		return mem__error(EINVAL,
				  "%s: program '%s' (section %s) implements no member of a struct_ops "
				  "variable: let one point to it, or switch the program off",
				  prog->obj->name, image->name, image->section);
	if (image->target_kind == MEM_TARGET_PROG)
		return mem__error(EINVAL,
				  "%s: program '%s' (section %s): which program does it replace a function "
				  "of? call mem_prog_target_set()", prog->obj->name, image->name,
				  image->section);
	if (!target)
		return mem__error(EINVAL,
				  "%s: program '%s': section '%s' does not name what to attach to: write "
				  "'%s/NAME', or call mem_prog_target_set()", prog->obj->name, image->name,
				  image->section, image->section);
	return mem__error(ENOENT,
			  "%s: program '%s' (section %s): this kernel has no %s '%s' to attach to%s",
			  prog->obj->name, image->name, image->section, target_noun(image->target_kind),
			  target, strchr(target, ':') ? "; is the module loaded?" : "");
}

static bool wants_addresses(const struct image_view *image, const bool *used)
{
	for (uint32_t i = 0; i < image->extern_count; i++)
		if (used[i] && image->externs[i].kind == MEM_EXTERN_KSYM_ADDR)
			return true;
	return false;
}

/* One look-up for all; what only switched-off programs use is not looked for. */
static int look_up(struct mem_object *obj, struct wish_list *list, bool *used)
{
	const struct image_view *image = &obj->image;
	int err = 0;

	for (uint32_t i = 0; i < image->prog_count; i++)
		if (obj->progs[i].autoload)
			visit_externs(&obj->progs[i], mark_extern, used);
	for (uint32_t i = 0; i < image->extern_count; i++)
		if (used[i])
			wish_extern(list, &image->externs[i], &obj->externs[i]);
	for (uint32_t i = 0; i < image->prog_count; i++)
		wish_target(list, &obj->progs[i]);
	if (list->count)
		err = kernel_btf_find(list->wants, list->count, &obj->modules, obj->name);
	if (!err && wants_addresses(image, used))
		err = resolve_addresses ? resolve_addresses(obj, used)
					: part_missing(obj->name, "addresses of the kernel's symbols",
						       "mem_kernel_addresses_use");
	for (uint32_t i = 0; i < image->extern_count; i++)
		obj->externs[i].found |= obj->externs[i].btf_id != 0;
	return err;
}

static int check_progs(struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.prog_count; i++) {
		struct mem_prog *prog = &obj->progs[i];
		int err = 0;

		if (prog->autoload) {
			err = check_target(prog);
			err = err ?: visit_externs(prog, check_extern, NULL);
		}
		if (err && !obj->lenient)
			return err;
		if (err)
			prog_leave_out(prog);
	}
	return 0;
}

int resolve_kernel_ids(struct mem_object *obj)
{
	size_t most = (size_t)obj->image.extern_count + obj->image.prog_count + 1;
	struct wish_list list = { .wants = spare_calloc(most, sizeof(struct kernel_btf_want)) };
	bool *used = spare_calloc(most, sizeof(bool));
	int err;

	if (list.wants && used)
		err = look_up(obj, &list, used);
	else
		err = mem__error(ENOMEM, "%s: no memory to look up kernel symbols", obj->name);
	spare_free(used);
	spare_free(list.wants);
	return err ?: check_progs(obj);
}

void mem_kernel_names_use(void)
{
}
