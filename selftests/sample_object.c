/* SPDX-License-Identifier: BSD-2-Clause */
#include <check.h>

#include "sample_object.h"

static const struct bpf_insn text[] = {INSN_MOV(0, 1), INSN_EXIT};

static const struct bpf_insn prog[] = {
	INSN_LD64(1, 0, 0),		      /* 0: map */
	INSN_LD64(2, 0, 0),		      /* 2: counter */
	INSN_CALL(BPF_PSEUDO_CALL, -1),	      /* 4: helper */
	INSN_CALL(BPF_PSEUDO_KFUNC_CALL, -1), /* 5: kfunc */
	INSN_EXIT,
};

static void add_map_types(struct btf *btf)
{
	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_array(btf, SAMPLE_INT, SAMPLE_INT, BPF_MAP_TYPE_HASH);
	btf__add_ptr(btf, SAMPLE_ARRAY_1);
	btf__add_array(btf, SAMPLE_INT, SAMPLE_INT, 16);
	btf__add_ptr(btf, SAMPLE_ARRAY_16);
	btf__add_ptr(btf, SAMPLE_INT);
	btf__add_struct(btf, "", 32);
	btf__add_field(btf, "type", SAMPLE_PTR_ARRAY_1, 0, 0);
	btf__add_field(btf, "max_entries", SAMPLE_PTR_ARRAY_16, 64, 0);
	btf__add_field(btf, "key", SAMPLE_PTR_INT, 128, 0);
	btf__add_field(btf, "value", SAMPLE_PTR_INT, 192, 0);
	btf__add_var(btf, "map", BTF_VAR_GLOBAL_ALLOCATED, SAMPLE_STRUCT);
	btf__add_datasec(btf, ".maps", 0);
	btf__add_datasec_var_info(btf, SAMPLE_MAP, 0, 32);
}

/* As compilers write it: the sizes of sections and the places of variables are left at 0. */
static struct btf *make_btf(void)
{
	struct btf *btf = btf__new_empty();

	add_map_types(btf);
	btf__add_var(btf, "counter", BTF_VAR_GLOBAL_ALLOCATED, SAMPLE_INT);
	btf__add_var(btf, "fixed", BTF_VAR_STATIC, SAMPLE_INT);
	btf__add_datasec(btf, ".data", 0);
	btf__add_datasec_var_info(btf, SAMPLE_COUNTER, 0, 4);
	btf__add_datasec_var_info(btf, SAMPLE_FIXED, 4, 4);
	btf__add_func_proto(btf, SAMPLE_INT);
	btf__add_func(btf, "helper", BTF_FUNC_STATIC, SAMPLE_PROTO);
	btf__add_func(btf, "prog", BTF_FUNC_GLOBAL, SAMPLE_PROTO);
	btf__add_func(btf, "kfunc", BTF_FUNC_EXTERN, SAMPLE_PROTO);
	btf__add_datasec(btf, ".ksyms", 0);
	ck_assert_int_eq(btf__type_cnt(btf), SAMPLE_KSYMS + 1);
	btf__add_datasec_var_info(btf, SAMPLE_KFUNC, 0, 0);
	return btf;
}

static void add_debug(struct elf_builder *b)
{
	struct ext_builder funcs = {.count = 0}, lines = {.count = 0}, cores = {.count = 0};
	struct btf *btf = make_btf();
	uint32_t text_name = btf__add_str(btf, ".text"), xdp_name = btf__add_str(btf, "xdp");
	uint32_t file = btf__add_str(btf, "sample.c"), access = btf__add_str(btf, "0:1");

	ext_begin(&funcs, 8);
	ext_section(&funcs, text_name, 1);
	ext_record(&funcs, (uint32_t[]){0, SAMPLE_HELPER}, 8);
	ext_section(&funcs, xdp_name, 1);
	ext_record(&funcs, (uint32_t[]){0, SAMPLE_PROG}, 8);
	ext_begin(&lines, 16);
	ext_section(&lines, xdp_name, 2);
	ext_record(&lines, (uint32_t[]){0, file, file, 1 << 10}, 16);
	ext_record(&lines, (uint32_t[]){32, file, file, 2 << 10}, 16);
	ext_begin(&cores, 16);
	ext_section(&cores, xdp_name, 1);
	ext_record(&cores, (uint32_t[]){16, SAMPLE_STRUCT, access, 0}, 16);
	elf_add_btf(b, btf);
	elf_add_btf_ext(b, &funcs, &lines, &cores);
}

struct elf_builder *sample_builder(void)
{
	struct elf_builder *b = elf_builder_new();
	uint32_t code = SHF_ALLOC | SHF_EXECINSTR, data = SHF_ALLOC | SHF_WRITE;
	uint32_t text_section = elf_add_section(b, ".text", code, text, sizeof(text));
	uint32_t xdp = elf_add_section(b, "xdp", code, prog, sizeof(prog));
	uint32_t maps = elf_add_section(b, ".maps", data, (char[32]){0}, 32);
	uint32_t variables = elf_add_section(b, ".data", data, (int[]){5, 0}, 8);

	elf_add_section(b, "license", data, "GPL", 4);
	elf_add_symbol(b, "", text_section, ELF64_ST_INFO(STB_LOCAL, STT_SECTION), 0, 0);
	elf_add_symbol(b, "helper", text_section, ELF64_ST_INFO(STB_LOCAL, STT_FUNC), 0,
		       sizeof(text));
	elf_add_func(b, "prog", xdp, 0, sizeof(prog));
	elf_add_object(b, "map", maps, 0, 32);
	elf_add_object(b, "counter", variables, 0, 4);
	elf_add_undefined(b, "kfunc");
	elf_add_relocation(b, xdp, 0, SAMPLE_SYM_MAP, 1);
	elf_add_relocation(b, xdp, 16, SAMPLE_SYM_COUNTER, 1);
	elf_add_relocation(b, xdp, 32, SAMPLE_SYM_TEXT, 10);
	elf_add_relocation(b, xdp, 40, SAMPLE_SYM_KFUNC, 10);
	add_debug(b);
	return b;
}

struct elf_bytes sample_object(void)
{
	return elf_build(sample_builder());
}

uint32_t sample_type_place(struct elf_bytes file, uint32_t id)
{
	struct btf *btf = btf__new(elf_find_contents(file, ".BTF"),
				   elf_find_header(file, ".BTF")->sh_size);
	uint32_t size, place;

	ck_assert_ptr_nonnull(btf);
	place = (const char *)btf__type_by_id(btf, id) - (const char *)btf__raw_data(btf, &size);
	btf__free(btf);
	return place;
}
