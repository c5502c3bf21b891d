/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions for single variables, and copies of structs, while a program writes them. */
#include <errno.h>
#include <mem/lock.h>
#include <pthread.h>
#include <stdint.h>

#include "accessors.skel.h"
#include "harness.h"

static struct accessors *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(accessors__open_and_load());
}

static void teardown(void)
{
	accessors__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static int stop;

/* A thread that runs a program until it is told to stop; how often. */
static void *run_in_thread(void *prog)
{
	uintptr_t runs = 0;

	do {
		if (mem_prog_run(prog, NULL))
			return NULL;
		runs++;
	} while (!__atomic_load_n(&stop, __ATOMIC_RELAXED));
	return (void *)runs;
}

static pthread_t start(const struct mem_prog *prog)
{
	pthread_t thread;

	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_create(&thread, NULL, run_in_thread, (void *)(uintptr_t)prog), 0);
	return thread;
}

static uintptr_t finish(pthread_t thread)
{
	void *runs;

	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_join(thread, &runs), 0);
	ck_assert_uint_gt((uintptr_t)runs, 0);
	return (uintptr_t)runs;
}

TEST(both_sides_add_and_nothing_is_lost)
{
	enum { ROUNDS = 2000000 };
	uintptr_t runs;
	pthread_t thread = start(skel->progs.count);

	for (int i = 0; i < ROUNDS; i++) {
		accessors__bss_total_add(skel, 1);
		accessors__bss_level_add_acq_rel(skel, -1);
	}
	runs = finish(thread);
	ck_assert_uint_eq(accessors__bss_total_load(skel), ROUNDS + runs * 1000);
	ck_assert_int_eq(accessors__bss_level_load_acquire(skel), (int32_t)-(ROUNDS + runs * 1000));
	ck_assert_uint_eq(accessors__bss_published_load_acquire(skel), runs);
}
END_TEST

TEST(every_kind_of_scalar)
{
	struct sample here;

	accessors__bss_total_store(skel, 5);
	ck_assert_uint_eq(accessors__bss_total_exchange(skel, 6), 5);
	ck_assert_uint_eq(accessors__bss_total_exchange_acq_rel(skel, 7), 6);
	ck_assert_uint_eq(accessors__bss_total_add(skel, (uint64_t)-7), 7);
	ck_assert_uint_eq(skel->bss->total, 0);
	accessors__bss_unused_store_release(skel, 2.5);
	ck_assert(accessors__bss_unused_load(skel) == 2.5);
	accessors__bss_nowhere_store(skel, &here);
	ck_assert_ptr_eq(accessors__bss_nowhere_exchange(skel, NULL), &here);
	assert_ok(mem_prog_run(skel->progs.count, NULL));
	ck_assert_int_eq(accessors__bss_mode_exchange(skel, MODE_OFF), MODE_ON);
	ck_assert(accessors__bss_flag_exchange_acq_rel(skel, 0));
	ck_assert(!accessors__bss_flag_load(skel));
	ck_assert_uint_eq(accessors__bss_small_add(skel, 1), 7);
	ck_assert_uint_eq(accessors__bss_small_load_acquire(skel), 8);
}
END_TEST

static void assert_whole(const struct sample *copy)
{
	for (int n = 1; n < 7; n++)
		ck_assert_uint_eq(copy->value[n], copy->value[0]);
	ck_assert_uint_eq(copy->odd, (uint8_t)copy->value[0]);
	ck_assert_uint_eq(copy->last, (uint8_t)copy->value[0]);
}

TEST(copies_are_whole_while_a_program_writes)
{
	pthread_t thread = start(skel->progs.write_samples);
	uint64_t newest = 0, different = 0, newest_wide = 0;

	while (different < 500) {
		struct wide_sample wide;
		struct sample copy;

		if (accessors__copy_sample(&copy, &skel->bss->sample) == -EAGAIN)
			continue; /* its writer is not running */
		assert_whole(&copy);
		ck_assert_uint_ge(copy.value[0], newest);
		different += copy.value[0] != newest;
		newest = copy.value[0];
		if (accessors__copy_wide_sample(&wide, &skel->bss->wide) == -EAGAIN)
			continue;
		ck_assert_uint_eq(wide.value[1], wide.value[0]);
		ck_assert_uint_eq(wide.value[2], wide.value[0]);
		ck_assert_uint_ge(wide.value[0], newest_wide);
		newest_wide = wide.value[0];
	}
	finish(thread);
	ck_assert_uint_eq(skel->bss->sample.sequence % 2, 0);
}
END_TEST

/* A writer that stopped half way holds nobody up for ever. */
/* Structs without a tag are copied by where they are: variables, members, elements. */
TEST(structs_without_a_name_are_copied)
{
	__typeof__(skel->bss->nameless) nameless;
	__typeof__(skel->bss->outer.parts[0]) part;
	__typeof__(skel->arrays.odd_cells->value) odd;
	struct accessors__cells cell;

	for (unsigned int i = 1; i <= 3; i++) {
		struct mem_run_opts opts = {.sz = sizeof(opts)};

		assert_ok(mem_prog_run(skel->progs.write_nameless, &opts));
		ck_assert_int_eq(opts.retval, 0);
		assert_ok(accessors__copy_bss_nameless(&nameless, &skel->bss->nameless));
		assert_ok(accessors__copy_outer_parts(&part, &skel->bss->outer.parts[1]));
		assert_ok(accessors__copy_cells(&cell, &skel->arrays.cells[2]));
		assert_ok(accessors__copy_odd_cells(&odd, &skel->arrays.odd_cells[2].value));
		ck_assert_uint_eq(nameless.value, i);
		ck_assert_uint_eq(part.value, i);
		ck_assert_uint_eq(cell.values[0], i);
		ck_assert_uint_eq(cell.values[2], i);
		ck_assert_uint_eq(odd.values[1], i);
		ck_assert_uint_eq(nameless.sequence, 2 * i);
	}
	mem_seq_write_begin(&skel->bss->nameless.sequence);
	ck_assert_int_eq(accessors__copy_bss_nameless(&nameless, &skel->bss->nameless), -EAGAIN);
}
END_TEST

/* Nothing aligns a packed struct: a counter is read whole, or not at all. */
TEST(packed_structs_are_copied_where_they_are_aligned)
{
	struct {
		uint64_t align;
		char bytes[2 * sizeof(struct tight)];
	} memory = {.align = 0};
	struct tight copy;

	assert_ok(mem_prog_run(skel->progs.write_nameless, NULL));
	assert_ok(accessors__copy_tight(&copy, &skel->bss->tight));
	ck_assert_uint_eq(copy.odd, 1);
	ck_assert_uint_eq(copy.value, 1);
	ck_assert_int_eq(accessors__copy_tight(&copy, (const struct tight *)(memory.bytes + 1)), -EINVAL);
	assert_ok(accessors__copy_tight(&copy, (const struct tight *)(memory.bytes + 8)));
}
END_TEST

TEST(copy_gives_up)
{
	struct sample copy;

	mem_seq_write_begin(&skel->bss->sample.sequence);
	ck_assert_int_eq(accessors__copy_sample(&copy, &skel->bss->sample), -EAGAIN);
	skel->bss->sample.value[0] = 3;
	mem_seq_write_end(&skel->bss->sample.sequence);
	assert_ok(accessors__copy_sample(&copy, &skel->bss->sample));
	ck_assert_uint_eq(copy.value[0], 3);
}
END_TEST

static void *write_locked(void *unused)
{
	struct locked *locked = &skel->bss->locked;

	(void)unused;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		mem_lock(&locked->lock);
		mem_store(&locked->left, locked->left + 1);
		mem_store(&locked->right, locked->right + 1);
		mem_unlock(&locked->lock);
	}
	return NULL;
}

TEST(copies_beside_a_lock)
{
	struct locked copy;
	uint64_t newest = 0, different = 0;
	pthread_t thread;

	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_locked, NULL), 0);
	while (different < 500) {
		int err = accessors__copy_locked(&copy, &skel->bss->locked);

		if (err == -EAGAIN) /* its owner is not running */
			continue;
		assert_ok(err);
		ck_assert_uint_eq(copy.left, copy.right);
		different += copy.left != newest;
		newest = copy.left;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	mem_lock(&skel->bss->locked.lock);
	ck_assert_int_eq(accessors__copy_locked(&copy, &skel->bss->locked), -EAGAIN);
	mem_unlock(&skel->bss->locked.lock);
}
END_TEST
