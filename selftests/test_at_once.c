/* SPDX-License-Identifier: BSD-2-Clause */
/* NAME__open_and_load(): the regions are those of an object that is opened and then loaded. */
#include <string.h>

#include "harness.h"
#include "odd_maps.skel.h"
#include "region_data.skel.h"
#include "shared.skel.h"
#include "types_scalars.skel.h"

/* All that can be seen of a region, but its address. */
static void compare_region(const struct mem_region *there, const struct mem_region *here)
{
	const char *name = mem_region_name(there);
	size_t there_size, here_size;
	const char *there_data = mem_region_data(there, &there_size);
	const char *here_data = mem_region_data(here, &here_size);

	ck_assert_str_eq(mem_region_name(here), name);
	ck_assert_msg(here_size == there_size, "%s: %zu bytes, not %zu", name, here_size, there_size);
	ck_assert_msg(!here_data == !there_data, "%s: one is not mapped", name);
	ck_assert_int_eq(mem_region_writable(here), mem_region_writable(there));
	ck_assert_uint_eq(mem_region_length(here), mem_region_length(there));
	if (there_data)
		ck_assert_msg(!memcmp(there_data, here_data, there_size), "%s: contents differ", name);
	there_data = mem_region_variables(there, &there_size);
	here_data = mem_region_variables(here, &here_size);
	ck_assert_uint_eq(here_size, there_size);
	ck_assert_int_eq(!here_data, !there_data);
}

static void compare(const struct mem_object *there, const struct mem_object *here)
{
	struct mem_region *a = NULL, *b = NULL;

	do {
		a = mem_object_next_region(there, a);
		b = mem_object_next_region(here, b);
		ck_assert_int_eq(!a, !b);
		if (a)
			compare_region(a, b);
	} while (a);
}

#define SAME(name)                                                                                 \
	do {                                                                                       \
		struct name *there = assert_ptr(name##__open()), *here;                            \
                                                                                                   \
		assert_ok(name##__load(there));                                                    \
		here = assert_ptr(name##__open_and_load());                                        \
		compare(there->obj, here->obj);                                                    \
		name##__destroy(here);                                                             \
		name##__destroy(there);                                                            \
	} while (0)

TEST(same_regions)
{
	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	if (linux_version() >= 6009) /* it has an arena */
		SAME(shared);
	SAME(region_data);
	SAME(types_scalars);
}
END_TEST

/* Sections that the kernel shares with nobody have their initial values all the same. */
TEST(same_where_nothing_can_be_mapped)
{
	const uint32_t key = 0;
	uint64_t value[4] = {0}; /* a lock of four bytes, a hole, total */
	struct odd_maps *skel;

	need_bpf();
	need_linux(6, 2, "locks in global variables");
	SAME(odd_maps);
	skel = assert_ptr(odd_maps__open_and_load());
	assert_ok(mem_map_lookup(skel->maps.data_locked, &key, value, 0));
	ck_assert(value[0] == 1000 || value[1] == 1000);
	odd_maps__destroy(skel);
}
END_TEST

TEST(programs_and_application_share_them)
{
	struct region_data *skel;

	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	skel = assert_ptr(region_data__open_and_load());
	ck_assert_uint_eq(skel->data->counter, 40);
	ck_assert_uint_eq(skel->rodata->factor, 3);
	skel->data->total.count = 10;
	ck_assert_int_eq(mem_prog_run(skel->progs.change, NULL), 0);
	ck_assert_uint_eq(skel->data->counter, 43);
	ck_assert_uint_eq(skel->data->total.count, 11);
	ck_assert_uint_eq(skel->bss->hits, 1);
	ck_assert_uint_eq(skel->arrays.table[1999].sum, 43);
	region_data__destroy(skel);
}
END_TEST
