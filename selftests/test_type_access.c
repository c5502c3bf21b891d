/* SPDX-License-Identifier: BSD-2-Clause */
/* Members that C can't declare in their places: the functions that memgen writes for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "types_bytes.skel.h"
#include "elf_builder.h"
#include "harness.h"
#include "scratch.h"
#include "shell.h"

#define ON_HOST .host_only = "runs memgen and compilers"

/* --- a program's memory --- */

TEST(program_and_application_see_the_same_members)
{
	struct types_bytes *skel;

	need_bpf();
	skel = assert_ptr(types_bytes__open_and_load());
	assert_ok(mem_prog_run(skel->progs.fill, NULL));
	ck_assert(wide__get_number(&skel->bss->wide) == -3);
	ck_assert_uint_eq(wide__get_flags(&skel->bss->wide), 0xabcdef1);
	ck_assert_int_eq(wide__get_plain(&skel->bss->wide), -7);
	ck_assert_int_eq(wide__get_words(&skel->bss->wide, 1, 2), -12);
	ck_assert_int_eq(wide__get_words(&skel->bss->wide, 1, 1), 0);
	ck_assert_int_eq(wide__get_parts_value(&skel->bss->wide, 1), 1LL << 40);
	ck_assert_str_eq((const char *)wide__at_parts_name(&skel->bss->wide, 1, 0), "bpf");
	ck_assert_uint_eq(wide__get_flags(&skel->bss->rows[1]), 5);
	ck_assert_uint_eq(wide__get_flags(&skel->bss->rows[0]), 0);

	wide__set_number(&skel->bss->wide, ((__int128)0x123456789 << 64) | 0xfedcba9876543210);
	ck_assert(wide__get_number(&skel->bss->wide) ==
		  (((__int128)0x123456789 << 64) | 0xfedcba9876543210));
	wide__set_plain(&skel->bss->rows[1], 42);
	wide__set_words(&skel->bss->wide, 0, 1, -99);
	wide__set_parts_value(&skel->bss->wide, 0, -5);
	assert_ok(mem_prog_run(skel->progs.look, NULL));
	ck_assert_uint_eq(skel->bss->low, 0xfedcba9876543210);
	ck_assert_uint_eq(skel->bss->flags, 0xabcdef1);
	ck_assert_int_eq(skel->bss->plain, 42);
	ck_assert_int_eq(skel->bss->word, -99);
	ck_assert_int_eq(skel->bss->value, -5);
	types_bytes__destroy(skel);
}
END_TEST

/* --- objects that no C compiler makes --- */

FIXTURE(scratch_make, scratch_remove)

/* Types of the hand-made objects; their numbers are the order in which base_types() adds them. */
enum { INT = 1, LONG, CHAR, BOOL, FLOAT, U16, POINTER, ENUM, TEXT, PROTO, CALLBACK, POINT, U24 };

static struct btf *base_types(void)
{
	struct btf *btf = btf__new_empty();

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_int(btf, "unsigned long long", 8, 0);
	btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	btf__add_float(btf, "float", 4);
	btf__add_int(btf, "unsigned short", 2, 0);
	btf__add_ptr(btf, 0);
	btf__add_enum(btf, "color", 4);
	btf__add_enum_value(btf, "COLOR_RED", 1);
	btf__add_enum_value(btf, "COLOR_BLUE", -2);
	btf__add_array(btf, INT, CHAR, 5);
	btf__add_func_proto(btf, INT);
	btf__add_ptr(btf, PROTO);
	btf__add_struct(btf, "point", 8);
	btf__add_field(btf, "x", INT, 0, 0);
	btf__add_field(btf, "y", INT, 32, 0);
	ck_assert_int_eq(btf__add_int(btf, "u24", 4, 0), U24);
	return btf;
}

/* An object whose .bss has variables of the types given, one behind the other, size bytes each. */
static void write_object(struct btf *btf, uint32_t type, uint32_t size)
{
	struct elf_builder *b = elf_builder_new();
	struct elf_bytes file;
	uint32_t bss;
	FILE *f;
	int var;

	bss = elf_add_section(b, ".bss", SHF_ALLOC | SHF_WRITE, NULL, size);
	elf_add_object(b, "v", bss, 0, size);
	var = btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, (int)type);
	btf__add_datasec(btf, ".bss", size);
	btf__add_datasec_var_info(btf, var, 0, size);
	elf_add_btf(b, btf);
	file = elf_build(b);
	f = fopen(scratch_file("x.bpf.o"), "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(file.data, 1, file.size, f), file.size);
	ck_assert_int_eq(fclose(f), 0);
	free(file.data);
}

/* Compile the text, behind the object's header, with each compiler; then run it. */
static void run_with_header(const char *options, const char *flags, const char *text)
{
	static const char *const compilers[] = {
		"gcc -std=c11 -x c", "clang-19 -std=c11 -x c", "g++ -std=c++17 -x c++",
		"clang++-19 -std=c++17 -x c++", "gcc -std=c11 -fsanitize=address,undefined -x c",
	};
	char source[4096];
	int len = snprintf(source, sizeof(source),
			   "#include \"x.h\"\n#include \"t.h\"\n#include \"x.h\"\n#include <string.h>\n"
			   "#define CHECK(x) do { if (!(x)) return __LINE__; } while (0)\n"
			   "unsigned char raw[4096];\n"
			   "int callee(void);\nint callee(void) { return 1; }\n"
			   "int main(void)\n{\n%s\n\treturn 0;\n}\n", text);

	ck_assert_int_lt(len, (int)sizeof(source));
	write_file(scratch_file("x.c"), source);
	SHELL_OK("%s skeleton %s --accessors %s/x.bpf.o -o %s/x.h", memgen_path(), options, scratch, scratch);
	SHELL_OK("%s types %s %s/x.bpf.o -o %s/t.h", memgen_path(), options, scratch, scratch);
	for (size_t i = 0; i < sizeof(compilers) / sizeof(compilers[0]); i++)
		SHELL_OK("%s %s -O2 -Wall -Wextra -Werror -pedantic -I%s %s/x.c -o %s/x && %s/x", compilers[i],
		    flags, source_path("include"), scratch, scratch, scratch);
}

/* Members that share bytes, at odd places, of every kind that has functions. */
TEST(members_may_overlap, ON_HOST, .timeout = 120)
{
	struct btf *btf = base_types();
	int rows, inner, inners, over;

	rows = btf__add_array(btf, INT, U16, 3);
	inner = btf__add_struct(btf, "", 8);
	btf__add_field(btf, "a", CHAR, 0, 0);
	btf__add_field(btf, "b", INT, 32, 0);
	inners = btf__add_array(btf, INT, inner, 2);
	over = btf__add_struct(btf, "over", 80);
	btf__add_field(btf, "whole", LONG, 0, 0);
	btf__add_field(btf, "half", INT, 0, 0);
	btf__add_field(btf, "bits", INT, 3, 13);
	btf__add_field(btf, "far", LONG, 61, 50);
	btf__add_field(btf, "yes", BOOL, 115, 1);
	btf__add_field(btf, "odd", INT, 120, 0);
	btf__add_field(btf, "real", FLOAT, 152, 0);
	btf__add_field(btf, "color", ENUM, 184, 0);
	btf__add_field(btf, "shade", ENUM, 216, 6);
	btf__add_field(btf, "where", POINTER, 224, 0);
	btf__add_field(btf, "call", CALLBACK, 288, 0);
	btf__add_field(btf, "text", TEXT, 352, 0);
	btf__add_field(btf, "rows", rows, 392, 0);
	btf__add_field(btf, "at", POINT, 440, 0);
	btf__add_field(btf, "class", CHAR, 504, 0);
	btf__add_field(btf, "", inner, 512, 0);
	btf__add_field(btf, "parts", inners, 512, 0);
	write_object(btf, (uint32_t)over, 80);
	run_with_header("", "",
		"	struct over o, *p = (struct over *)raw;\n"
		"	struct point point = {1, 2};\n"
		"	memset(&o, 0, sizeof(o));\n"
		"	over__set_whole(&o, 0x1122334455667788);\n"
		"	CHECK(over__get_half(&o) == 0x55667788);\n"
		"	CHECK(over__get_bits(&o) == 0xef1);\n"
		"	over__set_bits(&o, -1);\n"
		"	CHECK(over__get_whole(&o) == (0x1122334455667788 | 0x1fff << 3));\n"
		"	over__set_bits(&o, 5);\n"
		"	CHECK(over__get_bits(&o) == 5 && (over__get_whole(&o) & 7) == 0);\n"
		"	over__set_far(&o, 0x2468aceffffff);\n"
		"	CHECK(over__get_far(&o) == 0x2468aceffffff && over__get_whole(&o) >> 61 == 7);\n"
		"	CHECK(!over__get_yes(&o));\n"
		"	over__set_yes(&o, true);\n"
		"	CHECK(over__get_yes(&o) && over__get_far(&o) == 0x2468aceffffff);\n"
		"	over__set_odd(&o, -77);\n"
		"	over__set_real(&o, 1.5f);\n"
		"	over__set_color(&o, COLOR_BLUE);\n"
		"	over__set_shade(&o, COLOR_BLUE);\n"
		"	over__set_where(&o, &o);\n"
		"	over__set_call(&o, callee);\n"
		"	CHECK(over__get_odd(&o) == -77 && over__get_real(&o) == 1.5f);\n"
		"	CHECK(over__get_color(&o) == COLOR_BLUE && over__get_shade(&o) == -2);\n"
		"	CHECK(over__get_where(&o) == &o && over__get_call(&o) == callee);\n"
		"	memcpy(over__at_text(&o, 0), \"text\", 5);\n"
		"	CHECK(over__get_text(&o, 3) == 't' && !over__get_text(&o, 4));\n"
		"	over__set_rows(&o, 2, 65535);\n"
		"	CHECK(over__get_rows(&o, 2) == 65535 && over__get_rows(&o, 1) == 0);\n"
		"	memcpy(over__at_at(&o), &point, sizeof(point));\n"
		"	CHECK(*((unsigned char *)&o + 59) == 2);\n"
		"	over__set_class_(&o, 'c');\n"
		"	over__set_a(&o, 'a');\n"
		"	over__set_b(&o, -9);\n"
		"	CHECK(over__get_parts_a(&o, 0) == 'a' && over__get_parts_b(&o, 0) == -9);\n"
		"	over__set_parts_b(&o, 1, 8);\n"
		"	over__set_parts_b(&o, 0, 7);\n"
		"	CHECK(over__get_b(&o) == 7 && over__get_parts_b(&o, 1) == 8);\n"
		"	memcpy(raw + 1, &o, sizeof(o));\n"
		"	p = (struct over *)(raw + 1);\n"
		"	CHECK(over__get_odd(p) == -77 && over__get_far(p) == 0x2468aceffffff);\n");
}
END_TEST

/* In others as a member, in an array, without a name. */
TEST(structs_that_are_bytes_may_be_anywhere, ON_HOST, .timeout = 120)
{
	struct btf *btf = base_types();
	int choice, choices, holder, hidden, top;

	choice = btf__add_struct(btf, "choice", 8);
	btf__add_field(btf, "low", INT, 0, 0);
	btf__add_field(btf, "middle", INT, 16, 0);
	btf__add_field(btf, "high", INT, 32, 0);
	choices = btf__add_array(btf, INT, choice, 2);
	holder = btf__add_struct(btf, "holder", 24);
	btf__add_field(btf, "one", choice, 0, 0);
	btf__add_field(btf, "two", choices, 32, 0);
	hidden = btf__add_struct(btf, "", 8);
	btf__add_field(btf, "left", INT, 0, 0);
	btf__add_field(btf, "both", LONG, 0, 0);
	btf__add_field(btf, "right", INT, 32, 0);
	top = btf__add_struct(btf, "top", 40);
	btf__add_field(btf, "first", INT, 0, 0);
	btf__add_field(btf, "", hidden, 64, 0);
	btf__add_field(btf, "inside", holder, 128, 0);
	write_object(btf, (uint32_t)top, 40);
	run_with_header("", "",
		"	static struct top t;\n"
		"	t.first = 3;\n"
		"	top__set_right(&t, 4);\n"
		"	top__set_left(&t, 5);\n"
		"	choice__set_high(holder__at_one(&t.inside), 6);\n"
		"	CHECK(choice__get_low(holder__at_two(&t.inside, 0)) == 6);\n"
		"	choice__set_high(holder__at_two(&t.inside, 1), 7);\n"
		"	memcpy(raw, &t, sizeof(t));\n"
		"	CHECK(raw[0] == 3 && raw[8] == 5 && raw[12] == 4 && raw[20] == 6 && raw[32] == 7);\n");
	SHELL_OK("! grep -q __at_first %s/x.h", scratch);
}
END_TEST

/* An enemy's: what is not in the struct is not reached; names may come twice, or not be names. */
TEST(members_outside_have_no_functions, ON_HOST, .timeout = 120)
{
	struct btf *btf = base_types();
	int huge, part, parts, bad;

	huge = btf__add_array(btf, INT, CHAR, 1U << 31);
	part = btf__add_struct(btf, "", 4);
	btf__add_field(btf, "inner", CHAR, 0, 0);
	btf__add_field(btf, "outer", INT, 16, 0);
	parts = btf__add_array(btf, INT, part, 4);
	bad = btf__add_struct(btf, "bad", 16);
	btf__add_field(btf, "x", INT, 0, 0);
	btf__add_field(btf, "huge", huge, 0, 0);
	btf__add_field(btf, "parts", parts, 0, 0);
	btf__add_field(btf, "x", INT, 8, 0);
	btf__add_field(btf, "x */ y", INT, 24, 0);
	btf__add_field(btf, "none", 0, 32, 0);
	btf__add_field(btf, "over", INT, 104, 0);
	btf__add_field(btf, "end", LONG, 128, 0);
	write_object(btf, (uint32_t)bad, 16);
	run_with_header("", "",
		"	struct bad b;\n"
		"	memset(&b, 0, sizeof(b));\n"
		"	bad__set_x_2(&b, 1);\n"
		"	CHECK(bad__get_x(&b) == 1 << 8 && sizeof(b) == 16);\n"
		"	bad__set_parts_inner(&b, 3, 9);\n"
		"	CHECK(bad__get_parts_inner(&b, 3) == 9);\n");
	SHELL_OK("! grep -qE '__(get|set|at)_(over|end|huge|parts_outer)' %s/x.h", scratch);
	SHELL_OK("grep -q 'over: 4 bytes from byte 13: no function can reach it' %s/x.h", scratch);
}
END_TEST

/* Names as Rust's compiler writes them, names twice, and none at all. */
TEST(names_may_be_anything, ON_HOST, .timeout = 120)
{
	struct btf *btf = base_types();
	int option, twin, kind, text, inner, inside, top;

	option = btf__add_struct(btf, "core::option::Option<u32>", 8);
	btf__add_field(btf, "__0", INT, 0, 0);
	btf__add_field(btf, "0", INT, 32, 0);
	twin = btf__add_struct(btf, "core::option::Option{u32}", 4);
	btf__add_field(btf, "{impl#0}", INT, 0, 0);
	kind = btf__add_enum(btf, "Kind<'a, T>", 4);
	btf__add_enum_value(btf, "Kind::A", 1);
	btf__add_enum_value(btf, "Kind..A", 2);
	btf__add_enum_value(btf, "class", 3);
	btf__add_enum_value(btf, "", 4);
	btf__add_enum_value(btf, "EOF", 5);
	text = btf__add_typedef(btf, "&'static [u8; 5]", TEXT);
	inside = btf__add_struct(btf, "", 4);
	btf__add_field(btf, "same", INT, 0, 0);
	inner = btf__add_union(btf, "", 4);
	btf__add_field(btf, "same", INT, 0, 0);
	btf__add_field(btf, "", inside, 0, 0);
	btf__add_field(btf, "other", INT, 0, 0);
	top = btf__add_struct(btf, "(my::T, \"x\")", 40);
	btf__add_field(btf, "\xc3\xa9", option, 0, 0);
	btf__add_field(btf, "\xc3\xaa", twin, 64, 0);
	btf__add_field(btf, "new", kind, 96, 0);
	btf__add_field(btf, "\\", text, 128, 0);
	btf__add_field(btf, "same", CHAR, 168, 0);
	btf__add_field(btf, "same", CHAR, 176, 0);
	btf__add_field(btf, "", INT, 192, 0);
	btf__add_field(btf, "", INT, 224, 0);
	btf__add_field(btf, "", inner, 256, 0);
	btf__add_field(btf, "other", CHAR, 288, 0);
	write_object(btf, (uint32_t)top, 40);
	run_with_header("", "",
		"	static struct x__bss all;\n"
		"	all.v.new_ = x__Kind____A;\n"
		"	all.v.unnamed = 3;\n"
		"	all.v.unnamed_2 = 4;\n"
		"	memcpy(raw, &all, sizeof(all));\n"
		"	CHECK(raw[12] == 2 && raw[24] == 3 && raw[28] == 4);\n");
}
END_TEST

/* What the functions are called may be the name of something else. */
TEST(names_of_the_functions_may_be_taken, ON_HOST, .timeout = 120)
{
	struct btf *btf = base_types();
	int over, kind, alias, top;

	over = btf__add_struct(btf, "over", 8);
	btf__add_field(btf, "x", INT, 0, 0);
	btf__add_field(btf, "y", INT, 16, 0);
	kind = btf__add_enum(btf, "kind", 4);
	btf__add_enum_value(btf, "over__get_x", 7);
	btf__add_enum_value(btf, "over__at_z", 8);
	alias = btf__add_typedef(btf, "over__set_y", INT);
	top = btf__add_struct(btf, "top", 16);
	btf__add_field(btf, "over", over, 0, 0);
	btf__add_field(btf, "kind", kind, 64, 0);
	btf__add_field(btf, "number", alias, 96, 0);
	write_object(btf, (uint32_t)top, 16);
	run_with_header("", "",
		"	static struct top t;\n"
		"	t.kind = x__over__get_x;\n"
		"	over__set_y(&t.over, 1);\n"
		"	CHECK(over__get_x(&t.over) == 1 << 16 && t.kind == 7 && !t.number);\n");
	SHELL_OK("%s skeleton --type-prefix=my_ %s/x.bpf.o -o %s/x.h && gcc -I%s -x c -fsyntax-only %s/x.h",
	    memgen_path(), scratch, scratch, source_path("include"), scratch);
}
END_TEST

/* A member's and a type's name can make the same function: "b__get_c" in `a`, "c" in `a__get_b`. */
TEST(names_of_the_functions_never_meet, ON_HOST, .timeout = 120)
{
	struct btf *btf = base_types();
	int first, second, third, top;

	first = btf__add_struct(btf, "a", 16);
	btf__add_field(btf, "b__get_c", INT, 0, 0);
	btf__add_field(btf, "b__getc", INT, 16, 0);
	btf__add_field(btf, "_set_at__at__get__get_c", INT, 40, 0);
	btf__add_field(btf, "target_get_at_", INT, 72, 0);
	second = btf__add_struct(btf, "a__get_b", 8);
	btf__add_field(btf, "c", INT, 0, 0);
	btf__add_field(btf, "d", INT, 8, 0);
	third = btf__add_struct(btf, "a__get_", 8);
	btf__add_field(btf, "_get_c", INT, 0, 0);
	btf__add_field(btf, "c", INT, 8, 0);
	top = btf__add_struct(btf, "top", 32);
	btf__add_field(btf, "first", first, 0, 0);
	btf__add_field(btf, "second", second, 128, 0);
	btf__add_field(btf, "third", third, 192, 0);
	write_object(btf, (uint32_t)top, 32);
	run_with_header("", "",
		"	static struct top t;\n"
		"	a__set_b__getc(&t.first, 0x1234);\n"
		"	a__set_b__getc_2(&t.first, 0x5678);\n"
		"	a__set__setat__atget__getc(&t.first, 3);\n"
		"	a__set_target_get_at_(&t.first, 4);\n"
		"	a__get_b__set_c(&t.second, 5);\n"
		"	a__get___set__getc(&t.third, 0x600);\n"
		"	CHECK(a__get_b__getc(&t.first) == 0x56781234 && a__get_b__getc_2(&t.first) == 0x3005678);\n"
		"	CHECK(a__get_target_get_at_(&t.first) == 4);\n"
		"	CHECK(a__get_b__get_c(&t.second) == 5 && a__get___get_c(&t.third) == 6);\n");
}
END_TEST

/* Bits as compilers for big-endian machines lay them out, got and set as such a machine would. */
TEST(bits_of_big_endian_machines, ON_HOST, .timeout = 120)
{
	static const char text[] =
		/* unsigned long a : 3, b : 40, c : 21; unsigned int d : 7, e : 25; */
		"unsigned char narrow[] = {0xb3, 0x0e, 0xca, 0x86, 0x42, 0x01, 0x23, 0x45,\n"
		"			  0xab, 0xab, 0xcd, 0xef};\n"
		/* unsigned __int128 a : 5, b : 100, c : 23; */
		"unsigned char wide[] = {0xa8, 0x91, 0xa2, 0xb3, 0xc4, 0xff, 0x6e, 0x5d,\n"
		"			0x4c, 0x3b, 0x2a, 0x19, 0x08, 0x34, 0x56, 0x78};\n"
		"#define CHECK(x) do { if (!(x)) return __LINE__; } while (0)\n"
		"int main(void)\n"
		"{\n"
		"	unsigned char copy[16] = {0};\n"
		"	unsigned __int128 big = (unsigned __int128)0x123456789 << 64 | 0xfedcba9876543210;\n"
		"	CHECK(mem_bits_get(narrow, 0, 3) == 5 && mem_bits_get(narrow, 3, 40) == 0x9876543210);\n"
		"	CHECK(mem_bits_get(narrow, 43, 21) == 0x12345 && mem_bits_get(narrow + 8, 0, 7) == 0x55);\n"
		"	CHECK(mem_bits_get(narrow, 71, 25) == 0x1abcdef && mem_bits_get(narrow, 6, 0) == 0);\n"
		"	CHECK(mem_bits_get(narrow, 0, 64) == 0xb30eca8642012345);\n"
		"	CHECK(mem_bits_extend(mem_bits_get(narrow, 3, 40), 40) == 0x9876543210 - (1L << 40));\n"
		"	mem_bits_set(copy, 71, 25, 0x1abcdef);\n"
		"	mem_bits_set(copy, 43, 21, -1UL);\n"
		"	mem_bits_set(copy, 3, 40, 0x9876543210);\n"
		"	mem_bits_set(copy, 0, 3, 5);\n"
		"	mem_bits_set(copy, 64, 7, 0x55);\n"
		"	mem_bits_set(copy, 43, 21, 0x12345);\n"
		"	CHECK(!memcmp(copy, narrow, 12) && !copy[12]);\n"
		"	CHECK(mem_wide_bits_get(wide, 5, 100) == big);\n"
		"	CHECK(mem_bits_get(wide, 0, 5) == 21 && mem_bits_get(wide, 105, 23) == 0x345678);\n"
		"	memset(copy, 0xff, sizeof(copy));\n"
		"	mem_bits_set(copy, 0, 5, 21);\n"
		"	mem_wide_bits_set(copy, 5, 100, big);\n"
		"	mem_bits_set(copy, 105, 23, 0x345678);\n"
		"	CHECK(!memcmp(copy, wide, 16));\n"
		"	return 0;\n"
		"}\n";
	struct btf *btf = base_types();
	int over;

	over = btf__add_struct(btf, "over", 8);
	btf__add_field(btf, "x", INT, 0, 0);
	btf__add_field(btf, "y", INT, 16, 0);
	write_object(btf, (uint32_t)over, 8);
	SHELL_OK("%s types %s/x.bpf.o -o %s/t.h", memgen_path(), scratch, scratch);
	write_file(scratch_file("text.c"), text);
	SHELL_OK("cd %s && { echo '#include <stdint.h>'; echo '#include <string.h>'; echo '#undef __BYTE_ORDER__'; "
		 "echo '#define __BYTE_ORDER__ __ORDER_BIG_ENDIAN__'; "
		 "sed -n '/^#ifndef MEM_HAS_BITS_FUNCTIONS/,/^#ifndef MEM_TYPE/{/MEM_TYPE/!p}' t.h; cat text.c; } > x.c && "
		 "for cc in gcc clang-19; do $cc -O1 -w -fsanitize=address,undefined -fno-sanitize-recover=all "
		 "x.c -o x && ./x || exit 1; done", scratch);
}
END_TEST

/* 32-bit applications have pointers as numbers, and no integers of 16 bytes. */
TEST(narrow_applications_have_functions, ON_HOST, .timeout = 120)
{
	static const char narrow[] = "-m32 -idirafter /usr/include/$(gcc -print-multiarch)";
	struct btf *btf = base_types();
	char command[300];
	int bits;

	snprintf(command, sizeof(command),
		 "echo 'int main(void) { return 0; }' | g++ -m32 -fsanitize=address -x c++ - -o %s/m32 "
		 "2> /dev/null && %s/m32", scratch, scratch);
	if (system(command) != 0)
		test_skip("32-bit programs can't be made or run here (g++-multilib)");
	bits = btf__add_struct(btf, "bits", 24);
	btf__add_field(btf, "a", INT, 0, 3);
	btf__add_field(btf, "b", LONG, 3, 40);
	btf__add_field(btf, "c", LONG, 64, 0);
	btf__add_field(btf, "half", INT, 64, 0);
	btf__add_field(btf, "p", POINTER, 128, 0);
	write_object(btf, (uint32_t)bits, 24);
	run_with_header("--pointers=32", narrow,
		"	struct bits b;\n"
		"	memset(&b, 0, sizeof(b));\n"
		"	bits__set_a(&b, -2);\n"
		"	bits__set_b(&b, 0x9876543210);\n"
		"	bits__set_c(&b, 0x123456789abcdef);\n"
		"	bits__set_p(&b, 0xffff888800000000);\n"
		"	CHECK(bits__get_a(&b) == -2 && bits__get_b(&b) == 0x9876543210);\n"
		"	CHECK(bits__get_c(&b) == 0x123456789abcdef);\n"
		"	CHECK(bits__get_half(&b) == (int)0x89abcdef);\n"
		"	CHECK(bits__get_p(&b) == 0xffff888800000000);\n"
		"	memcpy(raw, &b, sizeof(b));\n"
		"	CHECK(raw[0] == (6 | (0x10 << 3 & 0xff)) && raw[8] == 0xef && raw[23] == 0xff);\n");
}
END_TEST
