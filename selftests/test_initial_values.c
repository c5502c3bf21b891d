/* SPDX-License-Identifier: BSD-2-Clause */
/* What maps of maps begin with: static maps too, and relocations in whatever order a linker left them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mem/elf.h>

#include "elf_builder.h"
#include "harness.h"

static struct elf_bytes file;

static void read_bytes(void)
{
	file = elf_read(build_path("selftests/initial_values.bpf.o"));
}

static void free_bytes(void)
{
	free(file.data);
}

FIXTURE(read_bytes, free_bytes)

static uint32_t run(struct mem_object *obj, const char *name)
{
	static char packet[64];
	struct mem_run_opts opts = {.sz = sizeof(opts), .data_in = packet, .data_size_in = sizeof(packet)};

	assert_ok(mem_prog_run(assert_ptr(mem_object_find_prog(obj, name)), &opts));
	return opts.retval;
}

static void assert_each_is_where_it_belongs(void)
{
	struct mem_image *image = assert_ptr(mem_image_read(file.data, file.size, NULL));
	struct mem_object *obj = assert_ptr(mem_object_open(image, NULL));

	assert_ok(mem_object_load(obj));
	ck_assert_uint_eq(run(obj, "put_all"), 0);
	ck_assert_uint_eq(run(obj, "get_all"), 12 << 16 | 10 << 8 | 13);
	mem_object_close(obj);
	mem_image_free(image);
}

static void assert_refused(const char *reason)
{
	ck_assert_ptr_null(mem_image_read(file.data, file.size, NULL));
	ck_assert_int_eq(errno, EINVAL);
	assert_says(reason);
}

static Elf64_Rel *relocations(size_t *count)
{
	*count = elf_find_header(file, ".rel.maps")->sh_size / sizeof(Elf64_Rel);
	ck_assert_uint_eq(*count, 3);
	return (Elf64_Rel *)elf_find_contents(file, ".rel.maps");
}

TEST(static_maps_can_be_in_maps)
{
	need_bpf();
	assert_each_is_where_it_belongs();
}
END_TEST

TEST(relocations_may_be_in_any_order)
{
	size_t count;
	Elf64_Rel *rel = relocations(&count), first = rel[0];

	need_bpf();
	memmove(rel, rel + 1, (count - 1) * sizeof(*rel));
	rel[count - 1] = first;
	assert_each_is_where_it_belongs();
}
END_TEST

TEST(one_slot_has_one_initial_value)
{
	size_t count;
	Elf64_Rel *rel = relocations(&count);

	rel[2].r_offset = rel[0].r_offset;
	assert_refused("two relocations for one pointer");
}
END_TEST

TEST(relocations_outside_of_the_section)
{
	size_t count;
	Elf64_Rel *rel = relocations(&count);

	rel[1].r_offset = elf_find_header(file, ".maps")->sh_size - 4;
	assert_refused("is outside of .maps");
}
END_TEST
