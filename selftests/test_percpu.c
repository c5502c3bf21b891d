/* SPDX-License-Identifier: BSD-2-Clause */
/* Variables that each CPU has its own of: section .percpu. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "percpu.skel.h"

static struct percpu *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(percpu__open());
}

static void teardown(void)
{
	percpu__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

static unsigned int cpus(void)
{
	return (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
}

TEST(every_cpu_starts_with_the_initial_values)
{
	struct percpu__percpu value;
	struct mem_region *region = assert_ptr(mem_object_find_region(skel->obj, "percpu"));

	ck_assert_int_eq(mem_region_kind(region), MEM_REGION_PERCPU);
	ck_assert_int_eq(skel->percpu->load.last, 7);
	skel->percpu->limit = 200;
	skel->percpu->tail[2] = 9;
	assert_err(percpu__percpu_read(skel, 0, &value), -EBADF);
	assert_ok(percpu__load(skel));
	/* what could be looked at would be nobody's */
	ck_assert_ptr_null(skel->percpu);
	ck_assert_ptr_null(mem_region_variables(region, NULL));
	ck_assert_int_eq(mem_region_writable(region), 0);
	for (unsigned int cpu = 0; cpu < cpus(); cpu++) {
		memset(&value, 0xff, sizeof(value));
		assert_ok(percpu__percpu_read(skel, cpu, &value));
		ck_assert_uint_eq(value.load.runs, 0);
		ck_assert_uint_eq(value.load.last, 7);
		ck_assert_int_eq(value.limit, 200);
		ck_assert_uint_eq(value.tail[2], 9);
	}
	assert_err(percpu__percpu_read(skel, 100000, &value), -EINVAL);
	assert_err(mem_region_cpu_read(mem_object_find_region(skel->obj, "bss"), 0, &value), -EINVAL);
	assert_ok(mem_prog_run(skel->progs.plain, NULL));
	ck_assert_uint_eq(skel->bss->all, 1);
}
END_TEST

TEST(one_cpu_is_written)
{
	struct percpu__percpu value = { .limit = 5 }, other;
	unsigned int last = cpus() - 1;
	int err;

	assert_ok(percpu__prepare(skel));
	err = percpu__percpu_write(skel, last, &value);
	if (linux_version() < 7000) {
		assert_err(err, -ENOTSUP);
		assert_says("7.0");
		return;
	}
	assert_ok(err);
	assert_ok(percpu__percpu_read(skel, last, &other));
	ck_assert_int_eq(other.limit, 5);
	if (!last)
		return;
	assert_ok(percpu__percpu_read(skel, 0, &other));
	ck_assert_int_eq(other.limit, 100);
}
END_TEST

/* Each kernel has them or says that it has not. */
TEST(programs_see_their_own)
{
	struct mem_run_opts opts = { .sz = sizeof(opts) };
	struct percpu__percpu value;
	uint64_t runs = 0;
	int err;

	assert_ok(mem_prog_autoload_set(skel->progs.on_cpu, 1));
	err = percpu__load(skel);
	if (err) {
		ck_assert_msg(linux_version() < 7003, "%s", mem_error_message());
		ck_assert_int_eq(err, -ENOTSUP);
		assert_says("on_cpu");
		assert_says("7.3");
		return;
	}
	for (int i = 0; i < 10; i++)
		assert_ok(mem_prog_run(skel->progs.on_cpu, &opts));
	for (unsigned int cpu = 0; cpu < cpus(); cpu++) {
		assert_ok(percpu__percpu_read(skel, cpu, &value));
		ck_assert_uint_eq(value.load.last, value.load.runs ? 100 : 7);
		runs += value.load.runs;
	}
	ck_assert_uint_eq(runs, 10);
}
END_TEST
