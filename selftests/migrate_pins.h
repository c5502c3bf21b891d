/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pinned memory of an old version of a tool, and the new version that finds it: what tests of migration have in
 * common.
 */
#ifndef SELFTESTS_MIGRATE_PINS_H
#define SELFTESTS_MIGRATE_PINS_H

#include <stdint.h>
#include <string.h>

#include <mem/migrate.h>

#include "bpffs.h"
#include "harness.h"
#include "migrate_old.h"
#include "migrate_new.skel.h"

#define ROOT "/sys/fs/bpf/"
#define BSS ROOT "bss"
#define DATA ROOT "data"
#define TABLE ROOT "table"

/* The test's; destroyed after it. */
static struct migrate_old *old;
static struct migrate_new *new;

static inline void migrate_setup(void)
{
	need_bpf();
	bpffs_mount();
	old = assert_ptr(migrate_old__open());
}

static inline void migrate_teardown(void)
{
	migrate_old__destroy(old);
	migrate_new__destroy(new);
	old = NULL;
	new = NULL;
	bpffs_unmount();
}

/* The old version's memory, at its pins. */
static inline void publish(void)
{
	assert_ok(migrate_old__prepare(old));
	assert_ok(mem_map_pin(old->maps.bss, BSS, 0640));
	assert_ok(mem_map_pin(old->maps.data, DATA, 0));
	assert_ok(mem_map_pin(old->maps.table, TABLE, 0));
}

/* The new version, which migrates what is at the pins. */
static inline struct migrate_new *upgrader(const struct mem_migrate_opts *opts)
{
	struct migrate_new *skel = assert_ptr(migrate_new__open());

	assert_ok(mem_map_pin_path_set(skel->maps.bss, BSS));
	assert_ok(mem_map_pin_path_set(skel->maps.data, DATA));
	assert_ok(mem_map_pin_path_set(skel->maps.table, TABLE));
	assert_ok(mem_object_migrate_set(skel->obj, opts));
	return skel;
}
/* Something in every field that has a place in the new version. */
static inline void fill(void)
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

static inline void assert_carried(const struct migrate_new *skel)
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

#endif /* SELFTESTS_MIGRATE_PINS_H */
