/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned arenas of another version: a function carries over what is in them. */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <mem/migrate.h>

#include "apart.h"
#include "bpffs.h"
#include "harness.h"
#include "migrate_unsized.skel.h"
#include "region_arena.skel.h"
#include "victims.h"

#define ARENA "/sys/fs/bpf/arena"

static void setup(void)
{
	need_bpf();
	need_linux(6, 9, "arenas");
	bpffs_mount();
}

FIXTURE(setup, bpffs_unmount)

static struct region_arena *arena_of_version(uint64_t version, const struct mem_migrate_opts *opts)
{
	struct region_arena *skel = assert_ptr(region_arena__open());

	assert_ok(mem_map_pin_path_set(skel->maps.arena, ARENA));
	assert_ok(mem_arena_version_set(mem_object_find_region(skel->obj, "arena"), version));
	if (opts)
		assert_ok(mem_map_migrate_set(skel->maps.arena, opts));
	return skel;
}

/* A list of nodes, of which the first four are variables: those are copied, and so is the order. */
static int copy_list(void *ctx, const struct mem_migrate_arena *arena)
{
	const struct region_arena__arena *from = arena->from_variables;
	struct region_arena__arena *to = mem_region_variables(arena->to, NULL);
	uint64_t *version = ctx;
	struct node **end = &to->list.head;

	*version = arena->from_version;
	if (*version == 13)
		return -ECANCELED;
	ck_assert_uint_eq(arena->from_size, sizeof(*from));
	ck_assert_ptr_ne(from, to);
	for (const struct node *node = from->list.head; node; node = node->next) {
		struct node *copy = &to->spare[node - from->spare];

		copy->value = node->value;
		*end = copy;
		end = &copy->next;
	}
	*end = NULL;
	to->pushed = from->pushed;
	return 0;
}

TEST(arenas_are_copied_by_a_function)
{
	uint64_t version = 0;
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .arena = copy_list, .ctx = &version};
	struct region_arena *one, *two;
	uint32_t id;

	one = arena_of_version(1, NULL);
	assert_ok(region_arena__load(one));
	for (int i = 0; i < 3; i++)
		assert_ok(mem_prog_run(one->progs.push, NULL));
	id = bpffs_id_at(ARENA);

	/* another version is refused, with or without migration */
	two = arena_of_version(2, NULL);
	assert_err(region_arena__prepare(two), -EINVAL);
	assert_says("version 1, not 2");
	region_arena__destroy(two);
	two = arena_of_version(2, &(const struct mem_migrate_opts){.sz = sizeof(opts)});
	assert_err(region_arena__prepare(two), -EDOM);
	assert_says("no function was given");
	region_arena__destroy(two);
	ck_assert_uint_eq(bpffs_id_at(ARENA), id);

	/* the same version is taken on */
	two = arena_of_version(1, &opts);
	assert_ok(region_arena__prepare(two));
	ck_assert_uint_eq(mem_map_id(two->maps.arena), id);
	region_arena__destroy(two);
	ck_assert_uint_eq(version, 0);

	two = arena_of_version(2, &opts);
	assert_ok(region_arena__load(two));
	ck_assert_uint_eq(version, 1);
	ck_assert_uint_ne(bpffs_id_at(ARENA), id);
	ck_assert_uint_eq(mem_arena_version(mem_object_find_region(two->obj, "arena")), 2);
	ck_assert_uint_eq(two->arena->pushed, 1003);
	ck_assert_ptr_eq(two->arena->list.head, &two->arena->spare[(1003 - 1) & 3]);
	ck_assert_uint_eq(two->arena->list.head->next->next->value, 1001);
	assert_ok(mem_prog_run(two->progs.push, NULL));
	ck_assert_uint_eq(two->arena->list.head->value, 1004);
	/* the old one is its users' still */
	ck_assert_uint_eq(one->arena->pushed, 1003);
	region_arena__destroy(two);
	region_arena__destroy(one);
}
END_TEST

static int copy_count(void *ctx, const struct mem_migrate_arena *arena)
{
	const struct region_arena__arena *from = arena->from_variables;
	struct migrate_unsized__arena *to = mem_region_variables(arena->to, NULL);

	ck_assert_ptr_null(ctx);
	ck_assert_uint_eq(to->pushed, 7);
	to->pushed = from->pushed;
	return 0;
}

TEST(arenas_that_leave_their_size_open)
{
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .arena = copy_count};
	struct migrate_unsized *skel;
	struct region_arena *one;

	one = arena_of_version(1, NULL);
	assert_ok(region_arena__load(one));
	assert_ok(mem_prog_run(one->progs.push, NULL));
	skel = assert_ptr(migrate_unsized__open());
	assert_ok(mem_map_max_entries_set(skel->maps.table, 2));
	assert_ok(mem_map_pin_path_set(skel->maps.arena, ARENA));
	assert_ok(mem_map_migrate_set(skel->maps.arena, &opts));
	assert_ok(migrate_unsized__load(skel));
	ck_assert_uint_eq(mem_map_max_entries(skel->maps.arena), mem_map_max_entries(one->maps.arena));
	assert_ok(mem_prog_run(skel->progs.count, NULL));
	ck_assert_uint_eq(skel->arena->pushed, 1002);
	migrate_unsized__destroy(skel);
	region_arena__destroy(one);
}
END_TEST

/* Both want the same address: that of the process which has just ended. */
TEST(the_old_arena_gets_its_address)
{
	uint64_t version = 0;
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .arena = copy_list, .ctx = &version};
	struct region_arena *one, *two;
	const void *address;
	uint32_t id;
	void *apart;

	apart = apart_take();
	ck_assert_ptr_ne(apart, MAP_FAILED);
	one = arena_of_version(13, NULL);
	assert_ok(region_arena__load(one));
	assert_ok(mem_prog_run(one->progs.push, NULL));
	address = one->arena;
	region_arena__destroy(one);

	id = bpffs_id_at(ARENA);
	two = arena_of_version(14, &opts);
	ck_assert_ptr_eq(two->arena, address);
	assert_err(region_arena__prepare(two), -ECANCELED);
	ck_assert_uint_eq(version, 13);
	ck_assert_uint_eq(bpffs_id_at(ARENA), id);
	region_arena__destroy(two);
	munmap(apart, APART_SIZE);
}
END_TEST
static void upgrade_arena(void)
{
	uint64_t version = 0;
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .arena = copy_list, .ctx = &version};
	struct region_arena *skel = arena_of_version(2, &opts);

	_exit(region_arena__prepare(skel) != 0);
}

/* Its list, from whatever arena is at the pin. Returns that one's version. */
static uint64_t check_arena(void)
{
	struct mem_region *region = assert_ptr(mem_region_attach(region_arena__image(), "arena",
								 mem_source_pin(ARENA), NULL));
	const struct region_arena__arena *vars = mem_region_variables(region, NULL);
	uint64_t version = mem_arena_version(region), expected = 1003;

	ck_assert_uint_eq(vars->pushed, 1003);
	for (const struct node *node = vars->list.head; node; node = node->next)
		ck_assert_uint_eq(node->value, expected--);
	ck_assert_uint_eq(expected, 1000);
	mem_region_detach(region);
	return version;
}

static void pin_arena(int fd)
{
	struct mem_region *region = assert_ptr(mem_region_attach(NULL, NULL, mem_source_fd(fd), NULL));

	assert_ok(mem_region_pin(region, ARENA, 0));
	mem_region_detach(region);
}

TEST(arenas_killed_at_every_system_call, .timeout = 120, .slow_emulated = "hundreds of processes")
{
	struct region_arena *one;
	int seen[3] = {0}, nth = 1, fd;

	one = arena_of_version(1, NULL);
	assert_ok(region_arena__load(one));
	for (int i = 0; i < 3; i++)
		assert_ok(mem_prog_run(one->progs.push, NULL));
	fd = dup(mem_map_fd(one->maps.arena));
	region_arena__destroy(one); /* a forked child would have its place taken */
	for (; !victim_kill_at(upgrade_arena, nth); nth++) {
		uint64_t version = check_arena();

		ck_assert(version == 1 || version == 2);
		seen[version]++;
		pin_arena(fd);
	}
	ck_assert_int_gt(seen[1], 50);
	ck_assert_int_gt(seen[2], 0);
	ck_assert_uint_eq(check_arena(), 2);
	close(fd);
}
END_TEST
