/* SPDX-License-Identifier: BSD-2-Clause */
/* Constants that compilers put into sections of their own, and list as another one's (clang up to 14). */
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include <mem/elf.h>

#include "elf_builder.h"
#include "harness.h"

static struct mem_image *image;

static void free_image(void)
{
	mem_image_free(image);
	image = NULL;
}

FIXTURE(NULL, free_image)

enum { TYPE_INT = 1, TYPE_PAIR, TYPE_LEVEL, TYPE_FIRST, TYPE_SECOND, TYPE_RODATA };

/* .rodata lists first and second, and level, which is the only one in it, where there is a .rodata. */
static struct btf *make_btf(bool with_level)
{
	struct btf *btf = btf__new_empty();

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_array(btf, TYPE_INT, TYPE_INT, 2);
	btf__add_var(btf, "level", BTF_VAR_STATIC, TYPE_INT);
	btf__add_var(btf, "first", BTF_VAR_STATIC, TYPE_PAIR);
	btf__add_var(btf, "second", BTF_VAR_STATIC, TYPE_PAIR);
	btf__add_datasec(btf, ".rodata", 0);
	if (with_level)
		btf__add_datasec_var_info(btf, TYPE_LEVEL, 0, 4);
	btf__add_datasec_var_info(btf, TYPE_FIRST, 0, 8);
	btf__add_datasec_var_info(btf, TYPE_SECOND, 8, 8);
	return btf;
}

/* Returns second[0] + second[1]. */
static void read_constants(bool with_rodata)
{
	const struct bpf_insn code[] = {
		INSN_LD64(1, 0, 0), /* second */
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 0, .src_reg = 1},
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 1, .src_reg = 1, .off = 4},
		{.code = BPF_ALU64 | BPF_ADD | BPF_X, .dst_reg = 0, .src_reg = 1},
		INSN_EXIT,
	};
	const uint8_t local = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
	struct elf_builder *b = elf_builder_new();
	uint32_t prog = elf_add_section(b, "socket", SHF_ALLOC | SHF_EXECINSTR, code, sizeof(code));
	uint32_t merged = elf_add_section(b, ".rodata.cst8", SHF_ALLOC, (int[]){1, 2, 30, 12}, 16);
	struct elf_bytes file;
	uint32_t second;

	elf_add_section(b, "license", SHF_ALLOC | SHF_WRITE, "GPL", 4);
	if (with_rodata)
		elf_add_symbol(b, "level", elf_add_section(b, ".rodata", SHF_ALLOC, (int[]){5}, 4), local, 0, 4);
	elf_add_symbol(b, "first", merged, local, 0, 8);
	second = elf_add_symbol(b, "second", merged, local, 8, 8);
	elf_add_func(b, "prog", prog, 0, sizeof(code));
	elf_add_relocation(b, prog, 0, second, 1);
	elf_add_btf(b, make_btf(with_rodata));
	file = elf_build(b);
	image = assert_ptr(mem_image_read(file.data, file.size, NULL));
	free(file.data);
	ck_assert_msg(mem_image_is_valid(image), "%s", test_message());
}

static const struct mem_region_image *find_region(const char *name)
{
	const struct mem_region_image *regions = image->regions.rows;

	for (uint32_t i = 0; i < image->regions.count; i++)
		if (!strcmp(regions[i].name, name))
			return &regions[i];
	return NULL;
}

static void assert_listed(const char *const *names, uint32_t count)
{
	struct btf *btf = assert_ptr(btf__new(image->btf.rows, image->btf.count * image->btf.row_size));
	const struct btf_type *section = btf__type_by_id(btf, TYPE_RODATA);

	ck_assert_uint_eq(btf_vlen(section), count);
	for (uint32_t i = 0; i < count; i++) {
		const struct btf_type *variable = btf__type_by_id(btf, btf_var_secinfos(section)[i].type);

		ck_assert_str_eq(btf__name_by_offset(btf, variable->name_off), names[i]);
	}
	btf__free(btf);
}

/* The kernel takes the types, and the program finds its constants. */
static void assert_runs(void)
{
	struct mem_run_opts opts = {.sz = sizeof(opts), .data_in = "0123456789abcdef", .data_size_in = 16};
	struct mem_object *obj = assert_ptr(mem_object_open(image, NULL));

	assert_ok(mem_object_load(obj));
	assert_ok(mem_prog_run(mem_object_find_prog(obj, "prog"), &opts));
	ck_assert_uint_eq(opts.retval, 42);
	mem_object_close(obj);
}

TEST(constants_to_merge_are_no_variables_of_rodata)
{
	read_constants(true);
	assert_listed((const char *[]){"level"}, 1);
	ck_assert_uint_eq(find_region("rodata")->type, TYPE_RODATA);
	ck_assert_uint_eq(find_region("rodata_cst8")->size, 16);
	need_bpf();
	assert_runs();
}
END_TEST

TEST(constants_to_merge_without_a_rodata)
{
	read_constants(false);
	assert_listed(NULL, 0);
	ck_assert_ptr_null(find_region("rodata"));
	ck_assert_uint_eq(find_region("rodata_cst8")->size, 16);
	need_bpf();
	assert_runs();
}
END_TEST
