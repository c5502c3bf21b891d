/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linear.h"

#define LANES 24
#define NONE  UINT32_MAX

static char text[200];

static const char *wrong(const struct linear_op *op, const char *what)
{
	static const char *const names[] = {"set", "add", "change", "remove", "find", "push", "pop"};

	snprintf(text, sizeof(text), "%s: %s at %llu to %llu, value %llu, result %d", what, names[op->kind],
		 (unsigned long long)op->start, (unsigned long long)op->end, (unsigned long long)op->value,
		 op->result);
	return text;
}

static int by_start(const void *a, const void *b)
{
	const struct linear_op *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* --- one key --- */

/* Which operations are still to be put in order: the next one of each lane; and the value by now. */
struct config {
	uint64_t value; /* 0: none */
	uint32_t next[LANES];
};

struct search {
	const struct linear_op *ops;
	uint32_t *after;       /* of each operation, the next one of its lane */
	struct config *seen;   /* all that were reached; from `done` on, still to be looked at */
	size_t count, room, done;
	uint32_t *index;       /* hash of a config to its place in seen, plus 1 */
	size_t index_size;     /* a power of two */
	size_t best;	       /* the furthest operation that could be placed */
};

/* Does the operation's result fit to the value? If so, what the value is afterwards. */
static int step(const struct linear_op *op, uint64_t value, uint64_t *then)
{
	*then = value;
	switch (op->kind) {
	case LINEAR_SET:
	case LINEAR_ADD:
	case LINEAR_CHANGE:
		if (op->result)
			return op->result == (value ? -EEXIST : -ENOENT);
		*then = op->value;
		return op->kind == LINEAR_SET || (op->kind == LINEAR_ADD) == !value;
	case LINEAR_REMOVE:
		*then = 0;
		return op->result == (value ? 0 : -ENOENT);
	default:
		return op->result ? !value : value == op->value;
	}
}

static uint64_t config_hash(const struct config *c)
{
	uint64_t hash = c->value;

	for (unsigned int i = 0; i < LANES; i++)
		hash = (hash ^ c->next[i]) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 32;
}

static void index_grow(struct search *s)
{
	s->index_size = s->index_size ? s->index_size * 2 : 1024;
	free(s->index);
	s->index = calloc(s->index_size, sizeof(*s->index));
	for (size_t i = 0; i < s->count; i++) {
		size_t at = config_hash(&s->seen[i]) & (s->index_size - 1);

		while (s->index[at])
			at = (at + 1) & (s->index_size - 1);
		s->index[at] = (uint32_t)i + 1;
	}
}

static void reach(struct search *s, const struct config *c)
{
	size_t at;

	if (s->count * 2 >= s->index_size)
		index_grow(s);
	at = config_hash(c) & (s->index_size - 1);
	for (; s->index[at]; at = (at + 1) & (s->index_size - 1))
		if (!memcmp(&s->seen[s->index[at] - 1], c, sizeof(*c)))
			return;
	if (s->count == s->room) {
		s->room = s->room ? s->room * 2 : 1024;
		s->seen = realloc(s->seen, s->room * sizeof(*s->seen));
	}
	s->seen[s->count++] = *c;
	s->index[at] = (uint32_t)s->count;
}

/* Place each operation that may be the next one: none that is left had ended before it began. */
static int expand(struct search *s, const struct config from)
{
	uint64_t first_end = UINT64_MAX;
	int left = 0;

	for (unsigned int i = 0; i < LANES; i++)
		if (from.next[i] != NONE && s->ops[from.next[i]].end < first_end)
			first_end = s->ops[from.next[i]].end;
	for (unsigned int i = 0; i < LANES; i++) {
		struct config to = from;

		if (from.next[i] == NONE)
			continue;
		left = 1;
		if (s->ops[from.next[i]].start > first_end || !step(&s->ops[from.next[i]], from.value, &to.value))
			continue;
		if (from.next[i] > s->best)
			s->best = from.next[i];
		to.next[i] = s->after[from.next[i]];
		reach(s, &to);
	}
	return left;
}

/* Operations that do not overlap can be on one lane. */
static int make_lanes(struct search *s, size_t count, struct config *start)
{
	uint32_t last[LANES];

	memset(start, 0, sizeof(*start));
	for (unsigned int i = 0; i < LANES; i++)
		start->next[i] = last[i] = NONE;
	for (uint32_t n = 0; n < count; n++) {
		unsigned int i = 0;

		while (i < LANES && last[i] != NONE && s->ops[last[i]].end > s->ops[n].start)
			i++;
		if (i == LANES)
			return -1;
		*(last[i] == NONE ? &start->next[i] : &s->after[last[i]]) = n;
		s->after[n] = NONE;
		last[i] = n;
	}
	return 0;
}

const char *linear_register(struct linear_op *ops, size_t count)
{
	struct search s = {.ops = ops};
	const char *result = NULL;
	struct config start;
	int left = 1;

	qsort(ops, count, sizeof(*ops), by_start);
	s.after = malloc((count + 1) * sizeof(*s.after));
	if (make_lanes(&s, count, &start)) {
		result = "too many operations at one time";
	} else {
		reach(&s, &start);
		while (left && s.done < s.count)
			left = expand(&s, s.seen[s.done++]);
		if (left)
			result = wrong(&ops[s.best], "no order has all results; the last one that fits");
	}
	free(s.after);
	free(s.seen);
	free(s.index);
	return result;
}

/* --- a queue --- */

/* A value's way through the ring. */
struct passage {
	const struct linear_op *push, *pop; /* pop: NULL, it is still there */
};

static int by_value(const void *a, const void *b)
{
	const struct linear_op *x = a, *y = b;

	if (x->value != y->value)
		return x->value < y->value ? -1 : 1;
	return x->kind == y->kind ? 0 : x->kind == LINEAR_PUSH ? -1 : 1;
}

static int by_push_end(const void *a, const void *b)
{
	const struct passage *x = a, *y = b;

	return x->push->end < y->push->end ? -1 : x->push->end > y->push->end;
}

static int by_push_start(const void *a, const void *b)
{
	const struct passage *x = a, *y = b;

	return x->push->start < y->push->start ? -1 : x->push->start > y->push->start;
}

static int by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Pair pushes with pops; ops are by value, failed ones last. */
static const char *pair(const struct linear_op *ops, size_t count, struct passage *way, size_t *ways)
{
	for (size_t i = 0; i < count; i++) {
		if (ops[i].kind == LINEAR_POP)
			return wrong(&ops[i], "a value that was not pushed, or not once more");
		if (i && ops[i - 1].value == ops[i].value)
			return wrong(&ops[i], "a value that was pushed twice");
		way[*ways].push = &ops[i];
		way[*ways].pop = NULL;
		if (i + 1 < count && ops[i + 1].value == ops[i].value && ops[i + 1].kind == LINEAR_POP)
			way[*ways].pop = &ops[++i];
		if (way[*ways].pop && way[*ways].pop->end < way[*ways].push->start)
			return wrong(&ops[i], "a value that was not pushed yet");
		++*ways;
	}
	return NULL;
}

/* When it began to leave. */
static uint64_t pop_start(const struct passage *way)
{
	return way->pop ? way->pop->start : UINT64_MAX;
}

/* No value may leave before one that was there before it came. way is by end of push. */
static const char *check_order(const struct passage *way, size_t ways)
{
	struct passage *later = malloc((ways + 1) * sizeof(*later));
	const char *result = NULL;
	uint64_t slowest = 0; /* latest beginning to leave, of those that were in already */
	size_t in = 0;

	memcpy(later, way, ways * sizeof(*later));
	qsort(later, ways, sizeof(*later), by_push_start);
	for (size_t i = 0; i < ways && !result; i++) {
		for (; in < ways && way[in].push->end < later[i].push->start; in++)
			if (pop_start(&way[in]) > slowest)
				slowest = pop_start(&way[in]);
		if (later[i].pop && slowest > later[i].pop->end)
			result = wrong(later[i].pop, "a value that came later than one that is still there");
	}
	free(later);
	return result;
}

/* The number of values in a sorted list that are less. */
static size_t below(const uint64_t *sorted, size_t count, uint64_t value)
{
	size_t low = 0;

	while (count) {
		size_t half = count / 2;

		if (sorted[low + half] < value) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low;
}

/* Times, each list sorted by itself. */
struct times {
	uint64_t *push_start, *push_end, *pop_start, *pop_end;
	size_t pushes, pops;
};

static void times_make(struct times *t, const struct passage *way, size_t ways)
{
	uint64_t *all = malloc((ways + 1) * 4 * sizeof(*all));

	*t = (struct times){all, all + ways, all + ways * 2, all + ways * 3, ways, 0};
	for (size_t i = 0; i < ways; i++) {
		t->push_start[i] = way[i].push->start;
		t->push_end[i] = way[i].push->end;
		if (!way[i].pop)
			continue;
		t->pop_start[t->pops] = way[i].pop->start;
		t->pop_end[t->pops++] = way[i].pop->end;
	}
	qsort(t->push_start, ways, sizeof(*all), by_number);
	qsort(t->push_end, ways, sizeof(*all), by_number);
	qsort(t->pop_start, t->pops, sizeof(*all), by_number);
	qsort(t->pop_end, t->pops, sizeof(*all), by_number);
}

/* Called empty, but some value was in all the time, and no push was under way that could hide it. */
static const char *check_empty(const struct linear_op *op, const struct times *t)
{
	size_t in = below(t->push_end, t->pushes, op->start), begun = below(t->push_start, t->pushes, op->end);

	if (begun > in || in <= below(t->pop_start, t->pops, op->end))
		return NULL;
	return wrong(op, "it was not empty");
}

/* Called full, but there was room all the time. */
static const char *check_full(const struct linear_op *op, const struct times *t, uint64_t capacity)
{
	size_t most = below(t->push_start, t->pushes, op->end) - below(t->pop_end, t->pops, op->start);

	return most < capacity ? wrong(op, "it was not full") : NULL;
}

const char *linear_queue(struct linear_op *ops, size_t count, uint64_t capacity)
{
	struct passage *way = malloc((count + 1) * sizeof(*way));
	struct linear_op *good = malloc((count + 1) * sizeof(*good));
	size_t n = 0, ways = 0;
	struct times t = {0};
	const char *result;

	for (size_t i = 0; i < count; i++)
		if (!ops[i].result)
			good[n++] = ops[i];
	qsort(good, n, sizeof(*good), by_value);
	result = pair(good, n, way, &ways);
	if (!result) {
		qsort(way, ways, sizeof(*way), by_push_end);
		result = check_order(way, ways);
		times_make(&t, way, ways);
	}
	for (size_t i = 0; i < count && !result; i++)
		if (ops[i].result)
			result = ops[i].kind == LINEAR_POP ? check_empty(&ops[i], &t)
							   : check_full(&ops[i], &t, capacity);
	free(t.push_start);
	free(good);
	free(way);
	return result;
}
