/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From two layouts to a list of steps: both are walked at once, and members meet by name.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"
#include "migrate_member.h"
#include "migrate_plan.h"

enum { STEPS_MAX = 1 << 16, PATH_MAX_ = 512, KIND_ENUM64_ = 19 };

/* --- the same on both sides --- */

/* What follows the record of an integer. */
static uint32_t encoding_of(const struct btf_type *integer)
{
	uint32_t encoding;

	memcpy(&encoding, integer + 1, sizeof(encoding));
	return encoding;
}

static bool same(const struct plan *plan, uint32_t from, uint32_t to, int depth);

static bool same_members(const struct plan *plan, uint32_t from, uint32_t to, int depth)
{
	if (members_count(&plan->from, from) != members_count(&plan->to, to))
		return false;
	for (uint32_t i = 0; i < members_count(&plan->from, from); i++) {
		struct member a = members_at(&plan->from, from, i), b = members_at(&plan->to, to, i);

		if (a.offset != b.offset || a.bits != b.bits || strcmp(a.name, b.name) != 0 ||
		    !same(plan, a.type, b.type, depth + 1))
			return false;
	}
	return true;
}

static bool same(const struct plan *plan, uint32_t from, uint32_t to, int depth)
{
	const struct btf_type *a = btf_walk_type(&plan->from, from), *b = btf_walk_type(&plan->to, to);
	const struct btf_array *one = members_array(&plan->from, from), *other = members_array(&plan->to, to);
	uint32_t kind = members_kind(&plan->from, from);

	if (!a || !b || depth > MEMBERS_DEPTH_MAX || kind != members_kind(&plan->to, to) ||
	    btf_walk_size(&plan->from, from) != btf_walk_size(&plan->to, to))
		return false;
	switch (kind) {
	case BTF_KIND_INT:
		return encoding_of(a) == encoding_of(b);
	case BTF_KIND_ENUM:
	case KIND_ENUM64_:
		return value_enum_is_part(&plan->from, from, &plan->to, to);
	case BTF_KIND_PTR:
	case BTF_KIND_FLOAT:
		return true;
	case BTF_KIND_ARRAY:
		return one->nelems == other->nelems &&
		       same(plan, btf_walk_strip(&plan->from, one->type),
			    btf_walk_strip(&plan->to, other->type), depth + 1);
	default:
		return members_in_kind(kind) && same_members(plan, from, to, depth);
	}
}

/* --- steps --- */

struct spot {
	const char *path;
	uint64_t from; /* bits */
	uint64_t to;   /* bits */
	int depth;
	uint32_t loops;
};

static struct place place_of(const struct btf_walk *walk, uint32_t type, uint64_t offset,
			     uint64_t bitfield)
{
	const struct btf_type *row = btf_walk_type(walk, type);
	struct place place = {offset, bitfield, type, false, false, bitfield != 0};
	uint32_t encoding;

	if (!bitfield)
		place.bits = btf_walk_size(walk, type) * 8;
	switch (members_kind(walk, type)) {
	case BTF_KIND_INT:
		encoding = encoding_of(row);
		place.is_signed = BTF_INT_ENCODING(encoding) & BTF_INT_SIGNED;
		place.is_bool = BTF_INT_ENCODING(encoding) & BTF_INT_BOOL;
		break;
	case BTF_KIND_ENUM:
	case KIND_ENUM64_:
		place.is_signed = BTF_INFO_KFLAG(row->info);
		break;
	default: /* unsigned */
		break;
	}
	return place;
}

static int add(struct plan *plan, const struct plan_step *step, const char *path)
{
	if (plan->count == plan->capacity) {
		uint32_t capacity = plan->capacity ? 2 * plan->capacity : 32;
		void *steps;

		if (plan->count >= STEPS_MAX)
			return -E2BIG;
		steps = realloc(plan->steps, capacity * sizeof(*step));
		if (!steps)
			return -ENOMEM;
		plan->steps = steps;
		plan->capacity = capacity;
	}
	plan->steps[plan->count] = *step;
	plan->steps[plan->count].path = strdup(path);
	return plan->steps[plan->count++].path ? 0 : -ENOMEM;
}

static bool is_integer(uint32_t kind)
{
	return kind == BTF_KIND_INT || kind == BTF_KIND_PTR || kind == BTF_KIND_ENUM || kind == KIND_ENUM64_;
}

static bool is_enum(uint32_t kind)
{
	return kind == BTF_KIND_ENUM || kind == KIND_ENUM64_;
}

/* What fits into a number; BTF can claim integers of any size. */
static bool is_countable(const struct plan_step *step)
{
	return step->from.bits && step->from.bits <= 128 && step->to.bits && step->to.bits <= 128;
}

static bool is_usual_float(const struct place *place)
{
	return place->bits == 32 || place->bits == 64;
}

/* What becomes of a single value, or of what is treated like one. */
static void choose(struct plan *plan, struct plan_step *step)
{
	uint32_t from = members_kind(&plan->from, step->from.type), to = members_kind(&plan->to, step->to.type);

	step->kind = PLAN_ASK;
	step->problem = "no rule makes the one type of the other";
	if (same(plan, step->from.type, step->to.type, 0) && step->from.bits == step->to.bits) {
		step->kind = PLAN_COPY;
	} else if (is_enum(from) && is_enum(to) && is_countable(step)) {
		step->kind = PLAN_ENUM;
		plan->renumbers |= !value_enums_agree(&plan->from, step->from.type, &plan->to,
						      step->to.type);
	} else if (is_integer(from) && is_integer(to) && is_countable(step)) {
		step->kind = PLAN_NUMBER;
	} else if (to == BTF_KIND_FLOAT && is_usual_float(&step->to) &&
		   ((from == BTF_KIND_FLOAT && is_usual_float(&step->from)) ||
		    (from == BTF_KIND_INT && is_countable(step)))) {
		step->kind = PLAN_FLOAT;
	} else if (from == BTF_KIND_UNION && to == BTF_KIND_UNION) {
		step->problem = "nothing says which member of the union it is";
	}
}

static int plan_value(struct plan *plan, uint32_t from, uint64_t from_bits, uint32_t to, uint64_t to_bits,
		      const struct spot *spot)
{
	struct plan_step step = {
		.from = place_of(&plan->from, from, spot->from, from_bits),
		.to = place_of(&plan->to, to, spot->to, to_bits),
	};

	choose(plan, &step);
	return add(plan, &step, spot->path);
}

static int plan_gone(struct plan *plan, uint32_t type, uint64_t offset, uint64_t bits, bool bitfield,
		     const char *path, const char *problem)
{
	struct plan_step step = {.kind = PLAN_GONE, .problem = problem};

	step.from = place_of(&plan->from, type, offset, bits);
	step.from.is_bitfield = bitfield;
	return step.from.bits ? add(plan, &step, path) : 0;
}

static int plan_type(struct plan *plan, uint32_t from, uint32_t to, const struct spot *spot);

/* Elements that are the same on both sides, and as far apart: a single copy. */
static int plan_run_of(struct plan *plan, uint32_t from, uint32_t to, uint64_t bits, const struct spot *spot)
{
	struct plan_step step = {
		.kind = PLAN_COPY,
		.from = place_of(&plan->from, from, spot->from, bits),
		.to = place_of(&plan->to, to, spot->to, bits),
	};

	step.from.is_bitfield = step.to.is_bitfield = false;
	return add(plan, &step, spot->path);
}

/* Elements, or the inner arrays of one, with those that have no place any more. */
static int plan_elements(struct plan *plan, uint32_t from, uint64_t from_count, uint64_t from_stride,
			 uint32_t to, uint64_t to_count, uint64_t to_stride, const struct spot *spot)
{
	struct plan_step loop = {.kind = PLAN_LOOP, .from_stride = from_stride, .to_stride = to_stride};
	char inner_path[PATH_MAX_];
	struct spot inner = *spot;
	uint32_t at = plan->count;
	int err;

	if (spot->loops >= PLAN_LOOPS_MAX ||
	    (size_t)snprintf(inner_path, sizeof(inner_path), "%s[]", spot->path) >= sizeof(inner_path))
		return -E2BIG;
	loop.count = from_count < to_count ? from_count : to_count;
	inner.path = inner_path;
	inner.depth++;
	inner.loops++;
	if (loop.count && from_stride == to_stride && same(plan, from, to, 0)) {
		err = plan_run_of(plan, from, to, loop.count * from_stride, spot);
		loop.count = 0;
	} else {
		err = loop.count ? add(plan, &loop, spot->path) : 0;
	}
	if (!err && loop.count) {
		err = plan_type(plan, from, to, &inner);
		plan->steps[at].steps = plan->count - at - 1;
	}
	if (!err && from_count > to_count) {
		snprintf(inner_path, sizeof(inner_path), "%.480s[%llu...]", spot->path,
			 (unsigned long long)to_count);
		err = plan_gone(plan, from, spot->from + to_count * from_stride,
				(from_count - to_count) * from_stride, false, inner_path,
				"the array has become shorter");
	}
	return err;
}

static int plan_arrays(struct plan *plan, uint32_t from, uint64_t from_count, uint32_t to,
		       uint64_t to_count, const struct spot *spot)
{
	uint32_t from_type = btf_walk_strip(&plan->from, members_array(&plan->from, from)->type);
	uint32_t to_type = btf_walk_strip(&plan->to, members_array(&plan->to, to)->type);

	return plan_elements(plan, from_type, from_count, btf_walk_size(&plan->from, from_type) * 8,
			     to_type, to_count, btf_walk_size(&plan->to, to_type) * 8, spot);
}

static int plan_array(struct plan *plan, uint32_t from, uint32_t to, const struct spot *spot)
{
	return plan_arrays(plan, from, members_array(&plan->from, from)->nelems, to,
			   members_array(&plan->to, to)->nelems, spot);
}

/*
 * Elements of an array among a section's variables, 0 if it is none. The last one goes on to the
 * end of the section, which may have been made longer than its type says.
 */
static uint64_t section_length(const struct btf_walk *walk, uint32_t section, const struct member *member,
			       uint64_t size)
{
	const struct btf_array *array = members_array(walk, member->type);
	uint64_t element;

	if (!array || members_kind(walk, section) != BTF_KIND_DATASEC)
		return 0;
	for (uint32_t i = 0; i < members_count(walk, section); i++)
		if (members_at(walk, section, i).offset > member->offset)
			return array->nelems;
	element = btf_walk_size(walk, btf_walk_strip(walk, array->type));
	return element && size * 8 > member->offset ? (size - member->offset / 8) / element : array->nelems;
}

static int join(char *text, const char *path, const char *name)
{
	return (size_t)snprintf(text, PATH_MAX_, "%s%s%s", path, *path && *name ? "." : "", name) < PATH_MAX_
		       ? 0 : -E2BIG;
}

/* A union without a name, or what it was: found by the first of its members that the other side has. */
static int plan_unnamed_union(struct plan *plan, uint32_t from, const struct member *to,
			      const struct spot *spot)
{
	for (uint32_t i = 0; i < members_count(&plan->to, to->type); i++) {
		const struct member inner = members_at(&plan->to, to->type, i);
		struct spot at = *spot;
		struct member old;
		char path[PATH_MAX_];

		if (!*inner.name || !members_find(&plan->from, from, inner.name, 0, &old))
			continue;
		if (join(path, spot->path, inner.name))
			return -E2BIG;
		at.path = path;
		at.from += old.in_union ? old.union_offset : old.offset;
		at.to += to->offset;
		return plan_value(plan, old.in_union ? old.in_union : old.type, old.in_union ? 0 : old.bits,
				  to->type, 0, &at);
	}
	return 0;
}

/* By its name, else by the first of its older ones that the other side has. */
static bool find_old(const struct plan *plan, uint32_t from, const struct member *to, uint32_t nth,
		     struct member *old)
{
	const char *name;
	uint32_t tag = 0;

	if (members_find(&plan->from, from, to->name, nth, old))
		return true;
	while ((name = members_older_name(&plan->to, to, &tag)))
		if (members_find(&plan->from, from, name, 0, old))
			return true;
	return false;
}

static int plan_member(struct plan *plan, uint32_t from, uint32_t into, const struct member *to,
		       uint32_t nth, const struct spot *spot)
{
	struct spot at = *spot;
	uint64_t from_length, to_length;
	char path[PATH_MAX_];
	struct member old;

	if (!find_old(plan, from, to, nth, &old))
		return 0;
	if (join(path, spot->path, to->name))
		return -E2BIG;
	at.path = path;
	at.from += old.in_union ? old.union_offset : old.offset;
	at.to += to->offset;
	at.depth++;
	if (old.in_union) /* on its own now: nothing says that it was the one in use */
		return plan_value(plan, old.in_union, 0, to->type, to->bits, &at);
	if (old.bits || to->bits)
		return plan_value(plan, old.type, old.bits, to->type, to->bits, &at);
	from_length = section_length(&plan->from, from, &old, plan->from_size);
	to_length = section_length(&plan->to, into, to, plan->to_size);
	if (from_length && to_length)
		return plan_arrays(plan, old.type, from_length, to->type, to_length, &at);
	return plan_type(plan, old.type, to->type, &at);
}

/* The members of new structs without a name lie in from as well, wherever they are there. */
static int plan_members(struct plan *plan, uint32_t from, uint32_t to, const struct spot *spot)
{
	int err = 0;

	if (spot->depth > MEMBERS_DEPTH_MAX)
		return -E2BIG;
	for (uint32_t i = 0; !err && i < members_count(&plan->to, to); i++) {
		const struct member member = members_at(&plan->to, to, i);
		struct spot at = *spot;

		if (*member.name) {
			err = plan_member(plan, from, to, &member, members_namesakes(&plan->to, to, i), spot);
		} else if (members_kind(&plan->to, member.type) == BTF_KIND_UNION) {
			err = plan_unnamed_union(plan, from, &member, spot);
		} else {
			at.to += member.offset;
			at.depth++;
			err = plan_members(plan, from, member.type, &at);
		}
	}
	return err;
}

/* Whether a member of the new type took over the old one of this name. */
static bool is_taken(const struct plan *plan, uint32_t from, const char *name, uint32_t nth, uint32_t to,
		     int depth)
{
	struct member found;

	if (members_find(&plan->to, to, name, nth, &found))
		return true;
	for (uint32_t i = 0; depth < MEMBERS_DEPTH_MAX && i < members_count(&plan->to, to); i++) {
		struct member member = members_at(&plan->to, to, i), old;
		const char *older;
		uint32_t tag = 0;

		if (!*member.name && is_taken(plan, from, name, nth, member.type, depth + 1))
			return true;
		if (!*member.name || members_find(&plan->from, from, member.name, 0, &old))
			continue;
		while ((older = members_older_name(&plan->to, &member, &tag)))
			if (!strcmp(older, name))
				return true;
	}
	return false;
}

static bool any_is_taken(const struct plan *plan, uint32_t from, uint32_t to, uint32_t inner, int depth)
{
	for (uint32_t i = 0; depth < MEMBERS_DEPTH_MAX && i < members_count(&plan->from, inner); i++) {
		struct member member = members_at(&plan->from, inner, i);

		if (*member.name ? is_taken(plan, from, member.name, 0, to, 0)
				 : any_is_taken(plan, from, to, member.type, depth + 1))
			return true;
	}
	return false;
}

/* What is in inner, at or inside from, and not in the new type. */
static int plan_gone_members(struct plan *plan, uint32_t from, uint32_t inner, uint32_t to,
			     const struct spot *spot)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < members_count(&plan->from, inner); i++) {
		struct member member = members_at(&plan->from, inner, i);
		uint32_t nth = members_namesakes(&plan->from, inner, i);
		struct spot at = *spot;
		char path[PATH_MAX_];

		if (join(path, spot->path, member.name))
			return -E2BIG;
		at.from += member.offset;
		if (!*member.name && members_kind(&plan->from, member.type) == BTF_KIND_STRUCT)
			err = plan_gone_members(plan, from, member.type, to, &at);
		else if (*member.name ? !is_taken(plan, from, member.name, nth, to, 0)
				      : !any_is_taken(plan, from, to, member.type, 0))
			err = plan_gone(plan, member.type, at.from, member.bits, member.bits != 0, path,
					"it has been removed");
	}
	return err;
}

/* What a section has behind its last variable, if no array there takes it. */
static int plan_gone_end(struct plan *plan, uint32_t from, uint32_t to, const struct spot *spot)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < members_count(&plan->from, from); i++) {
		struct member member = members_at(&plan->from, from, i), found;
		uint64_t length = section_length(&plan->from, from, &member, plan->from_size);

		if (length && members_find(&plan->to, to, member.name, 0, &found) && members_array(&plan->to, found.type) &&
		    length > members_array(&plan->from, member.type)->nelems)
			return 0;
		if (end < member.offset + btf_walk_size(&plan->from, member.type) * 8)
			end = member.offset + btf_walk_size(&plan->from, member.type) * 8;
	}
	if (end >= plan->from_size * 8)
		return 0;
	return plan_gone(plan, 0, spot->from + end, plan->from_size * 8 - end, false, "(the end)",
			 "the array at the end of the section has been removed");
}

static int plan_type(struct plan *plan, uint32_t from, uint32_t to, const struct spot *spot)
{
	uint32_t from_kind = members_kind(&plan->from, from), to_kind = members_kind(&plan->to, to);
	int err;

	if (spot->depth > MEMBERS_DEPTH_MAX)
		return -E2BIG;
	if (same(plan, from, to, 0) && (to_kind != BTF_KIND_DATASEC || plan->from_size == plan->to_size))
		return plan_value(plan, from, 0, to, 0, spot);
	if (from_kind == BTF_KIND_ARRAY && to_kind == BTF_KIND_ARRAY)
		return plan_array(plan, from, to, spot);
	if (from_kind != to_kind || (to_kind != BTF_KIND_STRUCT && to_kind != BTF_KIND_DATASEC))
		return plan_value(plan, from, 0, to, 0, spot);
	err = plan_members(plan, from, to, spot);
	err = err ?: plan_gone_members(plan, from, from, to, spot);
	if (!err && from_kind == BTF_KIND_DATASEC)
		err = plan_gone_end(plan, from, to, spot);
	return err;
}

/* --- all of it --- */

/* No place may lie outside of the memory that a side has: BTF can say anything. */
static bool is_inside(const struct btf_walk *walk, uint32_t type, uint64_t bits, int depth)
{
	const struct btf_array *array = members_array(walk, type);

	if (depth > MEMBERS_DEPTH_MAX || btf_walk_size(walk, type) > bits / 8)
		return false;
	if (array)
		return is_inside(walk, btf_walk_strip(walk, array->type), bits, depth + 1);
	for (uint32_t i = 0; i < members_count(walk, type); i++) {
		struct member member = members_at(walk, type, i);
		uint64_t size = member.bits ? member.bits : btf_walk_size(walk, member.type) * 8;

		if (member.offset > bits || size > bits - member.offset || member.bits > 128 ||
		    (!member.bits && member.offset % 8) ||
		    !is_inside(walk, member.type, member.bits ? UINT64_MAX : size, depth + 1))
			return false;
	}
	return true;
}

static int side_open(struct btf_walk *walk, const struct plan_side *side)
{
	int err = btf_walk_init(walk, side->btf, side->btf_size);

	if (!err && !is_inside(walk, btf_walk_strip(walk, side->type), side->size * 8, 0))
		err = -EINVAL;
	return err;
}

int plan_make(struct plan *plan, const struct plan_side *from, const struct plan_side *to)
{
	struct spot spot = {.path = ""};
	uint32_t from_type, to_type;
	int err;

	memset(plan, 0, sizeof(*plan));
	plan->from_size = from->size;
	plan->to_size = to->size;
	err = side_open(&plan->from, from);
	err = err ?: side_open(&plan->to, to);
	if (err)
		return err;
	from_type = btf_walk_strip(&plan->from, from->type);
	to_type = btf_walk_strip(&plan->to, to->type);
	if (members_kind(&plan->to, to_type) == BTF_KIND_DATASEC)
		return plan_type(plan, from_type, to_type, &spot);
	return plan_elements(plan, from_type, from->count, from->stride * 8, to_type, to->count,
			     to->stride * 8, &spot);
}

int plan_make_unknown(struct plan *plan, const struct plan_side *from, const struct plan_side *to)
{
	struct plan_step step = {.kind = PLAN_ASK, .problem = "the kernel does not know the types of the old one"};

	memset(plan, 0, sizeof(*plan));
	step.from.bits = from->count * from->stride * 8;
	step.to.bits = to->count * to->stride * 8;
	return add(plan, &step, "");
}

void plan_free(struct plan *plan)
{
	for (uint32_t i = 0; i < plan->count; i++)
		free(plan->steps[i].path);
	free(plan->steps);
	btf_walk_free(&plan->from);
	btf_walk_free(&plan->to);
	memset(plan, 0, sizeof(*plan));
}
