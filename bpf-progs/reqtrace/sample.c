/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include "sample.h"

#define INDEX_SIZE (MAX_REQUESTS * 2U) /* a power of two, half full at most */

static const char *const sort_names[SORT_KEYS] = {
	[SORT_TOTAL] = "total", [SORT_CPU] = "cpu",	[SORT_WAIT] = "wait",
	[SORT_READY] = "ready", [SORT_CALLS] = "calls", [SORT_LAST] = "last",
};

const char *sort_key_name(enum sort_key key)
{
	return sort_names[key];
}

uint64_t times_total(const struct times *times)
{
	uint64_t total = 0;

	for (int kind = 0; kind < KINDS; kind++)
		total += times->ns[kind];
	return total;
}

const char *phase_text(char text[PHASE_SIZE], uint64_t name)
{
	memcpy(text, &name, sizeof(name));
	text[PHASE_SIZE - 1] = 0;
	for (char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			*c = '?';
	return *text ? text : strcpy(text, "-");
}

static void times_add(struct times *times, const struct segment *segment)
{
	times->ns[segment->kind] += segment->end - segment->start;
	times->calls += segment->calls;
}

static struct phase *find_phase(struct phases *phases, uint64_t name)
{
	for (unsigned int i = 0; i < phases->count; i++)
		if (phases->phase[i].name == name)
			return &phases->phase[i];
	if (phases->count == MAX_PHASES)
		return &phases->phase[MAX_PHASES - 1];
	phases->phase[phases->count] = (struct phase){.name = name};
	return &phases->phase[phases->count++];
}

static uint32_t *find_slot(const struct sample *sample, uint32_t tgid, uint64_t id)
{
	uint64_t hash = (id ^ (uint64_t)tgid << 40) * 0x9e3779b97f4a7c15ULL;

	for (uint32_t i = (uint32_t)(hash >> 40);; i++) {
		uint32_t *slot = &sample->index[i % INDEX_SIZE];

		if (!*slot || (sample->requests[*slot - 1].id == id &&
			       sample->requests[*slot - 1].tgid == tgid))
			return slot;
	}
}

static int by_time(const void *a, const void *b)
{
	uint64_t left = times_total(&((const struct request *)a)->sum);
	uint64_t right = times_total(&((const struct request *)b)->sum);

	return (left < right) - (left > right);
}

/* The quicker ones make room. A request that goes on afterwards is a new one. */
static void fold(struct sample *sample)
{
	qsort(sample->requests, sample->count, sizeof(*sample->requests), by_time);
	sample->folded += sample->count - MAX_REQUESTS / 2;
	sample->count = MAX_REQUESTS / 2;
	memset(sample->index, 0, INDEX_SIZE * sizeof(*sample->index));
	for (size_t i = 0; i < sample->count; i++)
		*find_slot(sample, sample->requests[i].tgid, sample->requests[i].id) = (uint32_t)i + 1;
}

static bool grow(struct sample *sample)
{
	size_t capacity = sample->capacity ? sample->capacity * 2 : 64;
	struct request *grown;

	if (sample->count < sample->capacity)
		return true;
	if (!sample->index)
		sample->index = calloc(INDEX_SIZE, sizeof(*sample->index));
	grown = sample->index ? realloc(sample->requests, capacity * sizeof(*grown)) : NULL;
	if (!grown)
		return false;
	sample->requests = grown;
	sample->capacity = capacity;
	return true;
}

static struct request *find_request(struct sample *sample, const struct segment *segment)
{
	uint32_t *slot;

	if (sample->count == MAX_REQUESTS)
		fold(sample);
	if (!grow(sample))
		return NULL;
	slot = find_slot(sample, segment->tgid, segment->id);
	if (!*slot) {
		sample->requests[sample->count] = (struct request){
			.id = segment->id, .tgid = segment->tgid, .first = segment->start};
		*slot = (uint32_t)++sample->count;
	}
	return &sample->requests[*slot - 1];
}

void sample_add(struct sample *sample, const struct segment *segment)
{
	struct request *request;
	struct phase *phase, *of_all;
	unsigned int known;

	if (segment->kind >= KINDS || segment->end < segment->start)
		return;
	request = find_request(sample, segment);
	if (!request) {
		sample->failed = true;
		return;
	}
	known = request->phases.count;
	phase = find_phase(&request->phases, segment->phase);
	of_all = find_phase(&sample->phases, segment->phase);
	of_all->requests += request->phases.count != known;
	phase->requests = 1;
	times_add(&phase->times, segment);
	times_add(&of_all->times, segment);
	times_add(&request->sum, segment);
	if (segment->start < request->first)
		request->first = segment->start;
	if (segment->end > request->last)
		request->last = segment->end;
}

static uint64_t sort_value(const struct request *request, enum sort_key key)
{
	switch (key) {
	case SORT_CPU:
		return request->sum.ns[ON_CPU];
	case SORT_WAIT:
		return request->sum.ns[WAITS];
	case SORT_READY:
		return request->sum.ns[READY];
	case SORT_CALLS:
		return request->sum.calls;
	case SORT_LAST:
		return request->last;
	default:
		return times_total(&request->sum);
	}
}

size_t sample_top(const struct sample *sample, enum sort_key key, const struct request **top,
		  size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < sample->count; i++) {
		const struct request *request = &sample->requests[i];
		uint64_t value = sort_value(request, key);
		size_t at = kept < count ? kept++ : count;

		for (; at > 0 && sort_value(top[at - 1], key) < value; at--)
			if (at < count)
				top[at] = top[at - 1];
		if (at < count)
			top[at] = request;
	}
	return kept;
}

void sample_free(struct sample *sample)
{
	free(sample->requests);
	free(sample->index);
	memset(sample, 0, sizeof(*sample));
}
