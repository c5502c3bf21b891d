/* SPDX-License-Identifier: BSD-2-Clause */
/* The generator: what it writes, what compilers say to that, and what it does when it can't. */
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/elf.h>

#include "harness.h"
#include "judge.h"
#include "shell.h"

#define ON_HOST .host_only = "runs memgen and compilers"

static const char *const names[] = {
	"types_scalars", "types_structs", "types_names", "types_regions",
	"types_arena",	 "types_twin",	  "types_ops",	   "types_exports",
	"types_bytes",
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

static const char *const compilers[] = {
	"gcc -std=c11 -x c",
	"clang-19 -std=c11 -x c",
	"g++ -std=c++17 -x c++",
	"clang++-19 -std=c++17 -x c++",
};
enum { COMPILERS = sizeof(compilers) / sizeof(compilers[0]) };

static const char system_headers[] = "#include <linux/types.h>\n"
				     "#include <linux/bpf.h>\n"
				     "#include <netinet/in.h>\n"
				     "#include <netinet/ip.h>\n"
				     "#include <netinet/tcp.h>\n"
				     "#include <sys/socket.h>\n"
				     "#include <sys/stat.h>\n"
				     "#include <sys/sysmacros.h>\n"
				     "#include <sys/select.h>\n"
				     "#include <argp.h>\n"
				     "#ifndef __cplusplus\n" /* there it takes seconds, and has the same names */
				     "#include <complex.h>\n"
				     "#endif\n"
				     "#include <unistd.h>\n"
				     "#include <search.h>\n"
				     "#include <errno.h>\n"
				     "#include <stdio.h>\n"
				     "#include <time.h>\n"
				     "#include <stdbool.h>\n"
				     "#include <signal.h>\n"
				     "#include <bpf/libbpf.h>\n";

static char dir[64]; /* of the running test */

static void setup(void)
{
	strcpy(dir, "/tmp/test_memgen.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	SHELL_OK("rm -rf %s", dir);
}

FIXTURE(setup, teardown)

/* The header of an object, made into the test's directory. */
static const char *generate(const char *name, const char *options)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s.skel.h", dir, name);
	SHELL_OK("%s skeleton %s %s -o %s", memgen_path(), object_path(name), options, path);
	return path;
}

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text;
	long size;

	ck_assert_msg(f != NULL, "%s: %m", path);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	text = calloc(1, (size_t)size + 1);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(fread(text, 1, (size_t)size, f), (size_t)size);
	fclose(f);
	return text;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	ck_assert_msg(f != NULL, "%s: %m", path);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static int count_files(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)))
		n += entry->d_name[0] != '.' || strlen(entry->d_name) > 2;
	closedir(d);
	return n;
}

/*
 * Compile text with every compiler, warnings being errors. With sanitizers in memgen the first has to do: the others
 * have seen the same text.
 */
static void compile_with(const char *flags, const char *text)
{
	char source[128];

	snprintf(source, sizeof(source), "%s/source", dir);
	write_file(source, text);
	for (int i = 0; i < (SANITIZED ? 1 : COMPILERS); i++)
		SHELL_OK("%s -Wall -Wextra -Werror -pedantic %s -I%s -fsyntax-only %s", compilers[i], flags,
		       source_path("include"), source);
}

static void compile(const char *text)
{
	compile_with("", text);
}

/* --- what is written --- */

/* The image has instructions and BTF, which change with the compiler: leave it out. */
static char *without_image(char *text)
{
	char *from = strstr(text, "__image(void)\n"), *to;

	ck_assert_ptr_nonnull(from);
	while (from > text && from[-1] != '\n')
		from--;
	to = strstr(from, "\n}\n");
	ck_assert_ptr_nonnull(to);
	to += strlen("\n}\n");
	memmove(from, to, strlen(to) + 1);
	return text;
}

static void assert_same_text(const char *name, const char *expected, const char *text)
{
	int line = 1;
	size_t i, start = 0;

	for (i = 0; expected[i] && expected[i] == text[i]; i++) {
		if (text[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	ck_assert_msg(expected[i] == text[i], "%s line %d: \"%.*s\", not \"%.*s\"", name, line,
		      (int)strcspn(text + start, "\n"), text + start,
		      (int)strcspn(expected + start, "\n"), expected + start);
}

TEST(headers_are_those_in_data, ON_HOST)
{
	for (int i = 0; i < NAMES; i++) {
		char *text = without_image(read_file(generate(names[i], "")));
		char path[128], *golden;

		snprintf(path, sizeof(path), "selftests/data/%s.skel.h.golden", names[i]);
		golden = read_file(source_path(path));
		assert_same_text(names[i], golden, text);
		free(golden);
		free(text);
	}
}
END_TEST

TEST(same_object_same_bytes, ON_HOST)
{
	for (int i = 0; i < NAMES; i++) {
		const char *first = generate(names[i], "");

		SHELL_OK("mkdir -p %s/elsewhere && cp %s %s/elsewhere && cd %s/elsewhere && "
		       "TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 COLUMNS=20 %s skeleton ./%s.bpf.o "
		       "> out.h 2>/dev/null && cmp out.h %s",
		       dir, object_path(names[i]), dir, dir, memgen_path(), names[i], first);
	}
}
END_TEST

TEST(name_is_made_from_the_file, ON_HOST)
{
	SHELL_OK("cp %s %s/1st-try.v2.o && cd %s && %s skeleton 1st-try.v2.o | "
	       "grep -q '^struct _1st_try__v2 {'",
	       object_path("types_twin"), dir, dir, memgen_path());
	SHELL_OK("%s skeleton %s --name other | grep -q '^struct other {'", memgen_path(),
	       object_path("types_twin"));
}
END_TEST

TEST(wrong_names_are_wrong_command_lines, ON_HOST)
{
	static const struct {
		const char *option, *message;
	} wrong[] = {
		{"--name class", "--name=class: not a name that C and C++ accept; try class_\n"},
		{"--name=mem", "--name=mem: not a name that C and C++ accept; try mem_\n"},
		{"--name='x y'", "--name=x y: not a name that C and C++ accept; try x_y\n"},
		{"--name=", "--name=: not a name that C and C++ accept; try _\n"},
		{"--type-prefix='a b'", "--type-prefix=a b: no name can start with it; use letters, "
					"digits and _\n"},
	};
	char output[1000];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s %s", memgen_path(),
				     object_path("types_twin"), wrong[i].option),
				 2);
		ck_assert_msg(strstr(output, wrong[i].message) != NULL, "%s", output);
	}
}
END_TEST

TEST(arena_types_that_the_compiler_left_out_are_named, ON_HOST)
{
	static const char source[] = "#include <mem/bpf.h>\n"
				     "struct leaf { int value; };\n"
				     "struct node { struct leaf __arena *leaf; };\n"
				     "MEM_ARENA(heap, 10);\n"
				     "struct node __arena *root;\n"
				     "SEC(\"syscall\") int walk(void *ctx)\n"
				     "{ return root ? root->leaf->value : 0; }\n";
	char path[128], output[1000];

	snprintf(path, sizeof(path), "%s/x.bpf.c", dir);
	write_file(path, source);
	SHELL_OK("clang-19 -g -O2 --target=bpf -mcpu=v4 -I%s -c %s -o %s/x.bpf.o",
	       source_path("include"), path, dir);
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/h", memgen_path(),
			     dir, dir),
			 0);
	ck_assert_msg(strstr(output, "warning: struct leaf is behind an arena pointer") != NULL,
		      "%s", output);
	SHELL_OK("grep -q '^struct node {' %s/h && grep -q '^struct leaf;' %s/h", dir, dir);
}
END_TEST

TEST(objects_without_types_are_pointed_out, ON_HOST)
{
	char path[128], output[1000];

	snprintf(path, sizeof(path), "%s/x.bpf.c", dir);
	write_file(path, "int hits = 1;\n__attribute__((section(\"xdp\"))) int count(void *x)\n"
			 "{ return hits++; }\n");
	SHELL_OK("clang-19 -O2 --target=bpf -c %s -o %s/x.bpf.o", path, dir);
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir),
			 0);
	ck_assert_msg(strstr(output, "x.bpf.o: warning: it has no types, so the header has no variables: "
				     "compile with clang -g\n") != NULL,
		      "%s", output);
	SHELL_OK("clang-19 -g -O2 --target=bpf -c %s -o %s/x.bpf.o", path, dir);
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir),
			 0);
	ck_assert_str_eq(output, "");
}
END_TEST

/* --- what compilers say --- */

TEST(headers_compile_alone_and_twice, ON_HOST, .timeout = 60)
{
	char text[512];

	for (int i = 0; i < NAMES; i++) {
		const char *header = generate(names[i], "");

		snprintf(text, sizeof(text), "#include \"%s\"\n#include \"%s\"\n", header, header);
		compile(text);
	}
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
		       dir, odd[i], memgen_path(), dir, odd[i], dir, odd[i]);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "#include \"%s/%s.skel.h\"\n",
					dir, odd[i]);
	}
	compile(text);
	SHELL_OK("grep -q '^struct mem_ {' %s/mem.skel.h && grep -q '^struct size_t_ {' %s/size_t.skel.h", dir,
	       dir);
}
END_TEST

TEST(headers_compile_beside_system_headers, ON_HOST, .timeout = 60)
{
	char text[2048];

	for (int i = 0; i < NAMES; i++) {
		const char *header = generate(names[i], "");

		snprintf(text, sizeof(text), "#include \"%s\"\n%s", header, system_headers);
		compile(text);
		snprintf(text, sizeof(text), "%s#include \"%s\"\n", system_headers, header);
		compile(text);
	}
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

	for (int i = 0; i < NAMES; i++) {
		SHELL_OK("%s types %s -o %s", memgen_path(), object_path(names[i]), dir);
		snprintf(text, sizeof(text),
			 "#include \"%s/%s.types.h\"\n#include \"%s/%s.types.h\"\n"
			 "#ifdef MEM_MEM_H\n#error \"libmem's header\"\n#endif\n"
			 "#include \"%s\"\n",
			 dir, names[i], dir, names[i], generate(names[i], ""));
		compile(text);
	}
	SHELL_OK("%s types %s --type-prefix=my_ | grep -q '^struct my_flow_key {'", memgen_path(),
	       object_path("types_exports"));
}
END_TEST

/* What MEM_EXPORT() leaves in an object is nothing to libbpf. */
TEST(exports_are_no_burden_to_libbpf, ON_HOST)
{
	struct bpf_object *obj;
	struct bpf_map *map;

	libbpf_set_print(NULL);
	obj = bpf_object__open_file(object_path("types_exports"), NULL);
	ck_assert_ptr_nonnull(obj);
	bpf_object__for_each_map(map, obj)
		ck_assert_ptr_null(strstr(bpf_map__name(map), "export"));
	need_bpf();
	need_linux(6, 1, "user ring buffers");
	ck_assert_int_eq(bpf_object__load(obj), 0);
	bpf_object__close(obj);
}
END_TEST

static void compile_bpf(const char *name, const char *source)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s.bpf.c", dir, name);
	write_file(path, source);
	SHELL_OK("clang-19 -g -O2 --target=bpf -mcpu=v3 -I%s -c %s -o %s/%s.bpf.o",
	       source_path("include"), path, dir, name);
}

TEST(exports_survive_linking, ON_HOST)
{
	compile_bpf("a", "#include <mem/bpf.h>\nstruct first { int a; };\nMEM_EXPORT(struct first);\n"
			 "struct third { int a; };\nMEM_EXPORT(struct third);\n");
	compile_bpf("b", "#include <mem/bpf.h>\nstruct second { long b; };\nMEM_EXPORT(struct second);\n");
	SHELL_OK("cd %s && %s link both.o a.bpf.o b.bpf.o && %s types both.o > both.h && "
	       "grep -q '^struct first {' both.h && grep -q '^struct second {' both.h && "
	       "grep -q '^struct third {' both.h",
	       dir, memgen_path(), memgen_path());
}
END_TEST

TEST(records_need_their_buffer, ON_HOST)
{
	char output[1000];

	compile_bpf("x", "#include <mem/bpf.h>\nstruct event { int a; };\n"
			 "MEM_RECORD(evnets, struct event);\n");
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/h", memgen_path(), dir,
			     dir),
			 1);
	ck_assert_msg(strstr(output, "MEM_RECORD(evnets, ...): there is no ring buffer") != NULL, "%s",
		      output);
	compile_bpf("x", "#include <mem/bpf.h>\nstruct event { int a; };\n"
			 "struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1);\n"
			 "__type(key, int); __type(value, int); } events SEC(\".maps\");\n"
			 "MEM_RECORD(events, struct event);\n");
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s types %s/x.bpf.o", memgen_path(), dir), 1);
}
END_TEST

#define RING_OF(record)                                                                            \
	"#include <mem/bpf.h>\nstruct event { int a; }; typedef struct event events_t[4];\n"       \
	"typedef struct { int b; } named_t;\n"                                                     \
	"struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); }\n"              \
	"events SEC(\".maps\");\nMEM_RECORD(events, " record ");\n"

TEST(records_need_a_name_and_are_no_arrays, ON_HOST)
{
	static const struct {
		const char *source, *message;
	} bad[] = {
		{RING_OF("struct { int c; }"), "MEM_RECORD(events, ...): give the type a name"},
		{RING_OF("const union { int c; }"), "MEM_RECORD(events, ...): give the type a name"},
		{RING_OF("events_t"), "MEM_RECORD(events, ...): a record can't be an array"},
	};
	char output[1000];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		compile_bpf("x", bad[i].source);
		ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(),
				     dir, dir),
				 1);
		ck_assert_msg(strstr(output, bad[i].message) != NULL, "%s", output);
	}
	compile_bpf("x", RING_OF("named_t"));
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	snprintf(output, sizeof(output), "#include \"%s/x.h\"\n", dir);
	compile(output);
	SHELL_OK("grep -q 'x__events_next' %s/x.h", dir);
}
END_TEST

TEST(tasks_need_functions_of_their_own, ON_HOST)
{
	static const char *const endings[] = {"key", "each", "each_shared"};
	char text[512], output[1000];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(text, sizeof(text),
			 "#include <mem/task.h>\nstruct part { int a; };\n"
			 "MEM_TASK(struct part, conn);\nMEM_TASK(struct part, conn_%s);\n"
			 "SEC(\"tp_btf/sys_enter\") int use(void *ctx)\n"
			 "{ return mem_task_get(conn) && mem_task_get(conn_%s); }\n",
			 endings[i], endings[i]);
		compile_bpf("x", text);
		ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(),
				     dir, dir),
				 1);
		snprintf(text, sizeof(text), "MEM_TASK(..., conn) and MEM_TASK(..., conn_%s): ", endings[i]);
		ck_assert_msg(strstr(output, text) != NULL, "%s", output);
	}
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

	snprintf(text, sizeof(text), "%s/wrong.c", dir);
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
	SHELL_OK("%s skeleton %s/x.bpf.o --types=none -o %s/x.h", memgen_path(), dir, dir);
	SHELL_OK("grep -q 'FIELD(struct x__bss, wide, .*, 128)' %s/x.h && grep -q 'OFFSET(struct count, n, 0)' %s/x.h",
		 dir, dir);
	snprintf(text, sizeof(text), "%s#include \"%s/x.h\"\n", own, dir);
	compile(text);
}
END_TEST

TEST(types_may_have_a_prefix, ON_HOST, .timeout = 60)
{
	char text[1024];

	for (int i = 0; i < NAMES; i++) {
		snprintf(text, sizeof(text), "#include \"%s\"\n%s",
			 generate(names[i], "--type-prefix=my_"), system_headers);
		compile(text);
	}
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

	for (int i = 0; i < NAMES; i++) {
		snprintf(text, sizeof(text), "#include \"%s\"\n%s", generate(names[i], "--accessors"),
			 system_headers);
		compile(text);
	}
	snprintf(text, sizeof(text), "#include \"%s\"\n", generate("accessors", "--accessors"));
	compile(text);
	/* what would be called alike */
	compile_bpf("x", "int y __attribute__((section(\".data.x\"))) = 1; int x_y = 1;\n"
			 "__attribute__((section(\"xdp\"))) int use(void *x) { return y + x_y; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o --accessors -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", dir);
	compile(text);
	SHELL_OK("grep -q 'accessors__copy_wide_sample(' %s/accessors.skel.h && "
	       "! grep -qE 'copy_(no_sample|tight_apart|outer)\\(' %s/accessors.skel.h",
	       dir, dir);
	/* and why there is none */
	SHELL_OK("grep -q 'No copy of no_sample: MEM_SEQ wants' %s/accessors.skel.h && "
	       "grep -q 'No copy of tight_apart: MEM_SEQ wants' %s/accessors.skel.h && "
	       "grep -q 'No copy of a struct in outer that has a MEM_SEQ' %s/accessors.skel.h",
	       dir, dir, dir);
}
END_TEST

/* A 32-bit application on this machine: -idirafter finds asm/, which is the same for both. */
#define NARROW "-m32 -idirafter /usr/include/$(gcc -print-multiarch)"

static void need_narrow(void)
{
	char output[1000];

	SHELL_OK("echo '#include <mem/mem.h>' > %s/narrow.c", dir);
	if (shell_run(output, sizeof(output), "gcc " NARROW " -I%s -fsyntax-only %s/narrow.c",
		source_path("include"), dir))
		test_skip("gcc has no headers for 32-bit programs (gcc-multilib)");
}

#define NAMED_ARRAY(name)                                                                          \
	"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_MMAPABLE);\n"          \
	"__uint(max_entries, 4); __type(key, __u32); __type(value, struct { int a[3]; });\n"      \
	"} " name " SEC(\".maps\");\n"

/* An array by the name of a typedef is pointed to without parentheses, one that is spelled with them. */
TEST(elements_may_be_arrays, ON_HOST)
{
	char text[300];

	compile_bpf("x", "#include <mem/bpf.h>\nstruct evt { long a; };\n"
			 "typedef struct evt evt_arr[2];\n"
			 "#define ARRAY_OF(value_type) struct { __uint(type, BPF_MAP_TYPE_ARRAY);\\\n"
			 "__uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 4); __type(key, __u32);\\\n"
			 "__type(value, value_type); }\n"
			 "ARRAY_OF(evt_arr) named SEC(\".maps\"); ARRAY_OF(struct evt[2]) spelled SEC(\".maps\");\n");
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	SHELL_OK("grep -q 'evt_arr \\*named;' %s/x.h && grep -q 'struct evt (\\*spelled)\\[2\\];' %s/x.h", dir,
	       dir);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", dir);
	compile(text);
}
END_TEST

/* What is spelled as bytes is an array, too, as an element and as a record. */
TEST(elements_and_records_may_be_bytes, ON_HOST, .timeout = 60)
{
	char text[300];

	compile_bpf("x", "#include <mem/bpf.h>\ntypedef __int128 wide;\n"
			 "#define ARRAY_OF(value_type) struct { __uint(type, BPF_MAP_TYPE_ARRAY);\\\n"
			 "__uint(map_flags, BPF_F_MMAPABLE); __uint(max_entries, 4); __type(key, __u32);\\\n"
			 "__type(value, value_type); }\n"
			 "#define BUFFER(kind, entries) struct { __uint(type, BPF_MAP_TYPE_##kind);\\\n"
			 "__uint(max_entries, entries); }\n"
			 "ARRAY_OF(__int128) plain SEC(\".maps\"); ARRAY_OF(wide) named SEC(\".maps\");\n"
			 "ARRAY_OF(__int128[3]) more SEC(\".maps\"); ARRAY_OF(__fp16) halves SEC(\".maps\");\n"
			 "BUFFER(RINGBUF, 4096) ring SEC(\".maps\"); MEM_RECORD(ring, wide);\n"
			 "BUFFER(USER_RINGBUF, 4096) user SEC(\".maps\"); MEM_RECORD(user, __fp16);\n"
			 "BUFFER(PERF_EVENT_ARRAY, 0) perf SEC(\".maps\"); MEM_RECORD(perf, __int128);\n");
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", dir);
	compile(text);
	need_narrow();
	SHELL_OK("%s skeleton --pointers=32 %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	for (int c = 0; c < COMPILERS; c++)
		SHELL_OK("echo '#include \"%s/x.h\"' | %s " NARROW " -Wall -Wextra -Werror -pedantic -I%s "
		       "-fsyntax-only -", dir, compilers[c], source_path("include"));
}
END_TEST

/* What the skeleton has for itself. */
TEST(objects_may_use_the_names_of_skeletons, ON_HOST)
{
	char text[300];

	compile_bpf("x", "#include <mem/bpf.h>\nstruct x { int y; }; struct x obj; int maps;\n"
		    NAMED_ARRAY("unique") NAMED_ARRAY("open") NAMED_ARRAY("load") NAMED_ARRAY("arrays")
		    NAMED_ARRAY("image") NAMED_ARRAY("layout")
		    "SEC(\"xdp\") int destroy(void *ctx) { return obj.y + maps; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", dir);
	compile(text);
}
END_TEST

/* Types and enumerators that are called as its functions are, or as padding, or as a namespace of C++. */
TEST(types_may_have_names_that_headers_need, ON_HOST, .timeout = 60)
{
	char text[300];

	compile_bpf("x",
		    "#include <mem/bpf.h>\n"
		    "typedef struct { int a; } x__open; typedef int x__load; typedef struct x__pin x__pin;\n"
		    "struct x__pin { x__pin *a; }; struct x__bss { int a; }; struct x__unique { int a; };\n"
		    "enum x__attach { x__image = 1, x__layout }; enum x__detach { OF_X = 1 };\n"
		    "struct std { int a; }; struct mem { int a; }; typedef struct std std_t; typedef int abi;\n"
		    "struct __gnu_cxx { struct std a; struct mem *b; enum { mem = 7, std } c; };\n"
		    "typedef int mem_bits_get; enum { mem_bits_set = 3, MEM_BITS } bits; mem_bits_get v14;\n"
		    "struct wide { __int128 a : 100; mem_bits_get b; } wide;\n"
		    "struct fixed { long uint64_t; unsigned long int64_t; unsigned long size_t; } fixed;\n"
		    "long int64_t = 1; unsigned long uint64_t = 2;\n"
		    "struct gaps { int mem_pad_4; long l; char mem_bytes; char mem_empty;\n"
		    "	struct { char c; long mem_pad_1; }; int mem_pad_31; };\n"
		    "x__open v1; x__load v2; x__pin v3; struct x__bss v4; struct x__unique v5;\n"
		    "enum x__attach v6; enum x__detach v7; std_t v8; abi v9; struct __gnu_cxx v10;\n"
		    "struct gaps v11; char v12; long mem_pad_1; char mem_pad_2; long v13;\n"
		    "SEC(\"xdp\") int x__destroy(void *ctx) { return v1.a + v8.a + v11.l; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o --accessors -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text), "#ifdef __cplusplus\n#include <string>\n#endif\n#include \"%s/x.h\"\n",
		 dir);
	compile(text);
}
END_TEST

TEST(arrays_called_as_sections_are, ON_HOST, .timeout = 60)
{
	char text[400];

	compile_bpf("x", "#include <mem/bpf.h>\n"
			 "#define ARRAY(name) struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2);\\\n"
			 "	__uint(map_flags, BPF_F_MMAPABLE); __type(key, int); __type(value, long); }\\\n"
			 "	name SEC(\".maps\")\n"
			 "ARRAY(data); ARRAY(bss); ARRAY(rodata_a_b);\n"
			 "int full = 1, empty; const volatile int fixed SEC(\".rodata.a.b\") = 2;\n"
			 "const volatile int other SEC(\".rodata.a_b\") = 3;\n"
			 "SEC(\"xdp\") int use(void *ctx) { return full + empty + fixed + other; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text),
		 "#include \"%s/x.h\"\n"
		 "long use(struct x *skel);\n"
		 "long use(struct x *skel)\n"
		 "{ return skel->data->full + skel->bss->empty + skel->rodata_a_b->fixed +\n"
		 "	  skel->rodata_a_b_2->other + skel->arrays.data_2[1] + skel->arrays.bss_2[1]; }\n",
		 dir);
	compile(text);
}
END_TEST

/* Floats that C has not, behind pointers as well; atomics, which BTF has not; what has no size. */
TEST(types_may_be_such_as_c_has_not, ON_HOST, .timeout = 60)
{
	char text[300];

	compile_bpf("x",
		    "#include <mem/bpf.h>\n"
		    "struct odd { __fp16 *half; long double *(*call)(__fp16 *); long double wide; int after;\n"
		    "	_Atomic int count; _Atomic char flag; char plain; _Complex float complex; long last; };\n"
		    "union one { _Atomic int a; char b; }; _Atomic long alone; struct odd odd; union one one;\n"
		    "struct none { union { struct { } a[0]; }; union { struct { } b; struct { } c[2]; }; int d;\n"
		    "	struct { union { struct { } e[0]; }; }; } none;\n"
		    "struct { struct { } a; } nothing; struct { } less;\n"
		    "SEC(\"xdp\") int use(void *ctx) { return odd.after + none.d; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text),
		 "#include \"%s/x.h\"\n"
		 "int use(struct odd *odd);\n"
		 "int use(struct odd *odd)\n"
		 "{ return odd->count[3] + odd->plain + (odd->half == NULL); }\n",
		 dir);
	compile(text);
}
END_TEST

/* And what the headers of libmem have, which the application includes beside it. */
TEST(objects_may_use_the_names_of_libmem, ON_HOST)
{
	char text[600];

	compile_bpf("x", "struct mem_task { int a; } task = {1}; struct mem_source { int b; } source = {1};\n"
			 "struct mem_ringbuf { int c; } ring = {1}; struct mem_schema { int d; } schema = {1};\n"
			 "enum kind { MEM_SOURCE_PIN = 7, MEM_STREAM_OUT = 9 } kind = 7;\n"
			 "__attribute__((section(\"xdp\"))) int use(void *x)\n"
			 "{ return task.a + source.b + ring.c + schema.d + kind; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o --accessors -o %s/x.h", memgen_path(), dir, dir);
	snprintf(text, sizeof(text),
		 "#include <mem/ringbuf.h>\n#include <mem/task.h>\n#include <mem/seq.h>\n"
		 "#include <mem/migrate.h>\n#include <mem/schema.h>\n#include \"%s/x.h\"\n",
		 dir);
	compile(text);
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
	       header, flags, source_path("include"), dir, dir, dir);
	judge->image = image = assert_ptr(mem_image_read_file(object_path(name), NULL));
	judge->bpf = btf__new(image->btf.rows, image->btf.count);
	snprintf(path, sizeof(path), "%s/h.btf", dir);
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
	for (int i = 0; i < NAMES; i++) {
		struct judge judge;
		char message[600];

		judge_open(&judge, names[i], generate(names[i], ""), "");
		judge.bytes = !strcmp(names[i], "types_bytes");
		ck_assert_msg(!judge_all(&judge, message, sizeof(message)), "%s", message);
		ck_assert_int_gt(judge.sections, 0);
		if (strcmp(names[i], "types_scalars") != 0)
			ck_assert_int_gt(judge.types, 0);
		judge_close(&judge);
	}
}
END_TEST

TEST(applications_may_have_narrow_pointers, ON_HOST, .timeout = 60)
{
	char output[3000];

	need_narrow();
	for (int i = 0; i < NAMES; i++) {
		const char *header = generate(names[i], "--pointers=32");

		for (int c = 0; c < COMPILERS; c++)
			SHELL_OK("echo '#include \"%s\"' | %s " NARROW " -Wall -Wextra -Werror -pedantic -I%s "
			       "-fsyntax-only -", header, compilers[c], source_path("include"));
	}
	/* neither header is for the other */
	ck_assert_int_ne(shell_run(output, sizeof(output), "gcc -I%s -fsyntax-only -x c %s/types_twin.skel.h",
			     source_path("include"), dir),
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
	for (int i = 0; i < NAMES; i++) {
		struct judge judge;
		char message[600];

		judge_open(&judge, names[i], generate(names[i], "--pointers=32"), NARROW);
		judge.narrow = 1;
		judge.bytes = !strcmp(names[i], "types_bytes");
		ck_assert_msg(!judge_all(&judge, message, sizeof(message)), "%s", message);
		ck_assert_int_gt(judge.sections + judge.types, 0);
		judge_close(&judge);
	}
}
END_TEST

/* --- what happens when it can't --- */

/* The exit status with -o target, the message, and nothing left in the test's directory. */
static void assert_refused(const char *source, const char *message)
{
	char output[1000];

	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s -o %s/x.skel.h", memgen_path(),
			     source, dir),
			 1);
	ck_assert_msg(strstr(output, message) != NULL, "\"%s\" is not in: %s", message, output);
	ck_assert_msg(!strncmp(output, "memgen: ", 8), "%s", output);
}

TEST(bad_objects_leave_no_file, ON_HOST)
{
	char bad[128];

	assert_refused("/nonexistent/x.o", "/nonexistent/x.o: No such file or directory");
	assert_refused("/", "/: Is a directory");
	ck_assert_int_eq(count_files(dir), 0);
	snprintf(bad, sizeof(bad), "%s/bad.o", dir);
	write_file(bad, "this is not an object file, though it is long enough to be looked at\n");
	assert_refused(bad, bad);
	SHELL_OK("head -c 1000 %s > %s", object_path("types_scalars"), bad);
	assert_refused(bad, bad);
	ck_assert_int_eq(count_files(dir), 1);
}
END_TEST

TEST(wrong_command_lines_are_another_status, ON_HOST)
{
	static const char *const lines[] = {
		"",
		"unknown",
		"skeleton",
		"skeleton a b",
		"--unknown",
		"skeleton --unknown",
		"skeleton --types=all x.o",
	};
	char output[2000];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		ck_assert_int_eq(shell_run(output, sizeof(output), "%s %s", memgen_path(), lines[i]), 2);
		ck_assert_msg(!strncmp(output, "memgen", 6), "%s", output);
	}
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s --help", memgen_path()), 0);
	ck_assert_ptr_nonnull(strstr(output, "memgen skeleton tool.bpf.o -o tool.skel.h"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton --help", memgen_path()), 0);
	ck_assert_ptr_nonnull(strstr(output, "Example:"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s --version", memgen_path()), 0);
	ck_assert_ptr_nonnull(strstr(output, "memgen 0."));
}
END_TEST

TEST(unwritable_targets_are_errors, ON_HOST)
{
	const char *source = object_path("types_structs");
	char output[1000];

	ck_assert_int_eq(
		shell_run(output, sizeof(output), "%s skeleton %s -o /dev/full", memgen_path(), source), 1);
	ck_assert_str_eq(output, "memgen: /dev/full: can't write it: No space left on device\n");
	ck_assert_int_eq(
		shell_run(output, sizeof(output), "(%s skeleton %s > /dev/full)", memgen_path(), source), 1);
	ck_assert_ptr_nonnull(strstr(output, "standard output: can't write it"));
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s -o %s/no/x.h", memgen_path(),
			     source, dir),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "No such file or directory"));
	/* the limit on file sizes: an error where the signal is ignored, and no file either way */
	ck_assert_int_eq(shell_run(output, sizeof(output),
			     "(trap '' XFSZ; ulimit -f 4; exec %s skeleton %s -o %s/x.h)", memgen_path(),
			     source, dir),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "File too large"));
	ck_assert_int_ne(shell_run(output, sizeof(output), "(ulimit -f 4; exec %s skeleton %s -o %s/x.h)",
			     memgen_path(), source, dir),
			 0);
	ck_assert_int_eq(count_files(dir), 0);
}
END_TEST

/* In a mount namespace of its own, which ends with the test's process. */
TEST(full_disk_keeps_the_old_file, ON_HOST)
{
	char output[1000], path[128], *text;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, "size=16k"))
		test_skip("may not mount a file system: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/x.skel.h", dir);
	write_file(path, "the old header\n");
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s -o %s", memgen_path(),
			     object_path("types_structs"), path),
			 1);
	ck_assert_ptr_nonnull(strstr(output, "No space left on device"));
	text = read_file(path);
	ck_assert_str_eq(text, "the old header\n");
	free(text);
	ck_assert_int_eq(count_files(dir), 1);
	ck_assert_int_eq(umount(dir), 0);
}
END_TEST

TEST(target_keeps_its_mode_and_its_link, ON_HOST)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/x.skel.h", dir);
	SHELL_OK("cd %s && touch real.h && chmod 640 real.h && ln -s real.h x.skel.h", dir);
	SHELL_OK("%s skeleton %s -o %s", memgen_path(), object_path("types_twin"), path);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_gt(st.st_size, 1000);
	SHELL_OK("umask 027 && %s skeleton %s -o %s/new.h", memgen_path(), object_path("types_twin"), dir);
	snprintf(path, sizeof(path), "%s/new.h", dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(count_files(dir), 3);
}
END_TEST

/* Check has handlers of its own for these signals: the new process must not start with them. */
static pid_t spawn_memgen(char *source, char *target)
{
	char program[] = "memgen", command[] = "skeleton", option[] = "-o";
	char *const argv[] = {program, command, source, option, target, NULL};
	posix_spawnattr_t attributes;
	sigset_t signals;
	pid_t pid;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	ck_assert_int_eq(posix_spawnattr_init(&attributes), 0);
	ck_assert_int_eq(posix_spawnattr_setsigdefault(&attributes, &signals), 0);
	ck_assert_int_eq(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF), 0);
	ck_assert_int_eq(posix_spawn(&pid, memgen_path(), NULL, &attributes, argv, environ), 0);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

/* Killed at any time, it leaves the whole header or none, and nothing else. */
TEST(signals_leave_nothing_behind, ON_HOST, .timeout = 60)
{
	char path[128], source[512];
	struct stat st;
	off_t whole;
	int stopped = 0;

	snprintf(source, sizeof(source), "%s", object_path("types_structs"));
	whole = stat(generate("types_structs", ""), &st) ? 0 : st.st_size;
	snprintf(path, sizeof(path), "%s/x.skel.h", dir);
	for (int i = 0; i < 100; i++) {
		pid_t pid = spawn_memgen(source, path);
		int status;

		usleep((useconds_t)(100 + i * 50));
		kill(pid, i % 2 ? SIGTERM : SIGINT);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		stopped += WIFSIGNALED(status);
		if (!stat(path, &st)) {
			ck_assert_int_eq(st.st_size, whole);
			ck_assert_int_eq(unlink(path), 0);
		}
		ck_assert_int_eq(count_files(dir), 1);
	}
	ck_assert_int_gt(stopped, 0);
}
END_TEST
