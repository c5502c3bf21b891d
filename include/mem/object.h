/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief Objects, and what they consist of: regions, maps, programs; messages. Part of <mem/mem.h>.
 */
#ifndef MEM_OBJECT_H
#define MEM_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include <mem/image.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)
#ifdef __cplusplus /* functions called as their structs, as stat(2) is, are nothing to warn of */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

/** Version of these headers, first number; mem_version() gives that of the library. */
#define MEM_VERSION_MAJOR 0
/** Version of these headers, second number. */
#define MEM_VERSION_MINOR 1

/** A live BPF object: maps, mappings, programs, links. */
struct mem_object;
/** A map of an object. Belongs to the object. */
struct mem_map;
/** Memory shared with the programs of an object. Belongs to the object. */
struct mem_region;
/** A program of an object. Belongs to the object. */
struct mem_prog;
/** An attached program. Belongs to the application (or to its skeleton). */
struct mem_link;

/** @defgroup messages Messages
 * @{
 */

/** How much is logged. Each level includes those before it. */
enum mem_log_level {
	MEM_LOG_SILENT = 0, /**< nothing (the default) */
	MEM_LOG_ERROR = 1,  /**< failures, as mem_error_message() has them */
	MEM_LOG_WARN = 2,   /**< something was done differently than asked */
	MEM_LOG_INFO = 3,   /**< choices: addresses, fallbacks for older kernels */
	MEM_LOG_DEBUG = 4   /**< each step, the whole log of the verifier */
};

/**
 * @brief Receives one log message.
 *
 * It must return: no exception, no longjmp(3).
 *
 * @param ctx    as given to mem_log_set()
 * @param level  of this message
 * @param text   the message without a final newline; valid during the call only
 */
typedef void mem_log_fn(void *ctx, enum mem_log_level level, const char *text);

/**
 * @brief Choose what is logged and where, for the whole process.
 *
 * Call it before other threads use libmem.
 *
 * @param level  messages above this level are dropped
 * @param fn     receives the messages; NULL writes them to stderr
 * @param ctx    passed to @p fn
 */
void mem_log_set(enum mem_log_level level, mem_log_fn *fn, void *ctx);

/**
 * @brief The message of the last libmem call that failed in this thread.
 *
 * @return text of one or more lines without a final newline, "" if nothing failed yet. Belongs to
 *         libmem and is valid until the next libmem call of the same thread.
 */
const char *mem_error_message(void);

/**
 * @brief The message of the last call that failed on this object.
 *
 * @param obj  an object in any phase
 * @return as mem_error_message(); valid until the next call on @p obj
 */
const char *mem_object_error(const struct mem_object *obj);

/**
 * @brief Version of the library that is running.
 * @return "MAJOR.MINOR"; belongs to libmem
 */
const char *mem_version(void);

/** @} */

/** @defgroup object Objects
 * @{
 */

/** Flags of mem_object_open(). */
enum mem_open_flag {
	MEM_OPEN_LENIENT = 1,   /**< programs that can't be loaded are left out, and struct_ops variables of
	                          *   interfaces that the kernel lacks; see mem_prog_error() */
	MEM_OPEN_ONE_THREAD = 2 /**< mem_object_load() starts no threads of its own */
};

/** Options of mem_object_open(). Zero means the default for every member but sz. */
struct mem_open_opts {
	size_t sz;        /**< sizeof(struct mem_open_opts) */
	const char *name; /**< replaces the image's name in messages; copied */
	uint32_t flags;   /**< MEM_OPEN_* */
	uint32_t reserved; /**< 0 */
	const char *pin_dir; /**< folder for maps with `pinning` in their declaration; /sys/fs/bpf */
};

/**
 * @brief Choose the BPF file system that tokens are made from, for the whole process.
 *
 * In a user namespace the kernel refuses to load programs and to create maps, whatever capabilities the process
 * has there. Where somebody with privilege outside has mounted a BPF file system for the namespace, and delegated
 * that to it (`delegate_cmds` and the like of the mount, Linux 6.9), libmem makes a token from it and goes on with
 * that: each time, and only if, the kernel has refused a call. Nothing has to be set if it is at /sys/fs/bpf.
 *
 * Call it before other threads use libmem.
 *
 * @param path  where the file system is mounted, not copied; "" has libmem use no tokens, NULL is /sys/fs/bpf
 */
void mem_token_path_set(const char *path);

/**
 * @brief Make an object from an image: nothing happens in the kernel's BPF yet.
 *
 * Every region gets its memory at its final address, with its initial contents in place, so the
 * application can change variables before programs see them. Contents that are zero take no
 * memory until they are touched.
 *
 * @param image  must stay valid, and unchanged, until mem_object_close(); several objects may be
 *               made from one image
 * @param opts   NULL for defaults
 * @return the object, to be closed by the caller; NULL with errno
 *         EINVAL the image is inconsistent, ENOTSUP it or @p opts need a newer libmem, ENOMEM no
 *         memory or address space
 */
struct mem_object *mem_object_open(const struct mem_image *image, const struct mem_open_opts *opts);

/**
 * @brief Create the maps and put each region's memory under them.
 *
 * Optional: mem_object_load() does it when it was not done.
 *
 * @param obj  an opened object
 * @return 0, or
 *         -EALREADY it is prepared, -EPERM the process may not create maps, -ENOTSUP the kernel
 *         lacks something (the message names it and the Linux version that has it), -ENOMEM, or
 *         what the kernel answered. After a failure the object can only be closed.
 */
int mem_object_prepare(struct mem_object *obj);

/**
 * @brief Relocate the programs and load them.
 *
 * All programs that are not switched off by mem_prog_autoload_set() are loaded, or none. With
 * MEM_OPEN_LENIENT those that can't be loaded are left out, unless none is left. Where they are many, other
 * threads help while the call lasts; they run nothing of the application's, neither its signal handlers nor
 * its log function.
 *
 * @param obj  an opened or prepared object
 * @return 0, or
 *         -EALREADY it is loaded, -EPERM, -ENOTSUP (see mem_object_prepare()), -ENOENT the kernel
 *         lacks a function, type or tracepoint that a program names, -EACCES or -EINVAL the
 *         verifier refused a program (the message has its reason and the source line), or what
 *         else the kernel answered. After a failure the object can only be closed.
 */
int mem_object_load(struct mem_object *obj);

/**
 * @brief Undo all earlier phases in reverse: regions are unmapped, maps and programs released.
 *
 * Links that the application attached are not the object's: detach them first, or leave them
 * open to keep their programs running. Pointers into regions are invalid afterwards.
 *
 * @param obj  an object in any phase, failed ones included; NULL does nothing
 */
void mem_object_close(struct mem_object *obj);

/**
 * @brief Name of an object.
 * @param obj  an object in any phase
 * @return the name; belongs to the object
 */
const char *mem_object_name(const struct mem_object *obj);

/**
 * @brief Find a map by its name in the source, or a section's by the section name (".bss").
 * @param obj   an object in any phase
 * @param name  of the map
 * @return the map; belongs to the object. NULL with errno ENOENT.
 */
struct mem_map *mem_object_find_map(const struct mem_object *obj, const char *name);

/**
 * @brief Find a program by the name of its function.
 * @param obj   an object in any phase
 * @param name  of the function
 * @return the program; belongs to the object. NULL with errno ENOENT.
 */
struct mem_prog *mem_object_find_prog(const struct mem_object *obj, const char *name);

/**
 * @brief Find a region by the name of its member in the skeleton ("bss", "data_foo", "hist").
 * @param obj   an object in any phase
 * @param name  of the region
 * @return the region; belongs to the object. NULL with errno ENOENT.
 */
struct mem_region *mem_object_find_region(const struct mem_object *obj, const char *name);

/**
 * @brief Walk the maps of an object.
 * @param obj   an object in any phase
 * @param prev  the map before, NULL for the first
 * @return the next map, NULL after the last (errno unchanged)
 */
struct mem_map *mem_object_next_map(const struct mem_object *obj, const struct mem_map *prev);

/**
 * @brief Walk the programs of an object.
 * @param obj   an object in any phase
 * @param prev  the program before, NULL for the first
 * @return the next program, NULL after the last (errno unchanged)
 */
struct mem_prog *mem_object_next_prog(const struct mem_object *obj, const struct mem_prog *prev);

/**
 * @brief Walk the regions of an object.
 * @param obj   an object in any phase
 * @param prev  the region before, NULL for the first
 * @return the next region, NULL after the last (errno unchanged)
 */
struct mem_region *mem_object_next_region(const struct mem_object *obj, const struct mem_region *prev);

/** @} */

/** @defgroup region Regions
 * @{
 */

/**
 * @brief Name of a region, that of its member in the skeleton.
 * @param region  of an object in any phase
 * @return the name; belongs to the object
 */
const char *mem_region_name(const struct mem_region *region);

/**
 * @brief Kind of a region.
 * @param region  of an object in any phase
 * @return MEM_REGION_*
 */
enum mem_region_kind mem_region_kind(const struct mem_region *region);

/**
 * @brief The map behind a region.
 * @param region  of an object in any phase
 * @return the map; belongs to the object
 */
struct mem_map *mem_region_map(const struct mem_region *region);

/**
 * @brief Address and size of what a region holds.
 *
 * The address never changes between mem_object_open() and mem_object_close(), but for an arena
 * that is taken on from elsewhere (mem_map_reuse()): that is where its maker put it. After
 * mem_object_prepare() it is the memory that programs see; .rodata is read-only from then on.
 * The kernel shares nothing that holds a lock, timer, list, tree or pointer of its own: such a
 * region takes its initial values from here, and has no memory after mem_object_prepare().
 *
 * @param region  of an object in any phase
 * @param size    NULL, or receives bytes: of the variables, of all elements of an array (at
 *                mem_region_stride() from each other), or of the whole arena
 * @return the first variable or element, or the arena's first byte (an arena may be touched only
 *         after mem_object_prepare(), except for its variables); NULL if there is no memory
 */
void *mem_region_data(const struct mem_region *region, size_t *size);

/**
 * @brief Address and size of the variables in a region.
 *
 * An arena has them at its end, or below 512 MiB if it is larger (programs can't name addresses
 * beyond that before Linux 7.0).
 *
 * @param region  of an object in any phase
 * @param size    NULL, or receives bytes
 * @return the first variable; NULL if the region has none
 */
void *mem_region_variables(const struct mem_region *region, size_t *size);

/**
 * @brief Distance between two elements of an array region, which is not always their size.
 * @param region  of an object in any phase
 * @return bytes: the value size rounded up to 8; 0 for other kinds
 */
size_t mem_region_stride(const struct mem_region *region);

/**
 * @brief Number of elements of an array region.
 * @param region  of an object in any phase
 * @return elements; 0 for other kinds
 */
size_t mem_region_length(const struct mem_region *region);

/**
 * @brief Copy what a CPU has in variables that each has its own of (section .percpu).
 *
 * Their memory, mem_region_variables(), is for initial values: after mem_object_prepare() there is none.
 * Other parts of the same variables may change while they are copied.
 *
 * @param region  of kind MEM_REGION_PERCPU, of a prepared object
 * @param cpu     number of the CPU, from 0 on
 * @param to      receives as many bytes as mem_map_value_size() says
 * @return 0, or -EBADF not prepared, -EINVAL no such CPU or region, -ENOMEM, or what the kernel answered
 */
int mem_region_cpu_read(const struct mem_region *region, unsigned int cpu, void *to);

/**
 * @brief Overwrite what a CPU has.
 * @param region  as for mem_region_cpu_read()
 * @param cpu     number of the CPU, from 0 on
 * @param from    as many bytes as mem_map_value_size() says
 * @return as mem_region_cpu_read(); -ENOTSUP Linux before 7.0
 */
int mem_region_cpu_write(const struct mem_region *region, unsigned int cpu, const void *from);

/**
 * @brief Make a section of variables longer, for an array at its end.
 *
 * What is in the variables moves along; the rest is zero. The address changes: fetch it again (the
 * skeleton's member is updated). Generated headers have NAME__set_len_REGION(), which counts elements
 * of the last array.
 *
 * @param region  variables (MEM_REGION_DATA or MEM_REGION_RODATA) of an opened, not prepared object
 * @param size    bytes, at least what the object has
 * @return 0, or -EBUSY its map exists, -EINVAL not such a region, or too small or too large, -ENOMEM.
 *         After a failure it is as before.
 */
int mem_region_size_set(struct mem_region *region, size_t size);

/**
 * @brief Make a range of an arena present, so that programs can write there.
 *
 * What a program stores to an absent page is lost. The variables' pages are always present.
 *
 * @param region  an arena of a prepared object
 * @param offset  bytes from the arena's start, a multiple of the page size
 * @param size    bytes, rounded up to pages
 * @return 0, or -EINVAL not an arena, not prepared, or beyond its end; -ENOMEM; what madvise(2)
 *         answered. Pages that were present are left as they are. Linux 6.9.
 */
int mem_arena_populate(struct mem_region *region, size_t offset, size_t size);

/** Bytes of an arena, as mem_arena_usage() counts them. */
struct mem_arena_usage {
	size_t sz;        /**< sizeof(struct mem_arena_usage) */
	size_t size;      /**< address space */
	size_t variables; /**< pages of the variables, which are always present */
	size_t present;   /**< pages that are known to be there, the variables' included */
};

/**
 * @brief Count the pages of an arena, whether it has a heap or not.
 *
 * The kernel says which pages a process has mapped: those that it populated or touched. Pages that
 * programs or other processes put there are counted once this process has touched them; in an arena
 * with MEM_ARENA_SEGV_ON_FAULT, where looking makes no pages, all are counted. A system call for each
 * 1024 pages, there another for each page that is not mapped yet.
 *
 * @param region  an arena of a prepared object
 * @param usage   sz is set; receives the rest
 * @return 0, or -EINVAL not an arena, not prepared, or usage NULL; what mincore(2) answered. Linux 6.9.
 */
int mem_arena_usage(struct mem_region *region, struct mem_arena_usage *usage);

/** @} */

/** @defgroup map Maps
 * @{
 */

/**
 * @brief File descriptor of a map.
 * @param map  of a prepared object
 * @return fd, owned by the object; -EBADF before mem_object_prepare()
 */
int mem_map_fd(const struct mem_map *map);

/**
 * @brief Name of a map, as mem_object_find_map() takes it.
 * @param map  of an object in any phase
 * @return the name; belongs to the object
 */
const char *mem_map_name(const struct mem_map *map);

/**
 * @brief Type of a map.
 * @param map  of an object in any phase
 * @return BPF_MAP_TYPE_*
 */
uint32_t mem_map_type(const struct mem_map *map);

/**
 * @brief Size of a key.
 * @param map  of an object in any phase
 * @return bytes
 */
uint32_t mem_map_key_size(const struct mem_map *map);

/**
 * @brief Size of a value.
 * @param map  of an object in any phase
 * @return bytes
 */
uint32_t mem_map_value_size(const struct mem_map *map);

/**
 * @brief Capacity of a map.
 * @param map  of an object in any phase
 * @return elements; pages of an arena, bytes of a ring buffer
 */
uint32_t mem_map_max_entries(const struct mem_map *map);

/**
 * @brief Change the capacity of a map before it is created.
 *
 * The address of the region behind it changes: fetch it again (the skeleton's member is updated). What
 * elements and an arena's variables are to start with moves along.
 *
 * @param map          of an opened, not prepared object; not one of a section's variables
 * @param max_entries  elements; pages of an arena, bytes of a ring buffer; not 0
 * @return 0, or -EBUSY it exists already, -EINVAL 0 entries, a map of variables, or too few pages for an
 *         arena's variables, -E2BIG more than an arena may have, -ENOMEM. After a failure it is as before.
 */
int mem_map_max_entries_set(struct mem_map *map, uint32_t max_entries);

/**
 * @brief Whether mem_object_prepare() creates a map.
 * @param map  of an object in any phase
 * @return 1 or 0; at first 1 unless the section name starts with '?' (?.struct_ops)
 */
int mem_map_autocreate(const struct mem_map *map);

/**
 * @brief Choose whether mem_object_prepare() creates a map: one that some kernels lack, for instance.
 *
 * Programs may name a map that is left out, as long as they can't get there: test a constant that says
 * so (`skel->rodata->has_x`). A region over it has no memory. Programs that only a struct_ops map
 * that is left out points to are not loaded; those that one which is created points to are.
 *
 * @param map  of an opened, not prepared object; not one of a section's variables
 * @param on   0 leaves it out
 * @return 0, or -EBUSY it exists, -EINVAL a map of variables, -ENOMEM
 */
int mem_map_autocreate_set(struct mem_map *map, int on);

/**
 * @brief Read an element by system call.
 *
 * @param map    of a prepared object
 * @param key    mem_map_key_size() bytes
 * @param value  receives mem_map_value_size() bytes; for per-CPU maps that size rounded up to 8
 *               for each possible CPU
 * @param flags  BPF_F_LOCK or 0
 * @return 0, or -ENOENT no such element, or what the kernel answered
 */
int mem_map_lookup(const struct mem_map *map, const void *key, void *value, uint64_t flags);

/**
 * @brief Write an element by system call.
 *
 * @param map    of a prepared object
 * @param key    mem_map_key_size() bytes
 * @param value  bytes as for mem_map_lookup()
 * @param flags  BPF_ANY, BPF_NOEXIST, BPF_EXIST, BPF_F_LOCK
 * @return 0, or -E2BIG full or past the end of an array, -EEXIST there is one (BPF_NOEXIST), -ENOENT there is
 *         none (BPF_EXIST), -EPERM frozen, or what else the kernel answered
 */
int mem_map_update(const struct mem_map *map, const void *key, const void *value, uint64_t flags);

/**
 * @brief Delete an element by system call.
 * @param map  of a prepared object
 * @param key  mem_map_key_size() bytes
 * @return 0, or -ENOENT no such element, -EINVAL an array, or what else the kernel answered
 */
int mem_map_delete(const struct mem_map *map, const void *key);

/**
 * @brief The key that follows another, in the map's own order.
 * @param map   of a prepared object
 * @param key   mem_map_key_size() bytes; NULL asks for the first
 * @param next  receives mem_map_key_size() bytes
 * @return 0, or -ENOENT after the last, or what else the kernel answered
 */
int mem_map_next_key(const struct mem_map *map, const void *key, void *next);

/** @} */

/** @defgroup prog Programs
 * @{
 */

/**
 * @brief File descriptor of a program.
 * @param prog  of a loaded object
 * @return fd, owned by the object; -EBADF before mem_object_load() or if it was not loaded
 */
int mem_prog_fd(const struct mem_prog *prog);

/**
 * @brief Name of a program, that of its function.
 * @param prog  of an object in any phase
 * @return the name; belongs to the object
 */
const char *mem_prog_name(const struct mem_prog *prog);

/**
 * @brief Section of a program, as the source has it.
 * @param prog  of an object in any phase
 * @return the section name; belongs to the object
 */
const char *mem_prog_section(const struct mem_prog *prog);

/**
 * @brief Type of a program.
 * @param prog  of an object in any phase
 * @return BPF_PROG_TYPE_*
 */
uint32_t mem_prog_type(const struct mem_prog *prog);

/**
 * @brief Whether mem_object_load() loads a program.
 * @param prog  of an object in any phase
 * @return 1 or 0; at first 1 unless the section name starts with '?'
 */
int mem_prog_autoload(const struct mem_prog *prog);

/**
 * @brief Choose whether mem_object_load() loads a program.
 * @param prog  of an object that is not loaded
 * @param on    0 leaves it out
 * @return 0, or -EBUSY the object is loaded
 */
int mem_prog_autoload_set(struct mem_prog *prog, int on);

/**
 * @brief Why a lenient load (MEM_OPEN_LENIENT) left a program out.
 * @param prog  of an object in any phase
 * @return the message; "" if it was not left out. Belongs to the program.
 */
const char *mem_prog_error(const struct mem_prog *prog);

/**
 * @brief Choose the type of a program, for sections whose name does not say it.
 * @param prog         of an object that is not loaded
 * @param type         BPF_PROG_TYPE_*
 * @param attach_type  the expected attach type, BPF_*, or 0
 * @return 0, or -EBUSY the object is loaded
 */
int mem_prog_type_set(struct mem_prog *prog, uint32_t type, uint32_t attach_type);

/**
 * @brief Choose what a program attaches to, instead of what its section names.
 * @param prog     of an object that is not loaded; of a type that fixes its target when loaded: fentry,
 *                 fexit, tp_btf, lsm, iter, freplace
 * @param target   name of the function, tracepoint or iterator; copied
 * @param prog_fd  -1: of the kernel or a module. Else a BPF program, of which target is a function to
 *                 trace or replace; stays the caller's.
 * @return 0, or -EBUSY the object is loaded, -ENOENT the program has no such function, -EINVAL it has no
 *         BTF, -ENOMEM, or what the kernel answered. Linux 5.5.
 */
int mem_prog_target_set(struct mem_prog *prog, const char *target, int prog_fd);

/** What the kernel counts of a program, for mem_prog_stats(). */
struct mem_prog_stats {
	size_t sz;       /**< sizeof(struct mem_prog_stats) */
	uint64_t runs;   /**< while kernel.bpf_stats_enabled was 1, or BPF_ENABLE_STATS in use */
	uint64_t run_ns; /**< nanoseconds of these runs together */
	uint64_t misses; /**< times it did not run because it was running: Linux 5.12 */
};

/**
 * @brief Read what the kernel counts of a program.
 * @param prog   of a loaded object
 * @param stats  sz set by the caller; receives the rest
 * @return 0, or -EBADF the program is not loaded, -EINVAL stats is NULL or its sz not set, or what the kernel
 *         answered
 */
int mem_prog_stats(const struct mem_prog *prog, struct mem_prog_stats *stats);

/** Options of mem_prog_run(). Zero means the default for every member but sz. */
struct mem_run_opts {
	size_t sz;             /**< sizeof(struct mem_run_opts) */
	const void *ctx_in;    /**< context, as the program type defines it */
	uint32_t ctx_size_in;  /**< bytes */
	uint32_t ctx_size_out; /**< bytes at ctx_out; on return, bytes used */
	void *ctx_out;         /**< receives the context; for syscall programs ctx_in does */
	const void *data_in;   /**< packet */
	void *data_out;        /**< receives the packet */
	uint32_t data_size_in; /**< bytes */
	uint32_t data_size_out; /**< bytes at data_out; on return, bytes used */
	uint32_t repeat;       /**< runs, 0 and 1 are one */
	uint32_t flags;        /**< BPF_F_TEST_* */
	uint32_t cpu;          /**< with BPF_F_TEST_RUN_ON_CPU */
	uint32_t batch_size;   /**< with BPF_F_TEST_XDP_LIVE_FRAMES */
	uint32_t retval;       /**< on return: the program's result */
	uint32_t duration;     /**< on return: nanoseconds of one run, on average */
};

/**
 * @brief Run a program once, or some times, without attaching it.
 *
 * @param prog  of a loaded object
 * @param opts  input and results; NULL runs it once and drops the result
 * @return 0, or -EBADF not loaded, -ENOTSUP the kernel can't run this type this way, -ENOSPC an
 *         output was cut (its size says how much there was), or what else the kernel answered
 */
int mem_prog_run(const struct mem_prog *prog, struct mem_run_opts *opts);

/** The streams of a program. */
enum mem_stream {
	MEM_STREAM_OUT = 1, /**< what it writes itself */
	MEM_STREAM_ERR = 2  /**< what it did wrong, by the kernel: accesses to absent pages of an arena
				 (Linux 6.18), loops cut short, locks that were not to be had */
};

/**
 * @brief Take text out of a program's stream. What was read is gone.
 *
 * The kernel keeps up to 100,000 bytes and drops what is more.
 *
 * @param prog    a loaded program
 * @param stream  which
 * @param text    receives the text, not terminated
 * @param size    bytes of text
 * @return bytes read, 0 there is nothing; -EBADF not loaded, -ENOTSUP the kernel has none; what else
 *         the kernel answered. Linux 6.17.
 */
int mem_prog_stream_read(const struct mem_prog *prog, enum mem_stream stream, char *text, size_t size);

/**
 * @brief Ask the kernel what an object's programs did wrong, and put it into the log.
 *
 * A program's access to an absent page of an arena stops nothing: a load reads 0, a store is lost.
 * Newer kernels note it, with the place. Each line goes to the log (mem_log_set(), MEM_LOG_WARN). Call it
 * from time to time while looking for such a mistake, and in tests.
 *
 * @param obj  a loaded object
 * @return reports since the last call, 0 none; -ENOTSUP the kernel notes nothing; what else it
 *         answered. Linux 6.17, for arenas 6.18.
 */
int mem_object_check_faults(struct mem_object *obj);

/** @} */

/** @defgroup parts Parts of the library
 *
 * A static program has the parts of libmem that it uses; another one is linked with libmem-parts.so if it
 * uses something in there, for which -lmem is enough. Which an object needs is known to its generated
 * header, whose NAME__open_opts() calls these. mem_object_open() calls all but mem_kconfig_use(), and
 * mem_object_open_file() that one as well. They do nothing at run time and can be called from anywhere;
 * where a part is missing after all, a call fails with ENOSYS and names the function to call.
 * @{
 */

/** @brief Arenas. */
void mem_arena_use(void);

/** @brief Global functions with an argument that is tagged as the context (__arg_ctx), before Linux 6.8. */
void mem_context_arguments_use(void);

/**
 * @brief .kconfig values (CONFIG_*, LINUX_KERNEL_VERSION).
 *
 * Loads libz.so.1 when the kernel's configuration has to be read, for which linkers warn that a static
 * program needs the shared C library at run time.
 */
void mem_kconfig_use(void);

/** @brief Symbols of the running kernel that are declared without a type (extern const void x __ksym). */
void mem_kernel_addresses_use(void);

/** @brief Functions, variables and attach targets that are found by name in the running kernel. */
void mem_kernel_names_use(void);

/** @brief Variables that each CPU has its own of. */
void mem_percpu_use(void);

/** @brief Maps that are looked for, or pinned, at a path in the BPF file system. */
void mem_pinning_use(void);

/** @brief Programs whose section says kprobe, kretprobe, ksyscall, uprobe or uretprobe. */
void mem_probe_use(void);

/** @brief Programs whose section says kprobe.multi, uprobe.multi or the like. */
void mem_probe_multi_use(void);

/** @brief struct_ops variables. */
void mem_struct_ops_use(void);

/** @brief Programs whose section says fentry.multi, fexit.multi or fsession.multi. */
void mem_trace_multi_use(void);

/** @brief Programs whose section says tracepoint or tp. */
void mem_tracepoint_use(void);

/** @brief Per-thread structs. */
void mem_task_use(void);

/** @brief bpf_core_type_matches() with structs in structs, of which the kernel follows two only. */
void mem_type_matches_use(void);

/** @brief Programs whose section says usdt. */
void mem_usdt_use(void);

/** @} */

#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_OBJECT_H */
