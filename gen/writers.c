/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "writers.h"

/* More than any real struct has; types that hold each other twice would never end. */
#define DEPTH_MAX 32
#define SEEN_MAX  (1U << 20)

struct mark {
	uint32_t type;
	int32_t component;
	enum side side;
};

struct write {
	const char *name;
	uint64_t first, last; /* cache lines */
	enum side side;
};

static int by_type(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return (x->component > y->component) - (x->component < y->component);
}

static enum side side_of_tag(const char *tag)
{
	if (!strcmp(tag, "mem:writer=app"))
		return SIDE_APP;
	return !strcmp(tag, "mem:writer=bpf") ? SIDE_BPF : SIDE_NONE;
}

int writers_find(struct writers *writers, const struct types *types)
{
	*writers = (struct writers){.types = types};
	for (uint32_t id = 1; id < types->count; id++) {
		const struct btf_type *type = types_get(types, id);
		struct mark *mark;
		enum side side;

		if (btf_kind(type) != BTF_KIND_DECL_TAG)
			continue;
		side = side_of_tag(types_raw_name(types, type));
		if (!side)
			continue;
		mark = rows_add(types->pool, &writers->marks, 1, sizeof(*mark));
		if (!mark)
			return -ENOMEM;
		*mark = (struct mark){type->type, btf_decl_tag(type)->component_idx, side};
	}
	if (writers->marks.count)
		qsort(writers->marks.data, writers->marks.count, sizeof(struct mark), by_type);
	return 0;
}

enum side writers_side(const struct writers *writers, uint32_t type, int32_t component)
{
	struct mark key = {.type = type, .component = component}, *mark = NULL;

	if (writers->marks.count)
		mark = bsearch(&key, writers->marks.data, writers->marks.count, sizeof(key),
			       by_type);
	return mark ? mark->side : SIDE_NONE;
}

void writers_start(struct writers *writers)
{
	writers->writes.count = 0;
	writers->seen = 0;
}

static void add_write(struct writers *writers, const char *name, uint64_t offset, uint64_t bits,
		      enum side side)
{
	struct write *write =
		rows_add(writers->types->pool, &writers->writes, 1, sizeof(*write));

	if (!write)
		writers->failed = true;
	else
		*write = (struct write){name, offset / 8 / CACHE_LINE,
					(offset + bits - 1) / 8 / CACHE_LINE, side};
}

static void look_into(struct writers *writers, uint32_t id, const char *name, uint64_t offset,
		      int depth)
{
	const struct types *types = writers->types;
	const struct btf_type *type = types_get(types, id);

	for (uint16_t i = 0; i < btf_vlen(type) && writers->seen < SEEN_MAX; i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *own = btf__name_by_offset(types->btf, member->name_off);
		uint32_t bits = btf_member_bitfield_size(type, i);
		char *path;

		own = own ? own : "";
		path = *own ? name_printf(types->pool, "%s%s%s", name, *name ? "." : "", own)
			    : (char *)name;
		writers->failed |= !path;
		if (path)
			writers_look_at(writers, member->type, path,
					offset + btf_member_bit_offset(type, i), bits,
					writers_side(writers, id, i), depth + 1);
	}
}

void writers_look_at(struct writers *writers, uint32_t type, const char *name, uint64_t offset,
		     uint64_t bits, enum side side, int depth)
{
	const struct types *types = writers->types;
	uint32_t held = types_strip(types, type, true);
	const struct btf_type *t = types_get(types, held);
	int64_t size;

	if (!writers->marks.count || depth > DEPTH_MAX || writers->seen++ >= SEEN_MAX)
		return;
	/* a mark on a whole struct or array is a mark on all of it */
	size = bits ? 0 : btf__resolve_size(types->btf, type);
	if (side && (bits || size > 0))
		add_write(writers, name, offset, bits ? bits : 8 * (uint64_t)size, side);
	if (side)
		return;
	while (t && btf_is_array(t)) {
		held = types_strip(types, btf_array(t)->type, true);
		t = types_get(types, held);
	}
	if (t && btf_is_composite(t))
		look_into(writers, held, name, offset, depth);
}

static int by_line(const void *a, const void *b)
{
	const struct write *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	if (x->last != y->last)
		return x->last < y->last ? -1 : 1;
	return strcmp(x->name, y->name);
}

void writers_warn(struct writers *writers, struct writer *w)
{
	const struct write *newest[3] = {NULL}, *writes = writers->writes.data;
	uint64_t said = UINT64_MAX;

	if (writers->writes.count)
		qsort(writers->writes.data, writers->writes.count, sizeof(*writes), by_line);
	/* newest: of each side the one that reaches furthest so far */
	for (uint32_t i = 0; i < writers->writes.count; i++) {
		const struct write *write = &writes[i], *other = newest[SIDE_APP + SIDE_BPF - write->side];

		if (other && other->last >= write->first && said != write->first) {
			const struct write *app = write->side == SIDE_APP ? write : other;
			const struct write *bpf = write->side == SIDE_APP ? other : write;

			said = write->first;
			writer_line(w,
				    "  warning: cache line %" PRIu64 ": the application writes %s, "
				    "programs write %s; put one of them on a line of its own",
				    said, app->name, bpf->name);
		}
		if (!newest[write->side] || newest[write->side]->last <= write->last)
			newest[write->side] = write;
	}
}
