/* SPDX-License-Identifier: BSD-2-Clause */
/* What the reader makes of a compiled object: reader.bpf.c has a bit of everything. */
#include <errno.h>
#include <linux/bpf.h>
#include <mem/elf.h>
#include <stdlib.h>
#include <string.h>

#include "elf_builder.h"
#include "harness.h"
#include "image_tables.h"

static struct mem_image *image;

static void read_image(void)
{
	image = assert_ptr(mem_image_read_file(build_path("selftests/reader.bpf.o"), NULL));
	ck_assert_msg(mem_image_is_valid(image), "%s", test_message());
}

static void free_image(void)
{
	mem_image_free(image);
}

FIXTURE(read_image, free_image)

#define ROW(table, type, i) (&((const type *)image->table.rows)[i])

static const struct mem_map_image *map_of(const char *name)
{
	return ROW(maps, struct mem_map_image, row_of(&image->maps, name));
}

static const struct mem_region_image *region_of(const char *name)
{
	return ROW(regions, struct mem_region_image, row_of(&image->regions, name));
}

static const struct mem_func_image *func_of(const char *name)
{
	return ROW(funcs, struct mem_func_image, row_of(&image->funcs, name));
}

static const struct mem_prog_image *prog_of(const char *name)
{
	return ROW(progs, struct mem_prog_image, row_of(&image->progs, name));
}

static const struct mem_extern_image *extern_of(const char *name)
{
	return ROW(externs, struct mem_extern_image, row_of(&image->externs, name));
}

/* "a b c": the names of a table's rows in their order. */
static const char *names_of(const struct mem_table *table)
{
	static char text[1024];

	*text = 0;
	for (uint32_t i = 0; i < table->count; i++) {
		const char *const *row =
			(const void *)((const char *)table->rows + i * table->row_size);

		strcat(strcat(text, *text ? " " : ""), *row);
	}
	return text;
}

TEST(object_itself)
{
	ck_assert_str_eq(image->name, "reader");
	ck_assert_str_eq(image->license, "Dual BSD/GPL");
	ck_assert_uint_eq(image->kern_version, 0x60c00);
}
END_TEST

/* Declared maps by their place in .maps, then one for each section of variables. */
TEST(maps_are_in_file_order)
{
	ck_assert_str_eq(
		names_of(&image->maps),
		"first second outer outer.inner jumps shared_samples queue plain_sizes arena "
		".data .rodata .data.limits .bss .bss.locked .kconfig");
}
END_TEST

TEST(map_attributes)
{
	const struct mem_map_image *map = map_of("plain_sizes");

	ck_assert_uint_eq(map->type, BPF_MAP_TYPE_LRU_HASH);
	ck_assert_uint_eq(map->key_size, 6);
	ck_assert_uint_eq(map->value_size, 10);
	ck_assert_uint_eq(map->max_entries, 100);
	ck_assert_uint_eq(map->map_flags, BPF_F_NUMA_NODE);
	ck_assert_uint_eq(map->numa_node, 1);
	ck_assert_uint_eq(map->pinning, 1);
	ck_assert_uint_eq(map->key_type, 0);
	ck_assert_uint_eq(map->inner_map, MEM_NONE);

	map = map_of("first");
	ck_assert_uint_eq(map->key_size, 4);
	ck_assert_uint_eq(map->value_size, 8);
	ck_assert_uint_ne(map->key_type, 0);
	ck_assert_uint_ne(map->value_type, 0);
	ck_assert_str_eq(map->kernel_name, "first");

	/* the kernel takes no types for a queue */
	map = map_of("queue");
	ck_assert_uint_eq(map->key_size, 0);
	ck_assert_uint_eq(map->value_size, 8);
	ck_assert_uint_eq(map->value_type, 0);
}
END_TEST

TEST(maps_of_variables)
{
	const struct mem_map_image *map = map_of(".rodata");

	ck_assert_uint_eq(map->type, BPF_MAP_TYPE_ARRAY);
	ck_assert_uint_eq(map->key_size, 4);
	ck_assert_uint_eq(map->max_entries, 1);
	ck_assert_uint_eq(map->map_flags, BPF_F_MMAPABLE | BPF_F_RDONLY_PROG);
	ck_assert_uint_eq(map->flags, MEM_MAP_INTERNAL);
	/* what libbpf and bpftool call them */
	ck_assert_str_eq(map->kernel_name, "reader.rodata");
	ck_assert_str_eq(map_of(".bss")->kernel_name, "reader.bss");
	ck_assert_str_eq(map_of(".data.limits")->kernel_name, ".data.limits");
	ck_assert_str_eq(map_of(".kconfig")->kernel_name, "reader.kconfig");
	ck_assert_uint_eq(map_of(".data")->map_flags, BPF_F_MMAPABLE);
}
END_TEST

TEST(maps_of_maps_and_programs)
{
	const struct mem_map_image *outer = map_of("outer"), *jumps = map_of("jumps");
	const struct mem_init_image *init = ROW(inits, struct mem_init_image, outer->inits.first);
	const struct mem_map_image *inner = ROW(maps, struct mem_map_image, outer->inner_map);

	ck_assert_str_eq(inner->name, "outer.inner");
	ck_assert_uint_eq(inner->flags, MEM_MAP_PROTOTYPE);
	ck_assert_uint_eq(inner->type, BPF_MAP_TYPE_HASH);
	ck_assert_uint_eq(inner->max_entries, 8);

	ck_assert_uint_eq(outer->value_size, 4);
	ck_assert_uint_eq(outer->inits.count, 2);
	ck_assert_uint_eq(init[0].slot, 0);
	ck_assert_uint_eq(init[0].kind, MEM_INIT_MAP);
	ck_assert_uint_eq(init[0].target, row_of(&image->maps, "first"));
	ck_assert_uint_eq(init[1].slot, 3);
	ck_assert_uint_eq(init[1].target, row_of(&image->maps, "second"));

	ck_assert_uint_eq(jumps->inits.count, 1);
	init = ROW(inits, struct mem_init_image, jumps->inits.first);
	ck_assert_uint_eq(init->slot, 2);
	ck_assert_uint_eq(init->kind, MEM_INIT_PROG);
	ck_assert_uint_eq(init->target, row_of(&image->progs, "target"));
}
END_TEST

TEST(regions)
{
	const struct mem_region_image *region;

	ck_assert_str_eq(names_of(&image->regions),
			 "shared_samples arena data rodata data_limits bss bss_locked kconfig");

	region = region_of("data");
	ck_assert_uint_eq(region->kind, MEM_REGION_DATA);
	ck_assert_str_eq(region->section, ".data");
	ck_assert_uint_eq(region->map, row_of(&image->maps, ".data"));
	ck_assert_uint_eq(region->size, 16);
	ck_assert_uint_eq(region->align, 8);
	/* without the zeros at the end: 5, padding, and the first byte of 7 */
	ck_assert_uint_eq(region->init_size, 9);
	ck_assert_mem_eq(region->init, "\5\0\0\0\0\0\0\0\7", 9);

	region = region_of("bss");
	ck_assert_uint_eq(region->kind, MEM_REGION_DATA);
	ck_assert_ptr_null(region->init);
	ck_assert_uint_eq(region->init_size, 0);

	region = region_of("rodata");
	ck_assert_uint_eq(region->kind, MEM_REGION_RODATA);
	ck_assert_mem_eq(region->init, "\11\0\0\0%d %d %d", 12);

	region = region_of("shared_samples");
	ck_assert_uint_eq(region->kind, MEM_REGION_ARRAY);
	ck_assert_uint_eq(region->type, map_of("shared_samples")->value_type);
	ck_assert_uint_eq(region->size, 0);
	ck_assert_ptr_null(region->section);
}
END_TEST

TEST(arena_with_variables)
{
	const struct mem_region_image *region = region_of("arena");

	ck_assert_uint_eq(region->kind, MEM_REGION_ARENA);
	ck_assert_str_eq(region->section, ".addr_space.1");
	ck_assert_uint_eq(region->map, row_of(&image->maps, "arena"));
	ck_assert_uint_eq(region->size, 16);
	ck_assert_uint_eq(region->align, 8);
	ck_assert_uint_eq(map_of("arena")->max_entries, 16);
}
END_TEST

/* The kernel refuses to map memory that has a lock in it. */
TEST(locks_are_not_mapped)
{
	ck_assert_uint_eq(map_of(".bss.locked")->map_flags, 0);
	ck_assert_uint_eq(region_of("bss_locked")->size, 8);
}
END_TEST

TEST(functions)
{
	const struct mem_func_image *func = func_of("for_friends");

	ck_assert_str_eq(names_of(&image->funcs),
			 "for_all in_file for_friends callback target on_switch on_read on_task");
	ck_assert_str_eq(func->section, ".text");
	ck_assert_uint_gt(func->section_offset, 0);
	ck_assert_uint_eq(func->flags, 0);
	ck_assert_uint_ne(func->type, 0);
	ck_assert_uint_gt(func->lines.count, 0);
	ck_assert_uint_eq(ROW(line_infos, struct bpf_line_info, func->lines.first)->insn_off, 0);

	ck_assert_uint_eq(func_of("for_all")->flags, MEM_FUNC_GLOBAL);
	ck_assert_uint_eq(func_of("in_file")->flags, 0);
	ck_assert_uint_eq(func_of("target")->flags, MEM_FUNC_GLOBAL);
	ck_assert_uint_gt(func_of("on_switch")->cores.count, 0);
}
END_TEST

/* All that a program calls, a callback included, in the order in which it is first met. */
TEST(programs_have_their_functions)
{
	const struct mem_prog_image *prog = prog_of("target");
	const uint32_t *funcs = ROW(prog_funcs, uint32_t, prog->funcs.first);
	static const char *const names[] = {"target", "callback", "for_all", "in_file",
					    "for_friends"};

	ck_assert_uint_eq(prog->funcs.count, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(ROW(funcs, struct mem_func_image, funcs[i])->name, names[i]);
	ck_assert_uint_eq(prog_of("on_switch")->funcs.count, 1);
}
END_TEST

TEST(programs)
{
	const struct mem_prog_image *prog = prog_of("target");

	ck_assert_str_eq(names_of(&image->progs), "target on_switch on_read on_task");
	ck_assert_uint_eq(prog->type, BPF_PROG_TYPE_XDP);
	ck_assert_uint_eq(prog->expected_attach_type, BPF_XDP);
	ck_assert_ptr_null(prog->target);

	prog = prog_of("on_switch");
	ck_assert_str_eq(prog->section, "?tp_btf/sched_switch");
	ck_assert_str_eq(prog->target, "sched_switch");
	ck_assert_uint_eq(prog->flags, MEM_PROG_NO_AUTOLOAD);
	ck_assert_uint_eq(prog->attach_kind, MEM_ATTACH_BTF_TRACE);
	ck_assert_uint_eq(prog->target_kind, MEM_TARGET_TRACEPOINT);

	prog = prog_of("on_read");
	ck_assert_str_eq(prog->target, "syscalls/sys_enter_read");
	ck_assert_uint_eq(prog->attach_kind, MEM_ATTACH_TRACEPOINT);

	prog = prog_of("on_task");
	ck_assert_str_eq(prog->target, "task");
	ck_assert_uint_eq(prog->prog_flags, 1 << 4); /* BPF_F_SLEEPABLE */
	ck_assert_uint_eq(prog->target_kind, MEM_TARGET_ITER);
}
END_TEST

/* "kind target+offset" of each relocation of a function. */
static const char *relocs_of(const char *name)
{
	const struct mem_func_image *func = func_of(name);
	static char text[1024];
	size_t len = 0;

	*text = 0;
	for (uint32_t i = 0; i < func->relocs.count; i++) {
		const struct mem_reloc_image *reloc = ROW(relocs, struct mem_reloc_image,
							  func->relocs.first + i);
		const struct mem_table *tables[] = {
			[MEM_RELOC_MAP] = &image->maps,	      [MEM_RELOC_REGION] = &image->regions,
			[MEM_RELOC_FUNC] = &image->funcs,     [MEM_RELOC_CALL] = &image->funcs,
			[MEM_RELOC_EXTERN] = &image->externs,
		};
		const struct mem_table *table = tables[reloc->kind];
		const char *const *target =
			(const void *)((const char *)table->rows + reloc->target * table->row_size);

		len += snprintf(text + len, sizeof(text) - len, "%s%u %s+%u", i ? ", " : "",
				reloc->kind, *target, reloc->offset);
	}
	return text;
}

TEST(relocations)
{
	ck_assert_str_eq(relocs_of("for_all"), "4 in_file+0, 2 data+8");
	/* a static variable inside of a function; a hidden and a visible one */
	ck_assert_str_eq(relocs_of("in_file"), "2 bss+56");
	ck_assert_str_eq(relocs_of("for_friends"), "2 bss+0, 2 data+0");
	ck_assert_str_eq(relocs_of("callback"), "2 bss+8");
	ck_assert_str_eq(relocs_of("target"),
			 "3 callback+0, 2 rodata+0, 4 for_all+0, 4 for_friends+0, "
			 "5 LINUX_KERNEL_VERSION+0");
	ck_assert_str_eq(relocs_of("on_read"),
			 "2 bss_locked+0, 2 bss_locked+0, 2 bss_locked+0, 1 jumps+0");
	ck_assert_str_eq(relocs_of("on_task"), "");
}
END_TEST

/* Nothing of a relocation is left in the instruction. */
TEST(relocated_instructions_are_clean)
{
	for (uint32_t i = 0; i < image->funcs.count; i++) {
		const struct mem_func_image *func = ROW(funcs, struct mem_func_image, i);

		for (uint32_t j = 0; j < func->relocs.count; j++) {
			const struct mem_reloc_image *reloc = ROW(relocs, struct mem_reloc_image,
								  func->relocs.first + j);
			const struct bpf_insn *insn = ROW(insns, struct bpf_insn,
							  func->insns.first + reloc->insn);

			ck_assert_uint_eq(insn->src_reg, 0);
			ck_assert_int_eq(insn->imm, 0);
			if (insn->code == (BPF_LD | BPF_IMM | BPF_DW))
				ck_assert_int_eq(insn[1].imm, 0);
		}
	}
}
END_TEST

TEST(externs)
{
	const struct mem_extern_image *ext = extern_of("bpf_task_acquire");

	/* without its ___flavor */
	ck_assert_uint_eq(ext->kind, MEM_EXTERN_KFUNC);
	ck_assert_uint_eq(ext->flags, MEM_EXTERN_WEAK);
	ck_assert_uint_ne(ext->type, 0);
	ck_assert_uint_eq(extern_of("bpf_task_release")->flags, 0);
	ck_assert_uint_eq(extern_of("init_task")->kind, MEM_EXTERN_KSYM);
	ck_assert_uint_ne(extern_of("init_task")->type, 0);
	ck_assert_uint_eq(extern_of("jiffies")->kind, MEM_EXTERN_KSYM_ADDR);
	ck_assert_uint_eq(extern_of("jiffies")->type, 0);
}
END_TEST

/* Wide values first, as libbpf lays them out. */
TEST(kconfig)
{
	const struct mem_extern_image *version = extern_of("LINUX_KERNEL_VERSION");
	const struct mem_extern_image *flag = extern_of("CONFIG_BPF");
	const struct mem_extern_image *text = extern_of("CONFIG_TEXT");
	const struct mem_region_image *region = region_of("kconfig");

	ck_assert_uint_eq(version->kind, MEM_EXTERN_KCONFIG);
	ck_assert_uint_eq(version->kcfg_kind, MEM_KCFG_INT);
	ck_assert_uint_eq(version->kcfg_offset, 0);
	ck_assert_uint_eq(version->kcfg_size, 4);
	ck_assert_uint_eq(version->kcfg_signed, 1);
	ck_assert_uint_eq(flag->kcfg_kind, MEM_KCFG_BOOL);
	ck_assert_uint_eq(flag->kcfg_offset, 4);
	ck_assert_uint_eq(text->kcfg_kind, MEM_KCFG_CHAR_ARR);
	ck_assert_uint_eq(text->kcfg_offset, 5);
	ck_assert_uint_eq(text->kcfg_size, 10);

	ck_assert_uint_eq(region->kind, MEM_REGION_KCONFIG);
	ck_assert_uint_eq(region->size, 15);
	ck_assert_uint_eq(region->align, 4);
	ck_assert_str_eq(region->section, ".kconfig");
}
END_TEST

/* From memory and from a file, at whatever address, the image is the same. */
TEST(memory_gives_the_same_image)
{
	struct mem_read_opts opts = {.sz = sizeof(opts), .name = "other"};
	struct elf_bytes file = elf_read(build_path("selftests/reader.bpf.o"));
	struct mem_image *other;
	char *copy;

	copy = malloc(file.size + 1); /* one off any alignment */
	memcpy(copy + 1, file.data, file.size);
	free(file.data);
	other = assert_ptr(mem_image_read(copy + 1, file.size, &opts));
	memset(copy, 0xff, file.size + 1);
	free(copy);

	ck_assert_msg(mem_image_is_valid(other), "%s", test_message());
	ck_assert_str_eq(other->name, "other");
	ck_assert_str_eq(ROW(maps, struct mem_map_image, 0)->name, "first");
	assert_same_table("insns", &image->insns, &other->insns);
	assert_same_table("relocs", &image->relocs, &other->relocs);
	assert_same_table("prog_funcs", &image->prog_funcs, &other->prog_funcs);
	assert_same_table("line_infos", &image->line_infos, &other->line_infos);
	assert_same_table("core_relos", &image->core_relos, &other->core_relos);
	assert_same_table("btf", &image->btf, &other->btf);
	mem_image_free(other);
}
END_TEST

TEST(files_that_cannot_be_read)
{
	ck_assert_ptr_null(mem_image_read_file("/nonexistent/x.bpf.o", NULL));
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(mem_error_message(), "/nonexistent/x.bpf.o: No such file or directory");
	ck_assert_ptr_null(mem_image_read_file("/", NULL));
	ck_assert_int_eq(errno, EISDIR);
	ck_assert_ptr_null(mem_image_read_file("/dev/null", NULL));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_str_eq(mem_error_message(),
			 "/dev/null:ELF header+0x0: not an ELF file: compile with "
			 "clang --target=bpf -c");
	ck_assert_ptr_null(mem_image_read_file(NULL, NULL));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_ptr_null(mem_image_read(NULL, 0, NULL));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

TEST(options_of_another_version)
{
	struct {
		struct mem_read_opts opts;
		int newer;
	} larger = {.opts = {.sz = sizeof(larger)}};
	struct mem_read_opts none = {0};
	struct mem_image *other;

	other = assert_ptr(mem_image_read_file(build_path("selftests/reader.bpf.o"), &larger.opts));
	mem_image_free(other);
	larger.newer = 1;
	ck_assert_ptr_null(mem_image_read_file(build_path("selftests/reader.bpf.o"), &larger.opts));
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_ptr_null(mem_image_read_file(build_path("selftests/reader.bpf.o"), &none));
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST
