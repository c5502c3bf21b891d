/* SPDX-License-Identifier: BSD-2-Clause */
/* How many pages an arena has, and what programs did where there are none. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "arena_fault.skel.h"
#include "arena_sealed.skel.h"
#include "harness.h"
#include "shared.skel.h"

static size_t page;

static void setup(void)
{
	need_bpf();
	need_linux(6, 9, "arenas");
	page = (size_t)sysconf(_SC_PAGESIZE);
}

FIXTURE(setup, NULL)

static struct mem_arena_usage usage_of(struct mem_object *obj)
{
	struct mem_arena_usage usage = {.sz = sizeof(usage)};

	assert_ok(mem_arena_usage(assert_ptr(mem_object_find_region(obj, "arena")), &usage));
	return usage;
}

TEST(populated_and_touched_pages_are_counted)
{
	struct shared *skel = assert_ptr(shared__open());
	struct mem_region *region = mem_object_find_region(skel->obj, "arena");
	struct mem_arena_usage usage;
	volatile char *base;
	size_t size, before;

	assert_ok(shared__load(skel));
	base = mem_region_data(region, &size);
	usage = usage_of(skel->obj);
	ck_assert_uint_eq(usage.size, size);
	ck_assert_uint_ge(usage.variables, page);
	ck_assert_uint_ge(usage.present, usage.variables);
	before = usage.present;
	assert_ok(mem_arena_populate(region, 2 * page, 5 * page));
	ck_assert_uint_eq(usage_of(skel->obj).present, before + 5 * page);
	assert_ok(mem_arena_populate(region, 4 * page, 5 * page));
	ck_assert_uint_eq(usage_of(skel->obj).present, before + 7 * page);
	base[10 * page] = 1;
	ck_assert_uint_eq(usage_of(skel->obj).present, before + 8 * page);
	ck_assert_int_eq(base[11 * page - 1], 0);
	shared__destroy(skel);
}
END_TEST

TEST(pages_that_programs_took_are_counted_where_looking_makes_none)
{
	struct arena_fault *skel = assert_ptr(arena_fault__open_and_load());

	ck_assert_uint_eq(usage_of(skel->obj).present, 0);
	ck_assert_uint_eq(usage_of(skel->obj).variables, 0);
	skel->bss->taken = 3;
	ck_assert_int_eq(run_program(skel->progs.take_pages), 0);
	ck_assert_uint_eq(usage_of(skel->obj).present, 3 * page);
	ck_assert_uint_eq(usage_of(skel->obj).present, 3 * page);
	skel->bss->taken = 8;
	ck_assert_int_eq(run_program(skel->progs.take_pages), 0);
	ck_assert_uint_eq(usage_of(skel->obj).present, 11 * page);
	arena_fault__destroy(skel);
}
END_TEST

TEST(pages_that_only_programs_make_are_not_populated)
{
	static const char why[] = "with MEM_ARENA_SEGV_ON_FAULT only programs make its pages";
	struct arena_fault *skel = assert_ptr(arena_fault__open_and_load());
	struct arena_sealed *sealed = assert_ptr(arena_sealed__open());

	assert_err(mem_arena_populate(assert_ptr(mem_object_find_region(skel->obj, "arena")), 0, page), -EFAULT);
	ck_assert_msg(strstr(mem_error_message(), why), "%s", mem_error_message());
	ck_assert_uint_eq(sealed->arena->value, 5);
	assert_err(arena_sealed__load(sealed), -EFAULT);
	ck_assert_msg(strstr(mem_error_message(), why), "%s", mem_error_message());
	arena_sealed__destroy(sealed);
	arena_fault__destroy(skel);
}
END_TEST

TEST(usage_of_what_is_no_arena)
{
	struct mem_arena_usage usage = {.sz = sizeof(usage)};
	struct shared *skel = assert_ptr(shared__open());
	struct mem_region *arena = mem_object_find_region(skel->obj, "arena");

	assert_err(mem_arena_usage(mem_object_find_region(skel->obj, "bss"), &usage), -EINVAL);
	assert_err(mem_arena_usage(arena, &usage), -EINVAL);
	assert_says("after mem_object_prepare()");
	assert_err(mem_arena_usage(arena, NULL), -EINVAL);
	usage.sz = 1;
	assert_err(mem_arena_usage(arena, &usage), -EINVAL);
	shared__destroy(skel);
}
END_TEST

/* What the log got. */
static char logged[8192];

static void keep(void *ctx, enum mem_log_level level, const char *text)
{
	size_t size = strlen(logged);

	(void)ctx;
	if (level == MEM_LOG_WARN)
		snprintf(logged + size, sizeof(logged) - size, "%s\n", text);
}

/* Loaded, on a kernel that notes faults. */
static struct arena_fault *need_streams(void)
{
	struct arena_fault *skel = assert_ptr(arena_fault__open());
	int may_say = linux_version() >= 6018 && linux_version() < 7000, err;

	assert_ok(mem_prog_autoload_set(skel->progs.say, may_say));
	assert_ok(arena_fault__load(skel));
	err = mem_object_check_faults(skel->obj);
	if (err == -ENOTSUP)
		assert_says("needs Linux 6.17");
	else if (may_say)
		run_program(skel->progs.say);
	if (!err && skel->data->said != -ENOMEM && linux_version() >= 6018)
		return skel;
	arena_fault__destroy(skel);
	need_linux(6, 18, "notes of faults in arenas");
	if (err)
		test_skip("this kernel has no streams of programs");
	test_skip("this kernel finds no memory for its streams of programs: a program that writes to one "
		  "gets ENOMEM");
}

TEST(faults_of_programs_are_in_the_log)
{
	struct arena_fault *skel = need_streams();
	char address[40];

	logged[0] = 0;
	mem_log_set(MEM_LOG_WARN, keep, NULL);
	ck_assert_int_eq(mem_object_check_faults(skel->obj), 0);
	skel->bss->base = (uintptr_t)mem_region_data(mem_object_find_region(skel->obj, "arena"), NULL);
	skel->bss->page = 5;
	skel->bss->value = 9;
	run_program(skel->progs.read_page);
	ck_assert_uint_eq(skel->bss->value, 0);
	ck_assert_int_eq(mem_object_check_faults(skel->obj), 1);
	snprintf(address, sizeof(address), "0x%llx\n", (unsigned long long)skel->bss->base + 5 * page);
	ck_assert_msg(strstr(logged, address) && strstr(logged, "READ") && strstr(logged, "'read_page'"),
		      "%s: %s", address, logged);
	ck_assert_int_eq(mem_object_check_faults(skel->obj), 0);
	skel->bss->page = 6;
	for (int i = 0; i < 10; i++)
		run_program(skel->progs.write_page);
	ck_assert_int_eq(mem_object_check_faults(skel->obj), 10);
	ck_assert_ptr_nonnull(strstr(logged, "WRITE"));
	mem_log_set(MEM_LOG_SILENT, NULL, NULL);
	arena_fault__destroy(skel);
}
END_TEST

TEST(stream_is_read_in_pieces)
{
	struct arena_fault *skel = need_streams();
	char text[4096], piece[8];
	size_t size = 0;
	int got;

	skel->bss->base = (uintptr_t)mem_region_data(mem_object_find_region(skel->obj, "arena"), NULL);
	skel->bss->page = 5;
	run_program(skel->progs.read_page);
	while ((got = mem_prog_stream_read(skel->progs.read_page, MEM_STREAM_ERR, piece, sizeof(piece))) > 0 &&
	       size + sizeof(piece) < sizeof(text)) {
		memcpy(text + size, piece, (size_t)got);
		size += (size_t)got;
	}
	ck_assert_int_eq(got, 0);
	text[size] = 0;
	ck_assert_msg(strstr(text, "READ access at unmapped address") != NULL, "%zu bytes: %s", size, text);
	ck_assert_int_eq(mem_prog_stream_read(skel->progs.read_page, MEM_STREAM_OUT, text, sizeof(text)), 0);
	if (!skel->data->said) {
		ck_assert_int_eq(mem_prog_stream_read(skel->progs.say, MEM_STREAM_OUT, text, sizeof(text)), 5);
		ck_assert(!memcmp(text, "hello", 5));
	}
	assert_err(mem_prog_stream_read(skel->progs.read_page, (enum mem_stream)9, text, sizeof(text)), -ENOENT);
	arena_fault__destroy(skel);
}
END_TEST

TEST(stream_of_what_is_not_loaded)
{
	struct arena_fault *skel = assert_ptr(arena_fault__open());
	char text[16];

	assert_err(mem_prog_stream_read(skel->progs.read_page, MEM_STREAM_ERR, text, sizeof(text)), -EBADF);
	ck_assert_int_eq(mem_object_check_faults(skel->obj), 0);
	arena_fault__destroy(skel);
}
END_TEST
