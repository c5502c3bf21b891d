/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting types. How long a type's record is stands in the record, so each step waits for the one before
 * it. The types are cut into lanes of which six are walked alternately. A lane begins where records seem
 * to begin, and counts only if the walk of the one before it ends exactly there.
 *
 * Lanes are short: when there is none left to take turns with, the last ones are walked alone, which is slow;
 * and those behind the last type that is wanted are not walked at all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_scan.h"

#define LANES 64
#define LANE_SIZE_MIN 4096 /* bytes */
#define PLAUSIBLE_RUN 32   /* records in a row that make a beginning believable */
#define FILTER_SIZE 4096

/* Wants by the offset of their name: open addressing, at most half full. */
struct want_table {
	struct kernel_btf_want **slots; /* NULL: empty */
	uint32_t mask;                  /* slots - 1 */
	bool filter[FILTER_SIZE];       /* by an offset's low bits: one such is in it */
};

/* A part of the types. ids: by want, counted from the first of this part, from 1; 0: not in it. */
struct lane {
	const char *start, *at, *stop;
	const char *next; /* where the one behind it begins */
	uint32_t count; /* types walked */
	uint32_t begun; /* steps that all walks had made when this one began */
	uint32_t *ids;
};

struct scan {
	const struct btf_view *view;
	struct kernel_btf_want *wants;
	uint32_t count;
	struct want_table table;
	struct lane lanes[LANES];
	int taken;     /* lanes that a walk has begun */
	uint32_t left; /* wants that no lane has seen */
	bool *seen;    /* by want */
};

static uint32_t mix(uint32_t name_off)
{
	return name_off * 0x9e3779b1U >> 7;
}

static int table_build(struct scan *s)
{
	struct want_table *table = &s->table;
	uint32_t slots = 16;

	while (slots < 2 * (uint64_t)s->count)
		slots *= 2;
	table->mask = slots - 1;
	table->slots = calloc(slots, sizeof(*table->slots));
	for (uint32_t i = 0; table->slots && i < s->count; i++) {
		uint32_t slot = mix(s->wants[i].name_off) & table->mask;

		s->left += !*s->wants[i].id;
		if (!s->wants[i].name_off || *s->wants[i].id)
			continue;
		while (table->slots[slot])
			slot = (slot + 1) & table->mask;
		table->slots[slot] = &s->wants[i];
		table->filter[s->wants[i].name_off % FILTER_SIZE] = true;
	}
	return table->slots ? 0 : -ENOMEM;
}

static void found(struct scan *s, struct lane *lane, uint32_t want, uint32_t id)
{
	lane->ids[want] = id;
	s->left -= !s->seen[want];
	s->seen[want] = true;
}

static void __attribute__((noinline)) offer(struct scan *s, struct lane *lane, const char *at, uint32_t id)
{
	const struct btf_type *type = (const void *)at;
	struct kernel_btf_want *want;

	for (uint32_t slot = mix(type->name_off) & s->table.mask; (want = s->table.slots[slot]);
	     slot = (slot + 1) & s->table.mask)
		if (want->name_off == type->name_off && want->kind == btf_kind_of(type) &&
		    !lane->ids[want - s->wants])
			found(s, lane, (uint32_t)(want - s->wants), id - lane->begun);
}

/* Bytes of a record: for itself, and for each of its parts. */
static const struct size {
	uint32_t self, part;
} sizes[32] = {
#define UNKNOWN {1U << 31, 0} /* leads out of all types */
	[BTF_KIND_UNKN] = UNKNOWN,
	[BTF_KIND_INT] = {16, 0},
	[BTF_KIND_PTR] = {12, 0},
	[BTF_KIND_ARRAY] = {24, 0},
	[BTF_KIND_STRUCT] = {12, 12},
	[BTF_KIND_UNION] = {12, 12},
	[BTF_KIND_ENUM] = {12, 8},
	[BTF_KIND_FWD] = {12, 0},
	[BTF_KIND_TYPEDEF] = {12, 0},
	[BTF_KIND_VOLATILE] = {12, 0},
	[BTF_KIND_CONST] = {12, 0},
	[BTF_KIND_RESTRICT] = {12, 0},
	[BTF_KIND_FUNC] = {12, 0},
	[BTF_KIND_FUNC_PROTO] = {12, 8},
	[BTF_KIND_VAR] = {16, 0},
	[BTF_KIND_DATASEC] = {12, 12},
	[BTF_KIND_FLOAT] = {12, 0},
	[BTF_KIND_DECL_TAG] = {16, 0},
	[BTF_KIND_TYPE_TAG] = {12, 0},
	[BTF_KIND_ENUM64] = {12, 12},
	UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
	UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN,
#undef UNKNOWN
};

/* Past the end in any case, where a record says so. */
static inline const char *advance(const struct scan *s, const char *at, uint64_t size)
{
#if UINTPTR_MAX == UINT32_MAX /* or it would come round */
	if (size > (size_t)(s->view->types_end - at))
		return s->view->types_end + 1;
#else
	(void)s;
#endif
	return at + size;
}

/* The record behind the one at a place; id is what it has in this lane. */
static inline const char *step(struct scan *s, struct lane *lane, const char *at, uint32_t id)
{
	const struct btf_type *type = (const void *)at;
	const struct size *size = &sizes[btf_kind_of(type)];

	if (__builtin_expect(s->table.filter[type->name_off % FILTER_SIZE], 0))
		offer(s, lane, at, id);
	return advance(s, at, size->self + (uint64_t)size->part * btf_length_of(type));
}

/* Whether a record can be here: its head has nothing that no type has. */
static bool is_plausible(const struct btf_view *view, const char *at)
{
	const struct btf_type *type = (const void *)at;
	uint32_t kind = btf_kind_of(type);

	return sizes[kind].self < 1U << 31 && !(type->info & 0x60ff0000U) &&
	       type->name_off < (size_t)(view->strings_end - view->strings) &&
	       (sizes[kind].part || kind == BTF_KIND_FUNC || !btf_length_of(type));
}

/* The first place from at on where many records in a row can be; end if there is none. */
static const char *find_record(const struct btf_view *view, const char *at, const char *end)
{
	for (; at < end; at += 4) {
		const char *next = at;
		int run = 0;

		while (run < PLAUSIBLE_RUN && (size_t)(view->types_end - next) >= sizeof(struct btf_type) &&
		       is_plausible(view, next)) {
			next += btf_record_size((const void *)next);
			run++;
		}
		if (run == PLAUSIBLE_RUN)
			return at;
	}
	return end;
}

/* Where a lane begins: at the end where there is too little for all. */
static const char *lane_start(const struct scan *s, size_t lane)
{
	const char *from = s->view->types, *end = s->view->types_end;
	size_t size = (size_t)(end - from), part = size / LANES & ~(size_t)3;

	if (part < LANE_SIZE_MIN)
		part = LANE_SIZE_MIN;
	return lane < LANES && lane * part < size ? find_record(s->view, from + lane * part, end) : end;
}

/* It ends where the next one begins; the last record's head has to be there. */
static void place_lane(struct scan *s, int i)
{
	const char *from = s->view->types, *end = s->view->types_end;
	struct lane *lane = &s->lanes[i];

	lane->start = lane->at = i ? s->lanes[i - 1].next : from;
	lane->next = lane->stop = lane_start(s, (size_t)i + 1);
	if (lane->stop == end)
		lane->stop = end - (end - from < 12 ? end - from : 11);
}

static void walk_alone(struct scan *s, struct lane *lane)
{
	while (lane->at < lane->stop)
		lane->at = step(s, lane, lane->at, ++lane->count);
}

/* One of the walks that take turns. */
struct walker {
	struct lane *lane; /* NULL when there is none left for it */
	const char *at, *stop;
};

static void leave_lane(struct walker *w, uint32_t steps)
{
	if (!w->lane)
		return;
	w->lane->at = w->at;
	w->lane->count = steps - w->lane->begun;
	w->lane->begun = 0;
	w->lane = NULL;
}

/* False if there is no more, or no reason to. */
static bool enter_lane(struct scan *s, struct walker *w, uint32_t steps)
{
	if (s->taken == LANES || !s->left)
		return false;
	place_lane(s, s->taken);
	w->lane = &s->lanes[s->taken++];
	w->lane->begun = steps;
	w->at = w->lane->at;
	w->stop = w->lane->stop;
	return true;
}

static bool is_walking(struct scan *s, struct walker *w, uint32_t steps)
{
	while (w->at >= w->stop) {
		leave_lane(w, steps);
		if (!enter_lane(s, w, steps))
			return false;
	}
	return true;
}

/* Written out: compilers leave an array of walkers in memory. */
static void walk_together(struct scan *s)
{
	struct walker a = {0}, b = {0}, c = {0}, d = {0}, e = {0}, f = {0};
	uint32_t steps = 0;

	enter_lane(s, &a, steps);
	enter_lane(s, &b, steps);
	enter_lane(s, &c, steps);
	enter_lane(s, &d, steps);
	enter_lane(s, &e, steps);
	enter_lane(s, &f, steps);
	while (is_walking(s, &a, steps) && is_walking(s, &b, steps) && is_walking(s, &c, steps) && is_walking(s, &d, steps) && is_walking(s, &e, steps) && is_walking(s, &f, steps)) {
		const char *at_a = a.at, *at_b = b.at, *at_c = c.at, *at_d = d.at, *at_e = e.at, *at_f = f.at;

		while (at_a < a.stop && at_b < b.stop && at_c < c.stop && at_d < d.stop && at_e < e.stop && at_f < f.stop) {
			steps++;
			at_a = step(s, a.lane, at_a, steps);
			at_b = step(s, b.lane, at_b, steps);
			at_c = step(s, c.lane, at_c, steps);
			at_d = step(s, d.lane, at_d, steps);
			at_e = step(s, e.lane, at_e, steps);
			at_f = step(s, f.lane, at_f, steps);
		}
		a.at = at_a;
		b.at = at_b;
		c.at = at_c;
		d.at = at_d;
		e.at = at_e;
		f.at = at_f;
	}
	leave_lane(&a, steps);
	leave_lane(&b, steps);
	leave_lane(&c, steps);
	leave_lane(&d, steps);
	leave_lane(&e, steps);
	leave_lane(&f, steps);
}

/* A lane that did not begin with a record is walked again from where the one before it ended. */
static void mend(struct scan *s)
{
	for (int i = 1; i < s->taken; i++) {
		struct lane *lane = &s->lanes[i];
		const char *start = s->lanes[i - 1].at;

		if (start == lane->start)
			continue;
		lane->at = lane->start = start;
		lane->count = 0;
		memset(lane->ids, 0, s->count * sizeof(*lane->ids));
		walk_alone(s, lane);
	}
}

/* What only a lane saw that began in the wrong place has not been found. */
static void count_left(struct scan *s)
{
	s->left = 0;
	for (uint32_t w = 0; w < s->count; w++) {
		s->seen[w] = *s->wants[w].id;
		for (int i = 0; i < s->taken && !s->seen[w]; i++)
			s->seen[w] = s->lanes[i].ids[w];
		s->left += !s->seen[w];
	}
}

static void walk(struct scan *s)
{
	while (s->left && s->taken < LANES) {
		walk_together(s);
		for (int i = 0; i < s->taken; i++)
			walk_alone(s, &s->lanes[i]);
		mend(s);
		count_left(s);
	}
}

/* Whether it was types up to where the walk ended. */
static bool are_types(const struct scan *s)
{
	const char *end = s->view->types_end;

	return s->taken == LANES ? s->lanes[LANES - 1].at == end : !s->taken || s->lanes[s->taken - 1].at <= end;
}

/* Take the ids over; returns the number of types, and 1 for void. */
static uint32_t add_up(struct scan *s)
{
	uint32_t id = 0;

	for (int i = 0; i < s->taken; i++) {
		const struct lane *lane = &s->lanes[i];

		for (uint32_t w = 0; w < s->count; w++)
			if (lane->ids[w] && !*s->wants[w].id)
				*s->wants[w].id = id + lane->ids[w];
		id += lane->count;
	}
	return id + 1;
}

int64_t btf_scan(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count)
{
	struct scan s = {.view = view, .wants = wants, .count = count};
	uint32_t *ids = calloc((size_t)LANES * (count + 1), sizeof(*ids));
	int64_t types = -ENOMEM;

	s.seen = calloc(count + 1, sizeof(*s.seen));
	if (ids && s.seen && !table_build(&s)) {
		for (int i = 0; i < LANES; i++)
			s.lanes[i].ids = ids + (size_t)i * count;
		walk(&s);
		types = are_types(&s) ? add_up(&s) : 0;
	}
	free(s.table.slots);
	free(s.seen);
	free(ids);
	return types;
}
