/* SPDX-License-Identifier: BSD-2-Clause */
/* Ring buffers in both directions, and perf buffers. */
#include <errno.h>
#include <mem/ringbuf.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness.h"
#include "rings.skel.h"

static struct rings *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(rings__open());
	skel->rodata->own_pid = (uint32_t)getpid();
}

static void teardown(void)
{
	rings__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

/* What a consumer saw. */
struct seen {
	uint64_t count, next, wrong;
	int stop_after; /* records, 0: never */
};

static int take(void *ctx, const void *data, size_t size)
{
	const struct record *record = data;
	struct seen *seen = ctx;

	if (seen->next % 5 == 4) /* the program threw it away */
		seen->next++;
	seen->wrong += size != sizeof(*record) || record->sequence != seen->next ||
		       strcmp(record->text, "from the program");
	seen->next = record->sequence + 1;
	seen->count++;
	return seen->stop_after && seen->count == (uint64_t)seen->stop_after ? -ECANCELED : 0;
}

TEST(records_come_in_order_and_wrap_around)
{
	struct seen seen = { 0 };
	struct mem_ringbuf *ring;
	uint64_t total = 0;

	load_only(skel->obj, skel->progs.produce);
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, take, &seen));
	ck_assert_int_eq(mem_ringbuf_consume(ring, 0), 0);
	for (int round = 0; round < 200; round++) {
		int taken;

		skel->data->wanted = 1 + round % 90; /* a record takes 40 bytes of 4096 */
		run_program(skel->progs.produce);
		taken = mem_ringbuf_consume(ring, 0);
		assert_ok(taken);
		total += (uint64_t)taken;
	}
	ck_assert_uint_eq(seen.wrong, 0);
	ck_assert_uint_eq(seen.count, total);
	ck_assert_uint_eq(skel->bss->full, 0);
	ck_assert_uint_eq(total, skel->bss->sequence - skel->bss->sequence / 5);
	mem_ringbuf_free(ring);
}
END_TEST

#define LARGE_BUFFER (16 << 20)	       /* bytes */
#define LARGE_RECORD ((4 << 20) - 8)   /* bytes, as in rings.bpf.c */
#define PAST_4_GIB (4096 / 12 + 3)     /* rounds of three large records */

TEST(positions_past_4_gib)
{
	struct mem_ringbuf *ring;
	const uint64_t *record;
	uint64_t next = 0;
	size_t size;

	assert_ok(mem_map_max_entries_set(skel->maps.out, LARGE_BUFFER));
	load_only(skel->obj, skel->progs.produce_large);
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, NULL, NULL));
	for (int round = 0; round < PAST_4_GIB; round++) {
		run_program(skel->progs.produce_large);
		while ((record = mem_ringbuf_next(ring, &size))) {
			ck_assert_uint_eq(size, LARGE_RECORD);
			ck_assert_uint_eq(*record, next++);
			mem_ringbuf_release(ring);
		}
	}
	ck_assert_uint_eq(next, 3 * PAST_4_GIB);
	ck_assert_uint_eq(skel->bss->full, 0);
	mem_ringbuf_free(ring);
}
END_TEST

TEST(positions_past_4_gib_to_the_program)
{
	struct mem_user_ringbuf *ring;

	need_linux(6, 1, "user ring buffers");
	assert_ok(mem_map_max_entries_set(skel->maps.in, LARGE_BUFFER));
	load_only(skel->obj, skel->progs.drain);
	ring = assert_ptr(mem_user_ringbuf_new(skel->maps.in));
	for (int round = 0; round < PAST_4_GIB; round++) {
		for (int i = 0; i < 3; i++) {
			uint64_t *record = assert_ptr(mem_user_ringbuf_reserve(ring, LARGE_RECORD));

			*record = 5;
			mem_user_ringbuf_submit(ring, record);
		}
		run_program(skel->progs.drain);
	}
	ck_assert_uint_eq(skel->bss->drained, 3 * PAST_4_GIB);
	ck_assert_uint_eq(skel->bss->drained_sum, 15 * PAST_4_GIB);
	mem_user_ringbuf_free(ring);
}
END_TEST

TEST(a_full_buffer_loses_new_records_only)
{
	struct seen seen = { 0 };
	struct mem_ringbuf *ring;

	load_only(skel->obj, skel->progs.produce);
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, take, &seen));
	skel->data->wanted = 200;
	run_program(skel->progs.produce);
	ck_assert_uint_gt(skel->bss->full, 0);
	assert_ok(mem_ringbuf_consume(ring, 0));
	ck_assert_uint_eq(seen.wrong, 0);
	ck_assert_uint_eq(seen.count, skel->bss->sequence - skel->bss->sequence / 5);
	mem_ringbuf_free(ring);
}
END_TEST

TEST(limit_and_callback_end_a_walk)
{
	struct seen seen = { .stop_after = 6 };
	struct mem_ringbuf *ring;

	load_only(skel->obj, skel->progs.produce);
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, take, &seen));
	skel->data->wanted = 20;
	run_program(skel->progs.produce);
	ck_assert_int_eq(mem_ringbuf_consume(ring, 4), 4);
	ck_assert_int_eq(mem_ringbuf_consume(ring, 0), -ECANCELED);
	ck_assert_uint_eq(seen.count, 6);
	ck_assert_int_eq(mem_ringbuf_consume(ring, 0), 10);
	mem_ringbuf_free(ring);
}
END_TEST

TEST(records_are_read_in_place)
{
	struct mem_ringbuf *ring;
	const struct record *record;
	size_t size = 0;

	load_only(skel->obj, skel->progs.produce);
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, NULL, NULL));
	ck_assert_ptr_null(mem_ringbuf_next(ring, &size));
	skel->data->wanted = 6;
	run_program(skel->progs.produce);
	for (uint64_t i = 0; i < 6; i++) {
		if (i == 4)
			continue;
		record = assert_ptr(mem_ringbuf_next(ring, &size));
		ck_assert_uint_eq(size, sizeof(*record));
		ck_assert_uint_eq(record->sequence, i);
		mem_ringbuf_release(ring);
	}
	ck_assert_ptr_null(mem_ringbuf_next(ring, &size));
	mem_ringbuf_free(ring);
}
END_TEST

static int take_typed(void *ctx, const void *data, size_t size)
{
	const struct record *record = assert_ptr(rings__out_record(data, size));

	ck_assert_ptr_null(rings__out_record(data, sizeof(*record) - 1));
	ck_assert_str_eq(record->text, "from the program");
	++*(int *)ctx;
	return 0;
}

/* MEM_RECORD() in the source is what gives these functions their types. */
TEST(records_have_the_type_that_the_source_names)
{
	struct mem_user_ringbuf *in;
	struct mem_ringbuf *ring;
	const struct record *record;
	unsigned long long *sent;
	int taken = 0;

	assert_ok(mem_prog_autoload_set(skel->progs.produce, 1));
	assert_ok(mem_prog_autoload_set(skel->progs.produce_second, 1));
	assert_ok(mem_prog_autoload_set(skel->progs.drain, 1));
	assert_ok(rings__load(skel));
	skel->data->wanted = 2;
	ring = assert_ptr(rings__out_new(skel));
	run_program(skel->progs.produce);
	for (uint64_t i = 0; i < 2; i++) {
		record = assert_ptr(rings__out_next(ring));
		ck_assert_uint_eq(record->sequence, i);
		mem_ringbuf_release(ring);
	}
	ck_assert_ptr_null(rings__out_next(ring));
	mem_ringbuf_free(ring);
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, take_typed, &taken));
	run_program(skel->progs.produce);
	ck_assert_int_eq(mem_ringbuf_consume(ring, 0), 2);
	ck_assert_int_eq(taken, 2);
	mem_ringbuf_free(ring);
	in = assert_ptr(rings__in_new(skel));
	sent = assert_ptr(rings__in_reserve(in));
	*sent = 77;
	mem_user_ringbuf_submit(in, sent);
	run_program(skel->progs.drain);
	ck_assert_uint_eq(skel->bss->drained_sum, 77);
	mem_user_ringbuf_free(in);
}
END_TEST

static int count_second(void *ctx, const void *data, size_t size)
{
	ck_assert_uint_eq(size, 8);
	ck_assert_uint_eq(*(const uint64_t *)data, 99);
	++*(int *)ctx;
	return 0;
}

TEST(several_buffers_are_waited_for_together)
{
	struct seen seen = { 0 };
	struct mem_ringbuf *ring;
	int second = 0;
	struct pollfd wait;

	assert_ok(mem_prog_autoload_set(skel->progs.produce, 1));
	assert_ok(mem_prog_autoload_set(skel->progs.produce_second, 1));
	assert_ok(rings__load(skel));
	ring = assert_ptr(mem_ringbuf_new(skel->maps.out, take, &seen));
	assert_ok(mem_ringbuf_add(ring, skel->maps.second, count_second, &second));
	assert_err(mem_ringbuf_add(ring, skel->maps.events, count_second, &second), -EINVAL);
	ck_assert_int_eq(mem_ringbuf_poll(ring, 0), 0);
	wait = (struct pollfd){ .fd = mem_ringbuf_fd(ring), .events = POLLIN };
	ck_assert_int_eq(poll(&wait, 1, 0), 0);
	run_program(skel->progs.produce);
	run_program(skel->progs.produce_second);
	ck_assert_int_eq(poll(&wait, 1, 20000), 1);
	for (int got = 0, all = 0; all < 2; all += got) { /* the second is announced by an interrupt of its own */
		got = mem_ringbuf_poll(ring, 20000);
		ck_assert_int_gt(got, 0);
	}
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_int_eq(second, 1);
	mem_ringbuf_free(ring);
}
END_TEST

TEST(records_to_the_program)
{
	struct mem_user_ringbuf *ring;
	uint64_t sum = 0, sent = 0;

	load_only(skel->obj, skel->progs.drain);
	ring = assert_ptr(mem_user_ringbuf_new(skel->maps.in));
	for (uint64_t round = 0; round < 50; round++) {
		for (uint64_t i = 0; i < 100; i++) {
			uint64_t *record = assert_ptr(mem_user_ringbuf_reserve(ring, sizeof(*record)));

			*record = i * round;
			if (i % 10 == 9) {
				mem_user_ringbuf_discard(ring, record);
				continue;
			}
			mem_user_ringbuf_submit(ring, record);
			sum += i * round;
			sent++;
		}
		run_program(skel->progs.drain);
	}
	ck_assert_uint_eq(skel->bss->drained, sent);
	ck_assert_uint_eq(skel->bss->drained_sum, sum);
	mem_user_ringbuf_free(ring);
}
END_TEST

TEST(full_user_buffer)
{
	struct mem_user_ringbuf *ring;
	uint64_t *record;
	int count = 0;

	load_only(skel->obj, skel->progs.drain);
	ring = assert_ptr(mem_user_ringbuf_new(skel->maps.in));
	ck_assert_ptr_null(mem_user_ringbuf_reserve(ring, 4096));
	ck_assert_int_eq(errno, E2BIG);
	while ((record = mem_user_ringbuf_reserve(ring, 8))) {
		mem_user_ringbuf_submit(ring, record);
		count++;
	}
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(count, 4096 / 16);
	ck_assert_ptr_null(mem_user_ringbuf_reserve_blocking(ring, 8, 20));
	ck_assert_int_eq(errno, ENOSPC);
	run_program(skel->progs.drain);
	record = assert_ptr(mem_user_ringbuf_reserve_blocking(ring, 8, 1000));
	mem_user_ringbuf_discard(ring, record);
	mem_user_ringbuf_free(ring);
}
END_TEST

static void take_sample(void *ctx, int cpu, const void *data, uint32_t size)
{
	struct record record = { .sequence = 0 };
	struct seen *seen = ctx;

	(void)cpu;
	ck_assert_int_eq(rings__events_copy(&record, data, sizeof(record) - 1), 0);
	seen->wrong += !rings__events_copy(&record, data, size) || strcmp(record.text, "an event");
	seen->count++;
}

static void take_lost(void *ctx, int cpu, uint64_t count)
{
	struct seen *seen = ctx;

	(void)cpu;
	seen->next += count;
}

TEST(perf_buffer_hands_out_or_counts_every_record)
{
	struct seen seen = { 0 };
	struct mem_perf_buffer *buffer;
	struct mem_link *link;

	load_only(skel->obj, skel->progs.on_enter);
	ck_assert_ptr_null(mem_perf_buffer_new(skel->maps.events, 3, take_sample, NULL, &seen));
	ck_assert_int_eq(errno, EINVAL);
	buffer = assert_ptr(mem_perf_buffer_new(skel->maps.events, 1, take_sample, take_lost, &seen));
	link = assert_ptr(mem_prog_attach(skel->progs.on_enter));
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 20; i++)
			syscall(SYS_getppid);
		assert_ok(mem_perf_buffer_poll(buffer, 100));
	}
	ck_assert_uint_gt(seen.count, 900);
	for (int i = 0; i < 500; i++) /* more than a page holds */
		syscall(SYS_getppid);
	mem_link_destroy(link);
	assert_ok(mem_perf_buffer_consume(buffer));
	ck_assert_uint_eq(seen.wrong, 0);
	/* a loss is reported with the next record, so the last ones may be missing */
	ck_assert_uint_le(seen.count + seen.next, skel->bss->sequence);
	ck_assert_int_ge(mem_perf_buffer_fd(buffer), 0);
	mem_perf_buffer_free(buffer);
}
END_TEST

TEST(only_such_maps)
{
	struct seen seen = { 0 };

	ck_assert_ptr_null(mem_ringbuf_new(skel->maps.out, take, &seen)); /* not prepared */
	ck_assert_int_eq(errno, EINVAL);
	assert_ok(rings__prepare(skel));
	ck_assert_ptr_null(mem_ringbuf_new(skel->maps.in, take, &seen));
	ck_assert_ptr_null(mem_user_ringbuf_new(skel->maps.out));
	ck_assert_ptr_null(mem_perf_buffer_new(skel->maps.out, 1, take_sample, NULL, &seen));
	mem_ringbuf_free(NULL);
	mem_user_ringbuf_free(NULL);
	mem_perf_buffer_free(NULL);
}
END_TEST
