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
/* Bytes of a name, after which nothing is appended. */
#define PATH_LENGTH 500

struct mark {
	uint32_t type;
	int32_t component;
	enum side side;
};

struct write {
	const char *name;  /* "stats[2].app" */
	const char *field; /* "stats[].app" */
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
	writers->warned.count = 0;
	writers->seen = 0;
}

/* Something that lies in memory: what it is called, and where it is. */
struct spot {
	const char *name;  /* as in struct write */
	const char *field; /* as in struct write */
	uint64_t offset;   /* bits */
	uint64_t bits;     /* of a bit-field; else 0 */
	enum side side;
	int depth;
};

static void look_at(struct writers *writers, uint32_t type, struct spot spot);

static void add_write(struct writers *writers, struct spot spot, uint64_t bits)
{
	struct write *write =
		rows_add(writers->types->pool, &writers->writes, 1, sizeof(*write));

	if (!write)
		writers->failed = true;
	else
		*write = (struct write){spot.name, spot.field, spot.offset / 8 / CACHE_LINE,
					(spot.offset + bits - 1) / 8 / CACHE_LINE, spot.side};
}

/* "outer.inner" */
static const char *join(struct writers *writers, const char *outer, const char *inner)
{
	const char *path = outer;

	inner = name_visible(writers->types->pool, inner);
	if (!inner)
		path = NULL;
	else if (*inner && strlen(outer) < PATH_LENGTH)
		path = name_printf(writers->types->pool, "%s%s%s", outer, *outer ? "." : "", inner);
	writers->failed |= !path;
	return path;
}

static void look_into(struct writers *writers, uint32_t id, struct spot outer)
{
	const struct types *types = writers->types;
	const struct btf_type *type = types_get(types, id);

	for (uint16_t i = 0; i < btf_vlen(type) && writers->seen < SEEN_MAX; i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const char *own = btf__name_by_offset(types->btf, member->name_off);
		struct spot spot = {
			.name = join(writers, outer.name, own ? own : ""),
			.field = join(writers, outer.field, own ? own : ""),
			.offset = outer.offset + btf_member_bit_offset(type, i),
			.bits = btf_member_bitfield_size(type, i),
			.side = writers_side(writers, id, i),
			.depth = outer.depth + 1,
		};

		if (spot.name && spot.field)
			look_at(writers, member->type, spot);
	}
}

/* Elements after which places in cache lines repeat. */
static uint32_t period(uint64_t size)
{
	uint32_t n = 1;

	while (size * n % CACHE_LINE)
		n++;
	return n;
}

/*
 * One element more than there are places in cache lines, so that each meets its neighbour; and the
 * last, which meets what follows the array.
 */
static void look_at_elements(struct writers *writers, const struct btf_array *array, struct spot outer)
{
	const struct types *types = writers->types;
	int64_t size = btf__resolve_size(types->btf, array->type);
	uint32_t some = size > 0 ? period((uint64_t)size) + 1 : 0;

	for (uint32_t i = 0; some && i < array->nelems && writers->seen < SEEN_MAX; i++) {
		struct spot spot = outer;

		if (i == some)
			i = array->nelems - 1;
		spot.name = name_printf(types->pool, "%s[%u]", outer.name, i);
		spot.field = name_printf(types->pool, "%s[]", outer.field);
		spot.offset = outer.offset + 8 * (uint64_t)size * i;
		spot.depth++;
		writers->failed |= !spot.name || !spot.field;
		if (spot.name && spot.field)
			look_at(writers, array->type, spot);
	}
}

static void look_at(struct writers *writers, uint32_t type, struct spot spot)
{
	const struct types *types = writers->types;
	uint32_t held = types_strip(types, type, true);
	const struct btf_type *t = types_get(types, held);
	int64_t size;

	if (spot.depth > DEPTH_MAX || writers->seen++ >= SEEN_MAX)
		return;
	/* a mark on a whole struct or array is a mark on all of it */
	size = spot.bits ? 0 : btf__resolve_size(types->btf, type);
	if (spot.side && (spot.bits || size > 0))
		add_write(writers, spot, spot.bits ? spot.bits : 8 * (uint64_t)size);
	if (spot.side)
		return;
	if (t && btf_is_array(t))
		look_at_elements(writers, btf_array(t), spot);
	else if (t && btf_is_composite(t))
		look_into(writers, held, spot);
}

void writers_look_at(struct writers *writers, uint32_t type, const char *name, uint64_t offset,
		     enum side side)
{
	if (writers->marks.count)
		look_at(writers, type,
			(struct spot){.name = name, .field = name, .offset = offset, .side = side});
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

/* Each pair of fields is worth one warning, however many elements of an array there are. */
static bool is_news(struct writers *writers, const struct write *app, const struct write *bpf)
{
	const char **pair;

	for (uint32_t i = 0; i < writers->warned.count; i += 2) {
		pair = (const char **)writers->warned.data + i;
		if (!strcmp(pair[0], app->field) && !strcmp(pair[1], bpf->field))
			return false;
	}
	pair = rows_add(writers->types->pool, &writers->warned, 2, sizeof(*pair));
	if (!pair) {
		writers->failed = true;
		return false;
	}
	pair[0] = app->field;
	pair[1] = bpf->field;
	return true;
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

			if (is_news(writers, app, bpf)) {
				said = write->first;
				writer_line(w,
					    "  warning: cache line %" PRIu64 ": the application "
					    "writes %s, programs write %s; put one of them on a "
					    "line of its own",
					    said, app->name, bpf->name);
			}
		}
		if (!newest[write->side] || newest[write->side]->last <= write->last)
			newest[write->side] = write;
	}
}
