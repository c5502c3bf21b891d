/* SPDX-License-Identifier: BSD-2-Clause */
/* What compilers and linkers may write, but clang rarely does: all of it is read. */
#include <errno.h>
#include <linux/btf.h>
#include <mem/elf.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "image_tables.h"
#include "sample_object.h"

static struct mem_image *image;

static void free_image(void)
{
	mem_image_free(image);
	image = NULL;
}

FIXTURE(NULL, free_image)

#define ROW(table, type, i) (&((const type *)image->table.rows)[i])
#define RELOC(i)	    ROW(relocs, struct mem_reloc_image, i)

static void read_built(struct elf_bytes file)
{
	image = assert_ptr(mem_image_read(file.data, file.size, NULL));
	free(file.data);
	ck_assert_msg(mem_image_is_valid(image), "%s", test_message());
}

static void assert_like_sample(void)
{
	struct elf_bytes file = sample_object();
	struct mem_image *sample = assert_ptr(mem_image_read(file.data, file.size, NULL));

	assert_same_table("btf", &image->btf, &sample->btf);
	assert_same_table("relocs", &image->relocs, &sample->relocs);
	assert_same_table("line_infos", &image->line_infos, &sample->line_infos);
	assert_same_table("core_relos", &image->core_relos, &sample->core_relos);
	mem_image_free(sample);
	free(file.data);
}

/* The sample with other contents of a section of debug information. */
static struct elf_bytes replace_section(const char *name, const void *data, size_t size)
{
	struct elf_builder *b = sample_builder();

	elf_replace_contents(b, name, data, size);
	return elf_build(b);
}

/* Linux 7.1: the layout of the kinds is described behind a longer header. */
TEST(longer_btf_header)
{
	struct elf_bytes file = sample_object();
	size_t size = elf_find_header(file, ".BTF")->sh_size;
	uint8_t *longer = calloc(1, size + 8 + 60);
	struct btf_header *header = (struct btf_header *)longer;

	memcpy(longer, elf_find_contents(file, ".BTF"), sizeof(*header));
	memcpy(longer + 32, elf_find_contents(file, ".BTF") + 24, size - 24);
	header->hdr_len = 32;
	((uint32_t *)longer)[6] = size - 24;
	((uint32_t *)longer)[7] = 60;
	free(file.data);

	read_built(replace_section(".BTF", longer, size + 8 + 60));
	free(longer);
	assert_like_sample();
}
END_TEST

/* Strings in front of types, and something between them. */
TEST(btf_in_another_order)
{
	struct elf_bytes file = sample_object();
	const uint8_t *data = elf_find_contents(file, ".BTF");
	struct btf_header header;
	uint8_t *other;

	memcpy(&header, data, sizeof(header));
	other = calloc(1, 24 + header.str_len + 16 + header.type_len);
	memcpy(other + 24, data + 24 + header.str_off, header.str_len);
	header.str_off = 0;
	memcpy(other + 24 + ((header.str_len + 7) & ~3u), data + 24, header.type_len);
	header.type_off = (header.str_len + 7) & ~3u;
	memcpy(other, &header, sizeof(header));
	free(file.data);

	read_built(replace_section(".BTF", other, 24 + header.type_off + header.type_len));
	free(other);
	assert_like_sample();
}
END_TEST

/* Records longer than ours begin with what we know; a header may end before the CO-RE records. */
TEST(btf_ext_of_other_versions)
{
	struct elf_bytes file = sample_object();
	const uint32_t *words = (const uint32_t *)elf_find_contents(file, ".BTF.ext");
	/* only function types: header, record size, and .text's and xdp's one record each */
	const uint32_t older[] = {
		words[0],  24,	     0, 36,	     0,
		0, /* header */
		8,	   words[9], 1, 0,	     SAMPLE_HELPER,
		words[13], 1,	     0, SAMPLE_PROG,
	};
	const uint32_t newer[] = {
		words[0], 40,	     0, 44, 0,
		0,	  0,	     0, 0,  0, /* header */
		12,	  words[9],  1, 0,  SAMPLE_HELPER,
		77,	  words[13], 1, 0,  SAMPLE_PROG,
		78,
	};

	read_built(replace_section(".BTF.ext", older, 24 + 36));
	free_image();
	read_built(replace_section(".BTF.ext", newer, 40 + 44));
	free(file.data);
}
END_TEST

#define CODE	       (SHF_ALLOC | SHF_EXECINSTR)
#define SECTION_SYMBOL ELF64_ST_INFO(STB_LOCAL, STT_SECTION)
#define LOCAL_FUNC     ELF64_ST_INFO(STB_LOCAL, STT_FUNC)

/* Static things have no symbol of their own in a relocation: the section's, and a constant. */
TEST(section_symbols)
{
	static const struct bpf_insn code[] = {
		INSN_LD64(1, BPF_PSEUDO_FUNC, 16), /* .text + 16 */
		INSN_LD64(2, 0, 4),		   /* .data + 4 */
		INSN_CALL(BPF_PSEUDO_CALL, 1),	   /* .text + 16 */
		INSN_EXIT,
	};
	static const struct bpf_insn text[] = {INSN_MOV(0, 0), INSN_EXIT, INSN_MOV(0, 1),
					       INSN_EXIT};
	struct elf_builder *b = elf_builder_new();
	uint32_t text_section = elf_add_section(b, ".text", CODE, text, sizeof(text));
	uint32_t tc = elf_add_section(b, "tc", CODE, code, sizeof(code));
	uint32_t data = elf_add_section(b, ".data", SHF_ALLOC | SHF_WRITE, "1234567", 8);
	uint32_t text_symbol = elf_add_symbol(b, "", text_section, SECTION_SYMBOL, 0, 0);
	uint32_t data_symbol = elf_add_symbol(b, "", data, SECTION_SYMBOL, 0, 0);

	elf_add_symbol(b, "one", text_section, LOCAL_FUNC, 0, 16);
	elf_add_symbol(b, "two", text_section, LOCAL_FUNC, 16, 16);
	elf_add_func(b, "prog", tc, 0, sizeof(code));
	elf_add_relocation(b, tc, 0, text_symbol, 1);
	elf_add_relocation(b, tc, 16, data_symbol, 1);
	elf_add_relocation(b, tc, 32, text_symbol, 10);
	read_built(elf_build(b));

	ck_assert_uint_eq(image->relocs.count, 3);
	ck_assert_uint_eq(RELOC(0)->kind, MEM_RELOC_FUNC);
	ck_assert_uint_eq(RELOC(0)->target, 1);
	ck_assert_uint_eq(RELOC(1)->kind, MEM_RELOC_REGION);
	ck_assert_uint_eq(RELOC(1)->offset, 4);
	ck_assert_uint_eq(RELOC(2)->kind, MEM_RELOC_CALL);
	ck_assert_uint_eq(RELOC(2)->target, 1);
	ck_assert_uint_eq(image->prog_funcs.count, 2);
	/* without BTF there is nothing to refer to */
	ck_assert_uint_eq(ROW(regions, struct mem_region_image, 0)->type, 0);
	ck_assert_ptr_null(image->license);
}
END_TEST

/* Notes of tools, as libxdp's .xdp_run_config: in the file and in its BTF, and no variables of anybody. */
TEST(sections_that_nobody_loads)
{
	static const struct bpf_insn code[] = {INSN_MOV(0, 0), INSN_EXIT};
	struct elf_builder *b = elf_builder_new();
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	int var = btf__add_var(btf, "config", BTF_VAR_GLOBAL_ALLOCATED, type);
	uint32_t notes = elf_add_section(b, ".xdp_run_config", SHF_ALLOC | SHF_WRITE, "\0\0\0\0\1\0\0", 8);

	btf__add_datasec(btf, ".xdp_run_config", 0);
	btf__add_datasec_var_info(btf, var, 0, 4);
	elf_add_object(b, "config", notes, 4, 4);
	elf_add_func(b, "prog", elf_add_section(b, "xdp", CODE, code, sizeof(code)), 0, sizeof(code));
	elf_add_btf(b, btf);
	read_built(elf_build(b));
	ck_assert_uint_eq(image->progs.count, 1);
	ck_assert_uint_eq(image->regions.count, 0);
	ck_assert_uint_eq(image->maps.count, 0);
}
END_TEST

/* gcc's linker puts `int none[0];` where the next variable is, and lists it where it likes. */
TEST(an_empty_variable_at_anothers_place)
{
	struct elf_builder *b = elf_builder_new();
	struct btf *btf = btf__new_empty();
	int type = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), none = btf__add_array(btf, type, type, 0);
	int full = btf__add_var(btf, "full", BTF_VAR_GLOBAL_ALLOCATED, type);
	int empty = btf__add_var(btf, "empty", BTF_VAR_GLOBAL_ALLOCATED, none);
	uint32_t bss = elf_add_section(b, ".bss", SHF_ALLOC | SHF_WRITE, NULL, 8);

	btf__add_datasec(btf, ".bss", 0);
	btf__add_datasec_var_info(btf, full, 4, 4);
	btf__add_datasec_var_info(btf, empty, 4, 0);
	elf_add_object(b, "full", bss, 4, 4);
	elf_add_object(b, "empty", bss, 4, 0);
	elf_add_btf(b, btf);
	read_built(elf_build(b));
	ck_assert_uint_eq(ROW(regions, struct mem_region_image, 0)->size, 8);
}
END_TEST

/*
 * For symbols with names GNU as 2.40 counts from the section's start, in bytes; later ones and clang count from
 * the symbol, calls in instructions.
 */
static void read_of_gas(const char *comment, int32_t data_imm, int32_t call_imm)
{
	const struct bpf_insn code[] = {
		INSN_LD64(2, 0, data_imm),	       /* two */
		INSN_CALL(BPF_PSEUDO_CALL, call_imm), /* helper */
		INSN_CALL(BPF_PSEUDO_CALL, 1),	       /* the same, by its section */
		INSN_EXIT,
	};
	static const struct bpf_insn text[] = {INSN_MOV(0, 0), INSN_EXIT, INSN_MOV(0, 1), INSN_EXIT};
	struct elf_builder *b = elf_builder_new();
	uint32_t text_section = elf_add_section(b, ".text", CODE, text, sizeof(text));
	uint32_t tc = elf_add_section(b, "tc", CODE, code, sizeof(code));
	uint32_t data = elf_add_section(b, ".data", SHF_ALLOC | SHF_WRITE, "1234567", 8);

	elf_add_section(b, ".comment", 0, comment, strlen(comment + 1) + 2);
	elf_add_func(b, "first", text_section, 0, 16);
	elf_add_func(b, "prog", tc, 0, sizeof(code));
	elf_add_relocation(b, tc, 0, elf_add_object(b, "two", data, 4, 4), 1);
	elf_add_relocation(b, tc, 16, elf_add_func(b, "helper", text_section, 16, 16), 10);
	elf_add_relocation(b, tc, 24, elf_add_symbol(b, "", text_section, SECTION_SYMBOL, 0, 0), 10);
	read_built(elf_build(b));
	ck_assert_uint_eq(RELOC(0)->kind, MEM_RELOC_REGION);
	ck_assert_uint_eq(RELOC(0)->offset, 4);
	ck_assert_uint_eq(RELOC(1)->kind, MEM_RELOC_CALL);
	ck_assert_uint_eq(RELOC(1)->target, 1);
	ck_assert_uint_eq(RELOC(2)->kind, MEM_RELOC_CALL);
	ck_assert_uint_eq(RELOC(2)->target, 1);
	free_image();
}

TEST(offsets_of_gnu_assemblers)
{
	read_of_gas("\0GCC: (GNU) 12.2.0", 4, 15);
	read_of_gas("\0GCC: (GNU) 14.1.0", 0, -1);
	read_of_gas("\0clang version 19", 0, -1);
}
END_TEST

/* A static function beside a program, called without any relocation, backwards. */
TEST(calls_within_a_section)
{
	static const struct bpf_insn code[] = {
		INSN_MOV(0, 1), INSN_EXIT,		   /* 0: helper */
		INSN_CALL(BPF_PSEUDO_CALL, -3), INSN_EXIT, /* 2: prog */
	};
	struct elf_builder *b = elf_builder_new();
	uint32_t tc = elf_add_section(b, "tc", CODE, code, sizeof(code));

	elf_add_symbol(b, "helper", tc, LOCAL_FUNC, 0, 16);
	elf_add_func(b, "prog", tc, 16, 16);
	read_built(elf_build(b));
	ck_assert_uint_eq(image->progs.count, 1);
	ck_assert_uint_eq(image->funcs.count, 2);
	ck_assert_uint_eq(image->relocs.count, 1);
	ck_assert_uint_eq(RELOC(0)->kind, MEM_RELOC_CALL);
	ck_assert_uint_eq(RELOC(0)->target, 0);
	ck_assert_uint_eq(RELOC(0)->insn, 0);
}
END_TEST

/* Where one weak function won over another, a linker leaves code that belongs to nobody. */
TEST(code_of_nobody)
{
	static const struct bpf_insn code[] = {
		INSN_CALL(BPF_PSEUDO_CALL, -1),
		INSN_EXIT, /* nobody's */
		INSN_MOV(0, 0),
		INSN_EXIT,
	};
	struct elf_builder *b = elf_builder_new();
	uint32_t tc = elf_add_section(b, "tc", CODE, code, sizeof(code));

	elf_add_relocation(b, tc, 0, elf_add_func(b, "prog", tc, 16, 16), 10);
	read_built(elf_build(b));
	ck_assert_uint_eq(image->funcs.count, 1);
	ck_assert_uint_eq(image->insns.count, 2);
	ck_assert_uint_eq(image->relocs.count, 0);
}
END_TEST

/* A program and code without symbols; .BTF.ext has functions of the types given, at these offsets. */
static struct elf_bytes without_symbols(const uint32_t (*records)[2], uint32_t count)
{
	static const struct bpf_insn code[] = {
		INSN_CALL(BPF_PSEUDO_CALL, 1), INSN_EXIT,    /* 0: prog */
		INSN_CALL(BPF_PSEUDO_CALL, 1), INSN_EXIT,    /* 2: helper */
		INSN_MOV(0, 0), INSN_MOV(0, 1), INSN_EXIT,   /* 4: second */
		INSN_EXIT,				     /* 7: loser */
	};
	struct elf_builder *b = elf_builder_new();
	struct btf *btf = btf__new_empty();
	struct ext_builder funcs = {.count = 0};

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_func_proto(btf, 1);
	btf__add_func(btf, "prog", BTF_FUNC_GLOBAL, 2);
	btf__add_func(btf, "helper", BTF_FUNC_STATIC, 2);
	btf__add_func(btf, "second", BTF_FUNC_STATIC, 2);
	btf__add_func(btf, "loser", BTF_FUNC_GLOBAL, 2);
	ext_begin(&funcs, 8);
	ext_section(&funcs, (uint32_t)btf__add_str(btf, "tc"), count);
	for (uint32_t i = 0; i < count; i++)
		ext_record(&funcs, records[i], 8);
	elf_add_func(b, "prog", elf_add_section(b, "tc", CODE, code, sizeof(code)), 0, 16);
	elf_add_btf(b, btf);
	elf_add_btf_ext(b, &funcs, NULL, NULL);
	return elf_build(b);
}

/* strip --strip-unneeded takes the symbols of static functions; types remain, and where each begins. */
TEST(static_functions_without_symbols)
{
	const uint32_t stripped[][2] = {{0, 3}, {32, 5}, {16, 4}};
	const uint32_t replaced[][2] = {{0, 3}, {16, 4}, {32, 5}, {56, 6}};
	const uint32_t twice[][2] = {{0, 3}, {16, 4}, {32, 5}, {32, 5}};
	const struct mem_func_image *func;
	struct elf_bytes file;

	read_built(without_symbols(stripped, 3));
	ck_assert_uint_eq(image->progs.count, 1);
	ck_assert_uint_eq(image->funcs.count, 3);
	ck_assert_uint_eq(image->prog_funcs.count, 3);
	func = ROW(funcs, struct mem_func_image, 1);
	ck_assert_str_eq(func->name, "helper");
	ck_assert_uint_eq(func->insns.count, 2);
	ck_assert_uint_eq(func->type, 4);
	ck_assert_uint_eq(func->flags & MEM_FUNC_GLOBAL, 0);
	ck_assert_str_eq(func[1].name, "second");
	ck_assert_uint_eq(func[1].insns.count, 4); /* up to the end of the section */
	ck_assert_uint_eq(RELOC(1)->target, 2);
	free_image();

	/* a global function without a symbol is a weak one that another has replaced */
	read_built(without_symbols(replaced, 4));
	ck_assert_uint_eq(image->funcs.count, 3);
	free_image();

	file = without_symbols(twice, 4);
	ck_assert_ptr_null(mem_image_read(file.data, file.size, NULL));
	ck_assert_msg(strstr(mem_error_message(), "tc+0x20: function second of 0 bytes is not made of"), "%s",
		      mem_error_message());
	free(file.data);
}
END_TEST

/* Recursion, and functions that call each other, each in the list once. */
TEST(recursion)
{
	static const struct bpf_insn code[] = {
		INSN_CALL(BPF_PSEUDO_CALL, 2),	INSN_CALL(BPF_PSEUDO_CALL, 1),	INSN_EXIT,
		INSN_CALL(BPF_PSEUDO_CALL, -1), INSN_CALL(BPF_PSEUDO_CALL, -5), INSN_EXIT,
	};
	struct elf_builder *b = elf_builder_new();
	uint32_t tc = elf_add_section(b, "tc", CODE, code, sizeof(code));

	elf_add_func(b, "first", tc, 0, 24);
	elf_add_func(b, "second", tc, 24, 24);
	read_built(elf_build(b));
	ck_assert_uint_eq(image->progs.count, 2);
	ck_assert_uint_eq(image->prog_funcs.count, 4);
	ck_assert_uint_eq(image->relocs.count, 4);
}
END_TEST

/* A chain of functions, each of which calls the next. */
static struct elf_bytes chain(uint32_t length)
{
	struct bpf_insn *code = calloc(length, 2 * sizeof(*code));
	struct elf_builder *b = elf_builder_new();
	uint32_t text;

	for (uint32_t i = 0; i < length; i++) {
		code[2 * i] = i + 1 < length ? INSN_CALL(BPF_PSEUDO_CALL, 1) : INSN_MOV(0, 0);
		code[2 * i + 1] = INSN_EXIT;
	}
	text = elf_add_section(b, "tc", CODE, code, length * 2 * sizeof(*code));
	elf_add_func(b, "f0", text, 0, 16);
	for (uint32_t i = 1; i < length; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%u", i);
		elf_add_symbol(b, name, text, LOCAL_FUNC, 16 * i, 16);
	}
	free(code);
	return elf_build(b);
}

TEST(long_chains_of_calls)
{
	struct elf_bytes file;

	read_built(chain(300));
	ck_assert_uint_eq(image->prog_funcs.count, 300);
	free_image();
	file = chain(5000);
	ck_assert_ptr_null(mem_image_read(file.data, file.size, NULL));
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_str_eq(mem_error_message(),
			 "object:tc+0x0: program f0 has 5000 functions, more than 4096");
	free(file.data);
}
END_TEST

/* The sample with a variable of a type that add() makes. */
static struct mem_image *read_with_type(int (*add)(struct btf *btf))
{
	struct elf_builder *b = elf_builder_new();
	struct btf *btf = btf__new_empty();
	struct elf_bytes file;
	struct mem_image *read;
	int type;

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	type = add(btf);
	ck_assert_int_gt(type, 0);
	type = btf__add_var(btf, "v", BTF_VAR_GLOBAL_ALLOCATED, type);
	btf__add_datasec(btf, ".bss", 0);
	btf__add_datasec_var_info(btf, type, 0, 8);
	elf_add_object(b, "v", elf_add_section(b, ".bss", SHF_ALLOC | SHF_WRITE, NULL, 8), 0, 8);
	elf_add_btf(b, btf);
	file = elf_build(b);
	read = mem_image_read(file.data, file.size, NULL);
	free(file.data);
	return read;
}

/* A row of typedefs. */
static int add_typedefs(struct btf *btf, int count)
{
	int type = 1;

	while (count--)
		type = btf__add_typedef(btf, "t", type);
	return type;
}

static int add_some_typedefs(struct btf *btf)
{
	return add_typedefs(btf, 100);
}

static int add_many_typedefs(struct btf *btf)
{
	return add_typedefs(btf, 200);
}

/* A struct of two structs of two structs ...: more paths than anybody can walk. */
static int add_doubling_structs(struct btf *btf)
{
	int type = 1;

	for (int i = 0; i < 60; i++) {
		int inner = type;

		type = btf__add_struct(btf, "s", 8);
		btf__add_field(btf, "a", inner, 0, 0);
		btf__add_field(btf, "b", inner, 0, 0);
	}
	return type;
}

/* A struct that leads to itself through a pointer, as lists do. */
static int add_list(struct btf *btf)
{
	int type = btf__add_struct(btf, "node", 8);

	btf__add_field(btf, "next", btf__type_cnt(btf), 0, 0);
	btf__add_ptr(btf, type);
	return type;
}

TEST(nested_types)
{
	image = assert_ptr(read_with_type(add_list));
	free_image();
	image = assert_ptr(read_with_type(add_doubling_structs));
	free_image();
	image = assert_ptr(read_with_type(add_some_typedefs));
	free_image();
	ck_assert_ptr_null(read_with_type(add_many_typedefs));
	ck_assert_str_eq(mem_error_message(),
			 "object:.BTF+0x61c: type 129 is nested more than 128 deep");
}
END_TEST

static int add_lock(struct btf *btf)
{
	int lock = btf__add_struct(btf, "bpf_spin_lock", 4), array, type;

	btf__add_field(btf, "val", 1, 0, 0);
	array = btf__add_array(btf, 1, lock, 1);
	type = btf__add_struct(btf, "s", 8);
	btf__add_field(btf, "n", 1, 0, 0);
	btf__add_field(btf, "lock", array, 32, 0);
	return btf__add_const(btf, type);
}

static int add_kptr(struct btf *btf)
{
	return btf__add_ptr(btf, btf__add_type_tag(btf, "kptr", 1));
}

static int add_plain_pointer(struct btf *btf)
{
	return btf__add_ptr(btf, btf__add_type_tag(btf, "arena", 1));
}

/* What the kernel keeps for itself can't be mapped: locks and kernel pointers, however deep. */
TEST(fields_of_the_kernel)
{
	const struct mem_map_image *map;

	image = assert_ptr(read_with_type(add_lock));
	map = image->maps.rows;
	ck_assert_uint_eq(map->map_flags & BPF_F_MMAPABLE, 0);
	free_image();
	image = assert_ptr(read_with_type(add_kptr));
	map = image->maps.rows;
	ck_assert_uint_eq(map->map_flags & BPF_F_MMAPABLE, 0);
	free_image();
	image = assert_ptr(read_with_type(add_plain_pointer));
	map = image->maps.rows;
	ck_assert_uint_eq(map->map_flags & BPF_F_MMAPABLE, BPF_F_MMAPABLE);
}
END_TEST

static int add_naked_function(struct btf *btf)
{
	int proto = btf__add_func_proto(btf, 1);

	btf__add_func_param(btf, "", 1);
	btf__add_func(btf, "naked", BTF_FUNC_GLOBAL, proto);
	return 1;
}

/* The kernel refuses BTF with a function whose parameters have no names. */
TEST(parameters_have_names)
{
	const struct btf_param *param;
	struct btf *btf;

	image = assert_ptr(read_with_type(add_naked_function));
	btf = btf__new(image->btf.rows, image->btf.count);
	ck_assert_ptr_nonnull(btf);
	param = btf_params(btf__type_by_id(btf, 2));
	ck_assert_str_eq(btf__str_by_offset(btf, param->name_off), "naked");
	btf__free(btf);
}
END_TEST

/* A license that fills its section to the last byte. */
TEST(license_without_nul)
{
	struct elf_builder *b = elf_builder_new();

	elf_add_section(b, "license", SHF_ALLOC, "GPL v2", 6);
	elf_add_section(b, "version", SHF_ALLOC, (uint32_t[]){7}, 4);
	read_built(elf_build(b));
	ck_assert_str_eq(image->license, "GPL v2");
	ck_assert_uint_eq(image->kern_version, 7);
}
END_TEST

/* Sections whose names are alike in C. */
TEST(names_of_regions)
{
	static const char *const sections[] = {".data.a.b", ".data.a_b", ".data.a_b_2", ".data.a.b.2"};
	struct elf_builder *b = elf_builder_new();

	for (size_t i = 0; i < 4; i++)
		elf_add_section(b, sections[i], SHF_ALLOC | SHF_WRITE, "1", 1);
	read_built(elf_build(b));
	ck_assert_uint_eq(image->regions.count, 4);
	for (size_t i = 0; i < 4; i++) {
		ck_assert_str_eq(ROW(regions, struct mem_region_image, i)->section, sections[i]);
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(ROW(regions, struct mem_region_image, i)->name,
					 ROW(regions, struct mem_region_image, j)->name);
	}
	ck_assert_str_eq(ROW(regions, struct mem_region_image, 0)->name, "data_a_b");
}
END_TEST

/* Sections without contents are no memory, and the object has a name of 9 characters. */
TEST(names_of_maps)
{
	struct elf_builder *b = elf_builder_new();
	struct mem_read_opts opts = {.sz = sizeof(opts), .name = "many-words"};
	const struct mem_map_image *maps;
	struct elf_bytes file;

	elf_add_section(b, ".data", SHF_ALLOC, "", 0);
	elf_add_section(b, ".rodata.str1.1", SHF_ALLOC, "text", 5);
	elf_add_section(b, ".rodata", SHF_ALLOC, "text", 5);
	elf_add_section(b, ".bss", SHF_ALLOC, NULL, 4);
	elf_add_section(b, ".data.a_long_name-indeed", SHF_ALLOC, "x", 1);
	file = elf_build(b);
	image = assert_ptr(mem_image_read(file.data, file.size, &opts));
	free(file.data);
	ck_assert_uint_eq(image->maps.count, 4);
	maps = image->maps.rows;
	ck_assert_str_eq(maps[0].kernel_name, ".rodata.str1.1");
	ck_assert_str_eq(maps[1].kernel_name, "many_wor.rodata");
	ck_assert_str_eq(maps[2].kernel_name, "many_wor.bss");
	ck_assert_str_eq(maps[3].kernel_name, ".data.a_long_na");
	ck_assert_str_eq(ROW(regions, struct mem_region_image, 0)->name, "rodata_str1_1");
	ck_assert_str_eq(ROW(regions, struct mem_region_image, 3)->name, "data_a_long_name_indeed");
}
END_TEST
