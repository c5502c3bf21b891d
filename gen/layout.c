/* SPDX-License-Identifier: BSD-2-Clause */
/* memgen layout: where everything that is shared lies, holes, padding and cache lines included. */
#include <argp.h>
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "describe.h"
#include "error.h"
#include "object_file.h"
#include "skeleton.h"
#include "writers.h"

/* Structs inside structs that are drawn; deeper ones are one line. */
#define DEPTH_MAX 16
/* Bytes of output; real objects come to a few thousand lines. */
#define TEXT_MAX ((size_t)256 << 20)

/* One struct or section being drawn. Offsets and sizes in bits, from its start. */
struct drawing {
	struct writer *w;
	const struct types *types;
	const struct writers *writers;
	uint64_t line;  /* cache line of the field before */
	uint64_t holes; /* bits */
};

struct arguments {
	const char *object;
	const char *output;
};

static void draw_gap(struct writer *w, uint64_t bits, const char *what)
{
	if (bits % 8)
		writer_line(w, "%17s-- %s of %" PRIu64 " bits", "", what, bits);
	else
		writer_line(w, "%17s-- %s of %" PRIu64 " byte%s", "", what, bits / 8,
			    bits == 8 ? "" : "s");
}

static void draw_place(struct drawing *d, uint64_t offset, uint64_t bits, bool bitfield, int depth)
{
	uint64_t line = offset / 8 / CACHE_LINE;

	if (line != d->line && bits)
		writer_line(d->w, "%17s== cache line %" PRIu64, "", line);
	if (bits)
		d->line = (offset + bits - 1) / 8 / CACHE_LINE;
	if (bitfield)
		writer_part(d->w, "  %6" PRIu64 ":%-2u %3" PRIu64 "b", offset / 8,
			    (unsigned int)(offset % 8), bits);
	else
		writer_part(d->w, "  %6" PRIu64 "  %5" PRIu64, offset / 8, bits / 8);
	writer_part(d->w, "  %*s", 2 * depth, "");
}

static void draw_end(struct drawing *d, enum side side)
{
	static const char *const names[] = {"", "  (written by the application)",
					    "  (written by programs)"};

	writer_part(d->w, ";%s", names[side]);
	writer_end(d->w);
}

/* A name from the object. */
static const char *shown(struct drawing *d, const char *name)
{
	const char *text = name_visible(d->types->pool, name ? name : "");

	if (!text && !d->w->error)
		d->w->error = -ENOMEM;
	return text ? text : "";
}

static void draw_members(struct drawing *d, uint32_t id, uint64_t base, int depth);

/* What is in an array, however many dimensions it has; anything else is one element of itself. */
static uint32_t element_type(const struct types *types, uint32_t id, uint64_t *count)
{
	const struct btf_type *type = types_get(types, types_strip(types, id, true));

	*count = 1;
	while (type && btf_is_array(type)) {
		*count *= btf_array(type)->nelems;
		id = btf_array(type)->type;
		type = types_get(types, types_strip(types, id, true));
	}
	return id;
}

/* The id of a struct or union that only this member, or array, describes; 0 if it has a name. */
static uint32_t anonymous_composite(const struct types *types, uint32_t id)
{
	const struct btf_type *type;
	uint64_t count;

	id = types_strip(types, element_type(types, id, &count), false);
	type = types_get(types, id);
	return type && btf_is_composite(type) && !types->info[id].name ? id : 0;
}

/* "[2][3]" */
static void draw_dimensions(struct drawing *d, uint32_t id)
{
	const struct btf_type *type = types_get(d->types, types_strip(d->types, id, true));

	for (; type && btf_is_array(type);
	     type = types_get(d->types, types_strip(d->types, btf_array(type)->type, true)))
		writer_part(d->w, "[%u]", btf_array(type)->nelems);
}

/* What a field is, in C; of structs without a name that lie too deep only that there are some. */
static void draw_type(struct drawing *d, const struct field *field, const char *name)
{
	uint32_t id = anonymous_composite(d->types, field->type);

	if (!field->type) {
		writer_part(d->w, "char %s[%" PRIu64 "]", name, field->bits / 8);
	} else if (id) {
		writer_part(d->w, "%s { } %s", btf_is_union(types_get(d->types, id)) ? "union" : "struct",
			    name);
		draw_dimensions(d, field->type);
	} else {
		types_emit_declaration(d->w, d->types, field->type, name);
	}
	if (field->bitfield)
		writer_part(d->w, " : %" PRIu64, field->bits);
}

/* The members of a struct without a name; of an array of them, those of the first. */
static void draw_inner(struct drawing *d, const struct field *field, uint32_t id, const char *name, int depth)
{
	uint64_t count, holes = d->holes;

	element_type(d->types, field->type, &count);
	d->line = field->offset / 8 / CACHE_LINE;
	writer_part(d->w, "%s {\n", btf_is_union(types_get(d->types, id)) ? "union" : "struct");
	draw_members(d, id, field->offset, depth + 1);
	writer_part(d->w, "%17s%*s}%s%s", "", 2 * depth, "", *name ? " " : "", name);
	draw_dimensions(d, field->type);
	if (count > 1)
		d->holes += (count - 1) * (d->holes - holes);
	if (field->bits)
		d->line = (field->offset + field->bits - 1) / 8 / CACHE_LINE;
}

static void draw_field(struct drawing *d, const struct field *field, enum side side, int depth)
{
	uint32_t inner = depth < DEPTH_MAX ? anonymous_composite(d->types, field->type) : 0;
	const char *name = shown(d, field->raw);
	int indent = d->w->indent;

	draw_place(d, field->offset, field->bits, field->bitfield, depth);
	d->w->indent = 0; /* the columns are ours */
	if (inner)
		draw_inner(d, field, inner, name, depth);
	else
		draw_type(d, field, name);
	draw_end(d, side);
	d->w->indent = indent;
}

static struct field member_field(const struct types *types, const struct btf_type *type, uint16_t i)
{
	const struct btf_member *member = &btf_members(type)[i];
	uint32_t width = btf_member_bitfield_size(type, i);
	int64_t size = width ? 0 : btf__resolve_size(types->btf, member->type);

	return (struct field){
		.raw = btf__name_by_offset(types->btf, member->name_off),
		.type = member->type,
		.offset = btf_member_bit_offset(type, i),
		.bits = width ? width : size > 0 ? 8 * (uint64_t)size : 0,
		.bitfield = width != 0,
	};
}

/* The members of a struct or union that lies at base, and what is between them. */
static void draw_members(struct drawing *d, uint32_t id, uint64_t base, int depth)
{
	const struct btf_type *type = types_get(d->types, id);
	uint64_t end = base;

	for (uint16_t i = 0; i < btf_vlen(type) && !d->w->error; i++) {
		struct field field = member_field(d->types, type, i);

		field.offset += base;
		if (!btf_is_union(type) && field.offset > end) {
			draw_gap(d->w, field.offset - end, "hole");
			d->holes += field.offset - end;
		}
		draw_field(d, &field, writers_side(d->writers, id, i), depth);
		if (field.offset + field.bits > end)
			end = field.offset + field.bits;
	}
	if (base + 8 * (uint64_t)type->size > end && btf_vlen(type))
		draw_gap(d->w, base + 8 * (uint64_t)type->size - end, "padding");
}

static void draw_heading(struct writer *w, const char *what, const char *name, uint64_t size)
{
	uint64_t lines = (size + CACHE_LINE - 1) / CACHE_LINE;

	writer_line(w, "%s%s%s: %" PRIu64 " bytes, %" PRIu64 " cache line%s", what,
		    *what ? " " : "", name, size, lines, lines == 1 ? "" : "s");
}

static void draw_summary(struct drawing *d, struct writers *writers)
{
	if (d->holes)
		writer_line(d->w, "  %" PRIu64 " byte%s in holes", (d->holes + 7) / 8,
			    d->holes <= 8 ? "" : "s");
	writers_warn(writers, d->w);
	writer_blank(d->w);
}

static void draw_struct(struct writer *w, const struct types *types, struct writers *writers,
			uint32_t id)
{
	struct drawing d = {.w = w, .types = types, .writers = writers};
	const struct btf_type *type = types_get(types, id);

	draw_heading(w, btf_is_union(type) ? "union" : "struct", types->info[id].name, type->size);
	draw_members(&d, id, 0, 0);
	writers_start(writers);
	writers_look_at(writers, id, "", 0, SIDE_NONE);
	draw_summary(&d, writers);
}

/* The mark of a variable is on its VAR, which the section lists. */
static enum side variable_side(const struct types *types, const struct writers *writers,
			       uint32_t section, const struct field *field)
{
	const struct btf_type *type = types_get(types, section);

	if (!type || !btf_is_datasec(type))
		return SIDE_NONE;
	for (uint16_t i = 0; i < btf_vlen(type) && writers->marks.count; i++) {
		const struct btf_var_secinfo *info = &btf_var_secinfos(type)[i];

		if (8 * (uint64_t)info->offset == field->offset)
			return writers_side(writers, info->type, -1);
	}
	return SIDE_NONE;
}

static void draw_region(struct writer *w, const struct types *types, struct writers *writers,
			const struct mem_region_image *region, const struct record *record)
{
	struct drawing d = {.w = w, .types = types, .writers = writers};
	uint64_t end = 0;

	draw_heading(w, "section", shown(&d, region->section), region->size);
	writers_start(writers);
	for (uint32_t i = 0; i < record->count && !w->error; i++) {
		struct field field = record->fields[i];
		enum side side = variable_side(types, writers, region->type, &field);

		if (!field.raw)
			field.raw = field.name;
		if (field.offset > end) {
			draw_gap(w, field.offset - end, "hole");
			d.holes += field.offset - end;
		}
		draw_field(&d, &field, side, 0);
		writers_look_at(writers, field.type, shown(&d, field.raw), field.offset, side);
		if (field.offset + field.bits > end)
			end = field.offset + field.bits;
	}
	draw_summary(&d, writers);
}

/* An element of a mappable array, where its struct has no name under which it is drawn. */
static void draw_element(struct writer *w, const struct types *types, struct writers *writers,
			 const struct mem_region_image *region)
{
	struct drawing d = {.w = w, .types = types, .writers = writers};
	uint32_t id = anonymous_composite(types, region->type);

	if (!id)
		return;
	draw_heading(w, "element of", shown(&d, region->name), types_get(types, id)->size);
	draw_members(&d, id, 0, 0);
	writers_start(writers);
	writers_look_at(writers, id, "", 0, SIDE_NONE);
	draw_summary(&d, writers);
}

static int draw_all(struct writer *w, const struct object_file *object,
		    const struct skeleton *skeleton)
{
	const struct types *types = &skeleton->types;
	struct writers writers;
	int err = writers_find(&writers, types);

	for (uint32_t i = 0; i < object->view.region_count && !err; i++) {
		const struct mem_region_image *region = &object->view.regions[i];

		if (skeleton->regions[i].record && region->section &&
		    region->kind != MEM_REGION_STRUCT_OPS)
			draw_region(w, types, &writers, region, skeleton->regions[i].record);
		else if (region->kind == MEM_REGION_ARRAY)
			draw_element(w, types, &writers, region);
	}
	for (uint32_t i = 0; i < types->order_count && !err; i++) {
		uint32_t id = types->order[i];
		const struct btf_type *type = types_get(types, id);

		if (type && btf_is_composite(type) && types->info[id].name)
			draw_struct(w, types, &writers, id);
	}
	return writers.failed ? -ENOMEM : err;
}

int layout_object(struct writer *w, struct object_file *object)
{
	const struct type_policy policy = {.name = "object", .prefix = ""};
	struct skeleton skeleton;
	int err = skeleton_init(&skeleton, &object->view, object->btf, &object->pool, &policy,
				object_file_base(object->path));

	w->limit = TEXT_MAX;
	if (!err && draw_all(w, object, &skeleton))
		err = mem__error(ENOMEM, "out of memory");
	return err;
}

static int layout(void *arguments)
{
	const struct arguments *args = arguments;
	struct writer w = WRITER_INIT;
	struct object_file object;
	int err = object_file_open(&object, args->object, NULL);

	if (err)
		return err;
	err = layout_object(&w, &object);
	if (err)
		fprintf(stderr, "memgen: %s: %s\n", args->object, mem_error_message());
	else
		err = output_commit(&w, args->output);
	writer_free(&w);
	object_file_close(&object);
	return err;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *args = state->input;

	switch (key) {
	case 'o':
		args->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (args->object)
			argp_error(state, "%s: one object at a time", arg);
		args->object = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which object file?");
		return 0;
	case ARGP_KEY_END:
		if (args->output && args->object && path_is_same(args->object, args->output))
			argp_error(state, "-o %s: it is the object, which would be overwritten",
				   args->output);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "write to FILE, whole or not at all (default: standard output)",
	 0},
	{0},
};

static const char doc[] =
	"Draw the sections and structs that a BPF object shares: offset and size of each field in "
	"bytes (of a bit-field byte:bit and bits), holes, padding, and where a cache line of 64 bytes "
	"begins. OBJ may be - for standard input.\v"
	"Fields and variables that the source marks with MEM_WRITER_APP and MEM_WRITER_BPF "
	"(mem/bpf.h) get a warning where both are on one line. Lines are counted from the start of the "
	"struct or section; of an array all elements count. Of structs without a name in an array the "
	"first is drawn.\n"
	"\n"
	"Example:\n"
	"  memgen layout build/tool.bpf.o";

static struct arguments arguments;

const struct command layout_command = {
	.name = "layout",
	.summary = "draw what an object shares: offsets, holes, cache lines",
	.argp = {.options = options, .parser = parse, .args_doc = "OBJ", .doc = doc},
	.arguments = &arguments,
	.run = layout,
};
