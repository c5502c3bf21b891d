/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong in the source of a BPF program, and compiles all the same, is named in the words of the source;
 * and what is seldom written is read as it was meant.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mem/elf.h>

#include "harness.h"
#include "matches.h"
#include "scratch.h"

#define ON_HOST .host_only = "runs clang"

FIXTURE(scratch_make, scratch_remove)

static struct mem_image *compiled(const char *source, const char *flags)
{
	char text[4096];
	int len = snprintf(text, sizeof(text), "#include <mem/bpf.h>\n%s\nchar LICENSE[] SEC(\"license\") = \"GPL\";\n",
			   source);

	ck_assert_int_lt(len, (int)sizeof(text));
	return mem_image_read_file(compile_bpf_with("x", flags, text), NULL);
}

struct mistake {
	const char *source, *message;
};

static void expect(const struct mistake *mistake, const char *flags)
{
	const struct mem_image *image = compiled(mistake->source, flags);

	ck_assert_msg(!image, "accepted: %s", mistake->source);
	ck_assert_msg(begins_like(mem_error_message(), mistake->message), "%s\nsays: %s\nnot:  %s", mistake->source,
		      mem_error_message(), mistake->message);
}

#define EXPECT_ALL(table)                                                                          \
	for (size_t i_ = 0; i_ < sizeof(table) / sizeof((table)[0]); i_++)                         \
		expect(&(table)[i_], "")

#define TASKS "#include <mem/task.h>\n"
#define MAP(members) "struct { " members " } map SEC(\".maps\");"
#define ARRAY "__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); "
#define ARRAYS "__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 1); __type(key, int); "
#define KEY_VALUE "__type(key, int); __type(value, int); "

TEST(in_maps, ON_HOST)
{
	static const struct mistake mistakes[] = {
		{MAP(ARRAY KEY_VALUE "__uint(speed, 3);"), "*/x.bpf.o:.maps+0x0: map map: attribute speed is not known"},
		{MAP(ARRAY KEY_VALUE "__uint(pinning, 2);"),
		 "*/x.bpf.o:.maps+0x0: map map: pinning 2: only LIBBPF_PIN_NONE and LIBBPF_PIN_BY_NAME exist"},
		{MAP(ARRAY KEY_VALUE "__type(pinning, int);"),
		 "*/x.bpf.o:.maps+0x0: map map: pinning is not a number: use __uint(pinning, ...)"},
		{MAP(ARRAY KEY_VALUE "__uint(key_size, 8);"),
		 "*/x.bpf.o:.maps+0x0: map map: key_size of 8 bytes contradicts 4 bytes"},
		{MAP(ARRAY KEY_VALUE "enum { one, two } map_extra;"),
		 "*/x.bpf.o:.maps+0x0: map map: map_extra has 2 values: use __ulong(map_extra, ...)"},
	};

	EXPECT_ALL(mistakes);
}
END_TEST

TEST(in_maps_of_maps_and_programs, ON_HOST)
{
	static const struct mistake mistakes[] = {
		{MAP(ARRAY "__type(key, int); __array(values, struct { " ARRAY KEY_VALUE "});"),
		 "*/x.bpf.o:.maps+0x0: map map: values need a map of maps or programs; give its type before them"},
		{MAP(ARRAYS "__array(values, int);"),
		 "*/x.bpf.o:.maps+0x0: map map: values are not maps: use __array(values, struct { ... })"},
		{MAP(ARRAYS "struct { " ARRAY KEY_VALUE "} *values[3];"),
		 "*/x.bpf.o:.maps+0x0: map map: values is not an array without length: use __array()"},
		{MAP(ARRAYS "__type(value, long); __array(values, struct { " ARRAY KEY_VALUE "});"),
		 "*/x.bpf.o:.maps+0x0: map map: values of 4 bytes contradicts 8 bytes"},
		{MAP(ARRAYS "__array(values, struct { " ARRAYS "__array(values, struct { " ARRAY KEY_VALUE "}); });"),
		 "*/x.bpf.o:.maps+0x0: map map*: an inner map can't hold maps or programs itself"},
		{MAP(ARRAYS "__array(values, struct { " ARRAY KEY_VALUE "__uint(pinning, 1); });"),
		 "*/x.bpf.o:.maps+0x0: map map*: an inner map can't be pinned by its definition"},
		{MAP("__uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __type(key, int);"
		     "__array(values, struct { int a; });"),
		 "*/x.bpf.o:.maps+0x0: map map: values are not programs: use __array(values, int (void *))"},
	};

	EXPECT_ALL(mistakes);
}
END_TEST

TEST(in_other_declarations, ON_HOST)
{
	static const struct mistake mistakes[] = {
		{TASKS "MEM_TASK(int, number);",
		 "*/x.bpf.o:.mem_tasks+0x*: number is not a struct: use MEM_TASK(struct x, number)"},
		{"static __attribute__((noinline)) int caught(__u64 cookie) { return cookie > 5; }\n"
		 "SEC(\"syscall\") __attribute__((btf_decl_tag(\"exception_callback:caught\")))"
		 " int prog(void *ctx) { return caught((long)ctx); }",
		 "*/x.bpf.o:.BTF+0x*: exception callback caught is not a global function in .text"},
	};
	static const struct mistake without_types = {
		"struct ops { int (*call)(void); int number; };\n"
		"SEC(\".struct_ops\") struct ops ops = { .number = 1 };",
		"*/x.bpf.o:.struct_ops+0x0: not described by BTF: compile with -g",
	};

	EXPECT_ALL(mistakes);
	expect(&without_types, "-g0");
}
END_TEST

#define ROWS(image, table, type) ((const type *)(image)->table.rows)

/* As __ulong() of newer libbpfs writes them. */
TEST(numbers_of_64_bits, ON_HOST)
{
	struct mem_image *image = assert_ptr(compiled(
		"struct { " ARRAY KEY_VALUE "enum { a = 0x123456789abcUL } map_extra; } large SEC(\".maps\");\n"
		"struct { " ARRAY KEY_VALUE "enum { b = 7 } map_extra; } small SEC(\".maps\");\n"
		"struct { " ARRAY KEY_VALUE "__uint(map_extra, 8); } smaller SEC(\".maps\");", ""));
	static const uint64_t wanted[] = {0x123456789abc, 7, 8};
	static const char *const names[] = {"large", "small", "smaller"};

	ck_assert_uint_eq(image->maps.count, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct mem_map_image *map = &ROWS(image, maps, struct mem_map_image)[i];

		for (int j = 0; j < 3; j++)
			if (!strcmp(map->name, names[j]))
				ck_assert_uint_eq(map->map_extra, wanted[j]);
	}
	mem_image_free(image);
}
END_TEST

/* It is called by the kernel only, and belongs to the program all the same. */
TEST(a_function_for_exceptions, ON_HOST)
{
	struct mem_image *image = assert_ptr(compiled(
		"__attribute__((noinline)) int caught(__u64 cookie) { return cookie > 5; }\n"
		"SEC(\"syscall\") __attribute__((btf_decl_tag(\"exception_callback:caught\")))"
		" int prog(void *ctx) { return 0; }", ""));
	const struct mem_range funcs = ROWS(image, progs, struct mem_prog_image)->funcs;
	const uint32_t *func = &ROWS(image, prog_funcs, uint32_t)[funcs.first];

	ck_assert_uint_eq(funcs.count, 2);
	ck_assert_str_eq(ROWS(image, funcs, struct mem_func_image)[func[1]].name, "caught");
	mem_image_free(image);
}
END_TEST

/* Fields of per-thread structs are compared by what they are in memory: docs/task.md. */
TEST(fields_of_every_kind, ON_HOST)
{
	static const char *const wanted[][2] = {
		{"real", "f64"}, {"yes", "bool"}, {"one", "u32"}, {"choice", "enum32"}, {"at", "pointer"},
		{"both", "union {s32 i@0;u8[8] bytes@0;}"}, {"inner.pairs", "struct {s16 a@0;s16 b@16:4;}[2]"},
	};
	struct mem_image *image = assert_ptr(compiled(
		TASKS "enum choice { A, B };\n"
		"struct all { double real; _Bool yes; unsigned one : 3; enum choice choice; void *at;\n"
		"	union { int i; unsigned char bytes[8]; } both;\n"
		"	struct { struct { short a; short b : 4; } pairs[2]; } inner; };\n"
		"MEM_TASK(struct all, everything);\n"
		"SEC(\"syscall\") int prog(void *ctx)\n"
		"{ struct all *all = mem_task_get(everything); return all ? all->choice : 0; }", ""));
	const struct mem_task_field_image *fields = ROWS(image, task_fields, struct mem_task_field_image);

	ck_assert_uint_eq(image->task_fields.count, 7);
	for (int i = 0; i < 7; i++) {
		ck_assert_str_eq(fields[i].name, wanted[i][0]);
		ck_assert_str_eq(fields[i].type, wanted[i][1]);
	}
	mem_image_free(image);
}
END_TEST
