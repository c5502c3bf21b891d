/* SPDX-License-Identifier: BSD-2-Clause */
/* Sources that ask something of memgen's headers: what they export, odd types, names that others have. */
#include <bpf/libbpf.h>
#include <stdlib.h>
#include <string.h>

#include "compilers.h"
#include "harness.h"
#include "scratch.h"
#include "shell.h"

#define ON_HOST .host_only = "runs memgen and compilers"

FIXTURE(scratch_make, scratch_remove)

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

TEST(exports_survive_linking, ON_HOST)
{
	compile_bpf("a", "#include <mem/bpf.h>\nstruct first { int a; };\nMEM_EXPORT(struct first);\n"
			 "struct third { int a; };\nMEM_EXPORT(struct third);\n");
	compile_bpf("b", "#include <mem/bpf.h>\nstruct second { long b; };\nMEM_EXPORT(struct second);\n");
	SHELL_OK("cd %s && %s link both.o a.bpf.o b.bpf.o && %s types both.o > both.h && "
	       "grep -q '^struct first {' both.h && grep -q '^struct second {' both.h && "
	       "grep -q '^struct third {' both.h",
	       scratch, memgen_path(), memgen_path());
}
END_TEST

TEST(records_need_their_buffer, ON_HOST)
{
	char output[1000];

	compile_bpf("x", "#include <mem/bpf.h>\nstruct event { int a; };\n"
			 "MEM_RECORD(evnets, struct event);\n");
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s skeleton %s/x.bpf.o -o %s/h", memgen_path(), scratch,
			     scratch),
			 1);
	ck_assert_msg(strstr(output, "MEM_RECORD(evnets, ...): there is no ring buffer") != NULL, "%s",
		      output);
	compile_bpf("x", "#include <mem/bpf.h>\nstruct event { int a; };\n"
			 "struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1);\n"
			 "__type(key, int); __type(value, int); } events SEC(\".maps\");\n"
			 "MEM_RECORD(events, struct event);\n");
	ck_assert_int_eq(shell_run(output, sizeof(output), "%s types %s/x.bpf.o", memgen_path(), scratch), 1);
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
				     scratch, scratch),
				 1);
		ck_assert_msg(strstr(output, bad[i].message) != NULL, "%s", output);
	}
	compile_bpf("x", RING_OF("named_t"));
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(output, sizeof(output), "#include \"%s/x.h\"\n", scratch);
	compile(output);
	SHELL_OK("grep -q 'x__events_next' %s/x.h", scratch);
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
				     scratch, scratch),
				 1);
		snprintf(text, sizeof(text), "MEM_TASK(..., conn) and MEM_TASK(..., conn_%s): ", endings[i]);
		ck_assert_msg(strstr(output, text) != NULL, "%s", output);
	}
}
END_TEST

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
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	SHELL_OK("grep -q 'evt_arr \\*named;' %s/x.h && grep -q 'struct evt (\\*spelled)\\[2\\];' %s/x.h", scratch,
	       scratch);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", scratch);
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
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", scratch);
	compile(text);
	need_narrow();
	SHELL_OK("%s skeleton --pointers=32 %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	compile_narrow(scratch_file("x.h"));
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
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text), "#include \"%s/x.h\"\n", scratch);
	compile(text);
}
END_TEST

/* Types and enumerators that are called as its functions are, or as padding, or as a namespace of C++. */
TEST(types_may_have_names_that_headers_need, ON_HOST, .timeout = 60)
{
	char text[300];

	compile_bpf("x", "#include <mem/bpf.h>\n"
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
	SHELL_OK("%s skeleton %s/x.bpf.o --accessors -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text), "#ifdef __cplusplus\n#include <string>\n#endif\n#include \"%s/x.h\"\n",
		 scratch);
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
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text),
		 "#include \"%s/x.h\"\n"
		 "long use(struct x *skel);\n"
		 "long use(struct x *skel)\n"
		 "{ return skel->data->full + skel->bss->empty + skel->rodata_a_b->fixed +\n"
		 "	  skel->rodata_a_b_2->other + skel->arrays.data_2[1] + skel->arrays.bss_2[1]; }\n",
		 scratch);
	compile(text);
}
END_TEST

/* Floats that C has not, behind pointers as well; atomics, which BTF has not; what has no size. */
TEST(types_may_be_such_as_c_has_not, ON_HOST, .timeout = 60)
{
	char text[300];

	compile_bpf("x", "#include <mem/bpf.h>\n"
		    "struct odd { __fp16 *half; long double *(*call)(__fp16 *); long double wide; int after;\n"
		    "	_Atomic int count; _Atomic char flag; char plain; _Complex float complex; long last; };\n"
		    "union one { _Atomic int a; char b; }; _Atomic long alone; struct odd odd; union one one;\n"
		    "struct none { union { struct { } a[0]; }; union { struct { } b; struct { } c[2]; }; int d;\n"
		    "	struct { union { struct { } e[0]; }; }; } none;\n"
		    "struct { struct { } a; } nothing; struct { } less;\n"
		    "SEC(\"xdp\") int use(void *ctx) { return odd.after + none.d; }\n");
	SHELL_OK("%s skeleton %s/x.bpf.o -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text),
		 "#include \"%s/x.h\"\n"
		 "int use(struct odd *odd);\n"
		 "int use(struct odd *odd)\n"
		 "{ return odd->count[3] + odd->plain + (odd->half == NULL); }\n",
		 scratch);
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
	SHELL_OK("%s skeleton %s/x.bpf.o --accessors -o %s/x.h", memgen_path(), scratch, scratch);
	snprintf(text, sizeof(text),
		 "#include <mem/ringbuf.h>\n#include <mem/task.h>\n#include <mem/seq.h>\n"
		 "#include <mem/migrate.h>\n#include <mem/schema.h>\n#include \"%s/x.h\"\n",
		 scratch);
	compile(text);
}
END_TEST
