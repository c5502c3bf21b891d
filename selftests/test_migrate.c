/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinned memory whose layout changes: every rule, what is refused, and that nothing is half done. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/migrate.h>
#include <mem/schema.h>

#include "contract.h"
#include "grow.skel.h"
#include "image.h"
#include "migrate_pins.h"
#include "migrate_plan.h"
#include "migrate_unsized.skel.h"
#include "rawbpf.h"
#include "region_arena.skel.h"

FIXTURE(migrate_setup, migrate_teardown)

TEST(every_field_finds_its_place)
{
	uint32_t before;

	publish();
	fill();
	before = bpffs_id_at(BSS);
	new = upgrader(NULL);
	assert_ok(migrate_new__load(new));
	assert_carried(new);
	ck_assert_uint_ne(bpffs_id_at(BSS), before);
	ck_assert_uint_eq(bpffs_id_at(BSS), mem_map_id(new->maps.bss));
	ck_assert_uint_eq(bpffs_id_at(TABLE), mem_map_id(new->maps.table));
	ck_assert_uint_eq(bpffs_mode_at(BSS), 0640);
	ck_assert_uint_eq(bpffs_mode_at(DATA), 0600);
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
	uint32_t bss = bpffs_id_at(BSS), table = bpffs_id_at(TABLE);

	new = upgrader(opts);
	assert_err(migrate_new__prepare(new), -EDOM);
	assert_says(words);
	ck_assert_uint_eq(bpffs_id_at(BSS), bss);
	ck_assert_uint_eq(bpffs_id_at(TABLE), table);
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
	before = bpffs_id_at(BSS);
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	ck_assert_uint_ne(bpffs_id_at(BSS), before);
	/* which no kernel takes */
	assert_ok(mem_prog_type_set(new->progs.count, 9999, 0));
	ck_assert_int_lt(migrate_new__load(new), 0);
	ck_assert_uint_eq(bpffs_id_at(BSS), before);
	ck_assert_uint_eq(bpffs_mode_at(BSS), 0640);
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
	ck_assert_uint_eq(bpffs_id_at(BSS), mem_map_id(new->maps.bss));
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
		ck_assert_uint_eq(bpffs_id_at(TABLE), mem_map_id(skel->maps.table));
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

static void tick(int sig)
{
	(void)sig;
}

/* Who waits for the folder's lock gives up after so many tries; signals, each of which ends one, make that soon. */
TEST(folder_that_stays_locked)
{
	const struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = tick};
	uint32_t before;
	int folder;

	publish();
	before = bpffs_id_at(BSS);
	new = upgrader(NULL);
	folder = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(flock(folder, LOCK_EX), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_err(migrate_new__prepare(new), -EBUSY);
	ck_assert_int_eq(setitimer(ITIMER_REAL, &never, NULL), 0);
	assert_says("can't lock '" ROOT "': another process holds it");
	ck_assert_uint_eq(bpffs_id_at(BSS), before);
	migrate_new__destroy(new);
	/* a process that dies lets go of it */
	close(folder);
	new = upgrader(NULL);
	assert_ok(migrate_new__prepare(new));
	ck_assert_uint_ne(bpffs_id_at(BSS), before);
}
END_TEST
