/* SPDX-License-Identifier: BSD-2-Clause */
/* What compilers say to memgen's headers, and how they lay out what is in them. */
#include <stdlib.h>
#include <string.h>

#include <mem/elf.h>

#include "compilers.h"
#include "harness.h"
#include "judge.h"
#include "scratch.h"
#include "shell.h"

#define ON_HOST .host_only = "runs memgen and compilers"

FIXTURE(scratch_make, scratch_remove)

static void compile_alone_and_twice(const char *options)
{
	char text[512];

	for (int i = 0; i < TYPE_OBJECTS; i++) {
		const char *header = generate(type_objects[i], options);

		snprintf(text, sizeof(text), "#include \"%s\"\n#include \"%s\"\n", header, header);
		compile(text);
	}
}

TEST(headers_compile_alone_and_twice, ON_HOST, .timeout = 60)
{
	compile_alone_and_twice("");
}
END_TEST

/* In C++ they are classes, with functions and beside namespaces that have names as well. */
TEST(skeletons_may_have_any_name, ON_HOST, .timeout = 60)
{
	static const char *const odd[] = {
		"mem",	   "std",    "load",	 "open",       "attach", "detach", "prepare",
		"destroy", "size_t", "uint64_t", "mem_object", "class",  "obj",	   "maps",
		"progs",   "links",  "skel",	 "bss",	       "image",	 "open_and_load",
	};
	char text[4096];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		SHELL_OK("cp %s %s/%s.bpf.o && %s skeleton %s/%s.bpf.o -o %s/%s.skel.h", object_path("plain"),
		       scratch, odd[i], memgen_path(), scratch, odd[i], scratch, odd[i]);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "#include \"%s/%s.skel.h\"\n",
					scratch, odd[i]);
	}
	compile(text);
	SHELL_OK("grep -q '^struct mem_ {' %s/mem.skel.h && grep -q '^struct size_t_ {' %s/size_t.skel.h", scratch,
	       scratch);
}
END_TEST

/*
 * With the system's headers, which take a compiler ten times as long, together: nothing that one of ours defines is in
 * the way of them. But the last one, whose types have names of others'.
 */
static void compile_beside_system_headers(const char *options, int ours_first)
{
	char ours[2048], text[4096];

	for (int from = 0, to = TYPE_OBJECTS - 1; from < TYPE_OBJECTS; from = to, to = TYPE_OBJECTS) {
		size_t len = 0;

		for (int i = from; i < to; i++)
			len += (size_t)snprintf(ours + len, sizeof(ours) - len, "#include \"%s\"\n",
						generate(type_objects[i], options));
		snprintf(text, sizeof(text), "%s%s", ours_first ? ours : system_headers,
			 ours_first ? system_headers : ours);
		compile(text);
	}
}

TEST(headers_compile_beside_system_headers, ON_HOST, .timeout = 60)
{
	compile_beside_system_headers("", 1);
	compile_beside_system_headers("", 0);
}
END_TEST

TEST(two_headers_share_types, ON_HOST)
{
	char text[1024];
	char first[128];

	snprintf(first, sizeof(first), "%s", generate("types_structs", ""));
	snprintf(text, sizeof(text),
		 "#include \"%s\"\n#include \"%s\"\n"
		 "void copy(struct types_structs *a, struct types_twin *b);\n"
		 "void copy(struct types_structs *a, struct types_twin *b)\n"
		 "{ b->bss->line = a->bss->line; b->bss->anonymous = a->bss->anonymous; }\n",
		 first, generate("types_twin", ""));
	compile(text);
}
END_TEST

/* `memgen types`: no part of libmem is needed, and the skeleton can follow. */
TEST(types_compile_without_libmem, ON_HOST, .timeout = 60)
{
	char text[1024];

	for (int i = 0; i < TYPE_OBJECTS; i++) {
		SHELL_OK("%s types %s -o %s", memgen_path(), object_path(type_objects[i]), scratch);
		snprintf(text, sizeof(text),
			 "#include \"%s/%s.types.h\"\n#include \"%s/%s.types.h\"\n"
			 "#ifdef MEM_MEM_H\n#error \"libmem's header\"\n#endif\n"
			 "#include \"%s\"\n",
			 scratch, type_objects[i], scratch, type_objects[i], generate(type_objects[i], ""));
		compile(text);
	}
	SHELL_OK("%s types %s --type-prefix=my_ | grep -q '^struct my_flow_key {'", memgen_path(),
	       object_path("types_exports"));
}
END_TEST

/* What the application's own header has is not defined again, and is checked all the same. */
TEST(types_may_be_the_applications, ON_HOST)
{
	static const char own[] =
		"struct point { int x, y; };\n"
		"struct line { struct point from, to; struct line *next; };\n"
		"typedef struct { int generation; struct point at; } anonymous_t;\n"
		"struct bits_only_here { enum { ONE = 1, TWO } which; };\n"
		"struct element { struct element *next; struct point at; };\n";
	char text[2048], output[3000];
	const char *header = generate("types_twin", "--types=none");

	snprintf(text, sizeof(text), "%s#include \"%s\"\n", own, header);
	compile(text);

	/* one type by its macro, the others from the generated header */
	snprintf(text, sizeof(text),
		 "#define MEM_TYPE_struct_point\nstruct point { int x, y; };\n#include \"%s\"\n",
		 generate("types_twin", ""));
	compile(text);

	snprintf(text, sizeof(text), "%s/wrong.c", scratch);
	write_file(text, "#define MEM_TYPE_struct_point\nstruct point { int x; long y; };\n"
			 "#include \"types_twin.skel.h\"\n");
	ck_assert_int_ne(shell_run(output, sizeof(output), "gcc -I%s -fsyntax-only %s",
			     source_path("include"), text),
			 0);
	ck_assert_msg(strstr(output, "struct point.y: not at the BPF side") != NULL, "%s", output);
}
END_TEST

/* BTF tells neither the alignment of a struct nor the size of an atomic: only the application's header does. */
TEST(types_of_the_application_may_say_more_than_btf, ON_HOST, .timeout = 60)
{
	static const char own[] =
		"#ifdef __cplusplus\n#define ATOMIC\n#else\n#define ATOMIC _Atomic\n#endif\n"
		"struct wide { int a; } __attribute__((aligned(64)));\n"
		"struct count { ATOMIC int n; long after; ATOMIC char last; };\n";
	char text[1024];

	snprintf(text, sizeof(text),
		 "%sstruct wide wide[2]; struct count count; char end;\n"
		 "__attribute__((section(\"xdp\"))) int use(void *x)\n"
		 "{ return wide[1].a + count.after + end; }\n", own);
	compile_bpf("x", text);
	SHELL_OK("%s skeleton %s/x.bpf.o --types=none -o %s/x.h", memgen_path(), scratch, scratch);
	SHELL_OK("grep -q 'FIELD(struct x__bss, wide, .*, 128)' %s/x.h && grep -q 'OFFSET(struct count, n, 0)' %s/x.h",
		 scratch, scratch);
	snprintf(text, sizeof(text), "%s#include \"%s/x.h\"\n", own, scratch);
	compile(text);
}
END_TEST

TEST(types_may_have_a_prefix, ON_HOST, .timeout = 60)
{
	compile_alone_and_twice("--type-prefix=my_");
	compile_beside_system_headers("--type-prefix=my_", 1);
}
END_TEST

/* What careful applications add; alone, since compilers say nothing of system headers only. */
TEST(headers_are_clean_under_more_warnings, ON_HOST, .timeout = 60)
{
	static const char flags[] = "-Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wcast-align -Wundef";
	static const char *const headers[] = {"types_arena", "types_bytes", "accessors"};
	char text[500] = "";
	size_t used = 0;

	for (int i = 0; i < 3; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "#include \"%s\"\n",
					 generate(headers[i], "--accessors"));
	compile_with(flags, text);
}
END_TEST

TEST(accessors_compile, ON_HOST, .timeout = 60)
{
	char text[1024];

	compile_alone_and_twice("--accessors");
	compile_beside_system_headers("--accessors", 1);
	snprintf(text, sizeof(text), "#include \"%s\"\n", generate("accessors", "--accessors"));
	compile(text);
	/* what would be called alike */
	compile_bpf("x", "int y __attribute__((section(\".data.x\"))) = 1; int x_y = 1;\n"
			 "__attribute__((section(\"xdp\"))) int use(void *x) { return y + x_y; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o --accessors -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", scratch);
	compile(text);
	SHELL_OK("grep -q 'accessors__copy_wide_sample(' %s/accessors.skel.h && "
	       "! grep -qE 'copy_(no_sample|tight_apart|outer)\\(' %s/accessors.skel.h",
	       scratch, scratch);
	/* and why there is none */
	SHELL_OK("grep -q 'No copy of no_sample: MEM_SEQ wants' %s/accessors.skel.h && "
	       "grep -q 'No copy of tight_apart: MEM_SEQ wants' %s/accessors.skel.h && "
	       "grep -q 'No copy of a struct in outer that has a MEM_SEQ' %s/accessors.skel.h",
	       scratch, scratch, scratch);
}
END_TEST

/* --- the judge: pahole reads back what gcc made of the header --- */

static void judge_open(struct judge *judge, const char *name, const char *header, const char *flags)
{
	struct mem_image *image;
	char path[160];

	*judge = (struct judge){.name = name};
	SHELL_OK("echo '#include \"%s\"' | gcc %s -g -fno-eliminate-unused-debug-types -I%s -x c -c - "
	       "-o %s/h.o && pahole --btf_gen_floats --btf_encode_detached=%s/h.btf %s/h.o",
	       header, flags, source_path("include"), scratch, scratch, scratch);
	judge->image = image = assert_ptr(mem_image_read_file(object_path(name), NULL));
	judge->bpf = btf__new(image->btf.rows, image->btf.count);
	snprintf(path, sizeof(path), "%s/h.btf", scratch);
	judge->header = btf__parse(path, NULL);
	ck_assert_ptr_nonnull(judge->bpf);
	ck_assert_ptr_nonnull(judge->header);
}

static void judge_close(struct judge *judge)
{
	btf__free(judge->header);
	btf__free(judge->bpf);
	mem_image_free((struct mem_image *)judge->image);
}

TEST(layouts_are_those_of_the_bpf_side, ON_HOST, .timeout = 60)
{
	if (system("command -v pahole > /dev/null") != 0)
		test_skip("pahole is not installed");
	for (int i = 0; i < TYPE_OBJECTS; i++) {
		struct judge judge;
		char message[600];

		judge_open(&judge, type_objects[i], generate(type_objects[i], ""), "");
		judge.bytes = !strcmp(type_objects[i], "types_bytes");
		ck_assert_msg(!judge_all(&judge, message, sizeof(message)), "%s", message);
		ck_assert_int_gt(judge.sections, 0);
		if (strcmp(type_objects[i], "types_scalars") != 0)
			ck_assert_int_gt(judge.types, 0);
		judge_close(&judge);
	}
}
END_TEST

TEST(applications_may_have_narrow_pointers, ON_HOST, .timeout = 60)
{
	char output[3000];

	need_narrow();
	for (int i = 0; i < TYPE_OBJECTS; i++)
		compile_narrow(generate(type_objects[i], "--pointers=32"));
	/* neither header is for the other */
	ck_assert_int_ne(shell_run(output, sizeof(output), "gcc -I%s -fsyntax-only -x c %s/types_twin.skel.h",
			     source_path("include"), scratch),
			 0);
	ck_assert_ptr_nonnull(strstr(output, "with 32-bit pointers"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s --pointers=16", memgen_path(),
			     object_path("types_twin")),
			 2);
}
END_TEST

TEST(layouts_are_the_same_with_narrow_pointers, ON_HOST, .timeout = 60)
{
	if (system("command -v pahole > /dev/null") != 0)
		test_skip("pahole is not installed");
	need_narrow();
	for (int i = 0; i < TYPE_OBJECTS; i++) {
		struct judge judge;
		char message[600];

		judge_open(&judge, type_objects[i], generate(type_objects[i], "--pointers=32"), NARROW);
		judge.narrow = 1;
		judge.bytes = !strcmp(type_objects[i], "types_bytes");
		ck_assert_msg(!judge_all(&judge, message, sizeof(message)), "%s", message);
		ck_assert_int_gt(judge.sections + judge.types, 0);
		judge_close(&judge);
	}
}
END_TEST
