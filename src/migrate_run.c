/* SPDX-License-Identifier: BSD-2-Clause */
/* Carrying out a plan on memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "migrate_plan.h"
#include "schema.h"

enum { WARNINGS_MAX = 20, TYPE_TEXT = 200, PATH_TEXT = 640 };

/* --- what no rule covers --- */

/* "table[].key" with the elements that it is at: "table[3].key". */
static void write_path(const struct plan_run *run, const char *path, char *text, size_t size)
{
	size_t len = 0;
	uint32_t loop = 0;

	for (; *path && len + 24 < size; path++) {
		text[len++] = *path;
		if (path[0] == '[' && path[1] == ']' && loop < run->depth)
			len += (size_t)snprintf(text + len, size - len, "%llu",
						(unsigned long long)run->index[loop++]);
	}
	text[len] = '\0';
}

static void describe(const struct plan_run *run, const struct plan_step *step, uint64_t from_shift,
		     uint64_t to_shift, struct mem_migrate_field *field)
{
	uint64_t from = step->from.offset + from_shift, to = step->to.offset + to_shift;

	field->from = run->from + from / 8;
	field->from_size = (from % 8 + step->from.bits + 7) / 8;
	if (step->from.is_bitfield) {
		field->from_bit = (uint32_t)(from % 8);
		field->from_bits = (uint32_t)step->from.bits;
	}
	if (step->kind == PLAN_GONE)
		return;
	field->to = run->to + to / 8;
	field->to_size = (to % 8 + step->to.bits + 7) / 8;
	if (step->to.is_bitfield) {
		field->to_bit = (uint32_t)(to % 8);
		field->to_bits = (uint32_t)step->to.bits;
	}
}

static int ask(const struct plan_run *run, const struct mem_migrate_field *field)
{
	int answer = run->opts->field ? run->opts->field(run->opts->ctx, field) : 0;

	if (answer >= 0)
		return answer;
	return mem__error(-answer, "region '%s': the application refuses to migrate '%s': %s", run->region,
			  field->path, strerror(-answer));
}

static void refuse(struct plan_run *run, const struct mem_migrate_field *field)
{
	if (run->opts->flags & MEM_MIGRATE_LOSSY) {
		if (run->refused < WARNINGS_MAX)
			mem__log(MEM_LOG_WARN, "region '%s': '%s' is lost: %s", run->region, field->path,
				 field->problem);
	} else if (!run->refused) {
		snprintf(run->first, sizeof(run->first), "'%.200s'%s%s%s: %.200s", field->path,
			 field->from_type ? " (" : "", field->from_type ? field->from_type : "",
			 field->from_type ? ")" : "", field->problem);
	}
	run->refused++;
}

/* 0, or what the application answered. */
static int leave(struct plan_run *run, const struct plan_step *step, uint64_t from_shift,
		 uint64_t to_shift, const char *problem)
{
	char path[PATH_TEXT], from_type[TYPE_TEXT], to_type[TYPE_TEXT];
	struct mem_migrate_field field = {.region = run->region, .path = path, .problem = problem};
	int answer;

	write_path(run, step->path, path, sizeof(path));
	describe(run, step, from_shift, to_shift, &field);
	if (step->from.type) {
		schema_type_name(&run->plan->from, step->from.type, from_type, sizeof(from_type));
		field.from_type = from_type;
	}
	if (step->to.type && step->kind != PLAN_GONE) {
		schema_type_name(&run->plan->to, step->to.type, to_type, sizeof(to_type));
		field.to_type = to_type;
	}
	answer = ask(run, &field);
	if (!answer)
		refuse(run, &field);
	return answer < 0 ? answer : 0;
}

/* --- steps --- */

static void copy(const struct plan_run *run, const struct plan_step *step, uint64_t from_shift,
		 uint64_t to_shift)
{
	uint64_t from = step->from.offset + from_shift, to = step->to.offset + to_shift;

	if (from % 8 || to % 8 || step->from.bits % 8)
		value_store(run->to, &step->to, to_shift, value_load(run->from, &step->from, from_shift));
	else
		value_copy(run->to + to / 8, run->from + from / 8, step->from.bits / 8);
}

static bool is_zero(const struct plan_run *run, const struct plan_step *step, uint64_t shift)
{
	uint64_t offset = step->from.offset + shift;
	const char *at = run->from + offset / 8;

	if (step->from.is_bitfield)
		return !value_load(run->from, &step->from, shift);
	for (uint64_t i = 0; i < step->from.bits / 8; i++)
		if (at[i])
			return false;
	return true;
}

static void clear(const struct plan_run *run, const struct plan_step *step, uint64_t shift)
{
	if (step->to.is_bitfield)
		value_store(run->to, &step->to, shift, 0);
	else
		memset(run->to + (step->to.offset + shift) / 8, 0, step->to.bits / 8);
}

static void write_number(char *text, size_t size, number value, const char *what)
{
	if (value == (int64_t)value)
		snprintf(text, size, "its value %lld %s", (long long)value, what);
	else if (value == (number)(uint64_t)value)
		snprintf(text, size, "its value %llu %s", (unsigned long long)value, what);
	else
		snprintf(text, size, "its value %s", what);
}

static int carry_number(struct plan_run *run, const struct plan_step *step, uint64_t from_shift,
			uint64_t to_shift)
{
	number value = value_load(run->from, &step->from, from_shift);
	char problem[96];

	if (value_fits(value, &step->from, &step->to)) {
		value_store(run->to, &step->to, to_shift, value);
		return 0;
	}
	write_number(problem, sizeof(problem), value, "does not fit");
	return leave(run, step, from_shift, to_shift, problem);
}

static int carry_enum(struct plan_run *run, const struct plan_step *step, uint64_t from_shift,
		      uint64_t to_shift)
{
	number value = value_load(run->from, &step->from, from_shift), other;
	char problem[96];

	if (value_of_enumerator(&run->plan->from, step->from.type, value, &run->plan->to, step->to.type,
				&other) && value_fits(other, &step->from, &step->to)) {
		value_store(run->to, &step->to, to_shift, other);
		return 0;
	}
	write_number(problem, sizeof(problem), value, "has no name in both enums");
	return leave(run, step, from_shift, to_shift, problem);
}

static int carry_float(struct plan_run *run, const struct plan_step *step, uint64_t from_shift,
		       uint64_t to_shift)
{
	const struct btf_type *from = btf_walk_type(&run->plan->from, step->from.type);

	if (value_to_float(run->from, &step->from, from_shift, BTF_INFO_KIND(from->info) == BTF_KIND_FLOAT,
			   run->to, &step->to, to_shift))
		return 0;
	return leave(run, step, from_shift, to_shift, "its value can't be had exactly");
}

static int run_steps(struct plan_run *run, uint32_t first, uint32_t count, uint64_t from_shift,
		     uint64_t to_shift);

static int run_loop(struct plan_run *run, uint32_t at, uint64_t from_shift, uint64_t to_shift)
{
	const struct plan_step *loop = &run->plan->steps[at];
	uint32_t depth = run->depth++;
	int err = 0;

	for (uint64_t i = 0; !err && i < loop->count; i++) {
		run->index[depth] = i;
		err = run_steps(run, at + 1, loop->steps, from_shift + i * loop->from_stride,
				to_shift + i * loop->to_stride);
	}
	run->depth = depth;
	return err;
}

static int run_step(struct plan_run *run, uint32_t at, uint64_t from_shift, uint64_t to_shift)
{
	const struct plan_step *step = &run->plan->steps[at];

	switch (step->kind) {
	case PLAN_COPY:
		copy(run, step, from_shift, to_shift);
		return 0;
	case PLAN_NUMBER:
		return carry_number(run, step, from_shift, to_shift);
	case PLAN_ENUM:
		return carry_enum(run, step, from_shift, to_shift);
	case PLAN_FLOAT:
		return carry_float(run, step, from_shift, to_shift);
	case PLAN_LOOP:
		return run_loop(run, at, from_shift, to_shift);
	case PLAN_GONE:
	case PLAN_ASK:
		/* 0 says nothing that could be lost, and is 0 in any type */
		if (!is_zero(run, step, from_shift) || (step->kind == PLAN_ASK && !step->from.type))
			return leave(run, step, from_shift, to_shift, step->problem);
		if (step->kind == PLAN_ASK)
			clear(run, step, to_shift);
	}
	return 0;
}

static int run_steps(struct plan_run *run, uint32_t first, uint32_t count, uint64_t from_shift,
		     uint64_t to_shift)
{
	int err = 0;

	for (uint32_t at = first; !err && at < first + count; at++) {
		err = run_step(run, at, from_shift, to_shift);
		at += run->plan->steps[at].steps;
	}
	return err;
}

int plan_run(struct plan_run *run)
{
	int err = run_steps(run, 0, run->plan->count, 0, 0);

	if (err || !run->refused || run->opts->flags & MEM_MIGRATE_LOSSY)
		return err;
	return -EDOM;
}
