/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object files that no compiler makes. Each is refused, with a message that says where it is wrong:
 * never a crash, never half an image.
 */
#include <errno.h>
#include <mem/elf.h>
#include <stdlib.h>
#include <string.h>

#include "harness.h"
#include "matches.h"
#include "sample_object.h"

/* Where a change is made. */
enum place {
	NOWHERE,
	FILE_HEADER,	/* the ELF header */
	SECTION_HEADER, /* that of the named section */
	CONTENTS,	/* of the named section */
	TYPE,		/* a type in .BTF */
	SYMBOL,		/* an entry of .symtab */
};

/* Write the low bytes of a value over what is there. */
struct change {
	enum place place;
	const char *section;
	uint32_t id;	 /* of the type or symbol */
	uint32_t offset; /* bytes from there */
	uint32_t size;	 /* bytes */
	uint64_t value;
};

struct bad {
	struct change change;
	int error;
	const char *message; /* how it begins, '*' is anything */
};

#define EHDR(member, value)                                                                        \
	{                                                                                          \
		FILE_HEADER, NULL, 0, offsetof(Elf64_Ehdr, member),                                \
			sizeof(((Elf64_Ehdr *)0)->member), value                                   \
	}
#define SHDR(section, member, value)                                                               \
	{                                                                                          \
		SECTION_HEADER, section, 0, offsetof(Elf64_Shdr, member),                          \
			sizeof(((Elf64_Shdr *)0)->member), value                                   \
	}
#define SYM(id, member, value)                                                                     \
	{                                                                                          \
		SYMBOL, NULL, id, offsetof(Elf64_Sym, member), sizeof(((Elf64_Sym *)0)->member),   \
			value                                                                      \
	}
#define WORD(section, offset, value)                                                               \
	{                                                                                          \
		CONTENTS, section, 0, offset, 4, value                                             \
	}
#define BYTE(section, offset, value)                                                               \
	{                                                                                          \
		CONTENTS, section, 0, offset, 1, value                                             \
	}
#define TYPE_WORD(id, word, value)                                                                 \
	{                                                                                          \
		TYPE, NULL, id, (word)*4, 4, value                                                 \
	}

static void apply(struct elf_bytes file, const struct change *change)
{
	uint8_t *at = file.data;

	switch (change->place) {
	case NOWHERE:
		return;
	case FILE_HEADER:
		break;
	case SECTION_HEADER:
		at = (uint8_t *)elf_find_header(file, change->section);
		break;
	case CONTENTS:
		at = elf_find_contents(file, change->section);
		break;
	case TYPE:
		at = elf_find_contents(file, ".BTF") + sample_type_place(file, change->id);
		break;
	case SYMBOL:
		at = elf_find_contents(file, ".symtab") + change->id * sizeof(Elf64_Sym);
		break;
	}
	memcpy(at + change->offset, &change->value, change->size);
}

static struct mem_image *read_sample(struct elf_bytes file)
{
	struct mem_read_opts opts = {.sz = sizeof(opts), .name = "x"};

	return mem_image_read(file.data, file.size, &opts);
}

static void expect(struct elf_bytes file, int error, const char *message)
{
	struct mem_image *image = read_sample(file);

	ck_assert_msg(!image, "accepted instead of: %s", message);
	ck_assert_msg(begins_like(mem_error_message(), message), "\"%s\" instead of \"%s\"",
		      mem_error_message(), message);
	ck_assert_msg(errno == error, "errno %d instead of %d: %s", errno, error, message);
	free(file.data);
}

static void expect_all(const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct elf_bytes file = sample_object();

		apply(file, &bad[i].change);
		expect(file, bad[i].error, bad[i].message);
	}
}

#define EXPECT_ALL(table) expect_all(table, sizeof(table) / sizeof((table)[0]))

/* What all of this starts from is fine. */
TEST(the_sample_is_good)
{
	struct elf_bytes file = sample_object();
	struct mem_image *image = assert_ptr(read_sample(file));

	ck_assert_msg(mem_image_is_valid(image), "%s", test_message());
	ck_assert_uint_eq(image->maps.count, 2);
	ck_assert_uint_eq(image->regions.count, 1);
	ck_assert_uint_eq(image->funcs.count, 2);
	ck_assert_uint_eq(image->progs.count, 1);
	ck_assert_uint_eq(image->relocs.count, 4);
	ck_assert_uint_eq(image->externs.count, 1);
	ck_assert_uint_eq(image->line_infos.count, 2);
	ck_assert_uint_eq(image->core_relos.count, 1);
	mem_image_free(image);
	free(file.data);
}
END_TEST

TEST(elf_header)
{
	static const struct bad bad[] = {
		{EHDR(e_ident[0], 'e'), EINVAL, "x:ELF header+0x0: not an ELF file"},
		{EHDR(e_ident[EI_CLASS], ELFCLASS32), EINVAL,
		 "x:ELF header+0x4: not a 64-bit ELF file"},
		{EHDR(e_ident[EI_DATA], ELFDATA2MSB), EINVAL,
		 "x:ELF header+0x5: made for the other byte order: use clang --target=bpfel"},
		{EHDR(e_type, ET_EXEC), EINVAL,
		 "x:ELF header+0x10: not a relocatable file (type 2): use clang -c"},
		{EHDR(e_machine, EM_X86_64), EINVAL,
		 "x:ELF header+0x12: for machine 62, not BPF (247): use clang --target=bpf"},
		{EHDR(e_shoff, UINT64_MAX - 8), EINVAL,
		 "x:ELF header+0x28: the file ends before its section headers: is it cut off?"},
		{EHDR(e_shnum, 0), EINVAL, "x:ELF header+0x3c: 0 sections"},
		{EHDR(e_shstrndx, 77), EINVAL, "x:section headers+0x"},
	};

	EXPECT_ALL(bad);
}
END_TEST

TEST(sections)
{
	static const struct bad bad[] = {
		{SHDR(".data", sh_name, 0xffffff), EINVAL,
		 "x:section headers+0x4: section 4 has no valid name"},
		{SHDR(".data", sh_offset, 1 << 30), EINVAL,
		 "x:.data+0x0: 8 bytes at 0x40000000 are not in the file"},
		{SHDR(".data", sh_offset, UINT64_MAX), EINVAL,
		 "x:.data+0x0: 8 bytes at 0xffffffff"},
		{SHDR(".data", sh_size, 1ULL << 32), EINVAL,
		 "x:.data+0x0: 4294967296 bytes: a section can't be larger than 4 GiB"},
		{SHDR(".data", sh_size, 1 << 20), EINVAL, "x:.data+0x0: 1048576 bytes at 0x"},
		{SHDR(".data", sh_addralign, 3), EINVAL, "x:.data+0x0: alignment to 3 bytes"},
		{SHDR(".data", sh_addralign, 1ULL << 40), EINVAL,
		 "x:.data+0x0: alignment to 1099511627776 bytes"},
		{SHDR(".data", sh_flags, SHF_COMPRESSED), ENOTSUP, "x:.data+0x0: compressed: use "},
		{SHDR(".data", sh_offset, 64), EINVAL,
		 "x:.data+0x0: overlaps section .text in the file"},
		{SHDR(".symtab", sh_type, SHT_PROGBITS), EINVAL,
		 "x:ELF header+0x0: no symbol table"},
		{SHDR(".symtab", sh_entsize, 16), EINVAL, "x:.symtab+0x0: entries of 16 bytes"},
		{SHDR(".symtab", sh_size, 25), EINVAL, "x:.symtab+0x0: unreadable: "},
		{SHDR(".symtab", sh_link, 0), EINVAL,
		 "x:.symtab+0x0: section 0 does not hold its strings"},
		{SHDR(".symtab", sh_link, 2), EINVAL,
		 "x:.symtab+0x0: section 2 does not hold its strings"},
		{SHDR(".relxdp", sh_entsize, 24), EINVAL, "x:.relxdp+0x0: entries of 24 bytes"},
		{SHDR(".relxdp", sh_link, 1), EINVAL,
		 "x:.relxdp+0x0: refers to symbol table 1, not "},
		{SHDR(".relxdp", sh_info, 99), EINVAL, "x:.relxdp+0x0: applies to section 99 of "},
		{SHDR(".relxdp", sh_info, 0), EINVAL, "x:.relxdp+0x0: applies to section 0 of "},
		{SHDR(".relxdp", sh_type, SHT_RELA), ENOTSUP,
		 "x:.relxdp+0x0: relocations with addends"},
		{SHDR("license", sh_type, SHT_SYMTAB), EINVAL, "x:license+0x0: unreadable: "},
	};

	EXPECT_ALL(bad);
}
END_TEST

TEST(symbols)
{
	static const struct bad bad[] = {
		{SYM(SAMPLE_SYM_PROG, st_name, 1 << 30), EINVAL,
		 "x:.symtab+0x48: symbol 3 has no valid name"},
		{SYM(SAMPLE_SYM_PROG, st_shndx, 200), EINVAL,
		 "x:.symtab+0x48: symbol prog is in section 200 of "},
		{SYM(SAMPLE_SYM_PROG, st_value, 64), EINVAL,
		 "x:xdp+0x40: function prog of 56 bytes ends past the section's 56"},
		{SYM(SAMPLE_SYM_PROG, st_value, UINT64_MAX - 7), EINVAL,
		 "x:xdp+0xfffffffffffffff8: function prog of 56 bytes ends past the section's 56"},
		{SYM(SAMPLE_SYM_PROG, st_size, 64), EINVAL,
		 "x:xdp+0x0: function prog of 64 bytes ends past the section's 56"},
		{SYM(SAMPLE_SYM_PROG, st_size, 20), EINVAL,
		 "x:xdp+0x0: function prog of 20 bytes is not made of whole instructions"},
		{SYM(SAMPLE_SYM_PROG, st_size, 0), EINVAL,
		 "x:xdp+0x0: function prog of 0 bytes is not made of whole instructions"},
		{SYM(SAMPLE_SYM_COUNTER, st_value, 5), EINVAL,
		 "x:.data+0x5: variable counter of 4 bytes ends past the section's 8"},
		{SYM(SAMPLE_SYM_COUNTER, st_value, 4), EINVAL,
		 "x:.data+0x4: variable fixed overlaps the one before it"},
		{SYM(SAMPLE_SYM_COUNTER, st_value, 1ULL << 32), EINVAL,
		 "x:.data+0x100000000: variable counter is past the section's end"},
		{SYM(SAMPLE_SYM_MAP, st_value, 8), EINVAL,
		 "x:.maps+0x8: variable map of 32 bytes ends past the section's 32"},
		{SYM(SAMPLE_SYM_COUNTER, st_shndx, SHN_COMMON), EINVAL,
		 "x:.BTF+0x*: variable counter is not in section .data"},
		{SYM(SAMPLE_SYM_KFUNC, st_info, ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE)), EINVAL,
		 "x:xdp+0x28: function prog: refers to kfunc, which is not defined"},
	};

	EXPECT_ALL(bad);
}
END_TEST

/* Relocations of xdp, in the order of sample_object.c; a relocation's symbol is its upper word. */
TEST(relocations)
{
	static const struct bad bad[] = {
		{WORD(".relxdp", 0, 4), EINVAL,
		 "x:.relxdp+0x0: offset 0x4 is not that of an instruction"},
		{WORD(".relxdp", 0, 56), EINVAL,
		 "x:.relxdp+0x0: offset 0x38 is not that of an instruction"},
		{WORD(".relxdp", 4, 1), EINVAL,
		 "x:.relxdp+0x0: offset 0x100000000 is not that of an instruction"},
		{WORD(".relxdp", 12, 100), EINVAL, "x:.relxdp+0x0: symbol 100 of 7"},
		{WORD(".relxdp", 12, 0), EINVAL, "x:.relxdp+0x0: symbol 0 of 7"},
		{WORD(".relxdp", 8, 2), ENOTSUP, "x:.relxdp+0x0: relocation of type 2 in code"},
		{WORD(".relxdp", 0, 8), EINVAL,
		 "x:xdp+0x8: function prog: instruction 0x00 can't refer to map"},
		{WORD(".relxdp", 0, 48), EINVAL,
		 "x:xdp+0x30: function prog: instruction 0x95 can't refer to map"},
		{WORD(".relxdp", 16, 0), EINVAL,
		 "x:xdp+0x0: function prog: two relocations for one instruction"},
		/* the constant of a load counts from the symbol, that of a call from the next one */
		{WORD("xdp", 4, 8), EINVAL,
		 "x:xdp+0x0: function prog: refers to .maps+0x8, where no map starts"},
		{WORD("xdp", 20, 9), EINVAL,
		 "x:xdp+0x10: function prog: counter: 9 is outside of section .data"},
		{WORD("xdp", 20, -1), EINVAL,
		 "x:xdp+0x10: function prog: counter: -1 is outside of section .data"},
		{WORD("xdp", 36, 0), EINVAL,
		 "x:xdp+0x20: function prog: calls .text+0x8, where no function starts"},
		{WORD("xdp", 36, -9), EINVAL,
		 "x:xdp+0x20: function prog: calls .text+0xffffffffffffffc0, where no function"},
		{WORD("xdp", 36, INT32_MAX), EINVAL,
		 "x:xdp+0x20: function prog: calls .text+0x400000000, where no function"},
		{BYTE("xdp", 24, 0x95), EINVAL,
		 "x:xdp+0x10: function prog: has half of a 64-bit constant"},
		{BYTE("xdp", 33, 0), EINVAL,
		 "x:xdp+0x20: function prog: calls .text, which is not a"},
		{WORD(".relxdp", 44, SAMPLE_SYM_COUNTER), EINVAL,
		 "x:xdp+0x20: function prog: calls counter, which is not a function"},
	};

	EXPECT_ALL(bad);
}
END_TEST

/* Offsets in the header of BTF: 4 its size, 8 and 12 types, 16 and 20 strings. */
TEST(btf_header)
{
	static const struct bad bad[] = {
		{WORD(".BTF", 0, 0x1234), EINVAL,
		 "x:.BTF+0x0: magic number 0x1234 is not that of BTF"},
		{WORD(".BTF", 0, 0x19feb), EINVAL, "x:.BTF+0x0: made for the other byte order"},
		{BYTE(".BTF", 2, 2), ENOTSUP,
		 "x:.BTF+0x2: BTF version 2 with flags 0x0 is not known"},
		{WORD(".BTF", 4, 20), EINVAL, "x:.BTF+0x4: a header of 20 bytes"},
		{WORD(".BTF", 4, -1), EINVAL, "x:.BTF+0x4: a header of 4294967295 bytes"},
		{WORD(".BTF", 8, 2), EINVAL, "x:.BTF+0x8: "},
		{WORD(".BTF", 8, 0xfffffffc), EINVAL, "x:.BTF+0x8: "},
		{WORD(".BTF", 12, 100000), EINVAL,
		 "x:.BTF+0x8: 100000 bytes of types at 0 are not in the section"},
		{WORD(".BTF", 12, 8), EINVAL, "x:.BTF+0x18: type 1 is cut off"},
		{WORD(".BTF", 16, -1), EINVAL, "x:.BTF+0x10: "},
		{WORD(".BTF", 20, 0), EINVAL, "x:.BTF+0x10: 0 bytes of strings at "},
		{WORD(".BTF", 20, 3), EINVAL, "x:.BTF+0x*: strings don't begin and end with NUL"},
		{SHDR(".BTF", sh_size, 20), EINVAL, "x:.BTF+0x0: only 20 bytes"},
	};

	EXPECT_ALL(bad);
}
END_TEST

/* The words of a type: 0 name, 1 kind << 24 | members, 2 size or another type, 3 what follows. */
TEST(btf_types)
{
	static const struct bad bad[] = {
		{TYPE_WORD(SAMPLE_INT, 1, 20 << 24), ENOTSUP,
		 "x:.BTF+0x18: type 1 is of a kind (20) that this libmem does not know"},
		{TYPE_WORD(SAMPLE_INT, 1, 0), ENOTSUP, "x:.BTF+0x18: type 1 is of a kind (0)"},
		{TYPE_WORD(SAMPLE_STRUCT, 1, 4 << 24 | 0x10000), ENOTSUP,
		 "x:.BTF+0x7c: type 7 has more than 65535 members"},
		{TYPE_WORD(SAMPLE_STRUCT, 1, 4 << 24 | 0xffff), EINVAL,
		 "x:.BTF+0x7c: type 7 is cut off"},
		{TYPE_WORD(SAMPLE_INT, 0, 0x7fffffff), EINVAL,
		 "x:.BTF+0x18: type 1 has no valid name"},
		{TYPE_WORD(SAMPLE_PTR_INT, 2, 18), EINVAL,
		 "x:.BTF+0x70: type 6 refers to type 18 of 18"},
		{TYPE_WORD(SAMPLE_ARRAY_16, 3, 500), EINVAL,
		 "x:.BTF+0x4c: type 4 is an array of type 500 of 18"},
		{TYPE_WORD(SAMPLE_STRUCT, 4, 500), EINVAL,
		 "x:.BTF+0x7c: type 7 has a member that can't be: its name, type or place"},
		/* a member's offset, in bits */
		{TYPE_WORD(SAMPLE_STRUCT, 8, 257), EINVAL,
		 "x:.BTF+0x7c: type 7 has a member that can't be: its name, type or place"},
		{TYPE_WORD(SAMPLE_STRUCT, 5, 128), EINVAL,
		 "x:.BTF+0x7c: type 7 has a member that can't be: its name, type or place"},
		{TYPE_WORD(SAMPLE_STRUCT, 1, 5 << 24 | 4), EINVAL,
		 "x:.BTF+0x7c: type 7 has a member that can't be: its name, type or place"},
		{TYPE_WORD(SAMPLE_HELPER, 2, SAMPLE_INT), EINVAL,
		 "x:.BTF+0x*: type 14 is a function without a prototype"},
		{TYPE_WORD(SAMPLE_DATA, 3, SAMPLE_INT), EINVAL,
		 "x:.BTF+0x*: type 12 lists something other than variables"},
		{TYPE_WORD(SAMPLE_DATA, 3, SAMPLE_HELPER), EINVAL,
		 "x:.BTF+0x*: type 14 in .data is not a variable"},
		/* by value, and through pointers that no struct interrupts */
		{TYPE_WORD(SAMPLE_STRUCT, 4, SAMPLE_STRUCT), EINVAL,
		 "x:.BTF+0x7c: type 7 contains itself"},
		{TYPE_WORD(SAMPLE_ARRAY_16, 3, SAMPLE_PTR_ARRAY_16), EINVAL,
		 "x:.BTF+0x4c: type 4 contains itself"},
		{TYPE_WORD(SAMPLE_PTR_INT, 2, SAMPLE_PTR_INT), EINVAL,
		 "x:.BTF+0x70: type 6 contains itself"},
		/* sections of variables */
		{TYPE_WORD(SAMPLE_DATA, 2, 4), EINVAL,
		 "x:.BTF+0x*: section .data has 8 bytes, not 4"},
		{TYPE_WORD(SAMPLE_DATA, 7, 0xfffffffc), EINVAL,
		 "x:.data+0xfffffffc: variable fixed of 4 bytes ends past the section's 8"},
		{TYPE_WORD(SAMPLE_DATA, 5, 9), EINVAL,
		 "x:.data+0x0: variable counter of 9 bytes ends past the section's 8"},
	};

	EXPECT_ALL(bad);
}
END_TEST

/* As clang writes it when all maps are extern: it makes no section for them. */
TEST(a_map_of_another_file)
{
	struct elf_builder *b = elf_builder_new();
	struct btf *btf = btf__new_empty();

	btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	btf__add_var(btf, "map", BTF_VAR_GLOBAL_EXTERN, 1);
	btf__add_datasec(btf, ".maps", 0);
	btf__add_datasec_var_info(btf, 2, 0, 4);
	elf_add_undefined(b, "map");
	elf_add_btf(b, btf);
	expect(elf_build(b), EINVAL, "x:.BTF+0x*: map, of section .maps, is defined in another file: link both");
}
END_TEST

TEST(map_definitions)
{
	static const struct bad bad[] = {
		{TYPE_WORD(SAMPLE_STRUCT, 4, SAMPLE_PTR_INT), EINVAL,
		 "x:.maps+0x0: map map: type is not a number: use __uint(type, ...)"},
		{TYPE_WORD(SAMPLE_STRUCT, 4, SAMPLE_INT), EINVAL,
		 "x:.maps+0x0: map map: type is not a number: use __uint(type, ...)"},
		{TYPE_WORD(SAMPLE_STRUCT, 10, SAMPLE_INT), EINVAL,
		 "x:.maps+0x0: map map: key is not a type: use __type(key, ...)"},
		{TYPE_WORD(SAMPLE_PTR_INT, 2, 0), EINVAL,
		 "x:.maps+0x0: map map: key has no size: define its type completely"},
		{TYPE_WORD(SAMPLE_ARRAY_1, 5, 0), EINVAL,
		 "x:.maps+0x0: map map: has no type: add __uint(type, BPF_MAP_TYPE_...)"},
		{TYPE_WORD(SAMPLE_MAP, 2, SAMPLE_INT), EINVAL,
		 "x:.maps+0x0: map map is not a struct of"},
		{TYPE_WORD(SAMPLE_STRUCT, 2, 40), EINVAL,
		 "x:.maps+0x0: map map is not a struct of 32"},
		{TYPE_WORD(SAMPLE_MAP, 0, 0), EINVAL,
		 "x:.BTF+0x*: variable  is not in section .maps"},
		{TYPE_WORD(SAMPLE_ARRAY_1, 5, 33), EINVAL,
		 "x:.maps+0x0: map map: an arena needs __uint(map_flags, BPF_F_MMAPABLE)"},
		{TYPE_WORD(SAMPLE_MAP, 3, 2), ENOTSUP,
		 "x:.maps+0x0: map map is defined in another file: link both"},
	};

	EXPECT_ALL(bad);
}
END_TEST

/* Words of .BTF.ext: 0 magic, 1 size of the header, then offset and size of three subsections. */
TEST(btf_ext)
{
	static const struct bad bad[] = {
		{WORD(".BTF.ext", 0, 0), EINVAL,
		 "x:.BTF.ext+0x0: magic number 0x0 is not that of BTF"},
		{BYTE(".BTF.ext", 2, 9), ENOTSUP,
		 "x:.BTF.ext+0x2: version 9 with flags 0x0 is not known"},
		{WORD(".BTF.ext", 4, 8), EINVAL, "x:.BTF.ext+0x4: a header of 8 bytes"},
		{WORD(".BTF.ext", 4, -1), EINVAL, "x:.BTF.ext+0x4: a header of 4294967295 bytes"},
		{WORD(".BTF.ext", 8, 2), EINVAL, "x:.BTF.ext+0x0: function types: "},
		{WORD(".BTF.ext", 8, -4), EINVAL, "x:.BTF.ext+0x0: function types: "},
		{WORD(".BTF.ext", 12, -1), EINVAL,
		 "x:.BTF.ext+0x0: function types: 4294967295 bytes at"},
		{WORD(".BTF.ext", 12, 9), EINVAL, "x:.BTF.ext+0x24: function types are cut off"},
		{WORD(".BTF.ext", 12, 19), EINVAL,
		 "x:.BTF.ext+0x28: 1 function types of 8 bytes do not"},
		/* record size, then a section's name and number of records */
		{WORD(".BTF.ext", 32, 4), EINVAL,
		 "x:.BTF.ext+0x20: function types of 4 bytes, at least 8 are expected"},
		{WORD(".BTF.ext", 32, 0), EINVAL, "x:.BTF.ext+0x20: function types of 0 bytes"},
		{WORD(".BTF.ext", 32, -4), EINVAL,
		 "x:.BTF.ext+0x28: 1 function types of 4294967292"},
		{WORD(".BTF.ext", 36, 1), EINVAL,
		 "x:.BTF.ext+0x24: function types for int, which is not a section of code"},
		{WORD(".BTF.ext", 36, -1), EINVAL,
		 "x:.BTF.ext+0x24: function types for ?, which is not a section of code"},
		{WORD(".BTF.ext", 40, 0), EINVAL,
		 "x:.BTF.ext+0x28: 0 function types of 8 bytes do not"},
		{WORD(".BTF.ext", 40, -1), EINVAL,
		 "x:.BTF.ext+0x28: 4294967295 function types of 8 bytes do not fit"},
		/* the records */
		{WORD(".BTF.ext", 44, 16), EINVAL,
		 "x:.BTF.ext+0x2c: function types: 0x10 is not an instruction of .text"},
		{WORD(".BTF.ext", 44, 3), EINVAL,
		 "x:.BTF.ext+0x2c: function types: 0x3 is not an instruction of .text"},
		{WORD(".BTF.ext", 44, 8), EINVAL,
		 "x:.BTF.ext+0x2c: type of a function inside of function helper"},
		{WORD(".BTF.ext", 48, SAMPLE_INT), EINVAL,
		 "x:.BTF.ext+0x2c: type 1 of function helper is not a function's"},
		{WORD(".BTF.ext", 48, 18), EINVAL,
		 "x:.BTF.ext+0x2c: type 18 of function helper is not a function's"},
		{WORD(".BTF.ext", 84, 1 << 20), EINVAL,
		 "x:.BTF.ext+0x50: a source line outside of BTF's strings"},
		{WORD(".BTF.ext", 96, 0), EINVAL,
		 "x:.BTF.ext+0x0: function prog: two source lines for instruction 0"},
		{WORD(".BTF.ext", 128, 0), EINVAL,
		 "x:.BTF.ext+0x7c: a CO-RE record with type 0 of 19"},
		{WORD(".BTF.ext", 132, -1), EINVAL,
		 "x:.BTF.ext+0x7c: a CO-RE record with type 7 of 19"},
	};

	EXPECT_ALL(bad);
}
END_TEST

/* Changes that need another object, not another byte. */
#define EXPECT_BUILT(error, message, ...)                                                          \
	do {                                                                                       \
		struct elf_builder *b = sample_builder();                                          \
		__VA_ARGS__;                                                                       \
		expect(elf_build(b), error, message);                                              \
	} while (0)

TEST(objects_that_lack_or_repeat_something)
{
	const struct bpf_insn code[] = {INSN_LD64(1, 0, 0), INSN_EXIT};
	uint32_t section;

	EXPECT_BUILT(ENOTSUP,
		     "x:maps+0x0: maps of the old kind (struct bpf_map_def): define them in",
		     elf_add_section(b, "maps", SHF_ALLOC, "12345678", 8));
	EXPECT_BUILT(EINVAL, "x:.data+0x0: sections 4 and 8 have the same name",
		     elf_add_section(b, ".data", SHF_ALLOC, "x", 1));
	EXPECT_BUILT(EINVAL, "x:.symtab+0x0: a second symbol table",
		     section = elf_add_section(b, "more", 0, (Elf64_Sym[1]){{0}}, 24),
		     elf_section_header(b, section)->sh_type = SHT_SYMTAB,
		     elf_section_header(b, section)->sh_entsize = 24);
	EXPECT_BUILT(EINVAL, "x:version+0x0: 3 bytes instead of 4",
		     elf_add_section(b, "version", SHF_ALLOC, "123", 3));
	EXPECT_BUILT(EINVAL,
		     "x:.addr_space.1+0x0: variables of an arena, but no arena: declare one with",
		     elf_add_section(b, ".addr_space.1", SHF_ALLOC, "1234", 4));
	EXPECT_BUILT(EINVAL,
		     "x:.symtab+0xa8: undefined symbol stranger: link the file that defines it",
		     elf_add_undefined(b, "stranger"));
	EXPECT_BUILT(EINVAL, "x:.symtab+0xa8: a second symbol kfunc",
		     elf_add_undefined(b, "kfunc"));
	EXPECT_BUILT(EINVAL, "x:.text+0x8: function inside overlaps helper",
		     elf_add_func(b, "inside", 1, 8, 8));
	EXPECT_BUILT(EINVAL, "x:xdp2+0x0: program a.b has no name that C could use",
		     section = elf_add_section(b, "xdp2", SHF_EXECINSTR, code, sizeof(code)),
		     elf_add_func(b, "a.b", section, 0, sizeof(code)));
	EXPECT_BUILT(EINVAL, "x:.text+0x0: a function without a name",
		     elf_add_func(b, "", 1, 0, 16));
	EXPECT_BUILT(
		EINVAL, "x:xdp2+0x0: function prog2: variable v has no section: compile with -fno",
		section = elf_add_section(b, "xdp2", SHF_EXECINSTR, code, sizeof(code)),
		elf_add_func(b, "prog2", section, 0, sizeof(code)),
		elf_add_relocation(b, section, 0, elf_add_object(b, "v", SHN_COMMON, 0, 4), 1));
	EXPECT_BUILT(
		EINVAL, "x:xdp2+0x0: function prog2: jumps through a table, which libmem does not load:",
		elf_add_section(b, ".jumptables", SHF_ALLOC, "12345678", 8),
		section = elf_add_section(b, "xdp2", SHF_EXECINSTR, code, sizeof(code)),
		elf_add_func(b, "prog2", section, 0, sizeof(code)),
		elf_add_relocation(b, section, 0,
				   elf_add_object(b, "table", (uint16_t)(section - 1), 0, 8), 1));
	EXPECT_BUILT(EINVAL, "x:xdp2+0x0: program prog is also in xdp+0x0: rename one",
		     section = elf_add_section(b, "xdp2", SHF_EXECINSTR, code, sizeof(code)),
		     elf_add_func(b, "prog", section, 0, sizeof(code)));
}
END_TEST

/* However much of a file is missing, it is refused: the section headers are at its end. */
TEST(truncated)
{
	struct elf_bytes file = sample_object();

	for (size_t size = 0; size < file.size; size++) {
		struct elf_bytes part = {.data = malloc(size ? size : 1), .size = size};

		memcpy(part.data, file.data, size);
		expect(part, EINVAL, "x:ELF header+0x");
	}
	free(file.data);
}
END_TEST

/* Whatever a byte is changed to: an error, or an image that is consistent. */
static void try_byte(struct elf_bytes file, size_t offset, uint8_t value)
{
	uint8_t before = file.data[offset];
	struct mem_image *image;

	file.data[offset] = value;
	errno = 0;
	image = read_sample(file);
	if (image)
		ck_assert_msg(mem_image_is_valid(image), "byte 0x%zx = 0x%x: %s", offset, value,
			      test_message());
	else
		ck_assert_msg(errno == EINVAL || errno == ENOTSUP || errno == ENOMEM,
			      "byte 0x%zx = 0x%x: errno %d", offset, value, errno);
	mem_image_free(image);
	file.data[offset] = before;
}

TEST(every_byte_changed)
{
	struct elf_bytes file = sample_object();

	for (size_t offset = 0; offset < file.size; offset++) {
		for (int bit = 0; bit < 8; bit++)
			try_byte(file, offset, file.data[offset] ^ 1 << bit);
		try_byte(file, offset, 0);
		try_byte(file, offset, 0xff);
		try_byte(file, offset, file.data[offset] + 1);
	}
	free(file.data);
}
END_TEST
