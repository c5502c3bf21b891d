/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting types. How long a type's record is stands in the record, so each step waits for the one before
 * it. The types are cut into lanes, of which six are walked alternately. A lane begins where records seem
 * to begin, and counts only if the walk of the one before it ends exactly there.
 *
 * Lanes are short: those behind the last type that is wanted need not be walked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf_scan.h"

#define LANES 128
#define LANE_SIZE_MIN 4096 /* bytes */
#define PLAUSIBLE_RUN 6	   /* records in a row that make a beginning believable */
#define FILTER_SIZE 4096

/* Wants by the offset of their name: open addressing, at most half full. */
struct want_table {
	struct kernel_btf_want **slots; /* NULL: empty */
	uint32_t mask;                  /* slots - 1 */
	bool filter[FILTER_SIZE];       /* by an offset's low bits: one such is in it */
};

/* A part of the types. */
struct lane {
	const char *start, *at; /* of its walk */
	const char *next;	/* where the lane behind it begins */
	uint32_t count;		/* types walked */
	uint32_t begun;		/* steps that all walks had made when this one began */
};

/* A wanted type that a walk has met. */
struct hit {
	uint32_t want;
	int lane;
	uint32_t id; /* counted from the first of the lane, from 1 */
};

struct scan {
	const struct btf_view *view;
	struct kernel_btf_want *wants;
	uint32_t count;
	struct want_table table;
	struct lane lanes[LANES];
	int taken; /* lanes whose walk has begun */
	int ended; /* the first lanes, up to one whose walk has not ended */
	int last;  /* what has been seen is in the lanes up to this one */
	struct hit *hits;
	uint32_t hit_count, hit_room;
	uint32_t left; /* wants that no walk has seen */
	bool *seen;    /* by want */
	int err;
};

static uint32_t mix(uint32_t name_off)
{
	return name_off * 0x9e3779b1U >> 7;
}

static COLD int table_build(struct scan *s)
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

static COLD void add_hit(struct scan *s, uint32_t want, int lane, uint32_t id)
{
	if (s->hit_count == s->hit_room) {
		uint32_t room = s->hit_room ? 2 * s->hit_room : 16;
		struct hit *hits = realloc(s->hits, room * sizeof(*hits));

		if (!hits) {
			s->err = -ENOMEM;
			return;
		}
		s->hits = hits;
		s->hit_room = room;
	}
	s->hits[s->hit_count++] = (struct hit){ .want = want, .lane = lane, .id = id };
	if (s->seen[want])
		return;
	s->seen[want] = true;
	s->left--;
	if (s->last < lane)
		s->last = lane;
}

static COLD void offer(struct scan *s, const struct lane *lane, const char *at, uint32_t id)
{
	const struct btf_type *type = (const void *)at;
	struct kernel_btf_want *want;

	for (uint32_t slot = mix(type->name_off) & s->table.mask; (want = s->table.slots[slot]);
	     slot = (slot + 1) & s->table.mask)
		if (want->name_off == type->name_off && want->kind == btf_kind_of(type))
			add_hit(s, (uint32_t)(want - s->wants), (int)(lane - s->lanes), id - lane->begun);
}

/* Of the lanes from one to another. */
static COLD void drop_hits(struct scan *s, int from, int to)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->hit_count; i++)
		if (s->hits[i].lane < from || s->hits[i].lane >= to)
			s->hits[kept++] = s->hits[i];
	s->hit_count = kept;
}

/* Behind a record; past the end in any case, where a record says so. */
static inline const char *behind(const struct btf_view *view, const char *at)
{
	const struct btf_type *type = (const void *)at;
	const struct btf_size *size = &btf_sizes[btf_kind_of(type)];
	uint64_t bytes = size->self + (uint64_t)size->part * btf_length_of(type);

#if UINTPTR_MAX == UINT32_MAX /* or it would come round */
	if (bytes > (size_t)(view->types_end - at))
		return view->types_end + 1;
#else
	(void)view;
#endif
	return at + bytes;
}

/* Whether one of the wants may have the name of the type that is here. */
static inline bool may_be_wanted(const struct scan *s, const char *at)
{
	const struct btf_type *type = (const void *)at;

	return s->table.filter[type->name_off % FILTER_SIZE];
}

/* Whether a record can be here: its head has nothing that no type has. */
static bool is_plausible(const struct btf_type *type, size_t strings_size)
{
	uint32_t kind = btf_kind_of(type);

	return btf_sizes[kind].self != BTF_SIZE_UNKNOWN && !(type->info & 0x60ff0000U) &&
	       type->name_off < strings_size &&
	       (btf_sizes[kind].part || kind == BTF_KIND_FUNC || !btf_length_of(type));
}

COLD const char *btf_next(const char *at, const char *end, size_t strings_size)
{
	const struct btf_type *type = (const void *)at;
	size_t left = (size_t)(end - at), size;

	if (left < sizeof(*type) || !is_plausible(type, strings_size))
		return NULL;
	size = btf_record_size(type);
	return size < left ? at + size : end;
}

COLD const char *btf_find_record(const char *at, const char *end, size_t strings_size)
{
	for (; at < end; at += 4) {
		const char *next = at;
		int run = 0;

		while (run < PLAUSIBLE_RUN && (next = btf_next(next, end, strings_size)))
			run++;
		if (run == PLAUSIBLE_RUN)
			return at;
	}
	return end;
}

/* --- lanes --- */

/* Where a lane begins: at the end where there is too little for all. */
static const char *lane_start(const struct scan *s, size_t lane)
{
	const char *from = s->view->types, *end = s->view->types_end;
	size_t size = (size_t)(end - from), part = size / LANES & ~(size_t)3;
	size_t strings_size = s->view->strings ? (size_t)(s->view->strings_end - s->view->strings) : SIZE_MAX;

	if (part < LANE_SIZE_MIN)
		part = LANE_SIZE_MIN;
	return lane < LANES && lane * part < size ? btf_find_record(from + lane * part, end, strings_size) : end;
}

static COLD void place_lane(struct scan *s, int i)
{
	struct lane *lane = &s->lanes[i];

	lane->start = lane->at = i ? s->lanes[i - 1].next : s->view->types;
	lane->next = lane_start(s, (size_t)i + 1);
	lane->count = 0;
}

/* Where its walk ends: where the next one begins; the last record's head has to be there. */
static const char *lane_stop(const struct scan *s, const struct lane *lane)
{
	const char *from = s->view->types, *end = s->view->types_end;

	return lane->next < end ? lane->next : end - (end - from < 12 ? end - from : 11);
}

static COLD void walk_alone(struct scan *s, struct lane *lane)
{
	const char *stop = lane_stop(s, lane);

	lane->begun = 0;
	for (; lane->at < stop; lane->at = behind(s->view, lane->at)) {
		lane->count++;
		if (may_be_wanted(s, lane->at))
			offer(s, lane, lane->at, lane->count);
	}
}

static COLD void count_ended(struct scan *s)
{
	while (s->ended < s->taken && s->lanes[s->ended].at >= lane_stop(s, &s->lanes[s->ended]))
		s->ended++;
}

/* Whether the ids of all that is wanted can be told. */
static bool is_enough(const struct scan *s)
{
	return !s->left && s->ended > s->last;
}

/* --- six walks that take turns --- */

struct walker {
	struct lane *lane; /* NULL when there is none left for it */
	const char *at, *stop;
};

static __attribute__((noinline)) void leave_lane(struct scan *s, struct walker *w, uint32_t steps)
{
	if (!w->lane)
		return;
	w->lane->at = w->at;
	w->lane->count = steps - w->lane->begun;
	w->lane = NULL;
	count_ended(s);
}

/* False if there is no more, or no reason to. */
static COLD bool enter_lane(struct scan *s, struct walker *w, uint32_t steps)
{
	if (s->taken == LANES || is_enough(s))
		return false;
	place_lane(s, s->taken);
	w->lane = &s->lanes[s->taken++];
	w->lane->begun = steps;
	w->at = w->lane->at;
	w->stop = lane_stop(s, w->lane);
	return true;
}

static __attribute__((noinline)) bool is_walking(struct scan *s, struct walker *w, uint32_t steps)
{
	while (w->at >= w->stop) {
		leave_lane(s, w, steps);
		if (!enter_lane(s, w, steps))
			return false;
	}
	return true;
}

/* Six variables: compilers leave an array of walkers in memory. */
#define WALKERS(each) each(a) each(b) each(c) each(d) each(e) each(f)

static __attribute__((hot, noinline)) void walk_together(struct scan *s)
{
#define ENTER(w)      struct walker w = {0};
#define IS_WALKING(w) && is_walking(s, &w, steps)
#define BEGIN(w)      const char *at_##w = w.at;
#define IS_BEFORE(w)  && at_##w < w.stop
#define MAY_BE(w)     | may_be_wanted(s, at_##w)
#define OFFER(w)      offer(s, w.lane, at_##w, steps);
#define STEP(w)	      at_##w = behind(s->view, at_##w);
#define END(w)	      w.at = at_##w;
#define LEAVE(w)      leave_lane(s, &w, steps);
	uint32_t steps = 0;
	WALKERS(ENTER)

	while (true WALKERS(IS_WALKING)) {
		WALKERS(BEGIN)

		while (true WALKERS(IS_BEFORE)) {
			steps++;
			if (__builtin_expect(false WALKERS(MAY_BE), false)) {
				WALKERS(OFFER)
			}
			WALKERS(STEP)
		}
		WALKERS(END)
	}
	WALKERS(LEAVE)
}

/* A lane that did not begin with a record is walked again from where the one before it ended. */
static COLD void mend(struct scan *s)
{
	for (int i = 1; i < s->ended; i++) {
		struct lane *lane = &s->lanes[i];
		const char *start = s->lanes[i - 1].at;

		if (start == lane->start)
			continue;
		drop_hits(s, i, i + 1);
		lane->at = lane->start = start;
		lane->count = 0;
		walk_alone(s, lane);
	}
}

/* What only a lane saw that began in the wrong place has not been seen. */
static COLD void count_left(struct scan *s)
{
	s->left = 0;
	for (uint32_t i = 0; i < s->count; i++)
		s->seen[i] = *s->wants[i].id;
	for (uint32_t i = 0; i < s->hit_count; i++)
		s->seen[s->hits[i].want] = true;
	for (uint32_t i = 0; i < s->count; i++)
		s->left += !s->seen[i];
}

static COLD void walk(struct scan *s)
{
	while (s->left && s->ended < LANES) {
		walk_together(s);
		for (int i = s->ended; i < s->taken && !is_enough(s); i++) {
			walk_alone(s, &s->lanes[i]);
			count_ended(s);
		}
		drop_hits(s, s->ended, LANES);
		s->taken = s->ended;
		mend(s);
		count_left(s);
	}
}

/* Whether it was types up to where the walk ended. */
static bool are_types(const struct scan *s)
{
	const char *end = s->view->types_end;

	return s->ended == LANES ? s->lanes[LANES - 1].at == end : !s->ended || s->lanes[s->ended - 1].at <= end;
}

/* Take the ids over, those of the first of their name; returns the number of types, and 1 for void. */
static COLD uint32_t add_up(struct scan *s)
{
	uint32_t before[LANES], types = 0;

	for (int i = 0; i < s->ended; i++) {
		before[i] = types;
		types += s->lanes[i].count;
	}
	for (uint32_t i = 0; i < s->hit_count; i++) {
		uint32_t id = before[s->hits[i].lane] + s->hits[i].id, *known = s->wants[s->hits[i].want].id;

		if (!*known || id < *known)
			*known = id;
	}
	return types + 1;
}

COLD int64_t btf_scan(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count)
{
	struct scan s = {.view = view, .wants = wants, .count = count};
	int64_t types;

	s.seen = calloc(count + 1, sizeof(*s.seen));
	s.err = s.seen ? table_build(&s) : -ENOMEM;
	if (!s.err)
		walk(&s);
	types = s.err;
	if (!types && are_types(&s))
		types = add_up(&s);
	free(s.table.slots);
	free(s.seen);
	free(s.hits);
	return types;
}
