/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids by name, against a plain walk over the same BTF. */
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "btf_scan.h"
#include "harness.h"
#include "kernel_btf.h"

/* The first type of a name and kind, the slow way. */
static uint32_t walk_for(const struct btf_view *view, uint32_t name_off, uint32_t kind)
{
	uint32_t id = 1;

	for (const char *at = view->types; at < view->types_end; id++) {
		const struct btf_type *type = (const void *)at;

		if (type->name_off == name_off && btf_kind_of(type) == kind)
			return id;
		at += btf_record_size(type);
	}
	return 0;
}

static uint32_t count_types(const struct btf_view *view)
{
	uint32_t count = 1;

	for (const char *at = view->types; at < view->types_end; count++)
		at += btf_record_size((const void *)at);
	return count;
}

/* Every nth type that has a name. */
static uint32_t choose(const struct btf_view *view, uint32_t nth, struct kernel_btf_want *wants,
		       uint32_t *ids, uint32_t most)
{
	uint32_t count = 0, seen = 0;

	for (const char *at = view->types; at < view->types_end && count < most;) {
		const struct btf_type *type = (const void *)at;

		if (type->name_off && seen++ % nth == 0) {
			wants[count] = (struct kernel_btf_want){
				.name = view->strings + type->name_off,
				.prefix = "",
				.kind = btf_kind_of(type),
				.id = &ids[count],
			};
			count++;
		}
		at += btf_record_size(type);
	}
	return count;
}

static void compare(const struct btf_view *view, uint32_t nth, uint32_t most)
{
	struct kernel_btf_want *wants = calloc(most, sizeof(*wants));
	uint32_t *ids = calloc(most, sizeof(*ids)), count;

	ck_assert(wants && ids);
	count = choose(view, nth, wants, ids, most);
	ck_assert_uint_gt(count, 0);
	ck_assert_int_eq(btf_strings_find(view, wants, count), 0);
	for (uint32_t i = 0; i < count; i++)
		ck_assert_str_eq(view->strings + wants[i].name_off, wants[i].name);
	ck_assert_int_gt(btf_scan(view, wants, count), 0);
	for (uint32_t i = 0; i < count; i += 1 + count / (uint32_t)test_rounds(300))
		ck_assert_msg(ids[i] == walk_for(view, wants[i].name_off, wants[i].kind), "%s: id %u, not %u",
			      wants[i].name, ids[i], walk_for(view, wants[i].name_off, wants[i].kind));
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_ne(ids[i], 0);
	/* nothing is found: all are counted */
	for (uint32_t i = 0; i < count; i++) {
		wants[i].kind = BTF_KIND_UNKN;
		ids[i] = 0;
	}
	ck_assert_int_eq(btf_scan(view, wants, count), count_types(view));
	for (uint32_t i = 0; i < count; i++)
		ck_assert_uint_eq(ids[i], 0);
	free(wants);
	free(ids);
}

TEST(kernel_types)
{
	struct kernel_btf btf;

	assert_ok(kernel_btf_open(&btf, "test"));
	compare(&btf.view, 1009, 1);
	compare(&btf.view, 977, 200);
	compare(&btf.view, 61, 100000);
	compare(&btf.view, 3, 20000);
	kernel_btf_close(&btf);
}
END_TEST

TEST(names_that_do_not_exist)
{
	static const char *const names[] = {"", "a", "no_such_function", "bpf_arena_alloc_page",
					    "pf_arena_alloc_pages", "task_struct"};
	struct kernel_btf_want wants[6];
	uint32_t ids[6] = {0};
	struct kernel_btf btf;

	assert_ok(kernel_btf_open(&btf, "test"));
	for (int i = 0; i < 6; i++)
		wants[i] = (struct kernel_btf_want){.name = names[i], .prefix = i == 5 ? "x_" : "",
						    .kind = BTF_KIND_FUNC, .id = &ids[i]};
	ck_assert_int_eq(btf_strings_find(&btf.view, wants, 6), 0);
	ck_assert_int_gt(btf_scan(&btf.view, wants, 6), 0);
	for (int i = 0; i < 6; i++)
		ck_assert_uint_eq(ids[i], 0);
	kernel_btf_close(&btf);
}
END_TEST

/* --- made by hand --- */

enum { TYPES = 20000 };

static struct btf_view made(char **memory)
{
	struct btf_view view = {0};
	char *strings = calloc(1, TYPES * 12 + 1), *end = strings + 1;
	struct btf_type *types = calloc(TYPES, 48), *at = types;

	ck_assert(strings && types);
	for (uint32_t i = 0; i < TYPES; i++) {
		uint32_t members = i % 5 == 0 ? i % 4 : 0;

		at->name_off = (uint32_t)(end - strings);
		end += sprintf(end, "t%u", i) + 1;
		at->info = (uint32_t)(members ? BTF_KIND_STRUCT : BTF_KIND_FWD) << 24 | members;
		/* members that look like types */
		for (uint32_t m = 0; m < members; m++)
			at[m + 1] = (struct btf_type){.name_off = 1, .info = BTF_KIND_FUNC << 24, .type = 1};
		at += 1 + members;
	}
	view.types = (char *)types;
	view.types_end = (char *)at;
	view.strings = strings;
	view.strings_end = end;
	*memory = strings;
	return view;
}

TEST(members_that_look_like_types)
{
	char *strings;
	struct btf_view view = made(&strings);

	compare(&view, 1, TYPES);
	free((void *)view.types);
	free(strings);
}
END_TEST

TEST(small_ones)
{
	struct btf_type types[3] = {{.name_off = 1, .info = BTF_KIND_FUNC << 24},
				    {.name_off = 3, .info = BTF_KIND_FUNC << 24},
				    {.name_off = 1, .info = BTF_KIND_FUNC << 24}};
	static const char strings[] = "\0a\0b"; /* and a NUL */
	struct btf_view view = {.types = (char *)types, .strings = strings, .strings_end = strings + 5};
	uint32_t ids[2];
	struct kernel_btf_want wants[2] = {{.name = "a", .prefix = "", .kind = BTF_KIND_FUNC, .id = &ids[0]},
					   {.name = "b", .prefix = "", .kind = BTF_KIND_FUNC, .id = &ids[1]}};

	for (int count = 0; count <= 3; count++) {
		ids[0] = ids[1] = 0;
		view.types_end = (char *)(types + count);
		ck_assert_int_eq(btf_strings_find(&view, wants, 2), 0);
		ck_assert_uint_eq(wants[0].name_off, 1);
		ck_assert_uint_eq(wants[1].name_off, 3);
		if (count < 2)
			ck_assert_int_eq(btf_scan(&view, wants, 2), count + 1);
		else
			ck_assert_int_gt(btf_scan(&view, wants, 2), 0);
		ck_assert_uint_eq(ids[0], count > 0 ? 1 : 0);
		ck_assert_uint_eq(ids[1], count > 1 ? 2 : 0);
	}
}
END_TEST

/* Unknown kinds and records that are cut off are no types; nothing outside is looked at. */
TEST(not_types)
{
	char *strings;
	struct btf_view view = made(&strings);
	struct btf_type *last = (struct btf_type *)view.types_end - 1;
	uint32_t id = 0;
	struct kernel_btf_want want = {.name = "t7", .prefix = "", .kind = BTF_KIND_FUNC, .id = &id};

	ck_assert_int_eq(btf_strings_find(&view, &want, 1), 0);
	for (size_t cut = 4; cut < sizeof(*last); cut += 4) {
		view.types_end = (char *)(last + 1) - cut;
		ck_assert_int_eq(btf_scan(&view, &want, 1), 0);
	}
	view.types_end = (char *)(last + 1);
	last->info = 30U << 24;
	ck_assert_int_eq(btf_scan(&view, &want, 1), 0);
	last->info = BTF_KIND_STRUCT << 24 | 0xffffff;
	ck_assert_int_eq(btf_scan(&view, &want, 1), 0);
	ck_assert_uint_eq(id, 0);
	free((void *)view.types);
	free(strings);
}
END_TEST
