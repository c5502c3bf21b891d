/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes that are killed while they migrate pinned memory: it is the old or the new memory, and whole. */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "migrate_pins.h"
#include "victims.h"

FIXTURE(migrate_setup, migrate_teardown)

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
	int is_old = bpffs_id_at(path) == old_id;
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
TEST(killed_at_every_system_call, .timeout = 120, .slow_emulated = "hundreds of processes")
{
	int seen[4] = {0}, nth = 1;

	publish();
	fill();
	for (; !victim_kill_at(upgrade, nth); nth++) {
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
