/* SPDX-License-Identifier: BSD-2-Clause */
/* The same bytes on both sides: every kind of region, both directions, through a skeleton. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "shared.skel.h"

static struct shared *skel;

static void setup(void)
{
	need_bpf();
	need_linux(6, 9, "arenas and may_goto");
	skel = assert_ptr(shared__open());
}

static void teardown(void)
{
	shared__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

TEST(initial_values_are_there_at_open)
{
	ck_assert_uint_eq(skel->rodata->factor, 3);
	ck_assert_str_eq((const char *)skel->rodata->origin.tag, "abcd");
	ck_assert_uint_eq(skel->data->counter, 40);
	ck_assert_int_eq(skel->data->corner.x, 7);
	ck_assert_uint_eq(skel->data_limits->limits[2], 30);
	ck_assert_uint_eq(skel->arena->pool[1].value, 12);
	ck_assert_int_eq(skel->bss->sum, 0);
}
END_TEST

TEST(program_sees_what_the_application_set_before_load)
{
	skel->rodata->factor = 100;
	skel->bss->sum = 1;
	skel->arrays.table[999].y = 77;
	skel->arena->walked = 5;
	assert_ok(shared__load(skel));
	ck_assert_uint_eq(skel->rodata->factor, 100);
	ck_assert_uint_eq(skel->arena->walked, 5);
	ck_assert_uint_eq(run_program(skel->progs.change), 1);
	ck_assert_uint_eq(skel->data->counter, 140);
	ck_assert_int_eq(skel->bss->sum, -4);
	ck_assert_uint_eq(skel->arrays.table[999].y, 78);
}
END_TEST

TEST(both_sides_change_the_same_memory)
{
	assert_ok(shared__load(skel));
	for (uint32_t round = 1; round <= 3; round++) {
		skel->data->counter = round * 1000;
		skel->data->corner.y = round;
		skel->data_limits->limits[1] = round;
		ck_assert_uint_eq(run_program(skel->progs.change), round);
		ck_assert_uint_eq(skel->data->counter, round * 1000 + 3);
		ck_assert_int_eq(skel->data->corner.x, 7 + (int)round);
		ck_assert_uint_eq(skel->bss->points[2].y, round * 2);
		ck_assert_int_eq(skel->bss->sum, -5 * (int)round);
		ck_assert_uint_eq(skel->data_limits->limits[1], round + 1);
		ck_assert_uint_eq(skel->bss->calls, round);
		ck_assert_int_eq(skel->arrays.table[999].x, (int)(round * 1000 + 3));
		ck_assert_uint_eq(skel->arrays.table[999].y, round);
	}
	ck_assert_str_eq((const char *)skel->data->corner.tag, "home");
}
END_TEST

TEST(a_list_in_the_arena_grows_on_both_sides)
{
	assert_ok(shared__load(skel));
	skel->arena->pool[0].next = &skel->arena->pool[1];
	skel->arena->pool[1].next = NULL;
	skel->bss->head = &skel->arena->pool[0];
	ck_assert_uint_eq(run_program(skel->progs.walk), 23);
	ck_assert_uint_eq(skel->arena->walked, 23);
	ck_assert_uint_eq(skel->arena->pool[0].value, 111);
	ck_assert_ptr_eq(skel->bss->head, &skel->arena->pool[7]);
	ck_assert_ptr_eq(skel->bss->head->next, &skel->arena->pool[0]);
	ck_assert_uint_eq(run_program(skel->progs.walk), 1000 + 111 + 112);
}
END_TEST

TEST(the_pointers_of_the_skeleton_never_change)
{
	struct shared before = *skel;

	assert_ok(shared__prepare(skel));
	assert_ok(shared__load(skel));
	ck_assert_mem_eq(&before, skel, sizeof(before));
}
END_TEST

TEST(constants_are_read_only_after_prepare)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint32_t key = 0;
	char value[4096] = {0};

	assert_ok(shared__prepare(skel));
	ck_assert_int_eq(mprotect(skel->rodata, page, PROT_READ | PROT_WRITE), -1);
	ck_assert_int_eq(errno, EACCES);
	assert_err(mem_map_update(skel->maps.rodata, &key, value, 0), -EPERM);
}
END_TEST

TEST(sizes_are_those_of_the_contents)
{
	struct mem_region *table = assert_ptr(mem_object_find_region(skel->obj, "table"));
	struct mem_region *arena = assert_ptr(mem_object_find_region(skel->obj, "arena"));
	struct mem_region *data = assert_ptr(mem_object_find_region(skel->obj, "data"));
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size = 0;

	ck_assert_uint_eq(mem_region_stride(table), 24);
	ck_assert_uint_eq(mem_region_length(table), 1000);
	ck_assert_ptr_eq(mem_region_data(table, &size), skel->arrays.table);
	ck_assert_uint_eq(size, 24000);
	ck_assert_ptr_eq(mem_region_data(table, NULL), skel->arrays.table);
	ck_assert_ptr_eq(mem_region_variables(table, &size), NULL);
	ck_assert_uint_eq(size, 0);

	mem_region_data(arena, &size);
	ck_assert_uint_eq(size, 64 * page);
	ck_assert_ptr_eq(mem_region_variables(arena, &size), skel->arena);
	ck_assert_uint_eq(size, sizeof(*skel->arena));
	ck_assert_int_eq(mem_region_kind(arena), MEM_REGION_ARENA);
	ck_assert_ptr_eq(mem_region_map(arena), skel->maps.arena);

	ck_assert_ptr_eq(mem_region_data(data, &size), skel->data);
	ck_assert_uint_eq(size, sizeof(*skel->data));
	ck_assert_uint_eq(mem_region_length(data), 0);
}
END_TEST

TEST(arena_keeps_clear_of_null_and_of_4_gib_boundaries)
{
	struct mem_region *arena = assert_ptr(mem_object_find_region(skel->obj, "arena"));
	size_t size;
	uintptr_t base = (uintptr_t)mem_region_data(arena, &size);

	ck_assert_uint_ne((uint32_t)base, 0);
	ck_assert_uint_eq(base >> 32, (base + size - 1) >> 32);
}
END_TEST

TEST(an_arena_of_4_gib_is_aligned_and_its_null_is_taken)
{
	struct mem_region *arena = assert_ptr(mem_object_find_region(skel->obj, "arena"));
	size_t page = (size_t)sysconf(_SC_PAGESIZE), size;
	unsigned char present = 0;
	char *base;

	assert_ok(mem_map_max_entries_set(skel->maps.arena, (uint32_t)((1ULL << 32) / page)));
	base = mem_region_data(arena, &size);
	ck_assert_uint_eq(size, 1ULL << 32);
	ck_assert_uint_eq((uint32_t)(uintptr_t)base, 0);
	ck_assert_uint_eq(skel->arena->pool[1].value, 12);
	assert_ok(shared__load(skel));
	ck_assert_int_eq(mincore(base, page, &present), 0);
	skel->bss->head = NULL;
	ck_assert_uint_eq(run_program(skel->progs.walk), 0);
	ck_assert_ptr_eq(skel->bss->head, &skel->arena->pool[7]);
}
END_TEST

TEST(an_arena_too_small_or_too_large_is_refused)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	assert_err(mem_map_max_entries_set(skel->maps.arena, (uint32_t)((1ULL << 32) / page) + 1),
		   -E2BIG);
	assert_err(mem_map_max_entries_set(skel->maps.arena, 0), -EINVAL);
	/* still as it was */
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.arena), 64);
	ck_assert_uint_eq(skel->arena->pool[0].value, 11);
}
END_TEST

TEST(size_of_an_array_can_be_chosen_before_prepare)
{
	skel->arrays.table[3].x = 3;
	assert_ok(mem_map_max_entries_set(skel->maps.table, 5000));
	ck_assert_int_eq(skel->arrays.table[3].x, 3); /* it moves along */
	skel->arrays.table[4999].x = 9;
	assert_ok(shared__prepare(skel));
	ck_assert_int_eq(skel->arrays.table[3].x, 3);
	ck_assert_int_eq(skel->arrays.table[4999].x, 9);
	assert_err(mem_map_max_entries_set(skel->maps.table, 10), -EBUSY);
	assert_err(mem_map_max_entries_set(skel->maps.bss, 2), -EBUSY);
}
END_TEST

TEST(arena_pages_are_populated_on_request)
{
	struct mem_region *arena = assert_ptr(mem_object_find_region(skel->obj, "arena"));
	struct mem_region *table = assert_ptr(mem_object_find_region(skel->obj, "table"));
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	assert_err(mem_arena_populate(arena, 0, page), -EINVAL); /* too early */
	assert_ok(shared__prepare(skel));
	assert_ok(mem_arena_populate(arena, 0, 10 * page));
	assert_ok(mem_arena_populate(arena, 4 * page, 10 * page)); /* again */
	assert_ok(mem_arena_populate(arena, 64 * page, 0));
	assert_err(mem_arena_populate(arena, 1, page), -EINVAL);
	assert_err(mem_arena_populate(arena, 63 * page, 2 * page), -EINVAL);
	assert_err(mem_arena_populate(arena, 65 * page, 0), -EINVAL);
	assert_err(mem_arena_populate(arena, page, SIZE_MAX), -EINVAL);
	assert_err(mem_arena_populate(table, 0, page), -EINVAL);
}
END_TEST

TEST(map_that_is_left_out_leaves_no_memory_behind)
{
	struct mem_region *table = assert_ptr(mem_object_find_region(skel->obj, "table"));
	struct mem_prog *prog = NULL;

	assert_ok(mem_map_autocreate_set(mem_region_map(table), 0));
	assert_ok(mem_map_max_entries_set(mem_region_map(table), 50));
	ck_assert_ptr_null(skel->arrays.table);
	ck_assert_ptr_null(mem_region_data(table, NULL));
	assert_ok(mem_map_autocreate_set(mem_region_map(table), 1));
	ck_assert_ptr_nonnull(skel->arrays.table);
	skel->arrays.table[3].y = 5;
	assert_ok(mem_map_autocreate_set(mem_region_map(table), 0));
	assert_ok(mem_map_autocreate_set(mem_region_map(table), 0));
	assert_ok(mem_map_autocreate_set(skel->maps.arena, 0));
	ck_assert_ptr_null(skel->arena);
	assert_err(mem_map_autocreate_set(skel->maps.bss, 0), -EINVAL);
	while ((prog = mem_object_next_prog(skel->obj, prog)))
		assert_ok(mem_prog_autoload_set(prog, 0));
	assert_ok(shared__load(skel));
	ck_assert_int_eq(mem_map_fd(mem_region_map(table)), -EBADF);
	ck_assert_ptr_null(mem_region_data(table, NULL));
	ck_assert_ptr_null(skel->arena);
	ck_assert_ptr_nonnull(skel->bss);
}
END_TEST
