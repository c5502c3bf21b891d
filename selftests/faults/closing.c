/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that fail while something is closed. Who closes has no use for an error, so there is none: it goes on, and
 * nothing is left behind.
 */
#include <mem/elf.h>
#include <mem/task.h>

#include "faults/sweep.h"
#include "rings.skel.h"
#include "task_basic.skel.h"

OBJECT(rings, 6001);
OBJECT(task_basic, 5017);

static int try_mem_skeleton_destroy(struct subject *s)
{
	mem_skeleton_destroy(s->skel, s->object->layout());
	s->skel = NULL;
	s->obj = NULL;
	return 0;
}

static void no_sample(void *ctx, int cpu, const void *data, uint32_t size)
{
	(void)ctx;
	(void)cpu;
	(void)data;
	(void)size;
}

static void with_perf_buffer(struct subject *s)
{
	prepared(s);
	s->perf = assert_ptr(mem_perf_buffer_new(the_map(s), 1, no_sample, NULL, NULL));
}

static int try_mem_perf_buffer_free(struct subject *s)
{
	mem_perf_buffer_free(s->perf);
	s->perf = NULL;
	return 0;
}

static void registered(struct subject *s)
{
	struct request *request;

	loaded(s);
	request = task_basic__task_request();
	ck_assert_ptr_nonnull(request);
	request->id = 5;
}

static const struct operation closing[] = {
	{TRY_WITH(mem_skeleton_destroy, "threads"), &task_basic, registered},
	{TRY(mem_perf_buffer_free), &rings, with_perf_buffer, "events"},
	{0},
};

SWEEP_TABLE(closing)

TEST(closing_goes_on, .timeout = 60, .slow_emulated = "loads programs a hundred times")
{
	need_bpf();
	sweep_all(closing);
}
END_TEST
