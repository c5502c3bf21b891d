/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Structs that every thread has one of: the variables of .mem_tasks, which MEM_TASK() declares for
 * their types alone. Their fields are written down in a form that can be compared with what another
 * object or header, made at another time, says of the same struct.
 */
#include <stdarg.h>
#include <stdio.h>

#include "reader/reader.h"

#define SECTION ".mem_tasks"
#define DEPTH_MAX 16	/* structs in structs */
#define FIELDS_MAX 4096 /* of one struct */
#define TEXT_MAX 2048	/* bytes of a path or a type */

/* Text that is cut where the room ends. */
struct text {
	char data[TEXT_MAX];
	size_t len; /* more than the room has if it was cut */
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *fmt, ...)
{
	size_t room = text->len < TEXT_MAX ? TEXT_MAX - text->len : 0;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(room ? text->data + text->len : NULL, room, fmt, args);
	va_end(args);
	text->len += len > 0 ? (size_t)len : 0;
}

static void put_type(struct reader *r, struct text *text, uint32_t id, int depth);

static void put_members(struct reader *r, struct text *text, const struct btf_type *t, int depth)
{
	put(text, "%s {", btf_is_union(t) ? "union" : "struct");
	for (uint32_t i = 0; i < btf_vlen(t) && text->len < TEXT_MAX; i++) {
		const struct btf_member *member = &btf_members(t)[i];

		put_type(r, text, member->type, depth + 1);
		put(text, " %s@%u", btf_name(r, member->name_off), btf_member_bit_offset(t, i));
		if (btf_member_bitfield_size(t, i))
			put(text, ":%u", btf_member_bitfield_size(t, i));
		put(text, ";");
	}
	put(text, "}");
}

static void put_int(struct text *text, const struct btf_type *t)
{
	uint32_t encoding = btf_int_encoding(t);

	if (encoding & BTF_INT_BOOL)
		put(text, "bool");
	else
		put(text, "%c%u", encoding & BTF_INT_SIGNED ? 's' : 'u', btf_int_bits(t));
}

/* The type as it lies in memory: "s32", "u8[16]", "struct {u64 id@0;}", without names of types. */
static void put_type(struct reader *r, struct text *text, uint32_t id, int depth)
{
	const struct btf_type *t = btf_skip_modifiers(r, id, NULL);

	if (!t || depth > DEPTH_MAX) {
		put(text, "?");
		return;
	}
	switch (btf_kind(t)) {
	case BTF_KIND_INT:
		put_int(text, t);
		break;
	case BTF_KIND_FLOAT:
		put(text, "f%u", t->size * 8);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		put(text, "enum%u", t->size * 8);
		break;
	case BTF_KIND_PTR:
		put(text, "pointer");
		break;
	case BTF_KIND_ARRAY:
		put_type(r, text, btf_array(t)->type, depth + 1);
		put(text, "[%u]", btf_array(t)->nelems);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		put_members(r, text, t, depth);
		break;
	default:
		put(text, "?");
	}
}

/* Where a walk over the fields of a struct has got. */
struct walk {
	struct mem_task_image *task; /* its range of fields grows */
	uint32_t place;		     /* bytes into the section, for messages */
};

static int add_field(struct reader *r, const struct walk *walk, const char *path, uint32_t type,
		     uint64_t offset, uint64_t bits)
{
	struct mem_task_field_image *field;
	struct text text = {.len = 0};

	put_type(r, &text, type, 0);
	if (text.len >= TEXT_MAX || walk->task->fields.count >= FIELDS_MAX)
		return UNKNOWN(r, SECTION, walk->place, "%s: field %s is too complicated",
			       walk->task->name, path);
	if (offset + bits > 8 * (uint64_t)walk->task->size)
		return BAD(r, SECTION, walk->place, "%s: field %s is outside of its %u bytes",
			   walk->task->name, path, walk->task->size);
	field = ADD_ROWS(r, task_fields, 1, struct mem_task_field_image);
	if (!field)
		return -ENOMEM;
	walk->task->fields.count++;
	field->name = reader_string(r, path);
	field->type = reader_string(r, text.data);
	field->offset = (uint32_t)offset;
	field->size = (uint32_t)bits;
	return field->name && field->type ? 0 : -ENOMEM;
}

static int walk_struct(struct reader *r, const struct walk *walk, const struct btf_type *t,
		       const char *prefix, uint64_t base, int depth);

static int walk_member(struct reader *r, const struct walk *walk, const struct btf_type *t, uint32_t i,
		       const char *prefix, uint64_t base, int depth)
{
	const struct btf_member *member = &btf_members(t)[i];
	const char *name = btf_name(r, member->name_off);
	uint64_t offset = base + btf_member_bit_offset(t, i);
	uint32_t bits = btf_member_bitfield_size(t, i);
	const struct btf_type *type = btf_skip_modifiers(r, member->type, NULL);
	struct text path = {.len = 0};
	int64_t size;

	put(&path, "%s%s%s", prefix, *prefix && *name ? "." : "", name);
	if (path.len >= TEXT_MAX || depth > DEPTH_MAX)
		return UNKNOWN(r, SECTION, walk->place, "%s: structs are nested too deeply",
			       walk->task->name);
	if (type && btf_is_struct(type))
		return walk_struct(r, walk, type, path.data, offset, depth + 1);
	size = btf__resolve_size(r->btf, member->type);
	if (size < 0)
		return BAD(r, SECTION, walk->place, "%s: field %s has no size", walk->task->name,
			   path.data);
	return add_field(r, walk, path.data, member->type, offset, bits ? bits : 8 * (uint64_t)size);
}

static int walk_struct(struct reader *r, const struct walk *walk, const struct btf_type *t,
		       const char *prefix, uint64_t base, int depth)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < btf_vlen(t); i++)
		err = walk_member(r, walk, t, i, prefix, base, depth);
	return err;
}

static int read_task(struct reader *r, const struct btf_var_secinfo *info)
{
	const struct btf_type *var = btf_type(r, info->type), *t;
	const char *name = btf_name(r, var->name_off);
	struct mem_task_image task = {.size = info->size, .align = 8, .type = var->type};
	struct walk walk = {.task = &task, .place = info->offset};
	struct mem_task_image *row;
	int align, err;

	t = btf_skip_modifiers(r, var->type, NULL);
	if (t && btf_is_ptr(t)) /* mem_task_page_type */
		return 0;
	if (!t || !btf_is_struct(t) || !btf_vlen(t) || !info->size)
		return BAD(r, SECTION, info->offset, "%s is not a struct: use MEM_TASK(struct x, %s)",
			   name, name);
	align = btf__align_of(r->btf, var->type);
	task.align = align > 8 ? (uint32_t)align : 8;
	task.name = reader_string(r, name);
	task.fields.first = r->task_fields.count;
	if (!task.name)
		return -ENOMEM;
	err = walk_struct(r, &walk, t, "", 0, 0);
	if (err)
		return err;
	row = ADD_ROWS(r, tasks, 1, struct mem_task_image);
	if (!row)
		return -ENOMEM;
	*row = task;
	return 0;
}

int tasks_read(struct reader *r)
{
	uint32_t index = elf_find_section(r, SECTION), type;
	int err = 0;

	if (!index)
		return 0;
	type = r->sections[index].datasec;
	if (!type)
		return BAD(r, SECTION, 0, "the structs are not described by BTF: compile with -g");
	for (uint32_t i = 0; !err && i < btf_vlen(btf_type(r, type)); i++)
		err = read_task(r, &btf_var_secinfos(btf_type(r, type))[i]);
	return err;
}

int tasks_is_map(const char *name)
{
	static const char *const names[] = {"mem_task_pages", "mem_task_slots", "mem_task_blocks",
					    "mem_task_arena"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

int tasks_fill_extern(const struct reader *r, const char *name, struct mem_extern_image *ext)
{
	static const char prefix[] = "mem_task_offset_of_";

	if (!strcmp(name, "mem_task_back")) {
		ext->kcfg_kind = MEM_TASK_NUMBER_BACK;
	} else if (!strcmp(name, "mem_task_index")) {
		ext->kcfg_kind = MEM_TASK_NUMBER_INDEX;
	} else if (!strncmp(name, prefix, sizeof(prefix) - 1)) {
		for (uint32_t i = 0; i < r->tasks.count; i++) {
			if (strcmp(ROW(r, tasks, i, struct mem_task_image)->name,
				   name + sizeof(prefix) - 1) != 0)
				continue;
			ext->kcfg_kind = MEM_TASK_NUMBER_OFFSET;
			ext->kcfg_offset = i;
		}
	}
	if (!ext->kcfg_kind)
		return 0;
	ext->kind = MEM_EXTERN_TASK;
	return 1;
}
