/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields that are elsewhere than a program was compiled for: the application and other programs have described
 * the struct first (task_layout.c). The programs that can follow have a CO-RE record for each access.
 */
#include <errno.h>

#include "object.h"
#include "task.h"

bool task_is_movable(const struct image_view *image, uint32_t type)
{
	for (uint32_t i = 0; i < image->core_relo_count; i++)
		if (image->core_relos[i].type_id == type)
			return true;
	return false;
}

/* The number in an instruction that is a field's offset; NULL if it has none. */
static bool get_offset(const struct bpf_insn *insn, uint32_t *offset)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		*offset = (uint16_t)insn->off;
		return true;
	case BPF_LD:
	case BPF_ALU:
	case BPF_ALU64:
		*offset = (uint32_t)insn->imm;
		return BPF_CLASS(insn->code) == BPF_LD || BPF_SRC(insn->code) == BPF_K;
	default:
		return false;
	}
}

static bool set_offset(struct bpf_insn *insn, uint32_t offset)
{
	uint32_t class = BPF_CLASS(insn->code);

	if (class == BPF_LDX || class == BPF_ST || class == BPF_STX)
		insn->off = (int16_t)offset;
	else
		insn->imm = (int32_t)offset;
	return offset <= INT16_MAX;
}

/* Where byte `offset` of a struct is now; the fields' own places say in which of them it is. */
static bool find_place(const struct mem_object *obj, const struct mem_task_image *task, uint32_t *offset)
{
	for (uint32_t i = task->fields.first; i < task->fields.first + task->fields.count; i++) {
		const struct mem_task_field_image *field = &obj->image.task_fields[i];

		if (field->offset > 8ULL * *offset || 8ULL * *offset >= (uint64_t)field->offset + field->size)
			continue;
		*offset = (uint32_t)(*offset + ((int64_t)obj->task_fields_at[i] - field->offset) / 8);
		return true;
	}
	return false;
}

int task_relocate(const struct mem_object *obj, const struct bpf_core_relo *relo, struct bpf_insn *insn)
{
	const struct mem_task_image *task = NULL;
	uint32_t offset;

	for (uint32_t i = 0; obj->task_offsets && i < obj->image.task_count; i++)
		if (obj->image.tasks[i].type == relo->type_id)
			task = &obj->image.tasks[i];
	if (!task)
		return 0;
	if (relo->kind != BPF_CORE_FIELD_BYTE_OFFSET || !get_offset(insn, &offset) ||
	    !find_place(obj, task, &offset) || !set_offset(insn, offset))
		return mem__error(EINVAL, "%s: a program asks of per-thread struct '%s' what only the kernel's "
					  "own structs can be asked (CO-RE record of kind %u)",
				  obj->name, task->name, relo->kind);
	return 1;
}
