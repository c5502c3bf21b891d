/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections whose last array is made longer before load. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "grow.skel.h"
#include "harness.h"

static struct grow *skel;

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(grow__open());
}

static void teardown(void)
{
	grow__destroy(skel);
	skel = NULL;
}

FIXTURE(setup, teardown)

enum { LENGTH = 1000 };

static void set_lengths(uint32_t len)
{
	skel->rodata->length = len;
	assert_ok(grow__set_len_data_pairs(skel, len));
	assert_ok(grow__set_len_bss_counts(skel, len));
	assert_ok(grow__set_len_rodata_weights(skel, len));
	assert_ok(grow__set_len_data(skel, len));
	assert_ok(grow__set_len_bss(skel, len));
}

/* Initial values of the source stay, those of the application come along, programs see both. */
TEST(programs_use_all_of_it)
{
	uint64_t sum = 0;

	skel->data->initial = 33;
	set_lengths(LENGTH);
	ck_assert_int_eq(skel->data->initial, 33);
	ck_assert_uint_eq(skel->data_pairs->pairs_header.left, 7);
	ck_assert_uint_eq(grow__data_pairs_len(skel), LENGTH);
	ck_assert_ptr_eq(grow__data_pairs_elements(skel), skel->data_pairs->pairs);
	for (uint32_t i = 2; i < LENGTH; i++) {
		struct pair *pair = &grow__data_pairs_elements(skel)[i];

		ck_assert_uint_eq(pair->left, 0);
		pair->left = i;
		grow__rodata_weights_elements(skel)[i] = 2;
		grow__data_elements(skel)[i] = -1;
	}
	assert_ok(grow__load(skel));
	ck_assert_uint_eq(mem_map_value_size(skel->maps.data_pairs), 8 + LENGTH * 8);
	assert_ok(mem_prog_run(skel->progs.use_all, NULL));
	ck_assert_uint_eq(skel->data_pairs->pairs[1].right, 7); /* 4 of the source, and 3 */
	for (uint32_t i = 0; i < LENGTH; i++) {
		const struct pair *pair = &grow__data_pairs_elements(skel)[i];

		sum += pair->right;
		if (i < 2)
			continue;
		ck_assert_uint_eq(pair->right, i);
		ck_assert_uint_eq(grow__bss_counts_elements(skel)[i], i + 2);
		ck_assert_int_eq((int64_t)grow__bss_elements(skel)[i], -1);
	}
	ck_assert_uint_eq(grow__bss_counts_elements(skel)[0], 5); /* the source's weight */
	ck_assert_uint_eq(skel->bss_sum->sum, sum);
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(skel->obj, "rodata_weights")), 0);
}
END_TEST

/* Longer and shorter again, as long as nothing exists. */
TEST(length_may_be_set_several_times)
{
	set_lengths(LENGTH);
	grow__data_pairs_elements(skel)[5].left = 55;
	set_lengths(2 * LENGTH);
	ck_assert_uint_eq(grow__data_pairs_elements(skel)[5].left, 55);
	set_lengths(10);
	ck_assert_uint_eq(grow__data_pairs_elements(skel)[5].left, 55);
	ck_assert_uint_eq(grow__bss_len(skel), 10);
	assert_ok(grow__load(skel));
	assert_ok(mem_prog_run(skel->progs.use_all, NULL));
	ck_assert_uint_eq(grow__data_pairs_elements(skel)[5].right, 55);
}
END_TEST

/* What nobody writes to takes no memory, however long. */
TEST(unused_elements_take_no_pages)
{
	unsigned char present[4];
	long page = sysconf(_SC_PAGESIZE);
	char *end;

	grow__bss_elements(skel)[0] = 9;
	assert_ok(grow__set_len_bss(skel, 1U << 24));
	ck_assert_uint_eq(grow__bss_elements(skel)[0], 9);
	end = (char *)&grow__bss_elements(skel)[(1U << 24) - 1];
	end -= (uintptr_t)end % (uintptr_t)page;
	ck_assert_int_eq(mincore(end - page, (size_t)page, present), 0);
	ck_assert_int_eq(present[0] & 1, 0);
}
END_TEST

TEST(what_can_not_be)
{
	struct mem_region *bss = mem_object_find_region(skel->obj, "bss");
	void *before = skel->data_pairs;

	assert_err(grow__set_len_data_pairs(skel, 1), -EINVAL); /* fewer than there are */
	assert_err(grow__set_len_data_pairs(skel, SIZE_MAX), -EINVAL);
	assert_err(grow__set_len_data_pairs(skel, (SIZE_MAX >> 3) + 2), -EINVAL);
	ck_assert_ptr_eq(skel->data_pairs, before);
	ck_assert_uint_eq(grow__data_pairs_len(skel), 2);
	assert_ok(grow__set_len_data_pairs(skel, 2));
	assert_ok(grow__load(skel));
	assert_err(grow__set_len_data_pairs(skel, 100), -EBUSY);
	assert_err(mem_region_size_set(bss, 4096), -EBUSY);
}
END_TEST

/* Another object takes it on with the same length, and the kernel's types agree. */
TEST(others_share_it)
{
	struct grow *other = assert_ptr(grow__open());
	struct grow__data_pairs *pairs;
	struct mem_region *region;
	size_t size = 0;

	set_lengths(LENGTH);
	assert_ok(grow__load(skel));
	assert_err(mem_map_reuse_fd(other->maps.data_pairs, mem_map_fd(skel->maps.data_pairs)), -EINVAL);
	assert_ok(grow__set_len_data_pairs(other, LENGTH));
	assert_ok(mem_map_reuse_fd(other->maps.data_pairs, mem_map_fd(skel->maps.data_pairs)));
	grow__data_pairs_elements(other)[LENGTH - 1].left = 123;
	ck_assert_uint_eq(grow__data_pairs_elements(skel)[LENGTH - 1].left, 123);
	grow__destroy(other);
	/* without an object, it has what it has */
	pairs = assert_ptr(grow__attach_region_data_pairs(
		mem_source_fd(mem_map_fd(skel->maps.data_pairs)), NULL, &region));
	ck_assert_uint_eq(((struct pair *)(pairs + 1))[LENGTH - 3].left, 123);
	mem_region_variables(region, &size);
	ck_assert_uint_eq(size, 8 + LENGTH * 8);
	mem_region_detach(region);
}
END_TEST
