/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief The image: everything libmem knows about a BPF object before a kernel is involved.
 *
 * An image is plain constant data. A generated header holds one as `static const` tables; the
 * reader (mem/elf.h) makes one from an object file at run time. Both look the same to the
 * loader. Nothing in an image depends on the machine that made it, and nothing writes to it.
 *
 * The tables grow at the end of their rows only. Each table carries the size of the rows that
 * its writer knew, so an old header works with a newer libmem (missing fields read as zero) and
 * a new header works with an older libmem unless it uses a field that this one lacks.
 *
 * Applications rarely look inside: they pass the address that NAME__image() returns.
 */
#ifndef MEM_IMAGE_H
#define MEM_IMAGE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Version of the table layout as a whole; a different number can't be read. */
#define MEM_IMAGE_ABI 1

/** "No such row" in fields that hold the index of a row. */
#define MEM_NONE UINT32_MAX

/** A table: @c count rows, each @c row_size bytes as its writer knew them. */
struct mem_table {
	const void *rows;  /**< the first row; may be NULL when there are none */
	uint32_t count;    /**< rows */
	uint32_t row_size; /**< bytes */
};

/** Consecutive rows of another table. */
struct mem_range {
	uint32_t first; /**< index of the first row */
	uint32_t count; /**< rows, may be 0 */
};

/** A map to create. */
struct mem_map_image {
	const char *name;        /**< as in the source; the section name (".bss") for variables */
	const char *kernel_name; /**< what the kernel shows: at most 15 characters, [A-Za-z0-9_.] */
	const char *pin_path;    /**< reserved, NULL */
	uint32_t type;           /**< BPF_MAP_TYPE_* */
	uint32_t key_size;       /**< bytes */
	uint32_t value_size;     /**< bytes */
	uint32_t max_entries;    /**< elements; pages of an arena; bytes of a ring buffer */
	uint32_t map_flags;      /**< BPF_F_* */
	uint32_t numa_node;      /**< used when map_flags has BPF_F_NUMA_NODE */
	uint32_t pinning;        /**< LIBBPF_PIN_*: 0 none, 1 by name */
	uint32_t key_type;       /**< BTF type id, 0 if unknown */
	uint32_t value_type;     /**< BTF type id, 0 if unknown */
	uint32_t inner_map;      /**< maps row of the prototype for map-in-map, or MEM_NONE */
	struct mem_range inits;  /**< inits rows: initial elements */
	uint64_t map_extra;      /**< meaning depends on the type */
	uint32_t flags;          /**< MEM_MAP_* */
	uint32_t section_offset; /**< bytes into .maps, for messages */
};

/** Flags of a maps row. */
enum mem_map_flag {
	MEM_MAP_INTERNAL = 1, /**< holds variables; the source has no map of this name */
	MEM_MAP_PROTOTYPE = 2, /**< only the inner_map of others; no map of its own at run time */
	MEM_MAP_TASK = 4, /**< holds threads' memory: made for the process, not for an object */
	MEM_MAP_NO_AUTOCREATE = 8 /**< section name starts with '?' */
};

/** What an initial element of a map holds. */
enum mem_init_kind {
	MEM_INIT_MAP = 1, /**< an inner map: target is a maps row */
	MEM_INIT_PROG = 2, /**< a program: target is a progs row */
	MEM_INIT_CALLBACK = 3 /**< a program that a struct_ops map points to: slot is the byte offset */
};

/** One initial element of a map-in-map or program array. */
struct mem_init_image {
	uint32_t slot;   /**< key, or bytes into the struct */
	uint32_t kind;   /**< MEM_INIT_* */
	uint32_t target; /**< row, see kind */
};

/** Kinds of shared memory. */
enum mem_region_kind {
	MEM_REGION_DATA = 1,   /**< writable variables (.data*, .bss*) in a one-element array */
	MEM_REGION_RODATA = 2, /**< constants, frozen before any program runs */
	MEM_REGION_ARRAY = 3,  /**< a BPF_F_MMAPABLE array that the source declares */
	MEM_REGION_ARENA = 4,  /**< an arena, with or without variables in it */
	MEM_REGION_KCONFIG = 5, /**< values of the running kernel (.kconfig); read-only */
	MEM_REGION_STRUCT_OPS = 6, /**< a struct_ops variable: the application's until it is attached */
	MEM_REGION_PERCPU = 7 /**< variables that each CPU has its own of (.percpu) */
};

/** Memory that programs and application share. A map is always behind it. */
struct mem_region_image {
	const char *name;    /**< the C member of the skeleton: "bss", "data_foo", "hist" */
	const char *section; /**< ELF section of the variables, NULL if there are none */
	const void *init;    /**< initial contents of the variables, NULL if all zero */
	uint64_t init_size;  /**< bytes at init; what follows up to size is zero */
	uint64_t size;       /**< bytes of the variables; 0 for an array, and an arena without any */
	uint32_t kind;       /**< MEM_REGION_* */
	uint32_t map;        /**< maps row */
	uint32_t type;       /**< BTF id: the section's DATASEC, or an array's element type; 0 if none */
	uint32_t align;      /**< bytes, of the variables: a power of two */
	uint64_t schema;     /**< mem_schema_hash() of its types; 0: not computed, or it has none */
};

/** How an instruction refers to something outside its function. */
enum mem_reloc_kind {
	MEM_RELOC_MAP = 1,    /**< ld_imm64: fd of maps row target */
	MEM_RELOC_REGION = 2, /**< ld_imm64: address at offset in regions row target */
	MEM_RELOC_FUNC = 3,   /**< ld_imm64: address of funcs row target (a callback) */
	MEM_RELOC_CALL = 4,   /**< call of funcs row target */
	MEM_RELOC_EXTERN = 5  /**< call or ld_imm64 of externs row target */
};

/** One relocation. */
struct mem_reloc_image {
	uint32_t insn;   /**< instruction index from the start of the function */
	uint32_t kind;   /**< MEM_RELOC_* */
	uint32_t target; /**< row, see kind */
	uint32_t offset; /**< bytes into the region (before an arena's globals are placed) */
};

/** What an extern names. */
enum mem_extern_kind {
	MEM_EXTERN_KFUNC = 1,    /**< a kernel function called by BTF id */
	MEM_EXTERN_KSYM = 2,     /**< a kernel variable whose type the object declares */
	MEM_EXTERN_KSYM_ADDR = 3, /**< a kernel symbol's address (/proc/kallsyms) */
	MEM_EXTERN_KCONFIG = 4,  /**< a value of the running kernel's configuration */
	MEM_EXTERN_TASK = 5      /**< a number that says where threads' memory is */
};

/** How the value of a .kconfig extern is read. */
enum mem_kcfg_kind {
	MEM_KCFG_CHAR = 1,     /**< 'y', 'm' or 'n' in one byte */
	MEM_KCFG_BOOL = 2,     /**< y is true */
	MEM_KCFG_INT = 3,      /**< integer of size bytes */
	MEM_KCFG_TRISTATE = 4, /**< enum libbpf_tristate */
	MEM_KCFG_CHAR_ARR = 5  /**< string, cut to size bytes with its NUL */
};

/** What an extern of kind MEM_EXTERN_TASK stands for; in kcfg_kind. */
enum mem_task_number {
	MEM_TASK_NUMBER_BACK = 1,  /**< which back holds the memory */
	MEM_TASK_NUMBER_INDEX = 2, /**< address of the arena's table of blocks by thread id */
	MEM_TASK_NUMBER_OFFSET = 3 /**< bytes from a block's start to a struct: kcfg_offset is its tasks row */
};

/** Something the kernel supplies, or the loader. */
struct mem_extern_image {
	const char *name;      /**< without a "___flavor" suffix */
	uint32_t kind;         /**< MEM_EXTERN_* */
	uint32_t flags;        /**< MEM_EXTERN_WEAK */
	uint32_t type;         /**< BTF id of the declared FUNC or VAR type */
	uint32_t kcfg_kind;    /**< MEM_KCFG_*, MEM_TASK_NUMBER_* */
	uint32_t kcfg_offset;  /**< bytes into the .kconfig region */
	uint32_t kcfg_size;    /**< bytes */
	uint32_t kcfg_signed;  /**< 1 if a signed integer */
};

/** Flags of an externs row. */
enum mem_extern_flag {
	MEM_EXTERN_WEAK = 1 /**< absent is fine: the call is never reached, the address is 0 */
};

/**
 * A function as compiled: the entry of a program, or a sub-program. A program is a list of
 * functions, so one that several programs share is stored once.
 */
struct mem_func_image {
	const char *name;        /**< as in the source */
	const char *section;     /**< ELF section, for messages */
	uint32_t section_offset; /**< bytes, for messages */
	uint32_t flags;          /**< MEM_FUNC_* */
	struct mem_range insns;  /**< insns rows (8 bytes each) */
	struct mem_range relocs; /**< relocs rows, by ascending instruction */
	struct mem_range lines;  /**< line_infos rows; insn_off: instructions from the function's start */
	struct mem_range cores;  /**< core_relos rows; insn_off: instructions (the kernel wants bytes) */
	uint32_t type;           /**< BTF id of the FUNC, 0 if the object has none */
};

/** Flags of a funcs row. */
enum mem_func_flag {
	MEM_FUNC_GLOBAL = 1 /**< verified on its own by the kernel */
};

/** How a program is attached when nothing more is said. */
enum mem_attach_kind {
	MEM_ATTACH_NONE = 0,           /**< needs a target from the application */
	MEM_ATTACH_TRACEPOINT = 1,     /**< target "category/name" */
	MEM_ATTACH_RAW_TRACEPOINT = 2, /**< target "name" */
	MEM_ATTACH_BTF_TRACE = 3,      /**< tp_btf, fentry, fexit, lsm: target fixed at load */
	MEM_ATTACH_ITER = 4,           /**< target fixed at load */
	MEM_ATTACH_KPROBE = 5,         /**< target "function[+offset]" */
	MEM_ATTACH_KPROBE_MULTI = 6,   /**< target "pattern" */
	MEM_ATTACH_UPROBE = 7,         /**< target "binary:function[+offset]" */
	MEM_ATTACH_UPROBE_MULTI = 8,   /**< target "binary:pattern" */
	MEM_ATTACH_USDT = 9,           /**< target "binary:provider:name" */
	MEM_ATTACH_KSYSCALL = 10,      /**< target "name" */
	MEM_ATTACH_STRUCT_OPS = 11,    /**< through its struct_ops map */
	MEM_ATTACH_TRACE_MULTI = 12    /**< target "pattern" */
};

/** What the kernel's BTF must contain for a program to load. */
enum mem_btf_target_kind {
	MEM_TARGET_NONE = 0,
	MEM_TARGET_FUNC = 1,       /**< FUNC of the target's name */
	MEM_TARGET_TRACEPOINT = 2, /**< TYPEDEF btf_trace_<target> */
	MEM_TARGET_LSM = 3,        /**< FUNC bpf_lsm_<target> */
	MEM_TARGET_ITER = 4,       /**< FUNC bpf_iter_<target> */
	MEM_TARGET_STRUCT_OPS = 5, /**< STRUCT of the target's name */
	MEM_TARGET_PROG = 6        /**< function of another program (freplace) */
};

/** Flags of a progs row. */
enum mem_prog_flag {
	MEM_PROG_NO_AUTOLOAD = 1, /**< section name starts with '?' */
	MEM_PROG_RETURN = 2       /**< the return form of a probe (kretprobe, uretprobe) */
};

/** A program to load. */
struct mem_prog_image {
	const char *name;              /**< function name; the kernel keeps 15 characters */
	const char *section;           /**< as written, e.g. "tracepoint/sched/sched_switch" */
	const char *target;            /**< what follows the prefix, NULL if nothing */
	uint32_t type;                 /**< BPF_PROG_TYPE_* */
	uint32_t expected_attach_type; /**< BPF_* attach type, 0 if none */
	uint32_t prog_flags;           /**< BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS */
	uint32_t attach_kind;          /**< MEM_ATTACH_* */
	uint32_t target_kind;          /**< MEM_TARGET_* */
	uint32_t flags;                /**< MEM_PROG_* */
	struct mem_range funcs;        /**< prog_funcs rows: the entry first, then its callees */
};

/** A struct that every thread has one of. */
struct mem_task_image {
	const char *name;        /**< as in the source; what sides agree on */
	uint32_t size;           /**< bytes */
	uint32_t align;          /**< bytes, a power of two */
	uint32_t type;           /**< BTF id */
	uint32_t flags;          /**< 0 */
	struct mem_range fields; /**< task_fields rows */
};

/** A field of such a struct; those of structs inside it are "outer.inner". */
struct mem_task_field_image {
	const char *name; /**< path from the struct */
	const char *type; /**< canonical text: equal for equal types, whatever names typedefs give them */
	uint32_t offset;  /**< bits from the start of the struct */
	uint32_t size;    /**< bits */
};

/** An object, ready to be loaded on any kernel. */
struct mem_image {
	uint32_t abi;  /**< MEM_IMAGE_ABI */
	uint32_t size; /**< bytes of this struct as its writer knew it */
	const char *name;            /**< of the object, for messages */
	const char *license;         /**< NULL if the object has none */
	uint32_t kern_version;       /**< from the "version" section, 0 if none */
	uint32_t flags;              /**< 0 */
	struct mem_table maps;       /**< struct mem_map_image */
	struct mem_table inits;      /**< struct mem_init_image */
	struct mem_table regions;    /**< struct mem_region_image */
	struct mem_table progs;      /**< struct mem_prog_image */
	struct mem_table prog_funcs; /**< uint32_t: funcs rows */
	struct mem_table funcs;      /**< struct mem_func_image */
	struct mem_table insns;      /**< uint64_t: struct bpf_insn, in the byte order of the host */
	struct mem_table relocs;     /**< struct mem_reloc_image */
	struct mem_table externs;    /**< struct mem_extern_image */
	struct mem_table line_infos; /**< struct bpf_line_info */
	struct mem_table core_relos; /**< struct bpf_core_relo */
	struct mem_table btf;        /**< bytes: row_size 1; what the kernel is given */
	struct mem_table tasks;       /**< struct mem_task_image */
	struct mem_table task_fields; /**< struct mem_task_field_image */
};

/**
 * @brief Check an image as if it came from an enemy: every range, index, string and size.
 *
 * The loader does this for each image it opens, and refuses what fails. It needs no kernel and
 * no privilege.
 *
 * @param image  the image; NULL is not valid
 * @return 1 if every part is consistent, else 0; mem_error_message() says what is wrong.
 *         Pointers themselves can't be checked: they must point to as many bytes as the tables say.
 */
int mem_image_is_valid(const struct mem_image *image);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_IMAGE_H */
