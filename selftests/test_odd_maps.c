/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps that the kernel does not take, or not share, just as they are written. */
#include <stdint.h>
#include <unistd.h>

#include <mem/elf.h>

#include "harness.h"
#include "odd_maps.skel.h"

static struct odd_maps *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(odd_maps__open());
}

static void teardown(void)
{
	odd_maps__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

/* Before, the verifier took two mentions of one lock for two locks. */
static void need_locks(void)
{
	need_linux(6, 2, "locks among global variables");
}

static void run_add(void)
{
	char packet[64] = "";
	struct mem_run_opts opts = {.sz = sizeof(opts), .data_in = packet, .data_size_in = sizeof(packet)};

	assert_ok(mem_prog_run(skel->progs.add, &opts));
}

TEST(ring_buffers_get_a_size_the_kernel_takes)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	need_locks();
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.ring), 1000);
	assert_ok(mem_map_max_entries_set(skel->maps.ring, page + 1));
	assert_ok(odd_maps__load(skel));
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.ring), 2 * page);
}
END_TEST

TEST(what_the_kernel_does_not_share_has_no_memory_after_load)
{
	struct mem_region *locked = assert_ptr(mem_object_find_region(skel->obj, "data_locked"));
	size_t size = 1;

	need_locks();
	ck_assert_uint_eq(skel->data_locked->total, 1000);
	assert_ok(odd_maps__load(skel));
	ck_assert_ptr_null(skel->data_locked);
	ck_assert_ptr_null(skel->bss_locked);
	ck_assert_ptr_null(mem_region_data(locked, &size));
	ck_assert_uint_eq(size, 0);
	ck_assert_ptr_null(mem_region_variables(locked, &size));
	ck_assert_str_eq(mem_error_message(), "");
}
END_TEST

TEST(what_the_kernel_does_not_share_has_its_initial_values)
{
	const uint32_t key = 0;
	uint64_t value[4] = {0}; /* a lock of four bytes, a hole, total */

	need_locks();
	skel->data_locked->total = 5000;
	assert_ok(odd_maps__load(skel));
	run_add();
	ck_assert_uint_eq(skel->bss->seen, 5001 + 1);
	ck_assert_uint_le(mem_map_value_size(skel->maps.data_locked), sizeof(value));
	assert_ok(mem_map_lookup(skel->maps.data_locked, &key, value, 0));
	ck_assert(value[0] == 5001 || value[1] == 5001);
}
END_TEST

static void copy_both_ways(struct odd_maps *object, uint64_t before)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	uint32_t key = 500;
	uint64_t value = before + 1;

	ck_assert_uint_eq(object->arrays.given[key], before);
	ck_assert(!mem_region_writable(mem_object_find_region(object->obj, "given")));
	ck_assert(mem_region_writable(mem_object_find_region(object->obj, "results")));
	assert_ok(mem_map_update(object->maps.given, &key, &value, 0));
	ck_assert_uint_eq(object->arrays.given[key], value);
	assert_ok(mem_prog_run(object->progs.copy, &opts));
	ck_assert_int_eq(opts.retval, 0);
	ck_assert_uint_eq(object->arrays.results[key], value);
}

TEST(arrays_that_programs_only_read_or_only_write)
{
	need_locks();
	skel->arrays.given[500] = 41;
	assert_ok(odd_maps__load(skel));
	copy_both_ways(skel, 41);
}
END_TEST

TEST(arrays_that_programs_only_read_are_mapped_at_once)
{
	struct odd_maps *other;

	need_locks();
	other = assert_ptr(odd_maps__open_and_load());
	copy_both_ways(other, 0);
	odd_maps__destroy(other);
}
END_TEST

/* The kernel maps no descriptor for one direction, so that there is no memory to share. */
TEST(arrays_with_a_descriptor_for_one_direction)
{
	uint32_t key = 500;
	uint64_t value = 7;

	need_locks();
	assert_ok(odd_maps__load(skel));
	ck_assert_ptr_null(skel->arrays.looked_up);
	ck_assert_ptr_null(skel->arrays.updated);
	assert_ok(mem_map_lookup(skel->maps.looked_up, &key, &value, 0));
	ck_assert_uint_eq(value, 0);
	assert_ok(mem_map_update(skel->maps.updated, &key, &value, 0));
	assert_err(mem_map_update(skel->maps.looked_up, &key, &value, 0), -EPERM);
}
END_TEST

TEST(types_too_deep_for_the_kernel_are_left_out)
{
	struct mem_object *obj = assert_ptr(mem_object_open_file(build_path("selftests/deep_types.bpf.o"), NULL));

	assert_ok(mem_object_load(obj));
	ck_assert_int_ge(mem_prog_fd(mem_object_find_prog(obj, "on_enter")), 0);
	mem_object_close(obj);
}
END_TEST
