/* SPDX-License-Identifier: BSD-2-Clause */
/* Regions without their object: no program, no privilege, through the generated functions. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpffs.h"
#include "contract.h"
#include "harness.h"
#include "rawbpf.h"
#include "region_arena.skel.h"
#include "region_data.skel.h"
#include "region_grown.skel.h"
#include "region_moved.skel.h"
#include "schema.h"

#define PIN "/sys/fs/bpf/attach"

static struct region_data *skel;
static const struct mem_attach_opts writable = {.sz = sizeof(writable), .writable = 1};

static void setup(void)
{
	need_bpf();
	skel = assert_ptr(region_data__open());
}

static void teardown(void)
{
	region_data__destroy(skel);
	skel = NULL;
	bpffs_unmount();
}

FIXTURE(setup, teardown)

TEST(typed_variables_by_pin_fd_and_id)
{
	struct mem_region *region;
	struct region_data__bss *bss;
	struct region_data__data *data;

	bpffs_mount();
	assert_ok(region_data__load(skel));
	assert_ok(mem_map_pin(skel->maps.bss, PIN, 0));
	bss = assert_ptr(region_data__attach_region_bss(mem_source_pin(PIN), NULL, &region));
	run_program(skel->progs.change);
	ck_assert_uint_eq(bss->hits, 1);
	ck_assert_int_eq(mem_region_writable(region), 0);
	ck_assert_int_eq(mem_region_kind(region), MEM_REGION_DATA);
	ck_assert_str_eq(mem_region_name(region), "bss");
	ck_assert_int_eq(mprotect(bss, PAGE, PROT_READ | PROT_WRITE), -1);
	mem_region_detach(region);

	data = assert_ptr(region_data__attach_region_data(
		mem_source_fd(mem_map_fd(skel->maps.data)), &writable, &region));
	data->counter = 500;
	run_program(skel->progs.change);
	ck_assert_uint_eq(data->counter, 503);
	mem_region_detach(region);

	bss = assert_ptr(region_data__attach_region_bss(
		mem_source_id(mem_map_id(skel->maps.bss)), &writable, &region));
	bss->hits = 70;
	/* the memory outlives its maker */
	region_data__destroy(skel);
	skel = NULL;
	ck_assert_uint_eq(bss->hits, 70);
	mem_region_detach(region);
}
END_TEST

TEST(constants_are_read_only)
{
	struct mem_region *region;
	const struct region_data__rodata *rodata;

	skel->rodata->factor = 12;
	assert_ok(region_data__prepare(skel));
	rodata = assert_ptr(region_data__attach_region_rodata(
		mem_source_fd(mem_map_fd(skel->maps.rodata)), NULL, &region));
	ck_assert_uint_eq(rodata->factor, 12);
	mem_region_detach(region);
	ck_assert_ptr_null(region_data__attach_region_rodata(
		mem_source_fd(mem_map_fd(skel->maps.rodata)), &writable, &region));
	ck_assert_int_eq(errno, EPERM);
	ck_assert_ptr_null(region);
	assert_says("region 'rodata'");
}
END_TEST

TEST(windows_of_an_array)
{
	struct mem_attach_opts opts = {.sz = sizeof(opts), .writable = 1};
	struct sample *table;
	struct mem_region *region;
	size_t size;

	assert_ok(region_data__prepare(skel));
	for (uint32_t i = 0; i < 2000; i++)
		skel->arrays.table[i].sum = i;
	for (uint32_t first = 0; first < 2000; first += 37) {
		opts.first = first;
		opts.count = 2000 - first < 300 ? 2000 - first : 300;
		table = assert_ptr(region_data__attach_region_table(
			mem_source_fd(mem_map_fd(skel->maps.table)), &opts, &region));
		ck_assert_uint_eq(mem_region_length(region), opts.count);
		for (uint32_t i = 0; i < opts.count; i++)
			ck_assert_uint_eq(table[i].sum, first + i);
		ck_assert_ptr_eq(mem_region_data(region, &size), table);
		ck_assert_uint_eq(size, opts.count * sizeof(*table));
		table[opts.count - 1].count++;
		ck_assert_uint_gt(skel->arrays.table[first + opts.count - 1].count, 0);
		mem_region_detach(region);
	}
	opts.first = 1990;
	opts.count = 0; /* up to the end */
	assert_ptr(region_data__attach_region_table(mem_source_fd(mem_map_fd(skel->maps.table)), &opts,
						    &region));
	ck_assert_uint_eq(mem_region_length(region), 10);
	mem_region_detach(region);
}
END_TEST

TEST(windows_that_are_not_there)
{
	static const struct { uint32_t first, count; } windows[] = {
		{2000, 0}, {2000, 1}, {1999, 2}, {0, 2001}, {UINT32_MAX, UINT32_MAX}, {1, UINT32_MAX},
	};
	struct mem_attach_opts opts = {.sz = sizeof(opts)};
	struct mem_region *region;

	assert_ok(region_data__prepare(skel));
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		opts.first = windows[i].first;
		opts.count = windows[i].count;
		ck_assert_ptr_null(region_data__attach_region_table(
			mem_source_fd(mem_map_fd(skel->maps.table)), &opts, &region));
		ck_assert_int_eq(errno, ERANGE);
	}
	opts.first = 1;
	opts.count = 1;
	ck_assert_ptr_null(region_data__attach_region_bss(mem_source_fd(mem_map_fd(skel->maps.bss)),
							  &opts, &region));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

TEST(the_size_of_an_array_is_its_makers)
{
	struct mem_region *region;

	assert_ok(mem_map_max_entries_set(skel->maps.table, 5));
	assert_ok(region_data__prepare(skel));
	assert_ptr(region_data__attach_region_table(mem_source_fd(mem_map_fd(skel->maps.table)), NULL,
						    &region));
	ck_assert_uint_eq(mem_region_length(region), 5);
	mem_region_detach(region);
}
END_TEST

TEST(another_map_is_refused)
{
	struct mem_attach_opts bad = {.sz = 3};
	struct mem_region *region;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_ok(region_data__load(skel));
	ck_assert_ptr_null(region_data__attach_region_bss(mem_source_fd(mem_map_fd(skel->maps.table)),
							  NULL, &region));
	ck_assert_int_eq(errno, EINVAL);
	assert_says("region 'bss' can't be attached to");
	assert_says("its value size is 16, not 40");
	ck_assert_ptr_null(region_data__attach_region_bss(mem_source_fd(null), NULL, &region));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(region_data__attach_region_bss(
		mem_source_fd(mem_prog_fd(skel->progs.change)), NULL, &region));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(mem_region_attach(region_data__image(), "nothing",
					     mem_source_fd(mem_map_fd(skel->maps.bss)), NULL));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_ptr_null(mem_region_attach(region_data__image(), NULL,
					     mem_source_fd(mem_map_fd(skel->maps.bss)), NULL));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(mem_region_attach(NULL, NULL, mem_source_fd(mem_map_fd(skel->maps.bss)), &bad));
	ck_assert_int_eq(errno, EINVAL);
	close(null);
}
END_TEST

TEST(without_an_image_a_map_is_taken_as_it_is)
{
	struct mem_region *region;
	const struct sample *table;
	size_t size;

	assert_ok(region_data__prepare(skel));
	skel->arrays.table[1].sum = 9;
	region = assert_ptr(mem_region_attach(NULL, NULL, mem_source_fd(mem_map_fd(skel->maps.table)), NULL));
	table = mem_region_data(region, &size);
	ck_assert_uint_eq(size, 2000 * 16);
	ck_assert_uint_eq(table[1].sum, 9);
	ck_assert_str_eq(mem_region_name(region), "table");
	mem_region_detach(region);
	ck_assert_ptr_null(mem_region_attach(NULL, "x", mem_source_fd(mem_map_fd(skel->maps.hash)), NULL));
	ck_assert_int_eq(errno, EINVAL);
	assert_says("neither an arena nor an array with BPF_F_MMAPABLE");
}
END_TEST

TEST(detaching_is_for_what_was_attached)
{
	assert_ok(region_data__prepare(skel));
	mem_region_detach(NULL);
	mem_region_detach(mem_object_find_region(skel->obj, "bss"));
	skel->bss->hits = 1;
}
END_TEST

static long nobody_attaches(void *fd)
{
	struct mem_region *region;
	const struct region_data__bss *bss;

	drop_privileges();
	if (region_data__attach_region_bss(mem_source_fd(*(int *)fd), &writable, &region) ||
	    errno != EPERM)
		return 1;
	bss = region_data__attach_region_bss(mem_source_fd(*(int *)fd), NULL, &region);
	if (!bss || bss->last[0] != 77)
		return 2;
	mem_region_detach(region);
	return region_data__attach_region_bss(mem_source_id(1), NULL, &region) || errno != EPERM;
}

TEST(a_user_without_privilege_reads_and_does_not_write)
{
	int fd;

	skel->bss->last[0] = 77;
	assert_ok(mem_region_readonly_set(mem_object_find_region(skel->obj, "bss"), 1));
	assert_ok(region_data__load(skel));
	fd = mem_map_fd(skel->maps.bss);
	ck_assert_int_eq(in_child(nobody_attaches, &fd), 0);
}
END_TEST

/* ---- arenas */

static long arena_in_a_child(void *fd)
{
	struct mem_region *region;
	struct region_arena__arena *arena;

	arena = region_arena__attach_region_arena(mem_source_fd(*(int *)fd), &writable, &region);
	if (!arena) {
		fprintf(stderr, "%s\n", mem_error_message());
		return 1;
	}
	if (arena->list.head->value != 1001)
		return 2;
	arena->spare[3].value = 30;
	arena->spare[3].next = arena->list.head;
	arena->list.head = &arena->spare[3];
	mem_region_detach(region);
	return 0;
}

TEST(an_arena_with_its_variables)
{
	struct mem_region *region;
	const struct region_arena__arena *vars;
	struct region_arena *arena;
	int fd;

	need_linux(6, 9, "arenas");
	arena = assert_ptr(region_arena__open_and_load());
	run_program(arena->progs.push);
	fd = mem_map_fd(arena->maps.arena);
	vars = assert_ptr(region_arena__attach_region_arena(mem_source_fd(fd), NULL, &region));
	ck_assert_ptr_eq(vars, arena->arena); /* one process, one mapping */
	ck_assert_int_eq(mem_region_writable(region), 1);
	mem_region_detach(region);
	ck_assert_uint_eq(arena->arena->pushed, 1001);

	fd = dup(fd);
	region_arena__destroy(arena);
	ck_assert_int_eq(in_child(arena_in_a_child, &fd), 0);
	vars = assert_ptr(region_arena__attach_region_arena(mem_source_fd(fd), NULL, &region));
	ck_assert_int_eq(mem_region_writable(region), 0);
	ck_assert_uint_eq(vars->list.head->value, 30);
	ck_assert_uint_eq(vars->list.head->next->value, 1001);
	ck_assert_int_eq(mprotect((void *)((uintptr_t)vars & ~(PAGE - 1)), PAGE, PROT_READ | PROT_WRITE),
			 -1);
	/* writable for one of two is writable for both, as it is one mapping */
	{
		struct mem_region *second;
		struct region_arena__arena *mine;

		mine = assert_ptr(region_arena__attach_region_arena(mem_source_fd(fd), &writable,
								    &second));
		mine->spare[0].value = 4;
		ck_assert_uint_eq(vars->spare[0].value, 4);
		mem_region_detach(second);
	}
	mem_region_detach(region);
	close(fd);
}
END_TEST

static long reattach_in_a_child(void *arg)
{
	struct mem_region *region = arg;
	const struct region_arena__arena *vars = mem_region_variables(region, NULL);

	return mem_region_reattach(region) || vars->pushed != 1000;
}

TEST(an_attached_arena_after_fork)
{
	struct region_arena *arena;
	struct mem_region *region;
	int fd;

	need_linux(6, 9, "arenas");
	arena = assert_ptr(region_arena__open_and_load());
	fd = dup(mem_map_fd(arena->maps.arena));
	region_arena__destroy(arena);
	assert_ptr(region_arena__attach_region_arena(mem_source_fd(fd), NULL, &region));
	ck_assert_int_eq(in_child(reattach_in_a_child, region), 0);
	mem_region_detach(region);
	close(fd);
}
END_TEST

/* ---- schemas beside pins */

static long nobody_attaches_by_pin(void *expected)
{
	struct mem_region *region;
	struct mem_schema *schema;

	drop_privileges();
	region = mem_region_attach(region_data__image(), "table", mem_source_pin(PIN), NULL);
	if (!region)
		return fprintf(stderr, "%s\n", mem_error_message());
	mem_region_detach(region);
	region = mem_region_attach(region_grown__image(), "table", mem_source_pin(PIN), NULL);
	if (region || errno != EINVAL)
		return 1;
	if (!strstr(mem_error_message(), "- __u32 count @8\n+ __u64 count @8") != !expected)
		return 2;
	schema = mem_schema_of_map(mem_source_pin(PIN));
	if (!schema != !expected)
		return 3;
	mem_schema_free(schema);
	return 0;
}

/* Of the same size, so that only the types tell. */
static long nobody_finds_fields_that_moved(void *is_told)
{
	struct mem_region *region;

	drop_privileges();
	region = mem_region_attach(region_moved__image(), "table", mem_source_pin(PIN), NULL);
	if (!region != !!is_told)
		return 1;
	if (is_told && !strstr(mem_error_message(), "- __u32 count @8"))
		return 2;
	mem_region_detach(region);
	return 0;
}

TEST(a_schema_lies_beside_what_is_pinned_for_others)
{
	struct mem_region *table = mem_object_find_region(skel->obj, "table");
	struct region_data *other = assert_ptr(region_data__open());
	int yes = 1;

	bpffs_mount();
	assert_ok(mem_region_readonly_set(table, 1));
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(table, PIN, 0));
	ck_assert_int_ne(access(PIN "~schema", F_OK), 0);
	assert_ok(mem_region_pin(table, PIN, 0666));
	ck_assert_int_eq(access(PIN "~schema", F_OK), 0);
	ck_assert_int_eq(in_child(nobody_attaches_by_pin, &yes), 0);
	ck_assert_int_eq(in_child(nobody_finds_fields_that_moved, &yes), 0);

	/* of another map it says nothing, and is not believed */
	assert_ok(mem_region_readonly_set(mem_object_find_region(other->obj, "table"), 1));
	assert_ok(region_data__prepare(other));
	assert_ok(mem_map_pin(other->maps.table, PIN, 0666));
	ck_assert_int_eq(in_child(nobody_attaches_by_pin, NULL), 0);
	ck_assert_int_eq(in_child(nobody_finds_fields_that_moved, NULL), 0);

	assert_ok(mem_unpin(PIN));
	ck_assert_int_ne(access(PIN "~schema", F_OK), 0);
	region_data__destroy(other);
}
END_TEST

/* What is no schema is none: any map, and a schema with any byte changed. */
TEST(damaged_schemas, .timeout = 60)
{
	struct mem_region *table = mem_object_find_region(skel->obj, "table");
	union bpf_attr attr = {.pathname = (uintptr_t)PIN "~schema"};
	struct bpf_map_info info;
	unsigned char good[1000] = {0}, bad[1000];
	int fd, seen = 0;

	bpffs_mount();
	assert_ok(mem_region_readonly_set(table, 1));
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_region_pin(table, PIN, 0666));
	fd = (int)raw_bpf(BPF_OBJ_GET, &attr, sizeof(attr));
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(raw_info(fd, &info, sizeof(info)), 0);
	ck_assert_uint_lt(info.value_size, sizeof(good) - 8);
	assert_ok(raw_map_lookup(fd, &(uint32_t){0}, good));
	/* nobody changes what is there */
	ck_assert_int_eq(raw_map_update(fd, &(uint32_t){0}, good, 0), -EPERM);
	close(fd);
	for (unsigned int i = 0; i < info.value_size; i++) {
		struct mem_schema *schema;
		union bpf_attr pin = {.pathname = (uintptr_t)PIN "~schema"};

		memcpy(bad, good, sizeof(bad));
		bad[i] ^= 0x81;
		fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, info.value_size, 1, 0, 0);
		ck_assert_int_ge(fd, 0);
		assert_ok(raw_map_update(fd, &(uint32_t){0}, bad, 0));
		ck_assert_int_eq(unlink(PIN "~schema"), 0);
		pin.bpf_fd = (uint32_t)fd;
		ck_assert_int_eq(raw_bpf(BPF_OBJ_PIN, &pin, sizeof(pin)), 0);
		close(fd);
		schema = schema_published(PIN, mem_map_id(skel->maps.table));
		seen += schema != NULL;
		mem_schema_free(schema);
	}
	ck_assert_int_gt(seen, 0);
	ck_assert_int_lt(seen, (int)info.value_size);
	ck_assert_int_eq(unlink(PIN "~schema"), 0);
	assert_ok(mem_map_pin(skel->maps.bss, PIN "~schema", 0));
	ck_assert_ptr_null(schema_published(PIN, mem_map_id(skel->maps.table)));
	assert_ok(mem_unpin(PIN));
}
END_TEST

TEST(sources_that_are_none)
{
	static const struct {
		struct mem_source source;
		int err;
		const char *message;
	} bad[] = {
		{{.kind = MEM_SOURCE_PIN, .path = NULL}, EINVAL, "the path of the pin is NULL"},
		{{.kind = MEM_SOURCE_PIN, .path = "/sys/fs/bpf/none"}, ENOENT,
		 "can't open pin '/sys/fs/bpf/none': there is no such pin"},
		{{.kind = MEM_SOURCE_PIN, .path = "/tmp/libmem_no_pin"}, ENOENT,
		 "there is no such pin: '/tmp' is not in a BPF file system; mount one"},
		{{.kind = MEM_SOURCE_ID, .id = 0x7fffffff}, ENOENT, "can't open map id 2147483647: there is none"},
		{{.kind = MEM_SOURCE_FD, .fd = 1000}, EBADF, "can't use descriptor 1000"},
		{{.kind = 77}, EINVAL, "a source of kind 77 is unknown"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		ck_assert_ptr_null(mem_region_attach(NULL, "table", bad[i].source, NULL));
		ck_assert_msg(errno == bad[i].err && strstr(mem_error_message(), bad[i].message),
			      "not \"%s\" but %d: %s", bad[i].message, errno, mem_error_message());
	}
}
END_TEST
