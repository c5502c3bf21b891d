/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "insns.h"
#include "spare.h"
#include "task.h"

/* The functions of a program, in order. */
static const struct mem_func_image *prog_func(const struct mem_prog *prog, uint32_t i)
{
	const struct image_view *image = &prog->obj->image;

	return &image->funcs[image->prog_funcs[prog->image->funcs.first + i]];
}

static bool count_rows(const struct mem_prog *prog, struct insns *out, bool *typed, bool *lined)
{
	uint64_t insns = 0, lines = 0, cores = 0;

	out->func_count = prog->image->funcs.count;
	*typed = *lined = prog->obj->btf_fd >= 0;
	for (uint32_t i = 0; i < out->func_count; i++) {
		const struct mem_func_image *func = prog_func(prog, i);

		insns += func->insns.count;
		lines += func->lines.count;
		cores += func->cores.count;
		*typed &= func->type != 0;
		*lined &= func->lines.count &&
			  !prog->obj->image.line_infos[func->lines.first].insn_off;
	}
	out->count = (uint32_t)insns;
	out->line_count = (uint32_t)lines;
	out->core_count = (uint32_t)cores;
	return insns <= INT32_MAX && lines <= INT32_MAX && cores <= INT32_MAX;
}

static int insns_alloc(const struct mem_prog *prog, struct insns *out)
{
	bool typed, lined, fits = count_rows(prog, out, &typed, &lined);

	if (fits) {
		out->code = spare_calloc(out->count + 1, sizeof(*out->code));
		out->starts = spare_calloc(out->func_count + 1, sizeof(*out->starts));
		out->cores = spare_calloc(out->core_count + 1, sizeof(*out->cores));
		if (typed)
			out->funcs = spare_calloc(out->func_count + 1, sizeof(*out->funcs));
		if (typed && lined)
			out->lines = spare_calloc(out->line_count + 1, sizeof(*out->lines));
	}
	if (!fits || !out->code || !out->starts || !out->cores || (typed && !out->funcs) ||
	    (typed && lined && !out->lines))
		return mem__error(ENOMEM, "%s: program '%s': no memory for its instructions",
				  prog->obj->name, prog->image->name);
	return 0;
}

/* The CO-RE records of a function that begins at an instruction: the kernel's business, or per-thread structs'. */
static int place_cores(const struct mem_prog *prog, const struct mem_func_image *func, uint32_t at,
		       struct insns *out)
{
	for (uint32_t n = 0; n < func->cores.count; n++) {
		struct bpf_core_relo *core = &out->cores[out->core_count];
		int done;

		*core = prog->obj->image.core_relos[func->cores.first + n];
		done = prog->obj->image.task_count && task_relocate
			       ? task_relocate(prog->obj, core, &out->code[at + core->insn_off])
			       : 0;
		if (done < 0)
			return done;
		/* it counts bytes, unlike other records */
		core->insn_off = (core->insn_off + at) * sizeof(struct bpf_insn);
		out->core_count += !done;
	}
	return 0;
}

/* Copy the functions and their records to where they go. */
static int place_functions(const struct mem_prog *prog, struct insns *out)
{
	const struct image_view *image = &prog->obj->image;
	uint32_t at = 0, line = 0;
	int err = 0;

	out->core_count = 0;
	for (uint32_t i = 0; !err && i < out->func_count; i++) {
		const struct mem_func_image *func = prog_func(prog, i);

		out->starts[i] = at;
		memcpy(&out->code[at], &image->insns[func->insns.first],
		       func->insns.count * sizeof(*out->code));
		if (out->funcs)
			out->funcs[i] = (struct bpf_func_info){ .insn_off = at, .type_id = func->type };
		for (uint32_t n = 0; out->lines && n < func->lines.count; n++, line++) {
			out->lines[line] = image->line_infos[func->lines.first + n];
			out->lines[line].insn_off += at;
		}
		err = place_cores(prog, func, at, out);
		at += func->insns.count;
	}
	return err;
}

/* Where a function begins in this program. The image check made sure that it is there. */
static uint32_t func_start(const struct mem_prog *prog, const struct insns *out, uint32_t func)
{
	const struct image_view *image = &prog->obj->image;

	for (uint32_t i = 0; i < out->func_count; i++)
		if (image->prog_funcs[prog->image->funcs.first + i] == func)
			return out->starts[i];
	return 0;
}

static void relocate_imm64(struct bpf_insn *insn, uint8_t src, uint32_t low, uint32_t high)
{
	insn[0].src_reg = src;
	insn[0].imm = (int32_t)low;
	insn[1].imm = (int32_t)high;
}

/* Nothing that the verifier lets pass: verifier.c says what was meant, should it get there. */
static void poison(struct bpf_insn *insn, uint32_t base, uint32_t row)
{
	*insn = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = (int32_t)(base + row) };
}

/* Maps of a way of keeping threads' structs that is not in use are named by dead code only. */
static void relocate_map(const struct mem_object *obj, uint32_t row, uint32_t kind, uint32_t offset,
			 struct bpf_insn *insn)
{
	const struct mem_map *map = &obj->maps[row];

	if (map->fd < 0 && map->image->flags & MEM_MAP_TASK) {
		relocate_imm64(insn, 0, 0, 0);
	} else if (map_left_out(map)) {
		poison(&insn[0], POISON_MAP, row);
		poison(&insn[1], POISON_MAP, row);
	} else {
		relocate_imm64(insn, kind, (uint32_t)map->fd, offset);
	}
}

static void relocate_region(const struct mem_object *obj, const struct mem_reloc_image *reloc,
			    struct bpf_insn *insn)
{
	const struct mem_region *region = &obj->regions[reloc->target];
	uint32_t offset = reloc->offset;

	if (region->image->kind == MEM_REGION_ARENA)
		offset += (uint32_t)(region->variables - region->base);
	relocate_map(obj, region->image->map, BPF_PSEUDO_MAP_VALUE, offset, insn);
}

/* The value lies in the .kconfig region. */
static void relocate_kconfig(const struct mem_object *obj, const struct mem_extern_image *image,
			     struct bpf_insn *insn)
{
	for (uint32_t i = 0; i < obj->image.region_count; i++)
		if (obj->regions[i].image->kind == MEM_REGION_KCONFIG)
			relocate_imm64(insn, BPF_PSEUDO_MAP_VALUE, (uint32_t)obj->regions[i].map->fd,
				       image->kcfg_offset);
}

static void relocate_extern(const struct mem_prog *prog, const struct mem_reloc_image *reloc,
			    struct bpf_insn *insn)
{
	const struct mem_object *obj = prog->obj;
	const struct mem_extern_image *ext = &obj->image.externs[reloc->target];
	const struct resolved_extern *resolved = &obj->externs[reloc->target];
	bool call = insn->code == (BPF_JMP | BPF_CALL);

	if (ext->kind == MEM_EXTERN_KCONFIG) {
		relocate_kconfig(obj, ext, insn);
	} else if (ext->kind == MEM_EXTERN_TASK) {
		uint64_t number = task_number ? task_number(obj, ext, prog->image->type) : 0;

		relocate_imm64(insn, 0, (uint32_t)number, (uint32_t)(number >> 32));
	} else if (call && !resolved->found) { /* weak, or it would not have come to this */
		poison(insn, POISON_EXTERN, reloc->target);
	} else if (call) {
		insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
		insn->off = (int16_t)resolved->module; /* index into fd_array */
		insn->imm = (int32_t)resolved->btf_id;
	} else if (resolved->btf_id) {
		relocate_imm64(insn, BPF_PSEUDO_BTF_ID, resolved->btf_id,
			       resolved->module ? (uint32_t)obj->modules.fds[resolved->module] : 0);
	} else { /* an address, which is 0 for what is weak and absent */
		relocate_imm64(insn, 0, (uint32_t)resolved->address,
			       (uint32_t)(resolved->address >> 32));
	}
}

static void relocate_one(const struct mem_prog *prog, struct insns *out, uint32_t start,
			 const struct mem_reloc_image *reloc)
{
	const struct mem_object *obj = prog->obj;
	uint32_t at = start + reloc->insn;
	struct bpf_insn *insn = &out->code[at];

	switch (reloc->kind) {
	case MEM_RELOC_MAP:
		relocate_map(obj, reloc->target, BPF_PSEUDO_MAP_FD, 0, insn);
		break;
	case MEM_RELOC_REGION:
		relocate_region(obj, reloc, insn);
		break;
	case MEM_RELOC_FUNC:
		relocate_imm64(insn, BPF_PSEUDO_FUNC, func_start(prog, out, reloc->target) - at - 1, 0);
		break;
	case MEM_RELOC_CALL:
		insn->src_reg = BPF_PSEUDO_CALL;
		insn->imm = (int32_t)(func_start(prog, out, reloc->target) - at - 1);
		break;
	case MEM_RELOC_EXTERN:
		relocate_extern(prog, reloc, insn);
		break;
	default: /* the image was checked */
		break;
	}
}

static void relocate(const struct mem_prog *prog, struct insns *out)
{
	for (uint32_t i = 0; i < out->func_count; i++) {
		const struct mem_range relocs = prog_func(prog, i)->relocs;

		for (uint32_t n = 0; n < relocs.count; n++)
			relocate_one(prog, out, out->starts[i],
				     &prog->obj->image.relocs[relocs.first + n]);
	}
}

int insns_build(const struct mem_prog *prog, struct insns *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = insns_alloc(prog, out);
	err = err ?: place_functions(prog, out);
	if (err)
		insns_free(out);
	else
		relocate(prog, out);
	return err;
}

void insns_free(struct insns *insns)
{
	spare_free(insns->code);
	spare_free(insns->funcs);
	spare_free(insns->lines);
	spare_free(insns->cores);
	spare_free(insns->starts);
	memset(insns, 0, sizeof(*insns));
}
