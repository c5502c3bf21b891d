/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What libbpf does in the situations of docs/regions.md, with the library that is installed. A test
 * that fails says that the table is out of date, not that libmem is wrong.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpffs.h"
#include "contract.h"
#include "harness.h"
#include "region_data.skel.h"
#include "shared.skel.h"

#define PIN "/sys/fs/bpf/libbpf"

static void setup(void)
{
	need_bpf();
	libbpf_set_print(NULL);
}

static void teardown(void)
{
	bpffs_unmount();
}

FIXTURE(setup, teardown)

static void need_libbpf_arenas(void)
{
	need_linux(6, 9, "arenas");
	if (libbpf_major_version() == 1 && libbpf_minor_version() < 4)
		test_skip("libbpf %s knows no arenas, 1.4 does", libbpf_version_string() + 1);
}

static struct bpf_object *opened(const char *name)
{
	char path[64];
	struct bpf_object *obj;

	snprintf(path, sizeof(path), "selftests/%s.bpf.o", name);
	obj = bpf_object__open_file(build_path(path), NULL);
	ck_assert_ptr_nonnull(obj);
	return obj;
}

static struct bpf_map *map_of(struct bpf_object *obj, const char *name)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, name);

	ck_assert_ptr_nonnull(map);
	return map;
}

/* ---- pins */

static struct region_data *publish(void)
{
	struct region_data *skel = assert_ptr(region_data__open());

	bpffs_mount();
	assert_ok(region_data__prepare(skel));
	assert_ok(mem_map_pin(skel->maps.table, PIN, 0));
	return skel;
}

/* Elements of the same size: the fields are another program's, and load returns 0. */
TEST(a_pin_of_another_layout_is_taken)
{
	struct region_data *maker = publish();
	struct bpf_object *obj = opened("region_moved");
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);

	ck_assert_int_eq(bpf_map__set_pin_path(map_of(obj, "table"), PIN), 0);
	ck_assert_int_eq(bpf_object__load(obj), 0);
	ck_assert_int_eq(bpf_obj_get_info_by_fd(bpf_map__fd(map_of(obj, "table")), &info, &size), 0);
	ck_assert_uint_eq(info.id, mem_map_id(maker->maps.table));
	bpf_object__close(obj);
	region_data__destroy(maker);
}
END_TEST

/* Of another size: the new version of a tool does not start. */
TEST(a_pin_of_another_size_ends_the_load)
{
	struct region_data *maker = publish();
	struct bpf_object *obj = opened("region_grown");

	ck_assert_int_eq(bpf_map__set_pin_path(map_of(obj, "table"), PIN), 0);
	ck_assert_int_lt(bpf_object__load(obj), 0);
	bpf_object__close(obj);
	region_data__destroy(maker);
}
END_TEST

/* Whoever wants to put a map in the place of another has to remove that first. */
TEST(a_pin_does_not_replace_another)
{
	struct region_data *maker = publish();
	struct bpf_object *obj = opened("region_moved");

	ck_assert_int_eq(bpf_object__load(obj), 0);
	ck_assert_int_eq(bpf_map__pin(map_of(obj, "table"), PIN), -EEXIST);
	bpf_object__close(obj);
	region_data__destroy(maker);
}
END_TEST

/* ---- arenas */

TEST(two_arenas_are_refused)
{
	struct bpf_object *obj;
	int err;

	need_libbpf_arenas();
	obj = bpf_object__open_file(build_path("selftests/region_arena.bpf.o"), NULL);
	err = obj ? bpf_object__load(obj) : -errno;
	ck_assert_int_lt(err, 0);
	bpf_object__close(obj);
}
END_TEST

/* The application's variables are private, and the arena is nowhere in its memory. */
TEST(a_reused_arena_is_not_mapped)
{
	struct shared *maker;
	struct bpf_object *obj;
	const struct shared__arena *mine;
	size_t size;

	need_libbpf_arenas();
	maker = assert_ptr(shared__open());
	assert_ok(shared__prepare(maker));
	obj = opened("shared");
	ck_assert_int_eq(bpf_map__reuse_fd(map_of(obj, "arena"), mem_map_fd(maker->maps.arena)), 0);
	ck_assert_int_eq(bpf_object__load(obj), 0);
	mine = bpf_map__initial_value(map_of(obj, "arena"), &size);
	maker->arena->walked = 5;
	ck_assert(!mine || mine->walked != 5);
	bpf_object__close(obj);
	shared__destroy(maker);
}
END_TEST

TEST(what_is_at_an_arenas_address_is_mapped_over)
{
	enum { PAGES = 64 };
	struct bpf_object *obj;
	char *own;

	need_libbpf_arenas();
	own = mmap((void *)(1UL << 44), PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	ck_assert_ptr_ne(own, MAP_FAILED);
	strcpy(own, "the application's");
	obj = opened("shared");
	ck_assert_int_eq(bpf_map__set_map_extra(map_of(obj, "arena"), (uintptr_t)own), 0);
	ck_assert_int_eq(bpf_object__load(obj), 0);
	ck_assert_str_eq(own, "");
	bpf_object__close(obj);
}
END_TEST
