/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the steps of reading share: the parts of the ELF file, the tables being filled, and how
 * one step asks another. image_read.c has the order of the steps.
 *
 * A step returns 0 or -errno; a failing one has left the message. Everything lives in two pools:
 * `pool` becomes the image, `scratch` is gone when reading is over.
 */
#ifndef READER_READER_H
#define READER_READER_H

#include <bpf/btf.h>
#include <errno.h>
#include <libelf.h>
#include <linux/bpf.h>
#include <string.h>
#include <mem/image.h>

#include "error.h"
#include "reader/pool.h"
#include "uapi.h"

/* What a section is for. */
enum section_kind {
	SECTION_OTHER = 0, /* nothing that matters here: debug info, strings ... */
	SECTION_SYMBOLS,
	SECTION_RELOCATIONS,
	SECTION_CODE,
	SECTION_DATA,
	SECTION_BSS,
	SECTION_RODATA,
	SECTION_PERCPU,
	SECTION_ARENA,
	SECTION_TASKS,
	SECTION_EXPORTS, /* pointers whose types memgen defines; their values are nobody's */
	SECTION_NOTES,	 /* variables that tools read in the file: BTF lists them, no program reaches them */
	SECTION_MAPS,
	SECTION_STRUCT_OPS,
	SECTION_LICENSE,
	SECTION_VERSION,
	SECTION_BTF,
	SECTION_BTF_EXT,
};

/* One ELF section. */
struct section {
	const char *name;
	const uint8_t *data; /* size bytes; NULL where the file has none (.bss) or kind is OTHER */
	uint64_t size;	     /* bytes */
	uint64_t offset;     /* bytes into the file */
	uint64_t flags;	     /* SHF_* */
	uint64_t align;	     /* bytes */
	uint64_t entry_size; /* bytes of a symbol or relocation */
	uint32_t type;	     /* SHT_* */
	uint32_t link;	     /* section index, 0 if none */
	uint32_t info;	     /* section index for relocations */
	enum section_kind kind;
	uint32_t relocations; /* section index of those that apply to this one, 0 if none */
	uint32_t region;      /* regions row of its variables, or MEM_NONE */
	uint32_t datasec;     /* BTF id of its DATASEC, 0 if none */
};

/* One ELF symbol. */
struct symbol {
	const char *name;
	uint64_t value;	    /* bytes into the section */
	uint64_t size;	    /* bytes */
	uint32_t section;   /* section index, or SHN_* */
	uint32_t ext;	    /* externs row, or MEM_NONE */
	uint8_t bind;	    /* STB_* */
	uint8_t type;	    /* STT_* */
	uint8_t visibility; /* STV_* */
};

/* A function: where it is. Sorted by section and offset; the row of the same index is in `funcs`. */
struct func {
	uint32_t section;   /* section index */
	uint32_t offset;    /* bytes into the section */
	uint32_t size;	    /* bytes */
	uint32_t symbol;    /* symbol index, 0 if it was stripped */
	const char *name;   /* empty: code that nobody uses */
	uint32_t prog;	    /* progs row it is the entry of, or MEM_NONE */
	uint32_t exception; /* funcs row that bpf_throw() of this program ends in, or MEM_NONE */
};

/* A map definition in .maps. */
struct map_source {
	uint32_t row;		/* maps row */
	uint32_t offset;	/* bytes into .maps */
	uint32_t size;		/* bytes */
	uint32_t values_offset; /* bytes from offset to the member "values", or MEM_NONE */
};

/* A row found in section order that belongs to a function. */
struct func_reloc {
	uint32_t func; /* funcs row */
	struct mem_reloc_image row;
};
struct func_line {
	uint32_t func;
	struct bpf_line_info row;
};
struct func_core {
	uint32_t func;
	struct bpf_core_relo row;
};

/* State of one reading. */
struct reader {
	const char *file;  /* the file's name in messages */
	const char *name;  /* the image's name */
	const void *bytes; /* the file */
	size_t size;	   /* bytes */
	struct pool *pool; /* the image's memory */
	struct pool scratch;

	/* elf.c */
	Elf *elf;
	struct section *sections; /* by ELF index; [0] is unused */
	uint32_t section_count;
	uint32_t *sections_by_name; /* indices of those with a kind, sorted by name */
	uint32_t sections_by_name_count;
	struct symbol *symbols; /* by ELF index; [0] is unused */
	uint32_t symbol_count;
	uint32_t *symbols_by_name; /* indices of the named symbols, sorted by name */
	uint32_t symbols_by_name_count;
	uint32_t symbol_section; /* section index */
	const char *license;	 /* NULL if there is none */
	int whole_offsets;	 /* instructions have offsets from the section's start: relocs.c */
	uint32_t kern_version;

	/* btf.c */
	struct btf *btf;	/* NULL if the object has none */
	uint8_t *btf_copy;	/* the blob with our changes; struct btf has it without them */
	uint32_t btf_size;	/* bytes */
	uint8_t *btf_whole;	/* the same with all variables, if some are left out: btf_empty.c; else NULL */
	uint32_t btf_whole_size; /* bytes */
	uint32_t type_count;	/* ids are below; 0 if there is no BTF */
	uint32_t int_type;	/* an int of 32 bits, 0 if not needed */
	uint8_t *kernel_fields; /* by type id: what btf_has_kernel_fields() has found out */
	uint32_t dummy_var;	/* stands for functions in .ksyms, 0 if not needed */

	/* the tables of the image, in scratch until the end */
	struct rows maps;
	struct rows inits;
	struct rows regions;
	struct rows progs;
	struct rows prog_funcs;
	struct rows funcs;
	struct rows insns;
	struct rows relocs;
	struct rows externs;
	struct rows line_infos;
	struct rows core_relos;
	struct rows tasks;
	struct rows task_fields;

	/* rows on their way into the tables */
	struct rows func_sources; /* struct func */
	struct rows stripped_funcs; /* struct func, of unknown size: those without a symbol */
	struct rows map_sources;  /* struct map_source, by offset */
	struct rows func_relocs;  /* struct func_reloc */
	struct rows func_lines;	  /* struct func_line */
	struct rows func_cores;	  /* struct func_core */
};

/* "file:section+0x10: what is wrong"; the value of the call is -EINVAL or -ENOTSUP. */
#define REFUSE(err, r, section, offset, fmt, ...)                                                  \
	mem__error(err, "%s:%s+0x%llx: " fmt, (r)->file, section, (unsigned long long)(offset),    \
		   ##__VA_ARGS__)
#define BAD(r, section, offset, fmt, ...) REFUSE(EINVAL, r, section, offset, fmt, ##__VA_ARGS__)
#define UNKNOWN(r, section, offset, fmt, ...)                                                      \
	REFUSE(ENOTSUP, r, section, offset, fmt, ##__VA_ARGS__)

/* image_read.c */
int reader_no_memory(const struct reader *r);
/* Append n rows to a table; NULL with a message if there is no memory. */
void *reader_rows(struct reader *r, struct rows *rows, uint32_t n, size_t row_size);
#define ADD_ROWS(r, table, n, type) ((type *)reader_rows(r, &(r)->table, n, sizeof(type)))
#define ROW(r, table, i, type)	    (&((type *)(r)->table.data)[i])
/* Memory and text of the image; NULL with a message. */
char *reader_text(struct reader *r, const char *text, size_t len);
char *reader_string(struct reader *r, const char *text);

/* elf.c */
int elf_start(struct reader *r);
int elf_read_sections(struct reader *r);
int elf_read_symbols(struct reader *r);
int elf_read_license(struct reader *r);
/* The section with this name and a kind other than OTHER; 0 if there is none. */
uint32_t elf_find_section(const struct reader *r, const char *name);
/* The global variable or function of this name, or NULL. */
const struct symbol *elf_find_global(const struct reader *r, const char *name);
/* Name for messages: that of the symbol, or of its section. */
const char *elf_symbol_name(const struct reader *r, const struct symbol *symbol);
/* An undefined symbol that the kernel is to supply. */
int elf_is_extern(const struct symbol *symbol);
/* One relocation of a SECTION_RELOCATIONS section; the number of them. */
struct relocation {
	uint64_t offset; /* bytes into the section it applies to */
	uint32_t symbol; /* symbol index, valid */
	uint32_t type;	 /* R_BPF_* */
};
uint32_t elf_relocation_count(const struct section *section);
int elf_relocation(const struct reader *r, const struct section *section, uint32_t i,
		   struct relocation *rel);
/* A pointer in data: what it is to point to. */
struct pointer {
	uint64_t offset; /* bytes into the section that has it */
	const struct symbol *symbol;
	uint64_t target; /* bytes into the symbol's section */
};
/* All pointers that a section has, by ascending offset; the caller frees them. NULL if there are none. */
int elf_read_pointers(struct reader *r, const struct section *section, struct pointer **pointers, uint32_t *count);

/* btf_check.c */
int btf_check(struct reader *r, const uint8_t *data, uint32_t size);

/* btf.c */
int btf_read(struct reader *r);
int btf_fix(struct reader *r);
void btf_finish(struct reader *r);
/* A type as it will be given to the kernel; NULL if there is no such id. */
struct btf_type *btf_type(const struct reader *r, uint32_t id);
/* Name, "" if it has none. */
const char *btf_name(const struct reader *r, uint32_t name_off);
/* Without const, volatile, typedef ...; *id receives the id unless NULL. */
const struct btf_type *btf_skip_modifiers(const struct reader *r, uint32_t type, uint32_t *id);
/* Bytes of the BTF before a type: the place for messages. */
uint32_t btf_place(const struct reader *r, uint32_t id);
/* Whether a value of this type has fields that only the kernel may touch (locks, timers ...). */
int btf_has_kernel_fields(const struct reader *r, uint32_t id);

/* btf_astray.c: entries of lists that belong to another section */
int btf_mark_astray(struct reader *r, uint32_t section, struct btf_type *datasec);
int btf_is_astray(const struct btf_var_secinfo *info);
int btf_is_list_of_nothing(struct btf_type *datasec);

/* btf_empty.c */
int btf_drop_empty(struct reader *r);

/* btf_ext.c */
/* Functions that no symbol tells of: stripped_funcs. */
int btf_ext_find_stripped(struct reader *r);
int btf_ext_read(struct reader *r);

/* maps.c */
int maps_read(struct reader *r);
int maps_read_inits(struct reader *r);
/* The definition that contains an offset of .maps, or NULL. */
const struct map_source *maps_find(const struct reader *r, uint64_t offset);
/* The kernel's name for a map: prefix and name cut to 15 characters, odd ones replaced. */
char *maps_kernel_name(struct reader *r, const char *prefix, size_t prefix_len, const char *name);

/* map_def.c */
struct map_def {
	struct mem_map_image row;
	uint32_t values_offset; /* bytes, or MEM_NONE */
	uint32_t inner_type;	/* BTF id of the inner map's struct, 0 if none */
};
int map_def_parse(struct reader *r, const char *name, uint32_t type, uint32_t place, int inner,
		  struct map_def *def);

/* data.c */
int data_read(struct reader *r);
int data_read_kconfig(struct reader *r, uint32_t size, uint32_t align);

/* struct_ops.c */
int struct_ops_read(struct reader *r);
int struct_ops_read_callbacks(struct reader *r);

/* tasks.c */
int tasks_read(struct reader *r);
/* Whether a map of this name holds threads' memory. */
int tasks_is_map(const char *name);
/* Whether an extern of this name is a number of tasks.c's; fills it in. */
int tasks_fill_extern(const struct reader *r, const char *name, struct mem_extern_image *ext);

/* sections.c */
int sections_fill_prog(struct reader *r, const char *section, struct mem_prog_image *prog);

/* names.c */
/* Whether a name can be that of a struct's member in C. */
int names_is_identifier(const char *name);
int names_check(struct reader *r);
/* Let the kernel's names of maps differ where cutting them made them alike. */
int names_kernel(struct reader *r);

/* progs.c */
int progs_read(struct reader *r);
/* The function at, or around, an offset of a section; MEM_NONE if there is none. */
uint32_t progs_func_at(const struct reader *r, uint32_t section, uint64_t offset);
uint32_t progs_func_around(const struct reader *r, uint32_t section, uint64_t offset);

/* relocs.c */
int relocs_read(struct reader *r);

/* callees.c */
int callees_read(struct reader *r);

/* externs.c */
int externs_read(struct reader *r);

#endif /* READER_READER_H */
