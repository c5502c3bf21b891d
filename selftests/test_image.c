/* SPDX-License-Identifier: BSD-2-Clause */
/* Images are checked as if they came from an enemy, and those of other versions are read. */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <mem/elf.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "image_tables.h"
#include "image.h"
#include "matches.h"

static struct mem_image *original;
static struct mem_image image; /* with tables of its own, to be changed */

#define TABLES(x)                                                                                  \
	x(maps) x(inits) x(regions) x(progs) x(prog_funcs) x(funcs) x(insns) x(relocs) x(externs)  \
		x(line_infos) x(core_relos) x(btf)

static struct mem_table copy_of(const struct mem_table *table)
{
	struct mem_table copy = *table;

	copy.rows = malloc((size_t)table->count * table->row_size + 1);
	memcpy((void *)copy.rows, table->rows, (size_t)table->count * table->row_size);
	return copy;
}

static void copy_image(void)
{
	image = *original;
#define COPY(table) image.table = copy_of(&original->table);
	TABLES(COPY)
#undef COPY
}

static void free_copy(void)
{
#define FREE(table) free((void *)image.table.rows);
	TABLES(FREE)
#undef FREE
}

static void read_image(void)
{
	original = assert_ptr(mem_image_read_file(build_path("selftests/reader.bpf.o"), NULL));
	copy_image();
}

static void free_image(void)
{
	free_copy();
	mem_image_free(original);
}

FIXTURE(read_image, free_image)

/* A row of a table, to be changed. */
#define ROW(table, type, i) (&((type *)image.table.rows)[i])

#define MAP(name)    ROW(maps, struct mem_map_image, row_of(&image.maps, name))
#define REGION(name) ROW(regions, struct mem_region_image, row_of(&image.regions, name))
#define PROG(name)   ROW(progs, struct mem_prog_image, row_of(&image.progs, name))
#define FUNC(name)   ROW(funcs, struct mem_func_image, row_of(&image.funcs, name))
#define EXTERN(name) ROW(externs, struct mem_extern_image, row_of(&image.externs, name))
/* the i-th of the rows that belong to a row */
#define RELOC(func, i) ROW(relocs, struct mem_reloc_image, FUNC(func)->relocs.first + (i))
#define LINE(func, i)  ROW(line_infos, struct bpf_line_info, FUNC(func)->lines.first + (i))
#define CORE(func, i)  ROW(core_relos, struct bpf_core_relo, FUNC(func)->cores.first + (i))
#define CODE(func, i)  ROW(insns, struct bpf_insn, FUNC(func)->insns.first + (i))
#define INIT(map, i)   ROW(inits, struct mem_init_image, MAP(map)->inits.first + (i))
#define BTF	       ((struct btf_header *)image.btf.rows)

static void expect_bad(const char *change, const char *message)
{
	ck_assert_msg(!mem_image_is_valid(&image), "%s is accepted", change);
	ck_assert_msg(begins_like(mem_error_message(), message), "%s: \"%s\" instead of \"%s\"",
		      change, mem_error_message(), message);
	free_copy();
	copy_image();
}

/* One change makes the image invalid, with this message. */
#define BAD(change, message)                                                                       \
	do {                                                                                       \
		change;                                                                            \
		expect_bad(#change, message);                                                      \
	} while (0)

TEST(good)
{
	ck_assert_msg(mem_image_is_valid(original), "%s", test_message());
	ck_assert_msg(mem_image_is_valid(&image), "%s", test_message());
	ck_assert_int_eq(mem_image_is_valid(NULL), 0);
	ck_assert_str_eq(mem_error_message(), "image: NULL");
}
END_TEST

TEST(header)
{
	BAD(image.abi = 2, "image: made for ABI 2, this libmem reads 1: generate the header again");
	BAD(image.size = 8, "image: only 8 bytes, at least");
	BAD(image.name = NULL, "image: has no name");
	BAD(image.flags = 1, "reader: unknown flags 0x1");
	free((void *)image.maps.rows);
	BAD(image.maps.count = 1u << 31;
	    image.maps.rows = NULL, "reader: maps: 2147483648 rows at address");
	BAD(image.insns.row_size = 16, "reader: insns: rows of 16 bytes, not 8");
	BAD(image.maps.row_size = 0, "reader: maps: rows of 0 bytes, not");
}
END_TEST

TEST(maps)
{
	BAD(MAP("first")->name = NULL, "reader: maps[0]: no name");
	BAD(MAP("first")->kernel_name = NULL, "reader: maps[0]: kernel name is not 1 to 15 of");
	BAD(MAP("first")->kernel_name = "", "reader: maps[0]: kernel name is not 1 to 15 of");
	BAD(MAP("first")->kernel_name = "sixteen_letters_",
	    "reader: maps[0]: kernel name is not 1 to");
	BAD(MAP("first")->kernel_name = "a-b", "reader: maps[0]: kernel name is not 1 to 15 of");
	BAD(MAP("first")->flags = 64, "reader: maps[0]: flags 0x40, pinning 0");
	BAD(MAP("first")->pinning = 2, "reader: maps[0]: flags 0, pinning 2");
	BAD(MAP("first")->key_type = 1 << 30, "reader: maps[0]: BTF has no type 1073741824");
	BAD(MAP("first")->inner_map = 3, "reader: maps[0]: type 1 can't hold maps");
	BAD(MAP("outer")->inner_map = 99, "reader: maps[2]: inner map 99 of 15");
	BAD(MAP("outer")->inner_map = 0, "reader: maps[2]: inner map 0 is not a plain prototype");
	BAD(MAP("outer")->inits.count = 100, "reader: maps[2]: initial elements past the end");
	BAD(MAP("outer")->inits.first = -1, "reader: maps[2]: initial elements past the end");
	BAD(INIT("outer", 0)->target = 3,
	    "reader: inits[0]: kind 1 with target 3 does not fit map outer");
	BAD(INIT("outer", 0)->target = 99, "reader: inits[0]: kind 1 with target 99");
	BAD(INIT("outer", 0)->kind = MEM_INIT_PROG, "reader: inits[0]: kind 2 with target 0");
	BAD(INIT("jumps", 0)->target = 4, "reader: inits[2]: kind 2 with target 4");
}
END_TEST

TEST(regions)
{
	BAD(REGION("bss")->name = "", "reader: regions[5]: no name");
	BAD(REGION("bss")->map = 15, "reader: regions[5]: map 15 of 15");
	BAD(REGION("bss")->map = REGION("data")->map,
	    "reader: regions[5]: map .data has a region already");
	BAD(REGION("bss")->map = 0, "reader: regions[5]: map first can't hold it");
	BAD(REGION("bss")->init_size = 1, "reader: regions[5]: 1 bytes of initial contents for 60");
	BAD(REGION("data")->init_size = 17,
	    "reader: regions[2]: 17 bytes of initial contents for 16");
	BAD(REGION("data")->init = NULL, "reader: regions[2]: 9 bytes of initial contents for 16");
	BAD(REGION("data")->size = 24, "reader: regions[2]: map .data can't hold it");
	BAD(REGION("data")->kind = 9, "reader: regions[2]: unknown kind 9");
	BAD(REGION("data")->align = 0, "reader: regions[2]: alignment 0 is not a power of two");
	BAD(REGION("data")->align = 12, "reader: regions[2]: alignment 12 is not a power of two");
	BAD(REGION("arena")->size = 1ULL << 33, "reader: regions[1]: map arena can't hold it");
	BAD(REGION("shared_samples")->kind = MEM_REGION_ARENA,
	    "reader: regions[0]: map shared_samples");
	BAD(MAP(".data")->max_entries = 2, "reader: regions[2]: map .data can't hold it");
}
END_TEST

TEST(functions)
{
	BAD(FUNC("target")->name = NULL, "reader: funcs[4]: no name");
	BAD(FUNC("target")->flags = 2, "reader: function target: unknown flags 0x2");
	BAD(FUNC("target")->insns.count = 0, "reader: function target: rows past the end");
	BAD(FUNC("target")->insns.first = -1, "reader: function target: rows past the end");
	BAD(FUNC("on_task")->insns.count++, "reader: function on_task: rows past the end");
	BAD(FUNC("target")->lines.count = 1000, "reader: function target: rows past the end");
	BAD(FUNC("target")->type = -1, "reader: funcs[4]: BTF has no type 4294967295");
	BAD(LINE("target", 1)->insn_off = 0,
	    "reader: function target: line_infos[*]: instruction 0 out");
	BAD(LINE("target", 1)->insn_off = 99,
	    "reader: function target: line_infos[*]: instruction 99");
	BAD(LINE("target", 0)->line_off = -1,
	    "reader: function target: line_infos[*]: text outside BTF");
	BAD(CORE("on_switch", 0)->insn_off = 999,
	    "reader: function on_switch: core_relos[0]: instruction");
	BAD(CORE("on_switch", 0)->type_id = 0,
	    "reader: function on_switch: core_relos[0]: outside BTF");
	BAD(CORE("on_switch", 0)->access_str_off = -1,
	    "reader: function on_switch: core_relos[0]: out");
}
END_TEST

TEST(relocations)
{
	BAD(RELOC("target", 0)->insn = 999,
	    "reader: function target: relocs[*]: instruction 999 out of");
	BAD(RELOC("target", 1)->insn = RELOC("target", 0)->insn,
	    "reader: function target: relocs[*]: in");
	BAD(RELOC("target", 0)->kind = 0,
	    "reader: function target: relocs[*]: kind 0, target 3, offset 0");
	BAD(RELOC("target", 0)->target = 8, "reader: function target: relocs[*]: kind 3, target 8");
	BAD(RELOC("target", 0)->kind = MEM_RELOC_CALL,
	    "reader: function target: relocs[*]: kind 4");
	BAD(RELOC("target", 1)->offset = 14,
	    "reader: function target: relocs[*]: kind 2, target 3, off");
	BAD(RELOC("target", 1)->target = 0, "reader: function target: relocs[*]: kind 2, target 0");
	BAD(RELOC("target", 2)->kind = MEM_RELOC_FUNC,
	    "reader: function target: relocs[*]: kind 3");
	BAD(RELOC("target", 4)->target = 7, "reader: function target: relocs[*]: kind 5, target 7");
	BAD(RELOC("on_switch", 0)->target = 3,
	    "reader: function on_switch: relocs[*]: kind 1, target 3");
	/* second half of a constant; a call of a kernel variable */
	BAD(CODE("target", RELOC("target", 0)->insn + 1)->code = 0x95,
	    "reader: function target: relocs");
	BAD(EXTERN("bpf_task_release")->kind = MEM_EXTERN_KSYM,
	    "reader: function on_switch: relocs[*]");
	/* calls that name nothing */
	BAD(FUNC("for_all")->relocs.count = 0;
	    CODE("for_all", 0)->src_reg = BPF_PSEUDO_CALL,
	    "reader: function for_all: instruction 0 calls an unnamed function");
	BAD(CODE("on_task", 0)->code = BPF_LD | BPF_IMM | BPF_DW,
	    "reader: function on_task: instruction 0 loads half a constant");
}
END_TEST

TEST(programs)
{
	BAD(PROG("target")->name = NULL, "reader: progs[0]: no name");
	BAD(PROG("target")->section = NULL, "reader: progs[0]: no name");
	BAD(PROG("target")->flags = 64,
	    "reader: program target: attach kind 0, target kind 0, flags 0x40");
	BAD(PROG("target")->attach_kind = 99, "reader: program target: attach kind 99");
	BAD(PROG("target")->target_kind = 99,
	    "reader: program target: attach kind 0, target kind 99");
	BAD(PROG("target")->funcs.count = 0,
	    "reader: program target: no functions, or past the end");
	BAD(PROG("target")->funcs.count = 99,
	    "reader: program target: no functions, or past the end");
	BAD(PROG("target")->funcs.count = 2,
	    "reader: program target: lacks function *, which target calls");
	BAD(*ROW(prog_funcs, uint32_t, 1) = 99,
	    "reader: program target: function 99 is missing or there");
	BAD(*ROW(prog_funcs, uint32_t, 1) = 4,
	    "reader: program target: function 4 is missing or there");
}
END_TEST

TEST(externs)
{
	BAD(EXTERN("jiffies")->name = "", "reader: externs[5]: no name");
	BAD(EXTERN("jiffies")->kind = 0, "reader: extern jiffies: kind 0, flags 0");
	BAD(EXTERN("jiffies")->flags = 2, "reader: extern jiffies: kind 3, flags 0x2");
	BAD(EXTERN("init_task")->type = -1, "reader: externs[6]: BTF has no type 4294967295");
	BAD(EXTERN("CONFIG_BPF")->kcfg_kind = 9,
	    "reader: extern CONFIG_BPF: unknown kind of value 9");
	BAD(EXTERN("CONFIG_BPF")->kcfg_offset = 15,
	    "reader: extern CONFIG_BPF: 1 bytes at 15 are outside");
	BAD(EXTERN("CONFIG_BPF")->kcfg_size = -1,
	    "reader: extern CONFIG_BPF: 4294967295 bytes at 4 are");
	BAD(EXTERN("CONFIG_BPF")->kcfg_size = 0,
	    "reader: extern CONFIG_BPF: 0 bytes at 4 are outside");
	BAD(EXTERN("CONFIG_BPF")->kcfg_size = 9, "reader: extern CONFIG_BPF: a value of 9 bytes");
}
END_TEST

TEST(btf)
{
	BAD(BTF->magic = 0, "reader: BTF: bad header");
	BAD(BTF->hdr_len = -1, "reader: BTF: bad header");
	BAD(BTF->type_len = -1, "reader: BTF: types end past its");
	BAD(BTF->str_off = -1, "reader: BTF: strings end past its");
	BAD(BTF->str_len = 0, "reader: BTF: strings end past its");
	BAD(BTF->str_off++, "reader: BTF: strings end past its");
	BAD(BTF->str_len--, "reader: BTF: strings don't begin and end with NUL");
	BAD(image.btf.count = 10, "reader: BTF: only 10 bytes");
	/* without BTF nothing may refer to it */
	BAD(image.btf.count = 0, "reader: maps[0]: BTF has no type");
}
END_TEST

/* Rows of another size: what a table has lost reads as zero, and so must what it has gained. */
static void resize(struct mem_table *table, uint32_t row_size)
{
	uint32_t known = row_size < table->row_size ? row_size : table->row_size;
	char *rows = calloc(table->count, row_size);

	for (uint32_t i = 0; i < table->count; i++)
		memcpy(rows + i * row_size, (const char *)table->rows + i * table->row_size, known);
	free((void *)table->rows);
	table->rows = rows;
	table->row_size = row_size;
}

TEST(shorter_rows_are_widened)
{
	struct image_view view;

	/* all that a new libmem may add is at the end of a row */
	resize(&image.maps, offsetof(struct mem_map_image, flags));
	resize(&image.externs, offsetof(struct mem_extern_image, kcfg_signed));
	assert_ok(image_widen(&image, &view));
	ck_assert_ptr_nonnull(view.owned);
	ck_assert_uint_eq(view.map_count, original->maps.count);
	ck_assert_str_eq(view.maps[2].name, "outer");
	ck_assert_uint_eq(view.maps[2].max_entries, 4);
	ck_assert_uint_eq(view.maps[2].section_offset, 0);
	ck_assert_uint_eq(view.maps[3].flags, 0);
	ck_assert_str_eq(view.externs[0].name, "LINUX_KERNEL_VERSION");
	ck_assert_uint_eq(view.externs[0].kcfg_size, 4);
	ck_assert_uint_eq(view.externs[0].kcfg_signed, 0);
	ck_assert_ptr_eq(view.progs, image.progs.rows);
	image_view_free(&view);
	ck_assert_ptr_null(view.owned);
}
END_TEST

TEST(longer_rows_are_read_while_their_end_is_zero)
{
	struct image_view view;

	resize(&image.progs, sizeof(struct mem_prog_image) + 24);
	resize(&image.relocs, sizeof(struct mem_reloc_image) + 4);
	ck_assert_msg(mem_image_is_valid(&image), "%s", test_message());
	assert_ok(image_widen(&image, &view));
	ck_assert_str_eq(view.progs[3].name, "on_task");
	image_view_free(&view);

	((char *)image.relocs.rows)[2 * image.relocs.row_size - 1] = 1;
	assert_err(image_widen(&image, &view), -ENOTSUP);
	ck_assert_str_eq(
		mem_error_message(),
		"reader: made by a newer memgen: relocs[1] uses a field that this libmem does "
		"not know; install that version's libmem");
	ck_assert_ptr_null(view.image);
}
END_TEST

/* A struct mem_image with a table more than this libmem knows. */
TEST(longer_image)
{
	struct {
		struct mem_image image;
		struct mem_table more;
	} longer = {.image = image};

	longer.image.size = sizeof(longer);
	ck_assert_msg(mem_image_is_valid(&longer.image), "%s", test_message());
	longer.more.count = 1;
	ck_assert_int_eq(mem_image_is_valid(&longer.image), 0);
	ck_assert_int_eq(errno, ENOTSUP);
}
END_TEST

/* An object of an empty file, so to say. */
TEST(empty)
{
	static const struct mem_image nothing = {
		.abi = MEM_IMAGE_ABI,
		.size = sizeof(nothing),
		.name = "nothing",
	};

	ck_assert_msg(mem_image_is_valid(&nothing), "%s", test_message());
}
END_TEST
