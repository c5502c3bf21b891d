/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that fail while records are exchanged. */
#include <errno.h>

#include "faults/sweep.h"
#include "rings.skel.h"

OBJECT(rings, 0);

static int no_record(void *ctx, const void *data, size_t size)
{
	(void)ctx, (void)data, (void)size;
	return 0;
}

static void no_sample(void *ctx, int cpu, const void *data, uint32_t size)
{
	(void)ctx, (void)cpu, (void)data, (void)size;
}

static int try_mem_ringbuf_new(struct subject *s)
{
	s->ring = mem_ringbuf_new(the_map(s), no_record, NULL);
	return result(s->ring);
}

static void with_ring(struct subject *s)
{
	prepared(s);
	s->ring = assert_ptr(mem_ringbuf_new(mem_object_find_map(s->obj, "out"), no_record, NULL));
}

static int try_mem_ringbuf_add(struct subject *s)
{
	return mem_ringbuf_add(s->ring, the_map(s), no_record, NULL);
}

static int try_mem_ringbuf_poll(struct subject *s)
{
	return mem_ringbuf_poll(s->ring, 0);
}

static int try_mem_user_ringbuf_new(struct subject *s)
{
	s->user_ring = mem_user_ringbuf_new(the_map(s));
	return result(s->user_ring);
}

/* Without room, so that it has to wait for some. */
static void with_full_user_ring(struct subject *s)
{
	void *record;

	prepared(s);
	assert_ok(try_mem_user_ringbuf_new(s));
	while ((record = mem_user_ringbuf_reserve(s->user_ring, 1000)))
		mem_user_ringbuf_submit(s->user_ring, record);
}

static int try_mem_user_ringbuf_reserve_blocking(struct subject *s)
{
	return result(mem_user_ringbuf_reserve_blocking(s->user_ring, 1000, 1));
}

static int try_mem_perf_buffer_new(struct subject *s)
{
	s->perf = mem_perf_buffer_new(the_map(s), 1, no_sample, NULL, NULL);
	return result(s->perf);
}

static void with_perf_buffer(struct subject *s)
{
	prepared(s);
	assert_ok(try_mem_perf_buffer_new(s));
}

static int try_mem_perf_buffer_poll(struct subject *s)
{
	return mem_perf_buffer_poll(s->perf, 0);
}

static const struct operation exchanging[] = {
	{TRY(mem_ringbuf_new), &rings, prepared, "out", AGAIN},
	{TRY(mem_ringbuf_add), &rings, with_ring, "second", AGAIN},
	{TRY(mem_ringbuf_poll), &rings, with_ring, "out", AGAIN},
	{TRY(mem_user_ringbuf_new), &rings, prepared, "in", AGAIN},
	{TRY(mem_user_ringbuf_reserve_blocking), &rings, with_full_user_ring, "in", AGAIN | REFUSED},
	{TRY(mem_perf_buffer_new), &rings, prepared, "events", AGAIN},
	{TRY(mem_perf_buffer_poll), &rings, with_perf_buffer, "events", AGAIN},
	{0},
};
SWEEP_TABLE(exchanging)

TEST(exchanging_records_fails, .timeout = 60)
{
	need_bpf();
	sweep_all(exchanging);
}
END_TEST
