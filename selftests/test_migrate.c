/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned memory whose layout changes: every rule, what is refused, and that nothing is half done. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mem/migrate.h>
#include <mem/schema.h>

#include "apart.h"
#include "bpffs.h"
#include "contract.h"
#include "grow.skel.h"
#include "harness.h"
#include "image.h"
#include "migrate_old.h"
#include "migrate_new.skel.h"
#include "migrate_plan.h"
#include "migrate_unsized.skel.h"
#include "rawbpf.h"
#include "region_arena.skel.h"

#define ROOT "/sys/fs/bpf/"
#define BSS ROOT "bss"
#define DATA ROOT "data"
#define TABLE ROOT "table"

static struct migrate_old *old;
static struct migrate_new *new;

static void setup(void)
{
	need_bpf();
	bpffs_mount();
	old = assert_ptr(migrate_old__open());
}

static void teardown(void)
{
	migrate_old__destroy(old);
	migrate_new__destroy(new);
	old = NULL;
	new = NULL;
	bpffs_unmount();
}

FIXTURE(setup, teardown)

/* The old version's memory, at its pins. */
static void publish(void)
{
	assert_ok(migrate_old__prepare(old));
	assert_ok(mem_map_pin(old->maps.bss, BSS, 0640));
	assert_ok(mem_map_pin(old->maps.data, DATA, 0));
	assert_ok(mem_map_pin(old->maps.table, TABLE, 0));
}

static struct migrate_new *upgrader(const struct mem_migrate_opts *opts)
{
	struct migrate_new *skel = assert_ptr(migrate_new__open());

	assert_ok(mem_map_pin_path_set(skel->maps.bss, BSS));
	assert_ok(mem_map_pin_path_set(skel->maps.data, DATA));
	assert_ok(mem_map_pin_path_set(skel->maps.table, TABLE));
	assert_ok(mem_object_migrate_set(skel->obj, opts));
	return skel;
}

static uint32_t id_at(const char *path)
{
	struct mem_region *region = assert_ptr(mem_region_attach(NULL, NULL, mem_source_pin(path), NULL));
	uint32_t id = mem_map_id(mem_region_map(region));

	mem_region_detach(region);
	return id;
}

static unsigned int mode_of(const char *path)
{
	struct stat status;

	ck_assert_msg(!stat(path, &status), "%s: %m", path);
	return status.st_mode & 07777;
}

/* Something in every field that has a place in the new version. */
static void fill(void)
{
	old->bss->hits = 4000000000;
	old->bss->balance = -5;
	old->bss->replies = 1ULL << 60;
	old->bss->wide = UINT64_MAX;
	old->bss->shrunk[0] = 1;
	old->bss->shrunk[1] = 2;
	old->bss->conf.delta = -300;
	old->bss->conf.on = true;
	old->bss->conf.flag = 5;
	old->bss->conf.twist = -16;
	old->bss->conf.ratio = 0.375f;
	old->bss->conf.state = 1; /* RUNNING */
	old->bss->conf.limits[0].max = 10;
	old->bss->conf.limits[1].max = UINT32_MAX;
	old->bss->conf.limits[1].kind = 65535;
	memcpy(old->bss->conf.name, "eightchr", 8);
	old->bss->conf.inner = 77;
	old->bss->conf.whole.word = 0x01020304;
	old->bss->to_smaller = -32768;
	old->bss->where = old;
	old->data->kept = 41;
	old->arrays.table[0].sum = 5;
	old->arrays.table[99].sum = UINT64_MAX;
	old->arrays.table[99].count = UINT32_MAX;
}

static void assert_carried(const struct migrate_new *skel)
{
	const struct migrate_new__bss *bss = skel->bss;

	ck_assert_uint_eq(bss->hits, 4000000000);
	ck_assert_int_eq(bss->balance, -5);
	ck_assert_uint_eq(bss->answers, 1ULL << 60);
	ck_assert_uint_eq(bss->wide, UINT64_MAX);
	ck_assert_uint_eq(bss->shrunk[0], 1);
	ck_assert_uint_eq(bss->shrunk[1], 2);
	ck_assert_int_eq(bss->conf.delta, -300);
	ck_assert_uint_eq(bss->conf.active, 1);
	ck_assert_uint_eq(bss->conf.flag, 5);
	ck_assert_int_eq(bss->conf.twist, -16);
	ck_assert(bss->conf.ratio == 0.375);
	ck_assert_uint_eq(bss->conf.state, 2); /* RUNNING */
	ck_assert_uint_eq(bss->conf.limits[0].max, 10);
	ck_assert_uint_eq(bss->conf.limits[0].min, 0);
	ck_assert_uint_eq(bss->conf.limits[1].max, UINT32_MAX);
	ck_assert_int_eq(bss->conf.limits[1].kind, 65535);
	ck_assert_uint_eq(bss->conf.limits[2].max, 0);
	ck_assert_int_eq(memcmp(bss->conf.name, "eightchr\0\0\0\0", 12), 0);
	ck_assert_uint_eq(bss->conf.inner, 77);
	ck_assert_uint_eq(bss->conf.whole.word, 0x01020304);
	ck_assert_uint_eq(bss->conf.since, 0);
	ck_assert_int_eq(bss->to_smaller, -32768);
	ck_assert_ptr_eq(bss->where, old);
	ck_assert_uint_eq(bss->added_first, 0);
	ck_assert_uint_eq(skel->data->kept, 41);
	ck_assert_uint_eq(skel->data->initial, 7);
	ck_assert_uint_eq(skel->data->fresh, 99);
	ck_assert_uint_eq(skel->arrays.table[0].sum, 5);
	ck_assert_uint_eq(skel->arrays.table[99].sum, UINT64_MAX);
	ck_assert_uint_eq(skel->arrays.table[99].count, UINT32_MAX);
	ck_assert_uint_eq(skel->arrays.table[100].sum, 0);
}

TEST(every_field_finds_its_place)
{
	uint32_t before;

	publish();
	fill();
	before = id_at(BSS);
	new = upgrader(NULL);
	assert_ok(migrate_new__load(new));
	assert_carried(new);
	ck_assert_uint_ne(id_at(BSS), before);
	ck_assert_uint_eq(id_at(BSS), mem_map_id(new->maps.bss));
	ck_assert_uint_eq(id_at(TABLE), mem_map_id(new->maps.table));
	ck_assert_uint_eq(mode_of(BSS), 0640);
	ck_assert_uint_eq(mode_of(DATA), 0600);
	ck_assert_int_eq(access(BSS "~next", F_OK), -1);
	ck_assert_int_eq(mem_map_is_reused(new->maps.bss), 0);
	/* programs and application share it */
	assert_ok(mem_prog_run(new->progs.count, NULL));
	ck_assert_uint_eq(new->bss->hits, 4000000001);
	ck_assert_uint_eq(new->arrays.table[1].count, 1);
	/* and the old version's memory is the old version's still */
	ck_assert_uint_eq(old->bss->hits, 4000000000);
}
END_TEST

TEST(without_a_difference_it_is_taken_on)
{
	struct migrate_new *second;

	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	new->bss->hits = 3;
	second = upgrader(NULL);
	assert_ok(migrate_new__prepare(second));
	ck_assert_int_eq(mem_map_is_reused(second->maps.bss), 1);
	ck_assert_int_eq(mem_map_is_reused(second->maps.table), 1);
	second->bss->hits++;
	ck_assert_uint_eq(new->bss->hits, 4);
	migrate_new__destroy(second);
}
END_TEST

TEST(without_being_asked_nothing_is_migrated)
{
	publish();
	new = assert_ptr(migrate_new__open());
	assert_ok(mem_map_pin_path_set(new->maps.bss, BSS));
	assert_err(migrate_new__prepare(new), -EINVAL);
	assert_says("+ __u64 hits");
}
END_TEST

/* Prepare, which has to fail, and leave the old map where it was. */
static void refuse(const struct mem_migrate_opts *opts, const char *words)
{
	uint32_t bss = id_at(BSS), table = id_at(TABLE);

	new = upgrader(opts);
	assert_err(migrate_new__prepare(new), -EDOM);
	assert_says(words);
	ck_assert_uint_eq(id_at(BSS), bss);
	ck_assert_uint_eq(id_at(TABLE), table);
	ck_assert_int_eq(access(BSS "~next", F_OK), -1);
	migrate_new__destroy(new);
	new = NULL;
}

TEST(what_would_be_lost_is_refused)
{
	publish();
	fill();
	old->bss->removed = 1;
	refuse(NULL, "'removed' (__u8): it has been removed");
	old->bss->removed = 0;
	old->bss->shrunk[3] = 9;
	refuse(NULL, "'shrunk[2...]'");
	old->bss->shrunk[3] = 0;
	old->bss->to_smaller = 32768;
	refuse(NULL, "'to_smaller' (__s64): its value 32768 does not fit");
	old->bss->to_smaller = -32769;
	refuse(NULL, "its value -32769 does not fit");
	old->bss->to_smaller = 0;
	old->bss->conf.state = 2; /* BROKEN */
	refuse(NULL, "'conf.state' (enum migrate_state): its value 2 has no name in both enums");
	old->bss->conf.state = 0;
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
}
END_TEST

TEST(unless_the_application_says_so)
{
	const struct mem_migrate_opts lossy = {.sz = sizeof(lossy), .flags = MEM_MIGRATE_LOSSY};

	publish();
	fill();
	old->bss->removed = 1;
	old->bss->shrunk[3] = 9;
	new = upgrader(&lossy);
	assert_ok(migrate_new__prepare(new));
	assert_carried(new);
}
END_TEST

struct asked {
	char path[100];
	int count;
	int answer;
	uint64_t value;
};

static int decide(void *ctx, const struct mem_migrate_field *field)
{
	struct asked *asked = ctx;

	ck_assert_str_eq(field->region, "bss");
	ck_assert_ptr_nonnull(field->problem);
	snprintf(asked->path, sizeof(asked->path), "%s %s %s", field->path, field->from_type,
		 field->to_type ? field->to_type : "-");
	asked->count++;
	memcpy(&asked->value, field->from, field->from_size);
	if (field->to && asked->answer == 1)
		memset(field->to, 0x11, field->to_size);
	return asked->answer;
}

TEST(a_function_decides_what_no_rule_does)
{
	struct asked asked = {.answer = 1};
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .field = decide, .ctx = &asked};

	publish();
	fill();
	old->bss->to_smaller = 1 << 20;
	asked.answer = -EUCLEAN;
	new = upgrader(&opts);
	assert_err(migrate_new__prepare(new), -EUCLEAN);
	assert_says("to_smaller");
	migrate_new__destroy(new);
	asked.answer = 0;
	refuse(&opts, "to_smaller");
	asked.count = 0;
	asked.answer = 1;
	new = upgrader(&opts);
	assert_ok(migrate_new__prepare(new));
	ck_assert_int_eq(asked.count, 1);
	ck_assert_str_eq(asked.path, "to_smaller __s64 __s16");
	ck_assert_uint_eq(asked.value, 1 << 20);
	ck_assert_int_eq(new->bss->to_smaller, 0x1111);
}
END_TEST

/* A downgrade is a migration like any other. */
TEST(back_again)
{
	struct migrate_old *back;

	publish();
	fill();
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	back = assert_ptr(migrate_old__open());
	assert_ok(mem_map_pin_path_set(back->maps.bss, BSS));
	assert_ok(mem_object_migrate_set(back->obj, NULL));
	/* the old version knows nothing of MEM_WAS() */
	assert_err(migrate_old__prepare(back), -EDOM);
	assert_says("it has been removed (and 1 more)");
	migrate_old__destroy(back);
	new->bss->answers = 0;
	new->bss->conf.active = 0;
	back = assert_ptr(migrate_old__open());
	assert_ok(mem_map_pin_path_set(back->maps.bss, BSS));
	assert_ok(mem_object_migrate_set(back->obj, NULL));
	assert_ok(migrate_old__prepare(back));
	ck_assert_uint_eq(back->bss->hits, 4000000000);
	ck_assert_int_eq(back->bss->conf.delta, -300);
	ck_assert_int_eq(back->bss->conf.twist, -16);
	ck_assert(back->bss->conf.ratio == 0.375f);
	ck_assert_uint_eq(back->bss->conf.state, 1);
	ck_assert_uint_eq(back->bss->conf.limits[1].max, UINT32_MAX);
	ck_assert_int_eq(memcmp(back->bss->conf.name, "eightchr", 8), 0);
	migrate_old__destroy(back);
}
END_TEST

TEST(a_failed_load_puts_the_old_map_back)
{
	uint32_t before;

	publish();
	fill();
	before = id_at(BSS);
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	ck_assert_uint_ne(id_at(BSS), before);
	/* which no kernel takes */
	assert_ok(mem_prog_type_set(new->progs.count, 9999, 0));
	ck_assert_int_lt(migrate_new__load(new), 0);
	ck_assert_uint_eq(id_at(BSS), before);
	ck_assert_uint_eq(mode_of(BSS), 0640);
}
END_TEST

/* The message is about the load, whatever else goes wrong then. */
TEST(a_failed_load_that_can_not_put_the_old_map_back)
{
	publish();
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	assert_ok(mkdir(BSS "~next", 0700));
	assert_ok(mem_prog_type_set(new->progs.count, 9999, 0));
	ck_assert_int_lt(migrate_new__load(new), 0);
	assert_says("program 'count'");
	ck_assert_str_eq(mem_object_error(new->obj), mem_error_message());
	ck_assert_uint_eq(id_at(BSS), mem_map_id(new->maps.bss));
	assert_ok(rmdir(BSS "~next"));
}
END_TEST

TEST(readers_keep_what_they_have)
{
	const struct migrate_old__bss *vars;
	struct mem_region *reader;

	publish();
	fill();
	vars = assert_ptr(migrate_old__attach_region_bss(mem_source_pin(BSS), NULL, &reader));
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	new->bss->hits = 1;
	ck_assert_uint_eq(vars->hits, 4000000000);
	old->bss->hits = 12;
	ck_assert_uint_eq(vars->hits, 12);
	mem_region_detach(reader);
	/* who comes now gets the new one, and is told if it expects the old one */
	ck_assert_ptr_null(migrate_old__attach_region_bss(mem_source_pin(BSS), NULL, &reader));
	assert_says("hits");
}
END_TEST

/* What only programs write is copied before the new map is frozen. */
TEST(read_only_regions)
{
	publish();
	fill();
	new = upgrader(NULL);
	assert_ok(mem_region_readonly_set(mem_object_find_region(new->obj, "bss"), 1));
	assert_ok(mem_region_readonly_set(mem_object_find_region(new->obj, "table"), 1));
	assert_ok(migrate_new__load(new));
	assert_carried(new);
	ck_assert_int_eq(mem_region_writable(mem_object_find_region(new->obj, "bss")), 0);
	assert_ok(mem_prog_run(new->progs.count, NULL));
	ck_assert_uint_eq(new->bss->hits, 4000000001);
}
END_TEST

/* There is no memory to copy to ahead of time. */
TEST(read_only_arrays_without_memory)
{
	struct migrate_row row = {.sum = 0};
	struct mem_region *table;

	publish();
	fill();
	new = upgrader(NULL);
	table = mem_object_find_region(new->obj, "table");
	assert_ok(mem_region_readonly_set(table, 1));
	assert_ok(mem_region_leave_unmapped(table));
	assert_ok(migrate_new__load(new));
	assert_ok(mem_map_lookup(new->maps.table, &(uint32_t){99}, &row, 0));
	ck_assert_uint_eq(row.sum, UINT64_MAX);
	ck_assert_uint_eq(row.count, UINT32_MAX);
	assert_err(mem_map_update(new->maps.table, &(uint32_t){99}, &row, 0), -EPERM);
	assert_ok(mem_prog_run(new->progs.count, NULL));
	assert_ok(mem_map_lookup(new->maps.table, &(uint32_t){1}, &row, 0));
	ck_assert_uint_eq(row.count, 1);
}
END_TEST

TEST(arrays_that_leave_their_size_open)
{
	struct migrate_unsized *skel;

	publish();
	fill();
	for (int read_only = 1; read_only >= 0; read_only--) {
		skel = assert_ptr(migrate_unsized__open());
		assert_ok(mem_map_autocreate_set(skel->maps.arena, 0));
		assert_ok(mem_map_pin_path_set(skel->maps.table, TABLE));
		assert_ok(mem_map_migrate_set(skel->maps.table, NULL));
		assert_ok(mem_region_readonly_set(mem_object_find_region(skel->obj, "table"), read_only));
		assert_ok(migrate_unsized__prepare(skel));
		ck_assert_uint_eq(mem_map_max_entries(skel->maps.table), 100);
		ck_assert_uint_eq(skel->arrays.table[0].sum, 5);
		ck_assert_uint_eq(skel->arrays.table[99].sum, UINT64_MAX);
		ck_assert_uint_eq(skel->arrays.table[99].count, UINT32_MAX);
		ck_assert_int_eq(mem_region_writable(mem_object_find_region(skel->obj, "table")), !read_only);
		ck_assert_uint_eq(id_at(TABLE), mem_map_id(skel->maps.table));
		migrate_unsized__destroy(skel);
		assert_ok(mem_map_pin(old->maps.table, TABLE, 0));
	}
}
END_TEST

TEST(into_a_region_that_is_there)
{
	struct mem_source source;

	assert_ok(migrate_old__prepare(old));
	fill();
	new = assert_ptr(migrate_new__open());
	source = mem_source_fd(mem_map_fd(old->maps.bss));
	assert_err(mem_region_migrate(mem_object_find_region(new->obj, "bss"), source, NULL), -EBADF);
	assert_ok(migrate_new__prepare(new));
	assert_ok(mem_region_migrate(mem_object_find_region(new->obj, "bss"), source, NULL));
	assert_ok(mem_region_migrate(mem_object_find_region(new->obj, "data"),
				     mem_source_id(mem_map_id(old->maps.data)), NULL));
	assert_ok(mem_region_migrate(mem_object_find_region(new->obj, "table"),
				     mem_source_fd(mem_map_fd(old->maps.table)), NULL));
	assert_carried(new);
	/* other variables are no older version of these */
	assert_err(mem_region_migrate(mem_object_find_region(new->obj, "data"), source, NULL), -EDOM);
}
END_TEST

TEST(what_can_not_be_migrated)
{
	const struct mem_migrate_opts newer = {.sz = 8};
	struct region_arena *arena;

	new = assert_ptr(migrate_new__open());
	ck_assert_int_eq(mem_map_migrate_set(new->maps.bss, &newer), 0);
	assert_ok(migrate_new__prepare(new));
	assert_err(mem_map_migrate_set(new->maps.bss, NULL), -EBUSY);
	if (linux_version() < 6009)
		return;
	arena = assert_ptr(region_arena__open());
	assert_err(mem_arena_version_set(mem_object_find_region(arena->obj, "second"), 1), -EINVAL);
	assert_err(mem_arena_version_set(mem_object_find_region(arena->obj, "bss"), 1), -EINVAL);
	region_arena__destroy(arena);
}
END_TEST

/* --- sections that were made longer --- */

static struct grow *grower(size_t length)
{
	struct grow *skel = assert_ptr(grow__open());

	assert_ok(mem_region_size_set(mem_object_find_region(skel->obj, "bss_counts"), 8 * length));
	assert_ok(mem_map_pin_path_set(skel->maps.bss_counts, ROOT "counts"));
	assert_ok(mem_object_migrate_set(skel->obj, NULL));
	return skel;
}

TEST(arrays_at_the_end_of_a_section)
{
	struct grow *skel = grower(10);
	uint64_t *counts;

	assert_ok(grow__prepare(skel));
	counts = (uint64_t *)skel->bss_counts;
	counts[0] = 1;
	counts[9] = 9;
	grow__destroy(skel);
	skel = grower(2000);
	assert_ok(grow__prepare(skel));
	ck_assert_int_eq(mem_map_is_reused(skel->maps.bss_counts), 0);
	counts = (uint64_t *)skel->bss_counts;
	ck_assert_uint_eq(counts[0], 1);
	ck_assert_uint_eq(counts[9], 9);
	ck_assert_uint_eq(counts[10], 0);
	grow__destroy(skel);
	skel = grower(9);
	assert_err(grow__prepare(skel), -EDOM);
	assert_says("'counts[9...]'");
	grow__destroy(skel);
	skel = grower(10);
	assert_ok(grow__prepare(skel));
	ck_assert_uint_eq(((uint64_t *)skel->bss_counts)[9], 9);
	grow__destroy(skel);
}
END_TEST

/* --- types that nobody knows --- */

static int take_bytes(void *ctx, const struct mem_migrate_field *field)
{
	int *count = ctx;
	const uint64_t *from = field->from;
	struct migrate_row *to = field->to;

	ck_assert_str_eq(field->path, "");
	ck_assert_ptr_null(field->from_type);
	ck_assert_uint_eq(field->from_size, 7 * sizeof(uint64_t));
	ck_assert_uint_eq(field->to_size, 150 * sizeof(*to));
	for (int i = 0; i < 7; i++)
		to[i].sum = from[i];
	++*count;
	return 1;
}

TEST(maps_without_types)
{
	int count = 0, fd = raw_map_create(BPF_MAP_TYPE_ARRAY, 4, 8, 7, BPF_F_MMAPABLE, 0);
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .field = take_bytes, .ctx = &count};
	struct mem_region *table;

	ck_assert_int_ge(fd, 0);
	assert_ok(raw_map_update(fd, &(uint32_t){6}, &(uint64_t){66}, 0));
	new = assert_ptr(migrate_new__open());
	assert_ok(migrate_new__prepare(new));
	table = mem_object_find_region(new->obj, "table");
	assert_err(mem_region_migrate(table, mem_source_fd(fd), NULL), -ENODATA);
	assert_says("knows no types");
	assert_ok(mem_region_migrate(table, mem_source_fd(fd), &opts));
	ck_assert_int_eq(count, 1);
	ck_assert_uint_eq(new->arrays.table[6].sum, 66);
	close(fd);
	fd = raw_map_create(BPF_MAP_TYPE_HASH, 4, 8, 7, 0, 0);
	assert_err(mem_region_migrate(table, mem_source_fd(fd), &opts), -EINVAL);
	assert_says("its type is");
	close(fd);
}
END_TEST

/* --- types that are wrong --- */

/* Blocks of exactly the size that is claimed: what reads or writes beyond is the sanitizer's to find. */
static void run_plan(const struct plan_side *from, const struct plan_side *to)
{
	const struct mem_migrate_opts opts = {.sz = sizeof(opts), .flags = MEM_MIGRATE_LOSSY};
	char *old_bytes = malloc(from->size), *new_bytes = calloc(1, to->size);
	struct plan plan;

	memset(old_bytes, 0x5a, from->size);
	if (!plan_make(&plan, from, to)) {
		struct plan_run run = {
			.plan = &plan, .from = old_bytes, .to = new_bytes, .region = "bss", .opts = &opts,
		};

		ck_assert_int_eq(plan_run(&run), 0);
	}
	plan_free(&plan);
	free(old_bytes);
	free(new_bytes);
}

static struct plan_side side_of(const struct mem_image *image, const char *name, char **copy)
{
	struct plan_side side = {.count = 1};
	struct image_view view;

	assert_ok(image_widen(image, &view));
	for (uint32_t i = 0; i < view.region_count; i++) {
		if (strcmp(view.regions[i].name, name) != 0)
			continue;
		side.type = view.regions[i].type;
		side.size = side.stride = view.regions[i].size;
	}
	side.btf_size = view.btf_size;
	side.btf = *copy = malloc(view.btf_size);
	memcpy(*copy, view.btf, view.btf_size);
	image_view_free(&view);
	return side;
}

TEST(damaged_types, .timeout = 60)
{
	char *one, *other;
	const struct plan_side from = side_of(migrate_old__image(), "bss", &one);
	const struct plan_side to = side_of(migrate_new__image(), "bss", &other);
	unsigned int seed = 4;

	run_plan(&from, &to);
	for (int round = 0; round < test_rounds(30000); round++) {
		char *victim = round % 2 ? one : other;
		size_t size = round % 2 ? from.btf_size : to.btf_size;
		char *at[3], was[3];
		int count = 1 + rand_r(&seed) % 3;

		for (int i = 0; i < count; i++) {
			at[i] = victim + 24 + (size_t)rand_r(&seed) % (size - 24);
			was[i] = *at[i];
			*at[i] = (char)(rand_r(&seed) % 4 ? rand_r(&seed) : was[i] + 1);
		}
		run_plan(&from, &to);
		while (count--)
			*at[count] = was[count];
	}
	free(one);
	free(other);
}
END_TEST

/* --- several at once --- */

static void upgrade_and_count(int ready)
{
	struct migrate_new *skel = migrate_new__open();
	char byte;

	if (!skel || mem_map_pin_path_set(skel->maps.bss, BSS) || mem_map_migrate_set(skel->maps.bss, NULL))
		_exit(1);
	if (read(ready, &byte, 1) != 0)
		_exit(2);
	if (mem_object_prepare(skel->obj)) {
		fprintf(stderr, "%s\n", mem_error_message());
		_exit(3);
	}
	__sync_fetch_and_add(&skel->bss->hits, 1);
	_exit(0);
}

TEST(several_at_once_end_up_with_one)
{
	enum { PROCESSES = 8 };
	int ready[2], status;

	publish();
	old->bss->hits = 100;
	ck_assert_int_eq(pipe(ready), 0);
	for (int i = 0; i < PROCESSES; i++) {
		if (!fork()) {
			close(ready[1]);
			upgrade_and_count(ready[0]);
		}
	}
	close(ready[0]);
	close(ready[1]);
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	ck_assert_uint_eq(new->bss->hits, 100 + PROCESSES);
	ck_assert_int_eq(access(BSS "~next", F_OK), -1);
}
END_TEST

/* --- arenas --- */

#define ARENA ROOT "arena"

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

	need_linux(6, 9, "arenas");
	one = arena_of_version(1, NULL);
	assert_ok(region_arena__load(one));
	for (int i = 0; i < 3; i++)
		assert_ok(mem_prog_run(one->progs.push, NULL));
	id = id_at(ARENA);

	/* another version is refused, with or without migration */
	two = arena_of_version(2, NULL);
	assert_err(region_arena__prepare(two), -EINVAL);
	assert_says("version 1, not 2");
	region_arena__destroy(two);
	two = arena_of_version(2, &(const struct mem_migrate_opts){.sz = sizeof(opts)});
	assert_err(region_arena__prepare(two), -EDOM);
	assert_says("no function was given");
	region_arena__destroy(two);
	ck_assert_uint_eq(id_at(ARENA), id);

	/* the same version is taken on */
	two = arena_of_version(1, &opts);
	assert_ok(region_arena__prepare(two));
	ck_assert_uint_eq(mem_map_id(two->maps.arena), id);
	region_arena__destroy(two);
	ck_assert_uint_eq(version, 0);

	two = arena_of_version(2, &opts);
	assert_ok(region_arena__load(two));
	ck_assert_uint_eq(version, 1);
	ck_assert_uint_ne(id_at(ARENA), id);
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

	need_linux(6, 9, "arenas");
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

	need_linux(6, 9, "arenas");
	apart = apart_take();
	ck_assert_ptr_ne(apart, MAP_FAILED);
	one = arena_of_version(13, NULL);
	assert_ok(region_arena__load(one));
	assert_ok(mem_prog_run(one->progs.push, NULL));
	address = one->arena;
	region_arena__destroy(one);

	id = id_at(ARENA);
	two = arena_of_version(14, &opts);
	ck_assert_ptr_eq(two->arena, address);
	assert_err(region_arena__prepare(two), -ECANCELED);
	ck_assert_uint_eq(version, 13);
	ck_assert_uint_eq(id_at(ARENA), id);
	region_arena__destroy(two);
	munmap(apart, APART_SIZE);
}
END_TEST

/* --- killed --- */

/* As a tool that was updated and starts; ends the process. */
static void upgrade(void)
{
	struct migrate_new *skel = migrate_new__open();

	if (!skel || mem_map_pin_path_set(skel->maps.bss, BSS) ||
	    mem_map_pin_path_set(skel->maps.data, DATA) || mem_map_pin_path_set(skel->maps.table, TABLE) ||
	    mem_object_migrate_set(skel->obj, NULL) || migrate_new__prepare(skel))
		_exit(1);
	_exit(0);
}

/* What is at a pin is the old map or a new one, and whole. Returns whether it is the old one. */
static int check_pin(const char *path, const char *name, uint32_t old_id)
{
	struct mem_source source = mem_source_pin(path);
	int is_old = id_at(path) == old_id;
	const struct migrate_new__bss *bss;
	const struct migrate_new__data *data;
	const struct migrate_row *rows;
	struct mem_region *region;

	region = assert_ptr(mem_region_attach(is_old ? migrate_old__image() : migrate_new__image(), name,
					      source, NULL));
	bss = mem_region_data(region, NULL);
	data = mem_region_data(region, NULL);
	rows = mem_region_data(region, NULL);
	if (is_old) {
		/* what this process has at hand, and nobody changes */
		ck_assert_int_eq(memcmp(mem_region_data(region, NULL),
					mem_region_data(mem_object_find_region(old->obj, name), NULL), 8), 0);
	} else if (!strcmp(name, "bss")) {
		ck_assert_uint_eq(bss->hits, 4000000000);
		ck_assert_uint_eq(bss->answers, 1ULL << 60);
		ck_assert_int_eq(bss->conf.delta, -300);
		ck_assert_uint_eq(bss->conf.state, MIGRATE_RUNNING);
		ck_assert_int_eq(bss->to_smaller, -32768);
	} else if (!strcmp(name, "data")) {
		ck_assert_uint_eq(data->kept, 41);
		ck_assert_uint_eq(data->fresh, 99);
	} else {
		ck_assert_uint_eq(rows[0].sum, 5);
		ck_assert_uint_eq(rows[99].count, UINT32_MAX);
	}
	mem_region_detach(region);
	return is_old;
}

/* Returns how many of the pins are the old maps still. */
static int check_pins(void)
{
	return check_pin(BSS, "bss", mem_map_id(old->maps.bss)) +
	       check_pin(DATA, "data", mem_map_id(old->maps.data)) +
	       check_pin(TABLE, "table", mem_map_id(old->maps.table));
}

static void put_back(void)
{
	assert_ok(mem_map_pin(old->maps.bss, BSS, 0));
	assert_ok(mem_map_pin(old->maps.data, DATA, 0));
	assert_ok(mem_map_pin(old->maps.table, TABLE, 0));
}

/* And nothing of those that were killed is in the way of who comes next. */
static void finish(void)
{
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	assert_carried(new);
	ck_assert_int_eq(access(BSS "~next", F_OK), -1);
	ck_assert_int_eq(access(DATA "~next", F_OK), -1);
	ck_assert_int_eq(access(TABLE "~next", F_OK), -1);
}

/* Kill what does it when it is about to make its nth system call, or has made it. 1: it had ended before. */
static int kill_at(void (*process)(void), int nth)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		process();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	for (int stop = 0; stop < nth && WIFSTOPPED(status); stop++) {
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	if (WIFEXITED(status)) {
		ck_assert_int_eq(WEXITSTATUS(status), 0);
		return 1;
	}
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return 0;
}

TEST(killed_at_every_system_call, .timeout = 120, .slow_emulated = "hundreds of processes")
{
	int seen[4] = {0}, nth = 1;

	publish();
	fill();
	for (; !kill_at(upgrade, nth); nth++) {
		seen[check_pins()]++;
		put_back();
	}
	ck_assert_int_gt(nth, 100);
	/* the sweep has met every state there is */
	for (int left = 0; left < 4; left++)
		ck_assert_msg(seen[left] > 0, "never met %d old maps", left);
	put_back();
	finish();
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

	need_linux(6, 9, "arenas");
	one = arena_of_version(1, NULL);
	assert_ok(region_arena__load(one));
	for (int i = 0; i < 3; i++)
		assert_ok(mem_prog_run(one->progs.push, NULL));
	fd = dup(mem_map_fd(one->maps.arena));
	region_arena__destroy(one); /* a forked child would have its place taken */
	for (; !kill_at(upgrade_arena, nth); nth++) {
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

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Returns how long it lived, ns. after: 0 lets it end. */
static long long kill_after(long long after)
{
	long long start;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		upgrade();
	start = now();
	if (after) {
		/* not in a loop: there may be no other processor for the child */
		nanosleep(&(struct timespec){after / 1000000000, after % 1000000000}, NULL);
		kill(pid, SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(after ? !WIFEXITED(status) || !WEXITSTATUS(status) : status == 0);
	return now() - start;
}

TEST(killed_at_any_time, .timeout = 180, .slow_emulated = "thousands of processes",
     .unsanitized = "what is killed tells a sanitizer's library nothing")
{
	enum { KILLS = 3000 };
	long long whole = 0, took;
	int seen[4] = {0};
	unsigned int seed = 20;

	publish();
	fill();
	ck_assert_int_eq(prctl(PR_SET_TIMERSLACK, 1), 0); /* ns */
	for (int i = 0; i < 5; i++) {
		took = kill_after(0);
		whole = !whole || took < whole ? took : whole;
		ck_assert_int_eq(check_pins(), 0);
		put_back();
	}
	for (int i = 0; i < KILLS; i++) {
		/* at any time of its life, or shortly before its end, where the pins change */
		long long share = i % 2 ? rand_r(&seed) % 1200 : 600 + rand_r(&seed) % 600;

		kill_after(1 + whole * share / 1000);
		seen[check_pins()]++;
		/* a machine that has become busier */
		if (i % 50 == 49 && seen[0] * 10 < i)
			whole += whole / 8;
		put_back();
	}
	ck_assert_msg(seen[3] > 0 && seen[0] > 0, "%d before, %d and %d in the middle, %d after", seen[3],
		      seen[2], seen[1], seen[0]);
	fprintf(stderr, "pins that were old: 3: %d, 2: %d, 1: %d, 0: %d\n", seen[3], seen[2], seen[1],
		seen[0]);
	finish();
}
END_TEST
