/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Object files made in a test, on libelf's writing side: good ones without a compiler, and ones that
 * no compiler would make. Whatever fails here ends the test.
 */
#ifndef SELFTESTS_ELF_BUILDER_H
#define SELFTESTS_ELF_BUILDER_H

#include <bpf/btf.h>
#include <elf.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <stdint.h>

struct elf_builder;

/* A file in memory. */
struct elf_bytes {
	uint8_t *data; /* to be freed */
	size_t size;   /* bytes */
};

struct elf_builder *elf_builder_new(void);

/* Add a section and return its index. The contents are copied; NULL makes it SHT_NOBITS. */
uint32_t elf_add_section(struct elf_builder *b, const char *name, uint32_t flags, const void *data,
			 size_t size);

/* Give a section other contents. */
void elf_replace_contents(struct elf_builder *b, const char *name, const void *data, size_t size);

/* The header of a section, to be changed before elf_build(); its offset and size are libelf's. */
Elf64_Shdr *elf_section_header(struct elf_builder *b, uint32_t section);

/* Add a symbol and return its index; info as by ELF64_ST_INFO(). */
uint32_t elf_add_symbol(struct elf_builder *b, const char *name, uint32_t section, uint8_t info,
			uint64_t value, uint64_t size);
Elf64_Sym *elf_symbol(struct elf_builder *b, uint32_t symbol);

/* Functions, variables and undefined symbols, all of them global. */
uint32_t elf_add_func(struct elf_builder *b, const char *name, uint32_t section, uint64_t value,
		      uint64_t size);
uint32_t elf_add_object(struct elf_builder *b, const char *name, uint32_t section, uint64_t value,
			uint64_t size);
uint32_t elf_add_undefined(struct elf_builder *b, const char *name);

/* Add a relocation of a section's contents. */
void elf_add_relocation(struct elf_builder *b, uint32_t section, uint64_t offset, uint32_t symbol,
			uint32_t type);

/* Add a section .BTF with what was built by libbpf's btf__add functions; frees btf. */
void elf_add_btf(struct elf_builder *b, struct btf *btf);

/* Write the file and free the builder. */
struct elf_bytes elf_build(struct elf_builder *b);

/* A file that a compiler wrote. */
struct elf_bytes elf_read(const char *path);

/* In a file that was built or read: a section's header and contents, by name. */
Elf64_Shdr *elf_find_header(struct elf_bytes file, const char *name);
uint8_t *elf_find_contents(struct elf_bytes file, const char *name);

/* .BTF.ext under construction: begin a subsection, then a section's records in it. */
struct ext_builder {
	uint32_t words[512];
	uint32_t count;
};
void ext_begin(struct ext_builder *ext, uint32_t record_size);
void ext_section(struct ext_builder *ext, uint32_t name_off, uint32_t count);
void ext_record(struct ext_builder *ext, const void *record, size_t size);

/* Add a section .BTF.ext; each of the three may be NULL. */
void elf_add_btf_ext(struct elf_builder *b, const struct ext_builder *funcs,
		     const struct ext_builder *lines, const struct ext_builder *cores);

/* Instructions, as initialisers of struct bpf_insn. */
#define INSN(op, dst, src, o, i) ((struct bpf_insn){op, dst, src, o, i})
#define INSN_EXIT		 INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define INSN_MOV(dst, value)	 INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, value)
#define INSN_CALL(src, imm)	 INSN(BPF_JMP | BPF_CALL, 0, src, 0, imm)
/* two instructions */
#define INSN_LD64(dst, src, imm)                                                                   \
	INSN(BPF_LD | BPF_IMM | BPF_DW, dst, src, 0, imm), INSN(0, 0, 0, 0, 0)

#endif /* SELFTESTS_ELF_BUILDER_H */
