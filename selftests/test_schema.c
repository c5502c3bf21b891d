/* SPDX-License-Identifier: BSD-2-Clause */
/* What regions hold, and whether two of them hold the same. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mem/schema.h>

#include "contract.h"
#include "harness.h"
#include "rawbpf.h"
#include "region_arena.skel.h"
#include "region_data.skel.h"
#include "region_grown.skel.h"
#include "region_renamed.skel.h"

static struct mem_schema *of(const struct mem_image *image, const char *region)
{
	return assert_ptr(mem_schema_of_image(image, region));
}

static const struct mem_schema_field *field(const struct mem_schema *schema, const char *path)
{
	uint32_t count;
	const struct mem_schema_field *fields = mem_schema_fields(schema, &count);

	for (uint32_t i = 0; i < count; i++)
		if (!strcmp(fields[i].path, path))
			return &fields[i];
	return NULL;
}

static void assert_field(const struct mem_schema *schema, const char *path, const char *type,
			 uint64_t offset, uint64_t size)
{
	const struct mem_schema_field *found = assert_ptr(field(schema, path));

	ck_assert_str_eq(found->type, type);
	ck_assert_uint_eq(found->offset, 8 * offset);
	ck_assert_uint_eq(found->size, 8 * size);
}

TEST(fields_of_variables_and_elements)
{
	struct mem_schema *schema = of(region_grown__image(), "bss");
	uint32_t count;

	assert_field(schema, "hits", "__u64", offsetof(struct region_grown__bss, hits), 8);
	assert_field(schema, "last", "__u64[4]", offsetof(struct region_grown__bss, last), 32);
	assert_field(schema, "pairs", "struct pair[3]", offsetof(struct region_grown__bss, pairs), 48);
	assert_field(schema, "pairs[].key", "__u32", offsetof(struct region_grown__bss, pairs), 4);
	assert_field(schema, "pairs[].value", "struct record *",
		     offsetof(struct region_grown__bss, pairs) + 8, 8);
	mem_schema_fields(schema, &count);
	ck_assert_uint_eq(count, 5);
	mem_schema_free(schema);
	schema = of(region_grown__image(), "table");
	assert_field(schema, "name", "char[16]", 16, 16);
	mem_schema_free(schema);
	mem_schema_free(NULL);
	ck_assert_ptr_null(mem_schema_of_image(region_grown__image(), "nothing"));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

TEST(equal_compatible_and_different)
{
	struct mem_schema *old = of(region_data__image(), "bss"), *new = of(region_grown__image(), "bss");
	struct mem_schema *table = of(region_data__image(), "table");
	struct mem_schema *grown = of(region_grown__image(), "table");
	char text[512];

	ck_assert_int_eq(mem_schema_compare(old, old, NULL, NULL), MEM_SCHEMA_EQUAL);
	ck_assert_uint_ne(mem_schema_hash(old), mem_schema_hash(new));
	ck_assert_uint_eq(mem_schema_hash(old), mem_schema_hash(old));
	/* a longer one has all that the shorter one wants, not the other way round */
	ck_assert_int_eq(mem_schema_diff(new, old, text, sizeof(text)), MEM_SCHEMA_COMPATIBLE);
	ck_assert_str_eq(text, "- struct pair[3] pairs @40\n- __u32 pairs[].key @40\n"
			       "- struct record * pairs[].value @48");
	ck_assert_int_eq(mem_schema_diff(old, new, text, sizeof(text)), MEM_SCHEMA_DIFFERENT);
	ck_assert_int_eq(mem_schema_diff(table, grown, text, sizeof(text)), MEM_SCHEMA_DIFFERENT);
	ck_assert_str_eq(text, "- __u32 count @8\n+ __u64 count @8\n+ char[16] name @16");
	/* cut, never beyond the end */
	for (size_t size = 0; size < sizeof(text); size++) {
		memset(text, '#', sizeof(text));
		mem_schema_diff(table, grown, text, size);
		ck_assert(size == 0 || memchr(text, '\0', size) != NULL);
		ck_assert(size == sizeof(text) || text[size] == '#');
	}
	mem_schema_free(old);
	mem_schema_free(new);
	mem_schema_free(table);
	mem_schema_free(grown);
}
END_TEST

TEST(the_kernel_knows_the_same)
{
	struct region_data *skel;
	struct mem_schema *live, *mine;

	need_bpf();
	skel = assert_ptr(region_data__open());
	assert_ok(region_data__prepare(skel));
	live = assert_ptr(mem_schema_of_map(mem_source_fd(mem_map_fd(skel->maps.bss))));
	mine = of(region_data__image(), "bss");
	ck_assert_int_eq(mem_schema_compare(live, mine, NULL, NULL), MEM_SCHEMA_EQUAL);
	ck_assert_uint_eq(mem_schema_hash(live), mem_schema_hash(mine));
	mem_schema_free(live);
	mem_schema_free(mine);
	region_data__destroy(skel);
}
END_TEST

/* Each kind of source is called what its user called it. */
TEST(a_map_without_types_is_named)
{
	struct bpf_map_info info = {0};
	char name[40];
	int fd;

	need_bpf();
	fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(raw_info(fd, &info, sizeof(info)), 0);
	ck_assert_ptr_null(mem_schema_of_map(mem_source_fd(fd)));
	ck_assert_int_eq(errno, ENODATA);
	snprintf(name, sizeof(name), "descriptor %d", fd);
	assert_says(name);
	ck_assert_ptr_null(mem_schema_of_map(mem_source_id(info.id)));
	ck_assert_int_eq(errno, ENODATA);
	snprintf(name, sizeof(name), "map id %u", info.id);
	assert_says(name);
	close(fd);
}
END_TEST

/* A map whose layout is not the program's is not opened, whatever its sizes. */
TEST(a_changed_layout_is_refused_with_the_fields)
{
	struct mem_region *region;
	struct region_data *old;
	struct region_grown *grown;

	need_bpf();
	old = assert_ptr(region_data__open());
	grown = assert_ptr(region_grown__open());
	assert_ok(region_data__prepare(old));
	assert_err(mem_map_reuse_fd(grown->maps.table, mem_map_fd(old->maps.table)), -EINVAL);
	assert_says("its value size is 16, not 32");
	assert_says("\n- __u32 count @8\n+ __u64 count @8\n+ char[16] name @16");
	assert_err(mem_map_reuse_fd(grown->maps.bss, mem_map_fd(old->maps.bss)), -EINVAL);
	assert_says("+ struct pair[3] pairs @40");
	assert_ok(region_grown__load(grown));

	/* one who wants less than there is gets it */
	grown->bss->last[3] = 33;
	{
		const struct region_data__bss *bss = assert_ptr(region_data__attach_region_bss(
			mem_source_fd(mem_map_fd(grown->maps.bss)), NULL, &region));

		assert_ok(mem_prog_run(grown->progs.change, NULL));
		ck_assert_uint_eq(bss->hits, 1);
		ck_assert_uint_eq(bss->last[3], 33);
	}
	mem_region_detach(region);
	ck_assert_ptr_null(region_data__attach_region_table(mem_source_fd(mem_map_fd(grown->maps.table)),
							    NULL, &region));
	ck_assert_int_eq(errno, EINVAL);
	region_data__destroy(old);
	region_grown__destroy(grown);
}
END_TEST

/* Any damage to a BTF makes a schema or an error. */
TEST(damaged_types, .timeout = 60)
{
	struct mem_image image = *region_grown__image();
	uint32_t size = image.btf.count;
	unsigned char *copy = malloc(size);
	unsigned int made = 0;

	srand(1);
	for (int round = 0; round < test_rounds(20000); round++) {
		struct mem_schema *schema;

		memcpy(copy, region_grown__image()->btf.rows, size);
		for (int i = 0; i <= round % 4; i++)
			copy[(uint32_t)rand() % size] = (unsigned char)rand();
		image.btf.rows = copy;
		schema = mem_schema_of_image(&image, round % 2 ? "bss" : "table");
		made += schema != NULL;
		mem_schema_free(schema);
	}
	ck_assert_uint_gt(made, 1000);
	free(copy);
}
END_TEST

/* The same memory under another name is the same memory, for either version. */
TEST(renamed_fields_are_compatible)
{
	struct mem_schema *old = of(region_data__image(), "bss"), *new = of(region_renamed__image(), "bss");
	struct region_data *first;
	struct region_renamed *second;
	struct region_renamed__bss *renamed;
	struct region_data__bss *plain;
	struct mem_region *region;
	char text[200];

	ck_assert_str_eq(field(new, "seen")->was, "hits");
	ck_assert_ptr_null(field(new, "last")->was);
	ck_assert_int_eq(mem_schema_diff(old, new, text, sizeof(text)), MEM_SCHEMA_COMPATIBLE);
	ck_assert_str_eq(text, "- __u64 hits @32\n+ __u64 seen @32");
	ck_assert_int_eq(mem_schema_compare(new, old, NULL, NULL), MEM_SCHEMA_COMPATIBLE);
	mem_schema_free(old);
	mem_schema_free(new);
	old = of(region_data__image(), "table");
	new = of(region_renamed__image(), "table");
	ck_assert_int_eq(mem_schema_compare(old, new, NULL, NULL), MEM_SCHEMA_COMPATIBLE);
	mem_schema_free(old);
	mem_schema_free(new);

	need_bpf();
	first = assert_ptr(region_data__open());
	assert_ok(region_data__prepare(first));
	first->bss->hits = 6;
	renamed = assert_ptr(region_renamed__attach_region_bss(mem_source_fd(mem_map_fd(first->maps.bss)),
							       NULL, &region));
	ck_assert_uint_eq(renamed->seen, 6);
	mem_region_detach(region);
	second = assert_ptr(region_renamed__open());
	assert_ok(mem_map_reuse_fd(second->maps.bss, mem_map_fd(first->maps.bss)));
	assert_ok(mem_map_reuse_fd(second->maps.table, mem_map_fd(first->maps.table)));
	assert_ok(region_renamed__load(second));
	assert_ok(mem_prog_run(second->progs.change, NULL));
	ck_assert_uint_eq(first->bss->hits, 7);
	region_renamed__destroy(second);
	region_data__destroy(first);

	second = assert_ptr(region_renamed__open());
	assert_ok(region_renamed__prepare(second));
	second->bss->seen = 9;
	plain = assert_ptr(region_data__attach_region_bss(mem_source_fd(mem_map_fd(second->maps.bss)), NULL,
							  &region));
	ck_assert_uint_eq(plain->hits, 9);
	mem_region_detach(region);
	region_renamed__destroy(second);
}
END_TEST
