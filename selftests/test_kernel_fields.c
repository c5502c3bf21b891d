/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections with locks, lists and kernel pointers load, whatever this kernel makes of them. */
#include <stdint.h>

#include <mem/elf.h>

#include "harness.h"
#include "kernel_fields.skel.h"

static struct kernel_fields *skel;

static void teardown(void)
{
	kernel_fields__destroy(skel);
	skel = NULL;
}

FIXTURE(need_bpf, teardown)

static const char *const sections[] = {
	"bss_locked", "bss_listed", "data_pointed", "data_locks", "bss_loose", "bss_stranger", "rodata_fixed",
};

static void assert_no_memory(struct mem_object *obj)
{
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		struct mem_region *region = assert_ptr(mem_object_find_region(obj, sections[i]));

		ck_assert_msg(!mem_region_data(region, NULL), "%s is mapped", sections[i]);
		ck_assert_int_eq(mem_region_writable(region), 0);
	}
}

static void assert_values(long pointed)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};

	ck_assert_ptr_null(skel->bss_loose);
	ck_assert_ptr_null(skel->bss_stranger);
	ck_assert_ptr_null(skel->rodata_fixed);
	assert_ok(mem_prog_run(skel->progs.add, &opts));
	ck_assert_int_eq(skel->bss->seen, pointed + 9);
	assert_ok(mem_prog_run(skel->progs.add, &opts));
	ck_assert_int_eq(skel->bss->seen, pointed + 1 + 9);
}

TEST(sections_with_fields_of_the_kernel_load)
{
	skel = assert_ptr(kernel_fields__open());
	assert_ok(kernel_fields__load(skel));
	assert_no_memory(skel->obj);
	assert_values(7);
}
END_TEST

TEST(headers_say_what_is_not_mapped, .host_only = "reads a generated header")
{
	FILE *header = fopen(build_path("selftests/kernel_fields.skel.h"), "r");
	char line[512];
	int said = 0, others = 0;

	ck_assert_ptr_nonnull(header);
	while (fgets(line, sizeof(line), header)) {
		said += strstr(line, " *bss_loose; /* NULL after load") || strstr(line, " *rodata_fixed; /* NULL after load");
		others += strstr(line, " *bss; /* NULL") != NULL;
	}
	fclose(header);
	ck_assert_int_eq(said, 2);
	ck_assert_int_eq(others, 0);
}
END_TEST

TEST(sections_with_fields_of_the_kernel_load_at_once)
{
	skel = assert_ptr(kernel_fields__open_and_load());
	assert_no_memory(skel->obj);
	assert_values(7);
}
END_TEST

TEST(read_only_sections_with_fields_of_the_kernel_load)
{
	skel = assert_ptr(kernel_fields__open());
	assert_ok(mem_region_readonly_set(mem_object_find_region(skel->obj, "bss_loose"), 1));
	assert_ok(kernel_fields__load(skel));
	assert_no_memory(skel->obj);
	assert_values(7);
}
END_TEST

TEST(a_section_with_fields_of_the_kernel_is_reused)
{
	struct kernel_fields *other;

	skel = assert_ptr(kernel_fields__open_and_load());
	other = assert_ptr(kernel_fields__open());
	assert_ok(mem_map_reuse_fd(other->maps.bss_loose, mem_map_fd(skel->maps.bss_loose)));
	ck_assert_ptr_null(other->bss_loose);
	assert_ok(kernel_fields__load(other));
	assert_no_memory(other->obj);
	kernel_fields__destroy(other);
}
END_TEST
