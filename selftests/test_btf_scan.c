/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids by name, against a plain walk over the same BTF. */
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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
	const char *at = view->types;
	uint32_t count = 1;

	for (; at < view->types_end; count++)
		at += btf_record_size((const void *)at);
	ck_assert_ptr_eq(at, view->types_end);
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
	for (uint32_t i = 0; i < count; i += 1 + count / (uint32_t)(fewer_rounds() ? 10 : 300))
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

static uint32_t offset_of(const struct btf_view *view, const char *name)
{
	uint32_t id = 0;
	struct kernel_btf_want want = {.name = name, .prefix = "", .kind = BTF_KIND_FUNC, .id = &id};

	ck_assert_int_eq(btf_strings_find(view, &want, 1), 0);
	return want.name_off;
}

TEST(kernel_names_one_by_one)
{
	uint32_t seen = 0, step;
	struct kernel_btf btf;

	assert_ok(kernel_btf_open(&btf, "test"));
	step = count_types(&btf.view) / (uint32_t)test_rounds(500) + 1;
	for (const char *at = btf.view.types; at < btf.view.types_end; at += btf_record_size((const void *)at)) {
		const struct btf_type *type = (const void *)at;

		if (type->name_off && seen++ % step == 0)
			ck_assert_uint_eq(offset_of(&btf.view, btf.view.strings + type->name_off), type->name_off);
	}
	ck_assert_uint_gt(seen, 1000);
	kernel_btf_close(&btf);
}
END_TEST

/* --- functions from short reads --- */

static struct btf_file file_of(int fd)
{
	struct btf_file file;

	ck_assert_int_ge(fd, 0);
	ck_assert(btf_file_init(&file, fd));
	return file;
}

/* What is said about a function: nothing, or the truth. How often its id is: bit 0 by place, bit 1 by name. */
static int ask(const struct btf_file *file, const struct btf_view *view, const struct btf_type *func, uint32_t id)
{
	uint32_t got = 0, there = btf_function_id(file, (uint32_t)((const char *)func - view->types));
	uint32_t at = (uint32_t)((const char *)func - view->types), front;
	const char *name = view->strings + func->name_off;
	struct kernel_btf_want want = {.name = name, .prefix = "", .kind = BTF_KIND_FUNC, .id = &got};
	bool all = btf_functions_find(file, &want, 1, &front);

	ck_assert_msg(!there || there == id, "%s: id %u, not %u", name, there, id);
	ck_assert_msg(!got || got == id, "%s: id %u, not %u, by name", name, got, id);
	ck_assert_uint_eq(want.name_off, front ? func->name_off : 0);
	ck_assert(!front || front == at + sizeof(*func));
	ck_assert_int_eq(all, got != 0);
	return (there != 0) | (got != 0) << 1;
}

TEST(kernel_functions_in_place)
{
	struct kernel_btf btf;
	struct btf_file file = file_of(open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
	uint32_t seen = 0, step, id = 1;

	assert_ok(kernel_btf_open(&btf, "test"));
	step = count_types(&btf.view) / (uint32_t)test_rounds(1000) + 1;
	for (const char *at = btf.view.types; at < btf.view.types_end; at += btf_record_size((const void *)at), id++)
		if (btf_kind_of((const void *)at) == BTF_KIND_FUNC && seen++ % step == 0)
			ask(&file, &btf.view, (const void *)at, id);
	ck_assert_uint_gt(seen, 1000);
	kernel_btf_close(&btf);
	close(file.fd);
}
END_TEST

/* Those whose ids can't be told where they are. */
TEST(kernel_functions_that_are_counted)
{
	struct kernel_btf btf;
	struct btf_file file = file_of(open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC));
	uint32_t functions = 0, left = (uint32_t)test_rounds(20);

	assert_ok(kernel_btf_open(&btf, "test"));
	for (const char *at = btf.view.types; left && at < btf.view.types_end; at += btf_record_size((const void *)at)) {
		const struct btf_type *func = (const void *)at;
		struct kernel_btf_want wants[2];
		uint32_t ids[2] = {0};

		if (btf_kind_of(func) != BTF_KIND_FUNC || functions++ % 500 ||
		    btf_function_id(&file, (uint32_t)(at - btf.view.types)))
			continue;
		for (int i = 0; i < 2; i++)
			wants[i] = (struct kernel_btf_want){.name = i ? "schedule" : btf.view.strings + func->name_off,
							    .prefix = "", .kind = BTF_KIND_FUNC, .id = &ids[i]};
		assert_ok(kernel_btf_find(wants, 2, NULL, "test"));
		ck_assert_uint_eq(ids[0], walk_for(&btf.view, func->name_off, BTF_KIND_FUNC));
		ck_assert_uint_eq(ids[1], walk_for(&btf.view, offset_of(&btf.view, "schedule"), BTF_KIND_FUNC));
		left--;
	}
	kernel_btf_close(&btf);
	close(file.fd);
}
END_TEST

/* Some have their id from a look, some are counted, some don't exist. */
TEST(kernel_types_of_all_sorts)
{
	static const struct {
		const char *prefix, *name;
		uint32_t kind;
	} sorts[] = {{"", "bpf_obj_new_impl", BTF_KIND_FUNC}, {"bpf_iter_", "task", BTF_KIND_FUNC},
		     {"", "schedule", BTF_KIND_FUNC}, {"", "task_struct", BTF_KIND_STRUCT},
		     {"btf_trace_", "sched_switch", BTF_KIND_TYPEDEF}, {"", "no_such_function", BTF_KIND_FUNC},
		     {"", "task_struct", BTF_KIND_FUNC}, {"x", "schedule", BTF_KIND_FUNC}};
	enum { COUNT = sizeof(sorts) / sizeof(sorts[0]) };
	struct kernel_btf btf;

	assert_ok(kernel_btf_open(&btf, "test"));
	for (uint32_t chosen = 1; chosen < 1U << COUNT; chosen++) {
		struct kernel_btf_want wants[COUNT];
		uint32_t ids[COUNT] = {0}, count = 0;
		char name[64];

		if (chosen & (chosen - 1) && chosen % 37) /* each alone, and some sets */
			continue;
		for (uint32_t i = 0; i < COUNT; i++)
			if (chosen & 1U << i) {
				wants[count] = (struct kernel_btf_want){.prefix = sorts[i].prefix, .name = sorts[i].name,
									.kind = sorts[i].kind, .id = &ids[count]};
				count++;
			}
		assert_ok(kernel_btf_find(wants, count, NULL, "test"));
		for (uint32_t i = 0; i < count; i++) {
			uint32_t off;

			snprintf(name, sizeof(name), "%s%s", wants[i].prefix, wants[i].name);
			off = offset_of(&btf.view, name);
			ck_assert_uint_eq(ids[i], off ? walk_for(&btf.view, off, wants[i].kind) : 0);
		}
	}
	kernel_btf_close(&btf);
}
END_TEST

enum { FUNCTIONS = 1500, OTHERS = 1000, FUNCTION_ROOM = 64 };

/* In which order a function and its prototype are, where it has one of its own. */
enum order { IN_FRONT, BEHIND, IN_FRONT_OF_ALL, STRANGERS };

struct made_file {
	struct btf_view view;
	struct btf_file file;
	char *data;
	size_t size;
};

static char *put(char *at, const struct btf_type *type, uint32_t more)
{
	memcpy(at, type, sizeof(*type));
	for (uint32_t i = 0; i < more; i++)
		memcpy(at + sizeof(*type) + 4 * i, &(uint32_t){i % 2 ? 1 : 0}, 4);
	return at + sizeof(*type) + 4 * more;
}

/* Types of other kinds, then functions by name, of which one in three has a prototype that others had before. */
static char *put_types(char *at, char **strings, const char *strings_start, enum order order, bool regular)
{
	uint32_t id = 1, first_proto;

	for (uint32_t i = 0; i < OTHERS; i++, id++)
		at = put(at, &(struct btf_type){.info = BTF_KIND_STRUCT << 24 | i % 3, .type = 8}, i % 3 * 3);
	first_proto = id;
	for (uint32_t i = 0; i < FUNCTIONS && order == IN_FRONT_OF_ALL; i++, id++)
		at = put(at, &(struct btf_type){.info = BTF_KIND_FUNC_PROTO << 24 | i % 4, .type = 1}, i % 4 * 2);
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		bool own = order != IN_FRONT_OF_ALL && (regular || !i || random() % 3);
		struct btf_type func = {.info = BTF_KIND_FUNC << 24};
		struct btf_type proto = {.info = BTF_KIND_FUNC_PROTO << 24 | i % 4, .type = 1};

		func.name_off = (uint32_t)(*strings - strings_start);
		*strings += sprintf(*strings, "function_%05u", i) + 1;
		func.type = order == STRANGERS		     ? first_proto + (uint32_t)random() % FUNCTIONS
			    : own			     ? id + (order == BEHIND)
			    : order == IN_FRONT_OF_ALL ? first_proto + i
						     : first_proto;
		if (own && order != BEHIND) {
			at = put(at, &proto, i % 4 * 2);
			id++;
		}
		at = put(at, &func, 0);
		id++;
		if (own && order == BEHIND) {
			at = put(at, &proto, i % 4 * 2);
			id++;
		}
		if (i % 50 == 0 && !regular) { /* a tag of the function, -1: of itself */
			at = put(at, &(struct btf_type){.name_off = func.name_off, .info = BTF_KIND_DECL_TAG << 24,
							.type = id - 1}, 1);
			id++;
		}
	}
	return at;
}

static struct made_file make_file(enum order order, bool regular)
{
	char *types = calloc(FUNCTIONS + OTHERS, FUNCTION_ROOM), *strings = calloc(FUNCTIONS, 16), *end = strings + 1;
	struct btf_header header = {.magic = BTF_MAGIC, .version = 1, .hdr_len = sizeof(header)};
	struct made_file made = {0};
	int fd = memfd_create("btf", MFD_CLOEXEC);

	ck_assert(types && strings && fd >= 0);
	header.type_len = header.str_off = (uint32_t)(put_types(types, &end, strings, order, regular) - types);
	header.str_len = (uint32_t)(end - strings);
	made.size = sizeof(header) + header.type_len + header.str_len;
	made.data = malloc(made.size);
	ck_assert_ptr_nonnull(made.data);
	memcpy(made.data, &header, sizeof(header));
	memcpy(made.data + sizeof(header), types, header.type_len);
	memcpy(made.data + sizeof(header) + header.type_len, strings, header.str_len);
	free(types);
	free(strings);
	ck_assert_int_eq(pwrite(fd, made.data, made.size, 0), made.size);
	ck_assert(btf_view_init(&made.view, made.data, made.size));
	count_types(&made.view);
	made.file = file_of(fd);
	return made;
}

static void free_file(struct made_file *made)
{
	close(made->file.fd);
	free(made->data);
}

/* How many of its functions have an id, by place and by name. */
static void ask_all(const struct made_file *made, uint32_t *by_place, uint32_t *by_name)
{
	uint32_t id = 1;
	int said;

	*by_place = *by_name = 0;
	for (const char *at = made->view.types; at < made->view.types_end; at += btf_record_size((const void *)at), id++) {
		if (btf_kind_of((const void *)at) != BTF_KIND_FUNC)
			continue;
		said = ask(&made->file, &made->view, (const void *)at, id);
		*by_place += said & 1;
		*by_name += said >> 1;
	}
}

TEST(functions_behind_their_prototypes)
{
	struct made_file made;
	uint32_t by_place, by_name;

	srandom(3);
	made = make_file(IN_FRONT, false);
	ask_all(&made, &by_place, &by_name);
	ck_assert_uint_eq(by_place, FUNCTIONS);
	ck_assert_uint_gt(by_name, FUNCTIONS - 100); /* not the last, behind whose names are few others */
	free_file(&made);
}
END_TEST

/* Where functions are not behind their own prototypes, or that can't be seen, there are no ids, let alone wrong ones. */
TEST(functions_elsewhere)
{
	static const struct {
		enum order order;
		bool regular;
	} files[] = {{BEHIND, false}, {BEHIND, true}, {IN_FRONT, true}, {IN_FRONT_OF_ALL, false}, {STRANGERS, false}};
	uint32_t by_place, by_name;

	srandom(4);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct made_file made = make_file(files[i].order, files[i].regular);

		ask_all(&made, &by_place, &by_name);
		ck_assert_uint_eq(by_place, 0);
		ck_assert_uint_eq(by_name, 0);
		free_file(&made);
	}
}
END_TEST

/* One function that means another prototype: none of those around has an id. */
TEST(functions_that_disagree)
{
	struct made_file made;
	struct btf_type *type, *before = NULL;
	uint32_t by_place, by_name;

	srandom(5);
	made = make_file(IN_FRONT, false);
	type = (void *)(made.data + (made.view.types - made.data) + (made.view.types_end - made.view.types) / 2 / 4 * 4);
	for (char *at = (char *)made.view.types; at < (char *)type; at += btf_record_size((void *)at))
		before = (void *)at;
	while (btf_kind_of(before) != BTF_KIND_FUNC_PROTO)
		before = (void *)((char *)before + btf_record_size(before));
	type = (void *)((char *)before + btf_record_size(before));
	type->type -= 7;
	ck_assert_int_eq(pwrite(made.file.fd, type, sizeof(*type), (char *)type - made.data), sizeof(*type));
	ask_all(&made, &by_place, &by_name);
	ck_assert_uint_lt(by_place, FUNCTIONS - 20);
	ck_assert_uint_gt(by_place, FUNCTIONS / 2);
	free_file(&made);
}
END_TEST

/* Whatever is in a file: nothing outside is looked at, and what is found has the name. */
TEST(damaged_functions)
{
	static const uint32_t words[] = {0, 1, BTF_KIND_FUNC << 24, BTF_KIND_FUNC_PROTO << 24 | 3,
					 BTF_KIND_STRUCT << 24 | 0xffff, UINT32_MAX};
	uint32_t id = 0, front;
	struct made_file made;

	srandom(6);
	made = make_file(IN_FRONT, false);
	for (int round = 0; round < test_rounds(1000); round++) {
		char name[] = "function_00000";
		struct kernel_btf_want want = {.prefix = "", .name = name, .kind = BTF_KIND_FUNC, .id = &id};
		size_t start = random() % 20 ? sizeof(struct btf_header) : 0;
		char text[sizeof(name)] = "";

		for (int i = 0; i < 8; i++) {
			size_t at = (start + (size_t)random() % (made.size - 4 - start)) & ~(size_t)3;

			ck_assert_int_eq(pwrite(made.file.fd, &words[random() % 6], 4, (off_t)at), 4);
		}
		snprintf(name, sizeof(name), "function_%05ld", random() % FUNCTIONS);
		if (btf_file_init(&made.file, made.file.fd))
			btf_functions_find(&made.file, &want, 1, &front);
		if (want.name_off)
			ck_assert(pread(made.file.fd, text, sizeof(text),
					(off_t)(made.file.strings + want.name_off)) > 0 && !strcmp(text, name));
		btf_function_id(&made.file, (uint32_t)random() % made.file.types_size);
		if (random() % 10 == 0)
			ck_assert_int_eq(ftruncate(made.file.fd, random() % (long)made.size), 0);
		if (random() % 5 == 0 || !start) /* mended */
			ck_assert_int_eq(pwrite(made.file.fd, made.data, made.size, 0), made.size);
	}
	free_file(&made);
}
END_TEST

/* --- strings made by hand --- */

enum { NAMES = 4000, NAME_ROOM = 16, STRINGS_ROOM = 2 * NAMES * NAME_ROOM };

/* Names in no order, then names in order but for a few; exactly as long as they are. */
static struct btf_view made_strings(void)
{
	char *room = calloc(1, STRINGS_ROOM), *end = room + 1, *strings;
	size_t size;

	ck_assert_ptr_nonnull(room);
	for (uint32_t i = 0; i < NAMES; i++)
		end += sprintf(end, "%c%u", 'a' + i * 7 % 26, i) + 1;
	for (uint32_t i = 0; i < NAMES; i++)
		end += sprintf(end, i % 1000 == 700 ? "stray%u" : "name_%06u", i) + 1;
	size = (size_t)(end - room);
	strings = malloc(size);
	ck_assert_ptr_nonnull(strings);
	memcpy(strings, room, size);
	free(room);
	return (struct btf_view){.strings = strings, .strings_end = strings + size};
}

TEST(strings_in_order)
{
	struct btf_view view = made_strings();
	const char *next;

	for (const char *name = view.strings + 1; name < view.strings_end; name = next) {
		next = name + strlen(name) + 1;
		if ((name - view.strings) % 8 == 0 || next == view.strings_end || name[0] == 's')
			ck_assert_uint_eq(offset_of(&view, name), name - view.strings);
	}
	ck_assert_uint_eq(offset_of(&view, "name_000700"), 0);
	ck_assert_uint_eq(offset_of(&view, "name_00"), 0);
	ck_assert_uint_eq(offset_of(&view, "ame_000001"), 0);
	ck_assert_uint_eq(offset_of(&view, "zz"), 0);
	ck_assert_uint_eq(offset_of(&view, ""), 0);
	view.strings_end--; /* a last name without an end is none */
	ck_assert_uint_eq(offset_of(&view, "name_003999"), 0);
	ck_assert_uint_ne(offset_of(&view, "name_003998"), 0);
	free((void *)view.strings);
}
END_TEST

TEST(one_long_string)
{
	enum { SIZE = 10000 };
	char *strings = malloc(SIZE);
	struct btf_view view = {.strings = strings, .strings_end = strings + SIZE};

	ck_assert_ptr_nonnull(strings);
	memset(strings, 'x', SIZE);
	strings[0] = strings[SIZE - 1] = '\0';
	ck_assert_uint_eq(offset_of(&view, "x"), 0);
	ck_assert_uint_eq(offset_of(&view, "y"), 0);
	ck_assert_uint_eq(offset_of(&view, strings + 1), 1);
	free(strings);
}
END_TEST

/* Whatever is there: a name is found if and only if it is there, as a whole. */
static void look_for(const struct btf_view *view, const char *name)
{
	size_t size = (size_t)(view->strings_end - view->strings), length = strlen(name);
	uint32_t offset = offset_of(view, name);
	char whole[64] = "";

	if (!length || length > sizeof(whole) - 2)
		return;
	memcpy(whole + 1, name, length);
	ck_assert_int_eq(offset != 0, memmem(view->strings, size, whole, length + 2) != NULL);
	if (offset)
		ck_assert(!view->strings[offset - 1] && !strcmp(view->strings + offset, name));
}

TEST(damaged_strings)
{
	static const char bytes[] = {0, 0, 1, 'a', 'n', '_', '0', '9', 'z', (char)0xff};
	struct btf_view view = made_strings();
	size_t size = (size_t)(view.strings_end - view.strings);
	char *strings = (char *)view.strings, name[32];

	srandom(1);
	for (int round = 0; round < test_rounds(300); round++) {
		for (int i = 0; i < 20; i++)
			strings[(size_t)random() % size] = bytes[(size_t)random() % sizeof(bytes)];
		for (int i = 0; i < 5; i++) {
			const char *at = strings + (size_t)random() % (size - sizeof(name));

			snprintf(name, sizeof(name), "%s", at + strnlen(at, sizeof(name) - 1));
			look_for(&view, name);
			at = memchr(at, '\0', (size_t)(view.strings_end - 1 - at));
			if (!at)
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)strnlen(at + 1, (size_t)(view.strings_end - at - 1)), at + 1);
			look_for(&view, name);
		}
	}
	free(strings);
}
END_TEST

/* --- types made by hand --- */

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

enum { RANDOM_NAMES = 200, RANDOM_TYPES = 6000, RANDOM_WORDS = RANDOM_TYPES * 24 };

/* What follows a type: anything, or what looks like types. */
static uint32_t *random_tail(uint32_t *at, size_t words)
{
	bool like_types = random() % 2;

	for (size_t i = 0; i < words; i++)
		at[i] = !like_types	? (uint32_t)random()
			: i % 3 == 0	? (uint32_t)random() % RANDOM_NAMES
			: i % 3 == 1	? (uint32_t)BTF_KIND_FUNC << 24
					: 1;
	return at + words;
}

static uint32_t *random_type(uint32_t *at)
{
	static const uint8_t kinds[] = {BTF_KIND_INT, BTF_KIND_PTR, BTF_KIND_STRUCT, BTF_KIND_ENUM, BTF_KIND_FUNC,
					BTF_KIND_FUNC_PROTO, BTF_KIND_ARRAY, BTF_KIND_ENUM64, BTF_KIND_DECL_TAG};
	uint32_t kind = kinds[(size_t)random() % sizeof(kinds)], length = (uint32_t)random() % 8;
	struct btf_type *type = (void *)at;

	if (kind == BTF_KIND_INT || kind == BTF_KIND_PTR || kind == BTF_KIND_ARRAY || kind == BTF_KIND_DECL_TAG)
		length = 0;
	else if (random() % 500 == 0 && kind != BTF_KIND_FUNC)
		length *= 300;
	*type = (struct btf_type){.name_off = (uint32_t)random() % RANDOM_NAMES,
				  .info = kind << 24 | length | (uint32_t)(random() % 2) << 31};
	return random_tail((uint32_t *)(type + 1), btf_record_size(type) / 4 - 3);
}

static void compare_random(const struct btf_view *view)
{
	struct kernel_btf_want wants[50];
	uint32_t ids[50] = {0}, count = 1 + (uint32_t)random() % 50;
	bool all = true;
	int64_t types;

	for (uint32_t i = 0; i < count; i++)
		wants[i] = (struct kernel_btf_want){
			.name = "", .prefix = "", .name_off = (uint32_t)random() % RANDOM_NAMES,
			.kind = random() % 10 ? BTF_KIND_FUNC : BTF_KIND_ENUM64, .id = &ids[i]};
	types = btf_scan(view, wants, count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t id = wants[i].name_off ? walk_for(view, wants[i].name_off, wants[i].kind) : 0;

		ck_assert_uint_eq(ids[i], id);
		all &= id != 0;
	}
	if (all)
		ck_assert_int_gt(types, 0);
	else
		ck_assert_int_eq(types, count_types(view));
}

TEST(random_types)
{
	static const char strings[RANDOM_NAMES];
	uint32_t *words = malloc(RANDOM_WORDS * sizeof(*words));
	struct btf_view view = {.types = (char *)words, .strings = strings, .strings_end = strings + RANDOM_NAMES};

	ck_assert_ptr_nonnull(words);
	srandom(2);
	for (int round = 0; round < test_rounds(100); round++) {
		uint32_t *at = words, most = (uint32_t)random() % RANDOM_TYPES;

		for (uint32_t i = 0; i < most && at < words + RANDOM_WORDS - 8192; i++)
			at = random_type(at);
		view.types_end = (char *)at;
		for (int i = 0; i < 5; i++)
			compare_random(&view);
	}
	free(words);
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
		wants[0].name_off = wants[1].name_off = 0;
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
