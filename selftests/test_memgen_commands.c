/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands of memgen besides the plain skeleton, and what all of them have in common. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "json.h"
#include "scratch.h"
#include "shell.h"

#define ON_HOST .host_only = "runs memgen and compilers"

static char output[1 << 16];

FIXTURE(scratch_make, scratch_remove)

/* memgen's exit status; what it says is in output. */
#define MEMGEN(fmt, ...) shell_run(output, sizeof(output), "%s " fmt, memgen_path(), ##__VA_ARGS__)

#define assert_output(text)                                                                          \
	ck_assert_msg(strstr(output, text) != NULL, "\"%s\" is not in: %s", text, output)

/* --- memgen inspect --- */

TEST(inspect_lists_what_is_there, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("inspect %s", object_path("externs")), 0);
	assert_output("externs.bpf.o: needs Linux 5.17, for CO-RE relocation by the kernel\n");
	assert_output("  license GPL, ");
	assert_output("  needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF), for on_enter\n");
	assert_output("\n  bss      data     .bss ");
	assert_output("\n  schedule              ksym address  strong\n");
	assert_output("\n  LINUX_KERNEL_VERSION  kconfig       strong\n");
	assert_output("\n  CONFIG_HZ             kconfig       weak\n");
	assert_output("\n  bpf_rdonly_cast       kfunc         weak\n");
	assert_output("\n  on_exit   tp_btf/sys_exit   TRACING  trace_raw_tp  sys_exit   -          yes ");
	ck_assert_int_eq(MEMGEN("inspect %s", object_path("types_exports")), 0);
	assert_output("\nexports\n  type             size  record_of\n");
	assert_output("\n  struct event       32  events\n");
	assert_output("\n  struct flow_key    36  -\n");
	assert_output("\n  enum verdict        8  -\n");
	ck_assert_int_eq(MEMGEN("inspect %s %s", object_path("types_ops"), object_path("types_arena")), 0);
	assert_output("\n  first   some_ops  map          8  enter\n");
	assert_output("\n  second  some_ops  link         0  select\n");
	assert_output("\n\ntypes_arena.bpf.o: needs Linux 6.9, for arenas\n");
}
END_TEST

TEST(inspect_json_is_json, ON_HOST, .timeout = 60)
{
	static const char *const names[] = {
		"externs",    "types_ops", "types_arena", "types_regions", "task_basic",
		"congestion", "hooks",	   "probes",	  "rings",	   "odd_maps",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *at;

		ck_assert_int_eq(MEMGEN("inspect --json %s %s", object_path(names[i]), object_path("plain")),
				 0);
		at = json_error(output);
		ck_assert_msg(!at, "%s: %s", names[i], at);
		assert_output("\"file\": \"plain.bpf.o\",\n");
	}
	ck_assert_int_eq(MEMGEN("inspect --json %s", object_path("externs")), 0);
	assert_output("\t\t\"linux\": \"5.17\",\n\t\t\"kernel_btf\": true,\n");
	assert_output("{\"name\": \"CONFIG_HZ\", \"kind\": \"kconfig\", \"binding\": \"weak\"}");
	ck_assert_int_eq(MEMGEN("inspect --json %s", object_path("types_exports")), 0);
	assert_output("{\"type\": \"counts_t\", \"size\": 16, \"record_of\": \"samples\"}");
}
END_TEST

TEST(inspect_escapes_names, ON_HOST)
{
	const char *path = compile_bpf("odd", "#include <mem/bpf.h>\n"
				       "SEC(\"kprobe/a\\\"b\\\\c\303\244\")\n"
				       "int f(void *ctx) { return 0; }\n");
	const char *at;

	ck_assert_int_eq(MEMGEN("inspect %s", path), 0);
	assert_output("kprobe/a\"b\\c\\xc3\\xa4");
	ck_assert_int_eq(MEMGEN("inspect --json %s", path), 0);
	assert_output("\"kprobe/a\\\"b\\\\c\\u00c3\\u00a4\"");
	at = json_error(output);
	ck_assert_msg(!at, "%s", at);
}
END_TEST

static void assert_needs(const char *options, const char *code, const char *needs)
{
	char source[1024];

	snprintf(source, sizeof(source),
		 "#include <mem/bpf.h>\n"
		 "extern void bpf_rcu_read_lock(void) __ksym;\n"
		 "extern void bpf_other(void) __ksym __weak;\n"
		 "#define VARIABLES int b; unsigned long c; long a, t = 1;\n"
		 "%s\n"
		 "char LICENSE[] SEC(\"license\") = \"GPL\";\n",
		 code);
	ck_assert_int_eq(MEMGEN("inspect %s", compile_bpf_with("needs", options, source)), 0);
	ck_assert_msg(strstr(output, needs) != NULL, "%s: %s", needs, output);
}

TEST(inspect_says_which_kernel_and_why, ON_HOST, .timeout = 60)
{
	assert_needs("", "SEC(\"tc\") int f(void *x) { return 0; }",
		     "runs on every kernel that libmem knows");
	assert_needs("", "VARIABLES "
		     "SEC(\"tc\") int f(void *x) { return a; }",
		     "needs Linux 5.5, for arrays that applications map");
	assert_needs("", "SEC(\"xdp\") int f(void *x) { return bpf_ktime_get_tai_ns(); }",
		     "needs Linux 6.1, for helpers of Linux 6.1");
	assert_needs("", "VARIABLES "
		     "SEC(\"xdp\") int f(void *x) { return __sync_fetch_and_add(&a, 1) * t; }",
		     "needs Linux 5.12, for atomics that return the old value");
	assert_needs("-mcpu=v4", "VARIABLES "
		     "SEC(\"xdp\") int f(void *x) { return (a = b); }",
		     "needs Linux 6.6, for sign-extending loads (-mcpu=v4)");
	assert_needs("-mcpu=v4", "VARIABLES "
		     "SEC(\"xdp\") int f(void *x) { return a / t; }",
		     "needs Linux 6.6, for signed divisions (-mcpu=v4)");
	assert_needs("", "VARIABLES "
		     "SEC(\"xdp\") int f(void *x) { while (c && mem_can_loop) a++; return 0; }",
		     "needs Linux 6.9, for loops with may_goto");
	assert_needs("-mcpu=v4", "VARIABLES "
		     "SEC(\"xdp\") int f(void *x) { return __builtin_bswap32(b); }",
		     "needs Linux 6.6, for byte swaps (-mcpu=v4)");
	assert_needs("", "extern const int bpf_prog_active __ksym; "
		     "SEC(\"xdp\") int f(void *x) { return *(volatile int *)&bpf_prog_active; }",
		     "needs Linux 5.10, for kernel variables with a type");
	assert_needs("", "int each SEC(\".percpu\"); SEC(\"xdp\") int f(void *x) { return each++; }",
		     "needs Linux 7.3, for variables of each CPU (.percpu)");
	assert_needs("", "SEC(\"tcx/egress\") int f(void *x) { return 0; }",
		     "needs Linux 6.6, for tcx");
	assert_needs("", "SEC(\"fentry.s/x\") int f(void *x) { return 0; }",
		     "needs Linux 5.10, for sleepable programs");
	assert_needs("", "SEC(\"syscall\") int f(void *x) { bpf_rcu_read_lock(); return 0; }",
		     "needs Linux 6.2, for bpf_rcu_read_lock");
	/* what may be absent does not count, nor do programs that are loaded on request only */
	assert_needs("", "SEC(\"xdp\") int f(void *x) { if (bpf_other) bpf_other(); return 0; }",
		     "runs on every kernel that libmem knows");
	assert_needs("", "SEC(\"?netkit/peer\") int f(void *x) { return 0; }",
		     "runs on every kernel that libmem knows");
}
END_TEST

TEST(inspect_of_a_bad_object_says_nothing_else, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("inspect %s /nonexistent/x.o /dev/null -o %s", object_path("plain"),
				scratch_file("out")),
			 1);
	assert_output("memgen: /nonexistent/x.o: No such file or directory\n");
	assert_output("memgen: /dev/null");
	ck_assert_int_ne(access(scratch_file("out"), F_OK), 0);
	ck_assert_int_eq(MEMGEN("inspect %s -o /dev/full", object_path("plain")), 1);
	ck_assert_str_eq(output, "memgen: /dev/full: can't write it: No space left on device\n");
}
END_TEST

/* --- memgen layout --- */

static const char layout_source[] =
	"#include <mem/bpf.h>\n"
	"struct bits { int a : 3; int b : 7; char c; long d;\n"
	"	union { int e; struct { char f; short g; } h; }; };\n"
	"struct stats { long app MEM_WRITER_APP; long bpf MEM_WRITER_BPF; };\n"
	"struct apart { long app MEM_WRITER_APP; char pad[56]; long bpf MEM_WRITER_BPF; };\n"
	"struct bits bits; struct stats stats[2]; struct apart apart;\n"
	"long in MEM_WRITER_APP; long out MEM_WRITER_BPF;\n"
	"SEC(\"xdp\") int f(void *x)\n"
	"{ return bits.a + stats[0].app + apart.app + in + out; }\n";

TEST(layout_draws_holes_and_lines, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("layout %s", compile_bpf("x", layout_source)), 0);
	assert_output("struct bits: 24 bytes, 1 cache line\n"
		    "       0:0    3b  int a : 3;\n"
		    "       0:3    7b  int b : 7;\n"
		    "                 -- hole of 6 bits\n"
		    "       2      1  char c;\n"
		    "                 -- hole of 5 bytes\n"
		    "       8      8  int64_t d;\n"
		    "      16      4  union {\n"
		    "      16      4    int e;\n"
		    "      16      4    struct {\n"
		    "      16      1      char f;\n"
		    "                 -- hole of 1 byte\n"
		    "      18      2      short g;\n"
		    "                   } h;\n"
		    "                 };\n"
		    "                 -- padding of 4 bytes\n"
		    "  7 bytes in holes\n");
	assert_output("                 == cache line 1\n"
		    "      64      8  int64_t bpf;  (written by programs)\n");
	ck_assert_int_eq(MEMGEN("layout %s", object_path("types_regions")), 0);
	assert_output("section .");
	ck_assert_int_eq(MEMGEN("layout %s -o /dev/full", object_path("types_regions")), 1);
	assert_output("memgen: /dev/full: can't write it");
	ck_assert_int_eq(MEMGEN("layout /dev/null"), 1);
}
END_TEST

/* Elements that only an array describes: the first stands for all. */
TEST(layout_draws_elements_without_a_name, ON_HOST)
{
	static const char source[] =
		"#include <mem/bpf.h>\n"
		"struct all { struct { char a; int b; struct { short c[3]; } d[2]; } e[2][2]; long f; } all;\n"
		"struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(map_flags, BPF_F_MMAPABLE);\n"
		"	__uint(max_entries, 4); __type(key, __u32);\n"
		"	__type(value, struct { int x; long y[8]; }); } cells SEC(\".maps\");\n"
		"SEC(\"xdp\") int f(void *x) { return all.f; }\n";

	ck_assert_int_eq(MEMGEN("layout %s", compile_bpf("x", source)), 0);
	assert_output("struct all: 88 bytes, 2 cache lines\n"
		    "       0     80  struct {\n"
		    "       0      1    char a;\n"
		    "                 -- hole of 3 bytes\n"
		    "       4      4    int b;\n"
		    "       8     12    struct {\n"
		    "       8      6      short c[3];\n"
		    "                   } d[2];\n"
		    "                 } e[2][2];\n"
		    "      80      8  int64_t f;\n"
		    "  12 bytes in holes\n");
	assert_output("element of cells: 72 bytes, 2 cache lines\n"
		    "       0      4  int x;\n"
		    "                 -- hole of 4 bytes\n"
		    "       8     64  int64_t y[8];\n"
		    "  4 bytes in holes\n");
}
END_TEST

TEST(layout_warns_of_lines_with_two_writers, ON_HOST)
{
	const char *apart;

	ck_assert_int_eq(MEMGEN("layout %s", compile_bpf("x", layout_source)), 0);
	assert_output("struct stats: 16 bytes, 1 cache line\n"
		    "       0      8  int64_t app;  (written by the application)\n"
		    "       8      8  int64_t bpf;  (written by programs)\n"
		    "  warning: cache line 0: the application writes app, programs write bpf;");
	assert_output("the application writes in, programs write out;");
	assert_output("the application writes stats[0].app, programs write stats[0].bpf;");
	apart = strstr(output, "struct apart: ");
	ck_assert_ptr_nonnull(apart);
	ck_assert_ptr_null(strstr(apart, "writes app,"));
}
END_TEST

static const char arrays_source[] =
	"#include <mem/bpf.h>\n"
	"struct slot { long app MEM_WRITER_APP; char a[56]; long bpf MEM_WRITER_BPF; char b[24]; };\n"
	"struct line { long app MEM_WRITER_APP; char a[56]; };\n"
	"struct all { struct slot slots[100]; struct line lines[3]; long one MEM_WRITER_BPF;\n"
	"	struct line grid[2][2]; };\n"
	"struct all all; SEC(\"xdp\") int f(void *x) { return all.one; }\n";

/* Neighbours in an array, and what is behind its last element, count as well. */
TEST(layout_warns_of_lines_of_all_elements, ON_HOST)
{
	const char *all;

	ck_assert_int_eq(MEMGEN("layout %s", compile_bpf("x", arrays_source)), 0);
	all = strstr(output, "struct all: ");
	ck_assert_ptr_nonnull(all);
	ck_assert_ptr_nonnull(strstr(all, "warning: cache line 1: the application writes slots[1].app, "
					  "programs write slots[0].bpf; "));
	ck_assert_ptr_nonnull(strstr(all, "the application writes grid[0][0].app, programs write one; "));
	/* each pair of fields once, and no line that has one side */
	ck_assert_ptr_null(strstr(all, "slots[2].app"));
	ck_assert_ptr_null(strstr(all, "writes lines["));
}
END_TEST

/* --- memgen link --- */

static const char link_main[] = "#include <mem/bpf.h>\n"
				"extern int hits; int twice(int x);\n"
				"SEC(\"syscall\") int run(void *x) { return twice(hits); }\n"
				"char LICENSE[] SEC(\"license\") = \"GPL\";\n";
static const char link_part[] = "#include <mem/bpf.h>\n"
				"int hits = 21;\n"
				"__attribute__((noinline)) int twice(int x) { return 2 * x; }\n";

TEST(link_makes_one_object, ON_HOST)
{
	char first[160];

	snprintf(first, sizeof(first), "%s", compile_bpf("main", link_main));
	ck_assert_int_eq(MEMGEN("link %s %s %s", scratch_file("all.o"), first,
				compile_bpf("part", link_part)),
			 0);
	ck_assert_str_eq(output, "");
	ck_assert_int_eq(MEMGEN("inspect %s", scratch_file("all.o")), 0);
	assert_output("\n  data  data  .data       4       1  .data\n");
	SHELL_OK("%s link - %s %s/part.bpf.o | cmp - %s", memgen_path(), first, scratch, scratch_file("all.o"));
	/* the output may be one of the objects */
	SHELL_OK("%s link %s %s %s/part.bpf.o && cmp %s %s", memgen_path(), first, first, scratch, first,
		 scratch_file("all.o"));
}
END_TEST

TEST(link_that_fails_leaves_no_file, ON_HOST)
{
	const char *part = compile_bpf("part", link_part);

	SHELL_OK("cp %s %s", part, scratch_file("twin.o"));
	ck_assert_int_eq(MEMGEN("link %s %s %s", scratch_file("all.o"), part, scratch_file("twin.o")),
			 1);
	assert_output("twin.o: can't be linked with what is before it: ");
	ck_assert_int_eq(MEMGEN("link %s %s /dev/null", scratch_file("all.o"), part), 1);
	assert_output("memgen: /dev/null");
	ck_assert_int_ne(access(scratch_file("all.o"), F_OK), 0);
	ck_assert_int_eq(MEMGEN("link %s", scratch_file("all.o")), 2);
}
END_TEST

/* --- what goes where --- */

static void assert_file(const char *name, const char *expected)
{
	char *text = read_file(scratch_file(name));

	ck_assert_str_eq(text, expected);
	free(text);
}

TEST(several_objects_go_to_a_directory, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("skeleton %s %s -o %s", object_path("types_twin"), object_path("plain"), scratch),
			 0);
	ck_assert_str_eq(output, "");
	SHELL_OK("%s skeleton %s | cmp - %s", memgen_path(), object_path("plain"),
		 scratch_file("plain.skel.h"));
	SHELL_OK("%s skeleton %s -o - | cmp - %s", memgen_path(), object_path("types_twin"),
		 scratch_file("types_twin.skel.h"));
	/* a bad one does not keep the others from being made, but the status says so */
	SHELL_OK("rm %s", scratch_file("plain.skel.h"));
	ck_assert_int_eq(MEMGEN("skeleton /nonexistent.o %s -o %s/", object_path("plain"), scratch), 1);
	ck_assert_str_eq(output, "memgen: /nonexistent.o: No such file or directory\n");
	ck_assert_int_eq(access(scratch_file("plain.skel.h"), F_OK), 0);
	ck_assert_int_ne(access(scratch_file("nonexistent.skel.h"), F_OK), 0);
}
END_TEST

TEST(several_objects_need_several_names, ON_HOST)
{
	const char *source = object_path("plain");

	ck_assert_int_eq(MEMGEN("skeleton %s %s -o %s/x.h", source, source, scratch), 2);
	assert_output("several objects need -o with a directory that exists");
	ck_assert_int_eq(MEMGEN("skeleton %s %s --name x -o %s", source, source, scratch), 2);
	assert_output("several objects can't have one name");
	SHELL_OK("cp %s %s", source, scratch_file("plain.o"));
	ck_assert_int_eq(MEMGEN("skeleton %s %s -o %s", source, scratch_file("plain.o"), scratch), 1);
	assert_output("plain.skel.h: it would be made from ");
	ck_assert_int_ne(access(scratch_file("plain.skel.h"), F_OK), 0);
}
END_TEST

TEST(types_go_to_files_of_their_own, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("types %s %s -o %s -M", object_path("types_twin"), object_path("types_exports"),
				scratch),
			 0);
	SHELL_OK("cd %s && grep -q '^struct flow_key {' types_exports.types.h && "
		 "grep -q 'types_twin.types.h: ' types_twin.types.h.d",
		 scratch);
	ck_assert_int_eq(MEMGEN("types --types=none x.o"), 2);
}
END_TEST

TEST(rules_are_for_make, ON_HOST)
{
	char expected[600];

	ck_assert_int_eq(MEMGEN("skeleton -M %s -o %s", object_path("plain"), scratch_file("x.h")), 0);
	snprintf(expected, sizeof(expected), "%s: %s\n\n%s:\n", scratch_file("x.h"), object_path("plain"),
		 object_path("plain"));
	assert_file("x.h.d", expected);
	ck_assert_int_eq(MEMGEN("skeleton -MF %s %s -o %s", scratch_file("rules"), object_path("plain"),
				scratch_file("x.h")),
			 0);
	assert_file("rules", expected);
	/* make understands a name with everything that has a meaning in a rule */
	SHELL_OK("cd %s && cp %s 'a b#c$d.o' && %s skeleton 'a b#c$d.o' -o x.h -MF rules", scratch,
		 realpath(object_path("plain"), expected), memgen_path());
	SHELL_OK("cd %s && printf 'x.h:\n\techo MADE\ninclude rules\n' > Makefile && "
		 "make -s x.h | { ! grep MADE; } && touch -d '1 hour ago' x.h && "
		 "make -s x.h | grep MADE",
		 scratch);
	ck_assert_int_eq(MEMGEN("skeleton -M %s", object_path("plain")), 2);
	assert_output("-M needs -o");
	ck_assert_int_eq(MEMGEN("skeleton -MD %s -o %s/x.h", object_path("plain"), scratch), 2);
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s/x.h -MF", object_path("plain"), scratch), 2);
}
END_TEST

TEST(nothing_is_overwritten_by_mistake, ON_HOST)
{
	char source[128];

	snprintf(source, sizeof(source), "%s/x.o", scratch);
	SHELL_OK("cp %s %s && ln -s x.o %s", object_path("plain"), source, scratch_file("link"));
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s", source, source), 2);
	assert_output("it is the object, which would be overwritten");
	ck_assert_int_eq(MEMGEN("types %s -o %s", source, scratch_file("link")), 2);
	ck_assert_int_eq(MEMGEN("inspect %s %s -o %s", object_path("plain"), source, source), 2);
	assert_output("it is an object, which would be overwritten");
	ck_assert_int_eq(MEMGEN("layout %s -o %s", source, scratch_file("link")), 2);
	assert_output("it is the object, which would be overwritten");
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s -MF %s", source, scratch_file("x.h"), source), 2);
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s/x.h -MF %s/x.h", source, scratch, scratch), 2);
	assert_output("it is the file of -o, which would be overwritten");
	SHELL_OK("cmp %s %s && test ! -e %s/x.h", object_path("plain"), source, scratch);
	ck_assert_int_eq(MEMGEN("skeleton %s -o ''", source), 2);
	assert_output("-o: the file's name is empty");
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s/x.h -MF ''", source, scratch), 2);
	ck_assert_int_eq(MEMGEN("skeleton %s -o /dev/null -MF /dev/null", source), 0);
}
END_TEST

TEST(rules_are_not_written_for_what_failed, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("skeleton -M /dev/null %s -MF %s -o %s", object_path("plain"),
				scratch_file("rules"), scratch),
			 1);
	ck_assert_int_eq(access(scratch_file("plain.skel.h.d"), F_OK), 0);
	ck_assert_int_ne(access(scratch_file("null.skel.h.d"), F_OK), 0);
	ck_assert_int_ne(access(scratch_file("rules"), F_OK), 0);
	ck_assert_int_eq(MEMGEN("skeleton %s -MF /dev/full -o %s/x.h", object_path("plain"), scratch), 1);
	assert_output("memgen: /dev/full: can't write it: No space left on device\n");
}
END_TEST

/* --- standard input --- */

/* clang writes to a pipe, too: what the reader makes of it is the same. */
TEST(standard_input_is_an_object, ON_HOST)
{
	const char *object = object_path("accessors");

	SHELL_OK("cat %1$s | %2$s skeleton - -n x > %3$s/piped.h && "
		 "%2$s skeleton - -n x -o %3$s/redirected.h < %1$s && cmp %3$s/piped.h %3$s/redirected.h && "
		 "%2$s skeleton %1$s -n x | sed s,accessors.bpf.o,stdin, | cmp - %3$s/piped.h",
		 object, memgen_path(), scratch);
	SHELL_OK("%2$s types - -n x < %1$s | grep -q . && %2$s layout - < %1$s > %3$s/a && "
		 "%2$s layout %1$s | cmp - %3$s/a && %2$s inspect --json - < %1$s -o - | grep -q '\"file\": \"stdin\"'",
		 object, memgen_path(), scratch);
	/* what is there under that name is another thing */
	SHELL_OK("cd %s && touch ./- && %s skeleton - -n x < %s > x.h && test ! -s ./-", scratch, memgen_path(),
		 realpath(object, (char[PATH_MAX]){0}));
}
END_TEST

TEST(standard_input_has_no_name, ON_HOST)
{
	ck_assert_int_eq(MEMGEN("skeleton - < %s", object_path("plain")), 2);
	assert_output("-: standard input has no name to call the header's after: give one with --name");
	ck_assert_int_eq(MEMGEN("types - -n x -o %s < %s", scratch, object_path("plain")), 2);
	assert_output("-: standard input has no name: give a file with -o");
	ck_assert_int_eq(MEMGEN("skeleton - -n x -M -o %s/x.h < %s", scratch, object_path("plain")), 2);
	assert_output("-: standard input has no name for a rule (-M)");
	ck_assert_int_eq(MEMGEN("link %s/all.o - < %s", scratch, object_path("plain")), 1);
	assert_output("memgen: -: standard input can't be linked: give a file");
	ck_assert_int_eq(MEMGEN("skeleton - -n x < /dev/null"), 1);
	assert_output("memgen: /dev/stdin:");
	ck_assert_int_eq(shell_run(output, sizeof(output), "cat %s | %s inspect - -", object_path("plain"),
				   memgen_path()),
			 1); /* the second time there is nothing left */
	assert_output("memgen: /dev/stdin:");
}
END_TEST

/* --- nowhere to write to --- */

/* A file system of its own on the folder "disk", for one command. */
#define ON_DISK "unshare -m sh -c 'mkdir -p %1$s/disk && mount -t tmpfs -o size=4k none %1$s/disk && "

/* One page is too little for a header: what was there stays as it was, and nothing is beside it. */
TEST(full_disk_keeps_what_was_there, ON_HOST)
{
	if (system("unshare -m mount -t tmpfs none /tmp 2> /dev/null"))
		test_skip("can't mount a file system");
	SHELL_OK(ON_DISK "cd %1$s/disk && echo old > x.h && { %2$s skeleton %3$s -o x.h 2> %1$s/said; test $? = 1; } && "
			 "test \"$(cat x.h)\" = old && test \"$(ls)\" = x.h'",
		 scratch, memgen_path(), realpath(object_path("plain"), (char[PATH_MAX]){0}));
	assert_file("said", "memgen: x.h: can't write it: No space left on device\n");
	/* the rule is what does not fit any more */
	SHELL_OK(ON_DISK "mkdir %1$s/disk/d && { %2$s skeleton %3$s -o %1$s/x.h -MF %1$s/disk/rules 2> %1$s/said; "
			 "head -c 4096 /dev/zero > %1$s/disk/d/zeroes; %2$s skeleton %3$s -o %1$s/x.h "
			 "-MF %1$s/disk/d/rules 2> %1$s/said; test $? = 1; } && test ! -e %1$s/disk/d/rules'",
		 scratch, memgen_path(), realpath(object_path("plain"), (char[PATH_MAX]){0}));
	ck_assert_int_eq(shell_run(output, sizeof(output), "cat %s/said", scratch), 0);
	assert_output("/disk/d/rules: can't ");
	assert_output("No space left on device");
}
END_TEST

TEST(folder_that_can_only_be_read, ON_HOST)
{
	if (system("unshare -m mount -t tmpfs none /tmp 2> /dev/null"))
		test_skip("can't mount a file system");
	SHELL_OK("unshare -m sh -c 'mkdir %1$s/disk && mount -t tmpfs none %1$s/disk && echo old > %1$s/disk/x.h && "
		 "mount -o remount,ro %1$s/disk && cd %1$s/disk && "
		 "{ %2$s skeleton %3$s -o x.h 2> %1$s/said; test $? = 1; } && test \"$(cat x.h)\" = old && "
		 "{ %2$s skeleton %3$s -o new.h 2>> %1$s/said; test $? = 1; } && test \"$(ls)\" = x.h'",
		 scratch, memgen_path(), realpath(object_path("plain"), (char[PATH_MAX]){0}));
	ck_assert_int_eq(shell_run(output, sizeof(output), "cat %s/said", scratch), 0);
	assert_output("x.h: can't create a temporary file beside it: Read-only file system\n");
	assert_output("memgen: new.h: can't create a temporary file beside it: Read-only file system\n");
}
END_TEST

/* The folder of the output is a file, or is not there, or the output is a folder. */
TEST(folder_that_is_none, ON_HOST)
{
	const char *object = object_path("plain");

	SHELL_OK("touch %1$s/file && mkdir %1$s/folder", scratch);
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s/file/x.h", object, scratch), 1);
	assert_output("can't create a temporary file beside it: Not a directory");
	ck_assert_int_eq(MEMGEN("skeleton %s -o %s/none/x.h", object, scratch), 1);
	assert_output("can't create a temporary file beside it: No such file or directory");
	ck_assert_int_eq(MEMGEN("inspect %s -o %s/folder", object, scratch), 1);
	assert_output("/folder: can't open it: Is a directory");
}
END_TEST

/* --- all commands --- */

TEST(commands_have_help_with_an_example, ON_HOST)
{
	static const char *const commands[] = {"skeleton", "types", "inspect", "layout", "link"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		ck_assert_int_eq(MEMGEN("%s --help", commands[i]), 0);
		assert_output("Example:\n");
		ck_assert_int_eq(MEMGEN("%s --version", commands[i]), 0);
		ck_assert_msg(!strncmp(output, "memgen 0.", 9), "%s", output);
		ck_assert_int_eq(MEMGEN("%s", commands[i]), 2);
		assert_output("which object file?");
		ck_assert_int_eq(MEMGEN("%s --unknown", commands[i]), 2);
		ck_assert_int_eq(MEMGEN("--help"), 0);
		assert_output(commands[i]);
	}
}
END_TEST

/* The manual and the shell know every command and option that the program knows. */
TEST(manual_and_completion_are_complete, ON_HOST)
{
	static const char find_options[] =
		"{ %1$s --help | sed -n '/^Commands:/,/^$/s/^  \\([a-z]*\\) .*/\\1/p'; "
		"for c in skeleton types inspect layout link; do "
		"%1$s $c --help | grep -o '\\-\\-[a-z][a-z-]*' | "
		"grep -v -e --usage -e --help -e --version; done; true; } > %2$s/words";

	SHELL_OK(find_options, memgen_path(), scratch);
	SHELL_OK("test $(wc -l < %s/words) -ge 8 && sed 's/\\\\-/-/g' %s > %s/text && "
		 "while read -r word; do grep -q -e \"$word\" %s/text || "
		 "{ echo \"memgen.1 lacks $word\"; exit 1; }; grep -q -e \"$word\" %s || "
		 "{ echo \"the completion lacks $word\"; exit 1; }; done < %s/words",
		 scratch, source_path("docs/memgen.1"), scratch, scratch,
		 source_path("docs/memgen.bash-completion"), scratch);
	SHELL_OK("bash -c '. %s; COMP_WORDS=(memgen i); COMP_CWORD=1; _memgen; "
		 "test \"${COMPREPLY[*]}\" = inspect'",
		 source_path("docs/memgen.bash-completion"));
	/* bash splits at = */
	SHELL_OK("bash -ec '. %s; COMP_WORDS=(memgen skeleton --types = n); COMP_CWORD=4; _memgen; "
		 "test \"${COMPREPLY[*]}\" = none; COMP_WORDS=(memgen types --pointers =); COMP_CWORD=3; _memgen; "
		 "test \"${COMPREPLY[*]}\" = \"64 32\"; COMP_WORDS=(memgen types --output = memg); COMP_CWORD=4; "
		 "cd %s; touch memgen.x; _memgen; test \"${COMPREPLY[*]}\" = memgen.x'",
		 source_path("docs/memgen.bash-completion"), scratch);
	if (!system("command -v groff > /dev/null"))
		SHELL_OK("test -z \"$(groff -man -ww -z %s 2>&1)\"", source_path("docs/memgen.1"));
}
END_TEST
