/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief libmem for applications: load a BPF object and share its memory.
 *
 * An object passes through these phases, each of which may be left at any time by
 * mem_object_close():
 *
 *     open      memory of every region at its final address, to be given initial values
 *     prepare   maps exist and are mapped
 *     load      programs are in the kernel
 *     attach    programs run
 *
 * A generated header wraps the phases as NAME__open() .. NAME__destroy() and is the usual way in.
 *
 * Functions that return int return 0 or a positive result, or a negative errno. Functions that
 * return a pointer return NULL and set errno. Either way mem_error_message() then says what failed,
 * where, why, and what to do.
 *
 * An object is used by one thread at a time. The memory of its regions is ordinary shared memory:
 * any thread may use it at any time, with the care that any concurrent access needs.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include <stddef.h>
#include <stdint.h>

#include <mem/image.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

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
	MEM_OPEN_LENIENT = 1,   /**< programs that can't be loaded are left out; see mem_prog_error() */
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
 * The address of the region behind it changes: fetch it again (the skeleton's member is updated).
 *
 * @param map          of an opened, not prepared object; not one of a section's variables
 * @param max_entries  elements; pages of an arena, bytes of a ring buffer; not 0
 * @return 0, or -EBUSY it exists already, -EINVAL 0 entries or a map of variables, -ENOMEM
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
 * @return 0, or -E2BIG full or past the end of an array, -EEXIST, -ENOENT, -EPERM frozen, or what
 *         else the kernel answered
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
 * @return 0, or -EBADF the program is not loaded, -EINVAL, or what the kernel answered
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
 * @return bytes read, 0 there is nothing; -EBADF not loaded, -EOPNOTSUPP the kernel has none; what else
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
 * @return reports since the last call, 0 none; -EOPNOTSUPP the kernel notes nothing; what else it
 *         answered. Linux 6.17, for arenas 6.18.
 */
int mem_object_check_faults(struct mem_object *obj);

/** @} */

/** @defgroup link Links
 * @{
 */

/**
 * @brief Attach a program as its section says.
 *
 * Works for sections that name all there is to know: tracepoint, raw_tracepoint, tp_btf, iter,
 * fentry and its family.
 *
 * @param prog  of a loaded object
 * @return the link, to be destroyed by the caller; NULL with errno
 *         EBADF not loaded, EOPNOTSUPP the section does not say where (the message names the
 *         function to call), ENOENT no such tracepoint, EPERM, or what the kernel answered
 */
struct mem_link *mem_prog_attach(const struct mem_prog *prog);

/**
 * @brief Choose what bpf_get_attach_cookie() returns to a program.
 *
 * It belongs to the links that are made from now on, unless their options have another one: of
 * tracepoints, perf events, probes and their multi forms (Linux 5.15), fentry and its kin, lsm
 * (6.0), raw tracepoints and tp_btf (6.11). Kernels that are older refuse to attach.
 *
 * @param prog    of an object in any phase
 * @param cookie  0 for none
 */
void mem_prog_cookie_set(struct mem_prog *prog, uint64_t cookie);

/**
 * @brief Attach a program to a tracepoint.
 *
 * tracefs need not be mounted.
 *
 * @param prog      a loaded program of type tracepoint
 * @param category  such as "sched"
 * @param name      such as "sched_switch"
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such tracepoint,
 *         EPERM, or what the kernel answered
 */
struct mem_link *mem_prog_attach_tracepoint(const struct mem_prog *prog, const char *category,
					    const char *name);

/**
 * @brief Attach a program to a raw tracepoint.
 * @param prog  a loaded program of type raw_tracepoint or raw_tracepoint_writable
 * @param name  such as "sched_switch"
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such tracepoint,
 *         EPERM, or what the kernel answered. Linux 4.17.
 */
struct mem_link *mem_prog_attach_raw_tracepoint(const struct mem_prog *prog, const char *name);

/**
 * @brief Attach a program whose target was fixed when it was loaded: tp_btf, fentry, fexit, lsm.
 * @param prog  a loaded program of such a type
 * @return the link, to be destroyed by the caller; NULL with errno EPERM, or what the kernel
 *         answered. Linux 5.5.
 */
struct mem_link *mem_prog_attach_trace(const struct mem_prog *prog);

/**
 * @brief Attach a program to a perf event.
 * @param prog      a loaded program of type perf_event, tracepoint or kprobe
 * @param event_fd  of perf_event_open(2); the link keeps a duplicate, the caller keeps its own
 * @return the link, to be destroyed by the caller; NULL with errno EBADF, EINVAL not an event for
 *         this program, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_perf_event(const struct mem_prog *prog, int event_fd);

/** Options of the probe functions. Zero means the default for every member but sz. */
struct mem_probe_opts {
	size_t sz;            /**< sizeof(struct mem_probe_opts) */
	uint64_t cookie;      /**< what bpf_get_attach_cookie() returns; Linux 5.15 */
	uint64_t offset;      /**< bytes, from the function, or into the file if there is none */
	uint64_t ref_counter; /**< uprobes: bytes into the file, of a USDT semaphore */
	int returns;          /**< 1: run at the return, also where the section does not say so */
	int reserved;         /**< 0 */
};

/**
 * @brief Attach a program to a kernel function.
 * @param prog      a loaded program of type kprobe
 * @param function  name
 * @param opts      NULL: at the start, or at the return as the section says
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such function, ENOTSUP
 *         the kernel is built without kprobes, EPERM, or what else the kernel answered. Linux 4.17.
 */
struct mem_link *mem_prog_attach_kprobe(const struct mem_prog *prog, const char *function,
					const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to a system call, by the function that this architecture has for it.
 * @param prog  a loaded program of type kprobe
 * @param name  of the system call, such as "openat"
 * @param opts  as for mem_prog_attach_kprobe()
 * @return as mem_prog_attach_kprobe()
 */
struct mem_link *mem_prog_attach_ksyscall(const struct mem_prog *prog, const char *name,
					  const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to all kernel functions that match a pattern, with one link.
 * @param prog     a loaded program of section kprobe.multi or one of its forms
 * @param pattern  as fnmatch(3) has it: "tcp_*"
 * @param opts     as for mem_prog_attach_kprobe(), without an offset
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT nothing matches, ENOTSUP
 *         Linux before 5.18, EPERM, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_kprobe_multi(const struct mem_prog *prog, const char *pattern,
					      const struct mem_probe_opts *opts);

/**
 * @brief Attach a trampoline program to all kernel functions that match a pattern, with one link.
 * @param prog     a loaded program of section fentry.multi, fexit.multi, fsession.multi or one of their
 *                 sleepable forms
 * @param pattern  as fnmatch(3) has it; functions of modules are left out
 * @param opts     NULL, or with the cookie of all of them
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT nothing matches, EINVAL one of the
 *         functions can't be traced, ENOTSUP Linux before 7.2, EPERM, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_trace_multi(const struct mem_prog *prog, const char *pattern,
					     const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to a function of a program or library.
 * @param prog      a loaded program of type kprobe (section uprobe or uretprobe)
 * @param pid       of the process, -1: every process, also those that start later
 * @param binary    path, or a name that is looked up in PATH, or as a library ("libc.so.6")
 * @param function  name, "name@VERSION", or NULL: opts->offset counts from the start of the file
 * @param opts      NULL: at the start, or at the return as the section says
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such binary or function,
 *         EEXIST several functions of that name, EINVAL not an ELF file, ENOTSUP the kernel is built
 *         without uprobes, or what else the kernel answered. Linux 4.17.
 */
struct mem_link *mem_prog_attach_uprobe(const struct mem_prog *prog, int pid, const char *binary,
					const char *function, const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to all functions of a binary that match a pattern, with one link.
 * @param prog     a loaded program of section uprobe.multi or one of its forms
 * @param pid      of the process, -1: every process
 * @param binary   as for mem_prog_attach_uprobe()
 * @param pattern  as fnmatch(3) has it
 * @param opts     as for mem_prog_attach_uprobe(), without offset and ref_counter
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT nothing matches, ENOTSUP
 *         Linux before 6.6, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_uprobe_multi(const struct mem_prog *prog, int pid,
					      const char *binary, const char *pattern,
					      const struct mem_probe_opts *opts);

/**
 * @brief Attach a program to a USDT probe, at all its places in a binary.
 *
 * The program includes libbpf's bpf/usdt.bpf.h, whose maps receive where the arguments are.
 *
 * @param prog      a loaded program of section usdt or usdt.s
 * @param pid       of the process, -1: every process
 * @param binary    as for mem_prog_attach_uprobe()
 * @param provider  of the probe, the first argument of its DTRACE_PROBE() or STAP_PROBE()
 * @param name      of the probe
 * @param cookie    what bpf_usdt_cookie() returns
 * @return the link, to be destroyed by the caller; NULL with errno ENOENT no such binary or probe, EINVAL
 *         the object has no maps for it or the arguments aren't understood, E2BIG those maps are full,
 *         or what else the kernel answered. Linux 5.15, on x86-64 and arm64.
 */
struct mem_link *mem_prog_attach_usdt(const struct mem_prog *prog, int pid, const char *binary,
				      const char *provider, const char *name, uint64_t cookie);

/**
 * @brief Attach a program to the XDP hook of a network interface.
 * @param prog     a loaded program of type xdp
 * @param ifindex  of the interface, in the caller's network namespace
 * @param flags    XDP_FLAGS_SKB_MODE, XDP_FLAGS_DRV_MODE, XDP_FLAGS_HW_MODE, or 0
 * @return the link, to be destroyed by the caller; NULL with errno EBUSY one is attached, ENODEV,
 *         EOPNOTSUPP the driver can't, or what else the kernel answered. Linux 5.9.
 */
struct mem_link *mem_prog_attach_xdp(const struct mem_prog *prog, int ifindex, uint32_t flags);

/** Options of mem_prog_attach_tcx(), _netkit() and _cgroup(). Zero means the default for every member but sz. */
struct mem_tcx_opts {
	size_t sz;                  /**< sizeof(struct mem_tcx_opts) */
	uint32_t flags;             /**< BPF_F_BEFORE, BPF_F_AFTER, BPF_F_REPLACE ... */
	uint32_t relative_fd;       /**< program or link that flags refer to, or 0 */
	uint32_t relative_id;       /**< the same by id, with BPF_F_ID */
	uint32_t attach_type;       /**< BPF_TCX_INGRESS or BPF_TCX_EGRESS; 0: as the section says */
	uint64_t expected_revision; /**< of the hook's list, 0: any */
};

/**
 * @brief Attach a program to the ingress or egress hook of a network interface.
 * @param prog     a loaded program of type sched_cls; section tcx/ingress or tcx/egress, or
 *                 opts->attach_type
 * @param ifindex  of the interface, in the caller's network namespace
 * @param opts     NULL for defaults
 * @return the link, to be destroyed by the caller; NULL with errno EINVAL no direction given,
 *         ENODEV, ENOTSUP Linux before 6.6, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_tcx(const struct mem_prog *prog, int ifindex,
				     const struct mem_tcx_opts *opts);

/**
 * @brief Attach a program to a netkit device.
 * @param prog     a loaded program of type sched_cls; section netkit/primary or netkit/peer, or
 *                 opts->attach_type
 * @param ifindex  of the primary device, in the caller's network namespace
 * @param opts     NULL for defaults
 * @return as mem_prog_attach_tcx(). Linux 6.7.
 */
struct mem_link *mem_prog_attach_netkit(const struct mem_prog *prog, int ifindex,
					const struct mem_tcx_opts *opts);

/**
 * @brief Attach a program to a control group and those below it.
 * @param prog       a loaded program of a cgroup type, or sockops, or lsm_cgroup
 * @param cgroup_fd  of the group's directory in the version 2 hierarchy; stays the caller's
 * @return the link, to be destroyed by the caller; NULL with errno EBADF, or what else the kernel
 *         answered. Linux 5.7.
 */
struct mem_link *mem_prog_attach_cgroup(const struct mem_prog *prog, int cgroup_fd);

/**
 * @brief Attach a program to a network namespace.
 * @param prog      a loaded program of type sk_lookup or flow_dissector
 * @param netns_fd  of /proc/PID/ns/net or a bound name; stays the caller's
 * @return the link, to be destroyed by the caller; NULL with errno, what the kernel answered.
 *         Linux 5.8.
 */
struct mem_link *mem_prog_attach_netns(const struct mem_prog *prog, int netns_fd);

/**
 * @brief Attach a program to a socket map, for the sockets in it.
 * @param prog  a loaded program of type sk_skb or sk_msg
 * @param map   a SOCKMAP or SOCKHASH of a prepared object
 * @return the link, to be destroyed by the caller; NULL with errno ENOTSUP Linux before 6.10, or what
 *         else the kernel answered
 */
struct mem_link *mem_prog_attach_sockmap(const struct mem_prog *prog, const struct mem_map *map);

/** Options of mem_prog_attach_netfilter(). Zero means the default for every member but sz. */
struct mem_netfilter_opts {
	size_t sz;        /**< sizeof(struct mem_netfilter_opts) */
	uint32_t family;  /**< NFPROTO_IPV4 or NFPROTO_IPV6 */
	uint32_t hook;    /**< NF_INET_* */
	int32_t priority; /**< among the programs of the hook, lowest first */
	uint32_t flags;   /**< BPF_F_NETFILTER_IP_DEFRAG */
};

/**
 * @brief Attach a program to a netfilter hook of the caller's network namespace.
 * @param prog  a loaded program of type netfilter
 * @param opts  where
 * @return the link, to be destroyed by the caller; NULL with errno EINVAL no such hook, ENOTSUP Linux
 *         before 6.4, or what else the kernel answered
 */
struct mem_link *mem_prog_attach_netfilter(const struct mem_prog *prog,
					   const struct mem_netfilter_opts *opts);

/**
 * @brief Let the kernel use an implementation of one of its interfaces (tcp_congestion_ops ...).
 *
 * The variable may be changed until mem_object_prepare(); a member that points to a program of the
 * object is a call of that program.
 *
 * @param map  a struct_ops map of a loaded object
 * @return the link, to be destroyed by the caller; NULL with errno EEXIST an implementation of that
 *         name is registered, EINVAL not a struct_ops map, or what else the kernel answered. Linux 5.6.
 */
struct mem_link *mem_map_attach_struct_ops(const struct mem_map *map);

/** Options of mem_prog_attach_iter(). Zero means the default for every member but sz. */
struct mem_iter_opts {
	size_t sz;               /**< sizeof(struct mem_iter_opts) */
	const void *link_info;   /**< union bpf_iter_link_info: the map, cgroup or task to walk */
	uint32_t link_info_size; /**< bytes */
};

/**
 * @brief Attach an iterator program, to be run by reading mem_iter_create().
 * @param prog  a loaded iterator program
 * @param opts  NULL walks everything
 * @return the link, to be destroyed by the caller; NULL with errno EINVAL this iterator needs
 *         options, or what else the kernel answered. Linux 5.8.
 */
struct mem_link *mem_prog_attach_iter(const struct mem_prog *prog, const struct mem_iter_opts *opts);

/**
 * @brief Start one walk of an attached iterator.
 * @param link  from mem_prog_attach_iter()
 * @return fd to read(2) the program's output from, to be closed by the caller; -EINVAL not an
 *         iterator, or what else the kernel answered
 */
int mem_iter_create(const struct mem_link *link);

/**
 * @brief File descriptor of a link.
 * @param link  a link
 * @return fd, owned by the link: a BPF link, or a perf event on kernels before 5.15
 */
int mem_link_fd(const struct mem_link *link);

/**
 * @brief Replace the program of a link in one step: the hook is never without one.
 *
 * @param link  to an XDP, tcx, netkit, cgroup, network namespace or iterator hook, or a socket map
 * @param prog  a loaded program of the same type and attach type, of any object
 * @param old   the program that must be attached for this to be done; NULL: any
 * @return 0, or -EPERM another program than @p old is attached, -EINVAL the hook or @p prog is of another
 *         kind, -ENOLINK the link is detached, -EBADF a program is not loaded, -EOPNOTSUPP not a single
 *         BPF link, or what else the kernel answered. Linux 5.7.
 */
int mem_link_update(struct mem_link *link, const struct mem_prog *prog, const struct mem_prog *old);

/**
 * @brief Replace the implementation of a kernel interface in one step.
 *
 * @param link  from mem_map_attach_struct_ops(), of a variable in .struct_ops.link
 * @param map   a struct_ops map of a loaded object, for the same interface and by the same name
 * @param old   the map that must be attached for this to be done; NULL: any
 * @return 0, or -EPERM another map than @p old is attached, -EINVAL @p map is of another kind or the
 *         interface does not allow it, -EOPNOTSUPP the interface can't be updated, or what else the
 *         kernel answered. Linux 6.4.
 */
int mem_link_update_map(struct mem_link *link, const struct mem_map *map, const struct mem_map *old);

/**
 * @brief Take a link off its hook without destroying it, pinned or not.
 *
 * @param link  to an XDP, tcx, netkit, cgroup or network namespace hook, or of a struct_ops map (6.11)
 * @return 0, also when it was detached before, or -EOPNOTSUPP links of this kind can only be destroyed,
 *         or what else the kernel answered. Linux 5.9.
 */
int mem_link_detach(struct mem_link *link);

/**
 * @brief Pin a link, in place of what is pinned there: the program stays attached when the link is
 *        destroyed or the process ends. mem_unpin() undoes it.
 *
 * Folders that are missing are made, for this user only. Reading the pin of an iterator runs it.
 *
 * @param link  a link, but not of a USDT probe or a variable in .struct_ops
 * @param path  in a BPF file system; its last part has no '.'
 * @param mode  permissions; 0 is 0600
 * @return 0, or -EINVAL, -EOPNOTSUPP not a single BPF link (perf events need Linux 5.15), -EPERM not a BPF
 *         file system (the message has the command that mounts one) or no privilege, or what else the
 *         kernel answered. Linux 5.7.
 */
int mem_link_pin(const struct mem_link *link, const char *path, unsigned int mode);

/**
 * @brief Open a link that is pinned.
 * @param path  of the pin
 * @return the link, to be destroyed by the caller, which leaves the pin; NULL with errno ENOENT, EBADF the
 *         pin of something else, EACCES, EPERM, ENOMEM
 */
struct mem_link *mem_link_open(const char *path);

/**
 * @brief Detach a program, unless its link is pinned or open elsewhere, and free the link.
 * @param link  a link; NULL does nothing
 */
void mem_link_destroy(struct mem_link *link);

/** @} */

/** @defgroup task Per-thread memory
 * @{
 */

/** Where programs find a thread's structs. */
enum mem_task_back {
	MEM_TASK_BACK_AUTO = 0,  /**< the first of the following that the kernel has */
	MEM_TASK_BACK_UPTR = 1,  /**< a pointer in task storage to memory of the application: Linux 6.13 */
	MEM_TASK_BACK_ARENA = 2, /**< a slot of an arena: Linux 6.9 */
	MEM_TASK_BACK_ARRAY = 3  /**< a slot of a mappable array */
};

/** Options of mem_task_setup(). Zero means the default for every member but sz. */
struct mem_task_opts {
	size_t sz;               /**< sizeof(struct mem_task_opts) */
	enum mem_task_back back; /**< which one, instead of the best */
	uint32_t threads;        /**< slots of an arena (65536) or array (4096): threads at a time */
	uint32_t block_size;     /**< bytes for all structs of a thread: a power of two up to 1 MiB. 4096,
				      or what the first object needs; with an array 1024. More than 4096
				      rules task storage out. */
};

/** A struct that each thread has one of, as generated headers keep it. Zero at first. */
struct mem_task {
	uint32_t offset; /**< bytes into a thread's block; 0: not known yet */
};

/** A thread-local variable of generated headers: what the fast path reads. Zero at first. */
struct mem_task_cell {
	void *data;                 /**< the thread's struct; NULL: call mem_task_register() */
	struct mem_task_cell *next; /**< another one of this thread; libmem's */
	struct mem_task *task;      /**< whose struct it is; NULL: not known to libmem */
};

/**
 * @brief Looks at one thread's struct in a walk.
 *
 * @param ctx   as given to mem_task_each()
 * @param tid   of the thread, as gettid(2) has it
 * @param data  its struct, valid during the call; the thread may be writing to it
 * @return 0 goes on; anything else ends the walk
 */
typedef int mem_task_fn(void *ctx, int tid, void *data);

/**
 * @brief Choose where threads' structs are, for the whole process.
 *
 * @param opts  what differs from the defaults; NULL for all defaults
 * @return 0, or -EBUSY an object with such structs is prepared or a thread has used one, -EINVAL
 *         a value out of range, -ENOTSUP @p opts need a newer libmem
 */
int mem_task_setup(const struct mem_task_opts *opts);

/**
 * @brief Where threads' structs are now.
 * @return MEM_TASK_BACK_AUTO as long as no object with such structs is prepared
 */
enum mem_task_back mem_task_back_used(void);

/**
 * @brief Register the calling thread, and find its struct: the slow path of generated accessors.
 *
 * The thread stays registered until it ends or calls mem_task_unregister(). Not to be called for the
 * first time in a signal handler.
 *
 * @param cell   of this thread: receives the result, and NULL again when that is no longer valid
 * @param task   the struct's place, to be kept by the caller
 * @param image  that declares the struct
 * @param row    of its tasks table
 * @return the struct, zero at first, valid until the thread ends or the last object with such structs
 *         is closed. Programs see it if an object is loaded and a slot was free, else it is private
 *         memory (a warning says so once). NULL with errno ENOMEM; ENOSPC the structs of all
 *         objects together are too large; EINVAL another object declares it differently (the message
 *         has the fields); ESHUTDOWN the thread is ending.
 */
void *mem_task_register(struct mem_task_cell *cell, struct mem_task *task,
			const struct mem_image *image, uint32_t row);

/**
 * @brief Forget all cells of a struct, because the code they belong to is being unloaded.
 *
 * Generated headers arrange for it to be called by dlclose(3).
 *
 * @param task  struct mem_task *, as given to mem_task_register()
 */
void mem_task_forget(void *task);

/**
 * @brief Give up the calling thread's structs, as its end does.
 *
 * Pointers to them are invalid afterwards. The next use starts from zero.
 */
void mem_task_unregister(void);

/**
 * @brief Register all threads that the process has now, ahead of their first use.
 *
 * Where there is no way to do this for other threads (with an arena or array in a pid namespace), they are registered by their first use as ever.
 *
 * @return number of threads that are registered; -EINVAL no object with such structs is loaded, -ENOMEM,
 *         or what reading /proc/self/task answered
 */
int mem_task_register_all(void);

/**
 * @brief Walk the structs of all registered threads of the process.
 *
 * No thread can register or end meanwhile: @p fn has to be quick and must not use libmem.
 *
 * @param task   as for mem_task_register()
 * @param image  as for mem_task_register()
 * @param row    as for mem_task_register()
 * @param fn     called for each thread
 * @param ctx    passed to @p fn
 * @return 0, what @p fn returned, or a negative errno as mem_task_register() has it
 */
int mem_task_each(struct mem_task *task, const struct mem_image *image, uint32_t row, mem_task_fn *fn,
		  void *ctx);

/**
 * @brief Let threads of other processes be seen by the programs of this one.
 *
 * What they need is pinned in a folder of a BPF file system. Which structs there are, and which fields they
 * have, is settled by this: objects that declare others can't be loaded in any of these processes.
 * The pins stay until mem_task_unshare(), or until another process shares its structs there; a process
 * that has joined keeps what it has.
 *
 * All processes that can open the pins can change each other's structs, and no program should
 * take more from them than it would from any user.
 *
 * @param folder  made, if it is missing, so that whom @p mode lets open the pins can enter it
 * @param mode    of the pins, of which a process needs to read and write; 0: 0600
 * @return 0, or -EINVAL no object with such structs is loaded, or @p folder is not in a BPF file system,
 *         -EPERM, -ENOMEM
 */
int mem_task_share(const char *folder, unsigned int mode);

/**
 * @brief Remove the pins that mem_task_share() made, and the folder if nothing else is in it.
 * @param folder  as given to mem_task_share(); nothing of it need be there
 * @return 0, or -EINVAL it is no folder of a BPF file system, -EACCES and what else unlink(2) answered
 */
int mem_task_unshare(const char *folder);

/**
 * @brief Let another process' programs see the threads of this one.
 *
 * From now on threads' structs are where that process has them. Threads that have used theirs keep what is
 * in them, as when the first object is loaded. It takes no privilege but to open the pins, and can be
 * repeated, to join whoever has come to share its structs there instead; then the calling thread starts from
 * zero. If it is still the same one, the call does nothing.
 *
 * @param folder  as given to mem_task_share() there
 * @return 1; 0 it was joined already; or -ENOENT nothing is shared there, -EACCES, -EBUSY this process has objects with such
 *         structs loaded, or has used structs that are to have another place, -EADDRINUSE it has something
 *         else at the arena's address, -EINVAL a struct or field is not the one it is there (the
 *         message says how), or what is there was not made by mem_task_share(), -ESTALE it is being replaced
 */
int mem_task_join(const char *folder);

/**
 * @brief Be seen by the other process' programs no longer.
 *
 * As if the last object had been closed: the calling thread's structs are gone, others go on in private
 * memory. Does nothing in a process that has not joined. Where this process has loaded objects since, the
 * structs stay shared until those are closed.
 */
void mem_task_leave(void);

/**
 * @brief Walk the structs of the threads of all processes that share them.
 *
 * Only where they are in an arena or array. Threads may register, end and write meanwhile. A thread
 * that was killed is left out; until its slot is taken back it may be mistaken for another with its id.
 *
 * @param task   as for mem_task_register()
 * @param image  as for mem_task_register()
 * @param row    as for mem_task_register()
 * @param fn     called for each thread, with its id in the initial pid namespace; must not use libmem
 * @param ctx    passed to @p fn
 * @return 0, what @p fn returned, -ENOTSUP they are in task storage: use an iterator program, -EINVAL no
 *         object is loaded and no process joined, or a negative errno as mem_task_register() has it
 */
int mem_task_each_shared(struct mem_task *task, const struct mem_image *image, uint32_t row,
			 mem_task_fn *fn, void *ctx);

/** @} */

/** @defgroup publish Sharing regions between objects and processes
 *
 * A region is the same memory wherever it is met. An object can take on a map that exists instead
 * of making its own (mem_map_reuse()), find it by its pin (mem_map_pin_path_set(), or `pinning` in
 * the declaration), and a process without any program can attach to a region alone
 * (mem_region_attach(), or NAME__attach_region_REGION() of a generated header). In each case the
 * typed pointers lead to the live memory or there is an error; nobody is left with a copy.
 *
 * Nobody but the owner can open a pin unless its mode says so. Who can open it for reading and
 * writing can map it writable, unless it was frozen: see mem_region_readonly_set().
 * @{
 */

/** How a map is found. */
enum mem_source_kind {
	MEM_SOURCE_PIN = 1, /**< by the path of a pin */
	MEM_SOURCE_FD = 2,  /**< by a descriptor of this process */
	MEM_SOURCE_ID = 3,  /**< by its number in the kernel; takes CAP_SYS_ADMIN */
	MEM_SOURCE_SOCKET = 4 /**< from another process, over a Unix socket: for mem_region_attach() only */
};

/** A map that exists; see mem_source_pin() and its like. */
struct mem_source {
	uint32_t kind;    /**< MEM_SOURCE_* */
	uint32_t id;      /**< of MEM_SOURCE_ID */
	int fd;           /**< of MEM_SOURCE_FD and MEM_SOURCE_SOCKET; stays the caller's */
	uint32_t reserved; /**< 0 */
	const char *path; /**< of MEM_SOURCE_PIN */
};

/**
 * @brief A map by the path of its pin.
 * @param path  in a BPF file system
 * @return the source
 */
static inline struct mem_source mem_source_pin(const char *path)
{
	struct mem_source source = { MEM_SOURCE_PIN, 0, -1, 0, path };

	return source;
}

/**
 * @brief A map by a descriptor.
 * @param fd  opened for reading and writing; stays the caller's
 * @return the source
 */
static inline struct mem_source mem_source_fd(int fd)
{
	struct mem_source source = { MEM_SOURCE_FD, 0, fd, 0, NULL };

	return source;
}

/**
 * @brief A map by its number in the kernel.
 * @param id  as mem_map_id() and bpftool tell it
 * @return the source
 */
static inline struct mem_source mem_source_id(uint32_t id)
{
	struct mem_source source = { MEM_SOURCE_ID, id, -1, 0, NULL };

	return source;
}

/**
 * @brief A region that another process sends: mem_region_attach() then is mem_region_receive().
 * @param sock  connected; stays the caller's
 * @return the source
 */
struct mem_source mem_source_socket(int sock);

/**
 * @brief Use a map that exists instead of creating one.
 *
 * It must be what the object declares: type, sizes, capacity (unless that is 0) and flags. From this
 * call on the region over it is its memory, for constants read-only, and so is the region of a
 * frozen map (mem_region_writable() tells). What it contains stays; initial values are not written
 * to it. The address of an array's region stays; an arena is at the address that its maker chose,
 * and the skeleton's pointers are updated.
 *
 * @param map     of an opened, not prepared object
 * @param source  the map that exists
 * @return 0, or -EBUSY the map was made or reused already, -EINVAL it is not a map or another kind of
 *         map (the message names each difference), -EEXIST an arena's addresses are taken (the message
 *         says by what), -ENOENT, -EACCES, -EPERM, or what the kernel answered. After a failure the
 *         object is as before.
 */
int mem_map_reuse(struct mem_map *map, struct mem_source source);

/**
 * @brief mem_map_reuse() of a descriptor.
 * @param map  of an opened, not prepared object
 * @param fd   of a map, opened for reading and writing; stays the caller's
 * @return as mem_map_reuse()
 */
int mem_map_reuse_fd(struct mem_map *map, int fd);

/**
 * @brief Whether a map was taken on instead of created, by the application or by its pin path.
 * @param map  of an object in any phase
 * @return 1 or 0
 */
int mem_map_is_reused(const struct mem_map *map);

/**
 * @brief Share a map by name: mem_object_prepare() uses what is pinned at a path, or pins its own there.
 *
 * The pin appears when the contents are in place; who is second uses the map of who was first. It
 * has mode 0600 and stays when the object is closed (mem_unpin()), but goes when prepare or load
 * fails. Maps with `pinning` (LIBBPF_PIN_BY_NAME) in their declaration have such a path from the
 * start: mem_open_opts.pin_dir and their name.
 *
 * @param map   of an opened, not prepared object
 * @param path  in a BPF file system, copied; NULL for none
 * @return 0, or -EBUSY the map exists, -EINVAL not a path, or a map without a life of its own, -ENOMEM
 */
int mem_map_pin_path_set(struct mem_map *map, const char *path);

/**
 * @brief The path that mem_object_prepare() looks at.
 * @param map  of an object in any phase
 * @return the path, NULL for none; belongs to the map
 */
const char *mem_map_pin_path(const struct mem_map *map);

/**
 * @brief Number of a map in the kernel.
 * @param map  of a prepared object
 * @return the number; 0 with errno if the map does not exist
 */
uint32_t mem_map_id(const struct mem_map *map);

/**
 * @brief Pin a map, in place of what is pinned there.
 *
 * Folders that are missing are made, for this user only. The pin appears in one step with its mode;
 * who has the older map open keeps it.
 *
 * @param map   of a prepared object
 * @param path  in a BPF file system; its last part has no '.'
 * @param mode  permissions; 0 is 0600. Mapping takes reading and writing, so 0644 lets nobody else in
 * @return 0, or -EBADF before mem_object_prepare(), -EINVAL, -EPERM not a BPF file system (the
 *         message has the command that mounts one) or no privilege, or what else the kernel answered
 */
int mem_map_pin(struct mem_map *map, const char *path, unsigned int mode);

/**
 * @brief mem_map_pin() of the map behind a region; for others, with its schema beside it.
 *
 * If @p mode lets others in, "PATH~schema" is pinned as well, with which those who may not read the
 * kernel's types compare the layout when they attach. mem_unpin() removes both.
 * @param region  of a prepared object, or attached
 * @param path    in a BPF file system
 * @param mode    permissions; 0 is 0600. To let others read and not write, give 0666 to a region
 *                with mem_region_readonly_set()
 * @return as mem_map_pin()
 */
int mem_region_pin(struct mem_region *region, const char *path, unsigned int mode);

/**
 * @brief Remove a pin. The map lives on as long as somebody has it open or mapped.
 * @param path  of a pin
 * @return 0, or -ENOENT, -EINVAL not a pin, -EACCES, or what else the kernel answered
 */
int mem_unpin(const char *path);

/** A pinned map, for mem_pin_list(). */
struct mem_pin_info {
	const char *path;     /**< of the pin */
	const char *name;     /**< the kernel's name of the map */
	uint32_t id;          /**< mem_map_id() */
	uint32_t type;        /**< BPF_MAP_TYPE_* */
	uint32_t value_size;  /**< bytes */
	uint32_t max_entries; /**< elements; pages of an arena */
	uint32_t mode;        /**< permissions */
};

/**
 * @brief Receives one pin of mem_pin_list().
 * @param ctx  as given to mem_pin_list()
 * @param pin  valid during the call only
 * @return 0 to go on; anything else ends the list and is returned by mem_pin_list()
 */
typedef int mem_pin_fn(void *ctx, const struct mem_pin_info *pin);

/**
 * @brief Walk the pinned maps in a folder and those below, by name. Pins that this user may not open
 *        are left out.
 * @param folder  in a BPF file system; NULL for /sys/fs/bpf
 * @param fn      called for each
 * @param ctx     passed to @p fn
 * @return 0, what @p fn returned, or -ENOENT, -EINVAL not a BPF file system, or what else failed
 */
int mem_pin_list(const char *folder, mem_pin_fn *fn, void *ctx);

/**
 * @brief Let only programs write to a region: applications, this one included, read.
 *
 * The map is frozen at prepare, before anybody could map it writable, with the values that the
 * region has then. Any user may then be given it (mode 0666, or a descriptor) without being able
 * to change it. Nobody could write initial values into an arena that is frozen: they must be 0.
 *
 * @param region  variables, an array or an arena of an opened, not prepared object
 * @param on      0: as usual
 * @return 0, or -EBUSY its map exists, -EINVAL it is read-only anyway
 */
int mem_region_readonly_set(struct mem_region *region, int on);

/**
 * @brief Whether the application may write to a region's memory.
 * @param region  of an object in any phase, or attached
 * @return 1 or 0
 */
int mem_region_writable(const struct mem_region *region);

/**
 * @brief Don't map an array region as a whole; mem_attach_opts has windows for it.
 * @param region  an array of an opened, not prepared object; it has no memory from now on
 * @return 0, or -EBUSY its map exists, -EINVAL not an array
 */
int mem_region_leave_unmapped(struct mem_region *region);

/**
 * @brief Says whether to accept anything from a peer.
 * @param ctx  as given to mem_region_receive(), or mem_attach_opts.ctx
 * @param pid  of the process that made the connection; it may have ended
 * @param uid  its user at that time
 * @param gid  its group at that time
 * @return 0 to go on, or a negative errno
 */
typedef int mem_peer_fn(void *ctx, int pid, unsigned int uid, unsigned int gid);

/** Options of mem_region_attach(). Zero means the default for every member but sz. */
struct mem_attach_opts {
	size_t sz;         /**< sizeof(struct mem_attach_opts) */
	int writable;      /**< 1: for reading and writing; 0: writing to it is SIGSEGV */
	uint32_t first;    /**< of an array, map only the elements from this one on ... */
	uint32_t count;    /**< ... and of these so many; 0 is up to the end */
	uint32_t reserved; /**< 0 */
	mem_peer_fn *check; /**< of mem_source_socket(): asked before anything is read; NULL accepts any peer */
	void *ctx;         /**< passed to check */
};

/**
 * @brief Map a region that another object made, without loading any program.
 *
 * It takes no privilege if the source can be opened without. What an arena holds was written by
 * others: treat it as input.
 *
 * The layout is compared with that of @p image: with the types that the kernel keeps (CAP_SYS_ADMIN),
 * those that mem_region_send() sent along, or the schema that mem_region_pin() put beside the pin for
 * others. Without privilege and any of these only sizes can be compared, and, of arenas, the hash
 * in their record.
 *
 * @param image   whose region it is: its sizes and kind are compared. Must stay valid until
 *                mem_region_detach(). NULL takes any array that can be mapped, or arena, as it is.
 * @param name    of the region in @p image; without one, a name for messages, or NULL
 * @param source  the map behind the region
 * @param opts    NULL for defaults: all of it, read-only
 * @return the region, to be released by mem_region_detach(); mem_region_data() and
 *         mem_region_variables() have its memory. NULL with errno EINVAL another kind of map (the
 *         message names each difference), EEXIST an arena's addresses are taken (the message says by
 *         what), EPERM frozen and asked for writing, ERANGE no such elements, ENOENT, EACCES, ENOMEM,
 *         or what else the kernel answered
 */
struct mem_region *mem_region_attach(const struct mem_image *image, const char *name,
				     struct mem_source source, const struct mem_attach_opts *opts);

/**
 * @brief Send a region over a Unix socket, with what is needed to check it: kind, sizes, address, the
 *        hash of its schema and, if this process has it or may ask for it, a descriptor of its types.
 *
 * Who receives it can do with it what this process can: map it writable, unless it is frozen
 * (mem_region_readonly_set()).
 *
 * @param sock    connected; SOCK_SEQPACKET or SOCK_STREAM
 * @param region  of a prepared object, or attached
 * @return 0, or -EBADF before mem_object_prepare(), -EPIPE nobody is there, or what sendmsg(2) answered
 */
int mem_region_send(int sock, struct mem_region *region);

/**
 * @brief Receive a region from a Unix socket and map it, as mem_region_attach() does.
 *
 * Whatever is wrong with a message, no descriptor of it is left open. It takes no privilege.
 *
 * @param sock   connected; SOCK_SEQPACKET or SOCK_STREAM
 * @param image  whose region it is, or NULL, as for mem_region_attach()
 * @param name   of the region in @p image; the message has to be of that region
 * @param opts   NULL for defaults: all of it, read-only
 * @param check  asked before anything is read; NULL accepts any peer
 * @param ctx    passed to @p check
 * @return the region, to be released by mem_region_detach(). NULL with errno EBADMSG not a whole message
 *         of this version with the descriptors of a map and its types, ECONNRESET the peer is gone, EINVAL the map is not what the
 *         message or @p image says, what @p check answered, or as mem_region_attach()
 */
struct mem_region *mem_region_receive(int sock, const struct mem_image *image, const char *name,
				      const struct mem_attach_opts *opts, mem_peer_fn *check, void *ctx);

/**
 * @brief Unmap and release a region.
 * @param region  from mem_region_attach(); NULL, and any other region, is left alone
 */
void mem_region_detach(struct mem_region *region);

/**
 * @brief In a forked child: bring back the arenas of an object, at their addresses.
 *
 * A child starts without them on every kernel: touching one is SIGSEGV until then. Other regions
 * are there all the time.
 *
 * @param obj  an object in any phase, made by the parent
 * @return 0, also if nothing was missing, or -EEXIST something else is there by now (in a child that
 *         was not made by fork(3)), or what mmap(2) answered
 */
int mem_object_reattach(struct mem_object *obj);

/**
 * @brief mem_object_reattach() of a single region.
 * @param region  of an object in any phase, or attached
 * @return as mem_object_reattach()
 */
int mem_region_reattach(struct mem_region *region);

/** @} */

/** @defgroup skeleton For generated headers
 * @{
 */

/** Where a generated struct keeps what the library fills in. Offsets are bytes from its start. */
struct mem_skeleton_layout {
	uint32_t size;             /**< sizeof(struct mem_skeleton_layout) */
	uint32_t skel_size;        /**< bytes of the generated struct */
	uint32_t obj;              /**< offset of struct mem_object * */
	uint32_t maps;             /**< offset of one struct mem_map * for each maps row but prototypes */
	uint32_t progs;            /**< offset of one struct mem_prog * for each progs row */
	uint32_t links;            /**< offset of one struct mem_link * for each progs row, then for each
				        struct_ops map */
	const uint32_t *variables; /**< for each regions row: offset of the pointer to its variables,
				        MEM_NONE if there is none */
	const uint32_t *arrays;    /**< for each regions row: offset of the pointer to its first element
				        or arena byte, MEM_NONE if there is none */
};

/**
 * @brief Open an image into a generated struct.
 * @param image   as for mem_object_open()
 * @param layout  of the struct; must stay valid until mem_skeleton_destroy()
 * @param opts    NULL for defaults
 * @return the struct, to be released by mem_skeleton_destroy(); NULL with errno as
 *         mem_object_open()
 */
void *mem_skeleton_open(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			const struct mem_open_opts *opts);

/**
 * @brief mem_skeleton_open() and mem_object_load() in one, which is quicker: there is no moment in between
 *        for which regions would need memory of their own.
 * @param image   as for mem_skeleton_open()
 * @param layout  as for mem_skeleton_open()
 * @return the struct, to be released by mem_skeleton_destroy(); NULL with errno as
 *         mem_skeleton_open() or mem_object_load()
 */
void *mem_skeleton_open_and_load(const struct mem_image *image, const struct mem_skeleton_layout *layout);

/**
 * @brief Attach every loaded program whose section says where, as mem_prog_attach() does.
 *
 * Links the application put into the struct itself are left alone.
 *
 * @param skel    from mem_skeleton_open(), loaded
 * @param layout  as given to mem_skeleton_open()
 * @return 0, or the error of the first program that could not be attached; those before it are
 *         detached again
 */
int mem_skeleton_attach(void *skel, const struct mem_skeleton_layout *layout);

/**
 * @brief Choose whether NAME__attach() attaches a program.
 * @param prog  of an object in any phase
 * @param on    0 leaves it to the application; at first it is on
 */
void mem_prog_autoattach_set(struct mem_prog *prog, int on);

/**
 * @brief Choose whether NAME__attach() attaches a struct_ops map.
 * @param map  of an object in any phase; without effect on maps of other types
 * @param on   0 leaves it to the application; at first it is on
 */
void mem_map_autoattach_set(struct mem_map *map, int on);

/**
 * @brief Destroy every link in a generated struct and set it to NULL.
 * @param skel    from mem_skeleton_open()
 * @param layout  as given to mem_skeleton_open()
 */
void mem_skeleton_detach(void *skel, const struct mem_skeleton_layout *layout);

/**
 * @brief Detach, close the object and free the struct.
 * @param skel    from mem_skeleton_open(); NULL does nothing
 * @param layout  as given to mem_skeleton_open()
 */
void mem_skeleton_destroy(void *skel, const struct mem_skeleton_layout *layout);

/**
 * @brief Pin all maps, loaded programs and links of a generated struct in a folder of their own.
 *
 * They are there, and the programs run, when the process is gone; mem_skeleton_open_pinned() takes them
 * over. What is pinned there takes the place of what was, pin by pin. A record of the whole comes last:
 * a process that is killed before leaves pins that are not taken for an object.
 *
 * @param skel    from mem_skeleton_open(), loaded
 * @param layout  as given to mem_skeleton_open()
 * @param dir     folder in a BPF file system, made if it is missing, for this user only
 * @return 0, or -EBADF not loaded, -EOPNOTSUPP it has per-thread structs, or is attached where this
 *         kernel has no link that can be pinned (perf events before 5.15), -EPERM not a BPF file system (the
 *         message has the command that mounts one) or no privilege, or what else the kernel answered
 */
int mem_skeleton_pin(void *skel, const struct mem_skeleton_layout *layout, const char *dir);

/**
 * @brief Open into a generated struct what mem_skeleton_pin() has left, without stopping anything.
 *
 * Regions are the memory that the programs have been using; initial values are not written. Capacities
 * are what they were set to then. Programs that attach by themselves and have no link in the folder
 * are attached.
 *
 * @param image   as for mem_object_open()
 * @param layout  of the struct; must stay valid until mem_skeleton_destroy()
 * @param opts    NULL for defaults
 * @param dir     the folder
 * @return the struct, loaded and attached, to be released by mem_skeleton_destroy(), which leaves the
 *         pins; NULL with errno ENOENT nothing is pinned there, or not all of it, ESTALE another object,
 *         or compiled from another version of its source, EINVAL a map, program or link is not the one
 *         that was pinned (the message says which), or as mem_object_open() and mem_map_reuse()
 */
void *mem_skeleton_open_pinned(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			       const struct mem_open_opts *opts, const char *dir);

/**
 * @brief Remove the pins of mem_skeleton_pin(), and the folder if nothing else is in it. What nobody has
 *        open is detached and freed.
 * @param image  of the object; other versions may have had pins that this one knows nothing of
 * @param dir    the folder
 * @return 0, also if there is none, or -EINVAL not a BPF file system, or what else the kernel answered
 */
int mem_skeleton_unpin(const struct mem_image *image, const char *dir);

/** @} */

/** @defgroup parts Parts of the library in static programs
 *
 * A static program has the parts of libmem that it uses. Which an object needs is known to its generated
 * header, whose NAME__open_opts() calls these. mem_object_open() calls all but mem_kconfig_use(), and
 * mem_object_open_file() that one as well. They do nothing at run time and can be called from anywhere;
 * where a part is missing after all, a call fails with ENOSYS and names the function to call.
 * @{
 */

/** @brief Arenas. */
void mem_arena_use(void);

/**
 * @brief .kconfig values (CONFIG_*, LINUX_KERNEL_VERSION).
 *
 * Loads libz.so.1 when the kernel's configuration has to be read, for which linkers warn that a static
 * program needs the shared C library at run time.
 */
void mem_kconfig_use(void);

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

/** @brief Per-thread structs. */
void mem_task_use(void);

/** @brief Programs whose section says usdt. */
void mem_usdt_use(void);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}

/** libmem for C++. */
namespace mem
{

/**
 * @brief Owns a generated struct: it is destroyed with its owner, which can be moved and not copied.
 *
 * Generated headers call theirs NAME__unique:
 *
 *     auto skel = hits__unique::open();
 *     if (skel.load() || skel.attach())
 *             return report(mem_error_message());
 *     use(skel->bss->hits);
 *
 * It throws nothing. An owner without a struct is false, and its functions answer -EBADF: after an open()
 * that failed, mem_error_message() still says why.
 *
 * @tparam T  a generated struct
 */
template <typename T> class skeleton
{
public:
	/** @brief Owns nothing. */
	skeleton() noexcept : skel_(nullptr) {}
	/** @brief Takes a struct over. @param skel  from NAME__open(), or NULL */
	explicit skeleton(T *skel) noexcept : skel_(skel) {}
	/** @brief Takes over what another one owns. @param other  owns nothing afterwards */
	skeleton(skeleton &&other) noexcept : skel_(other.release()) {}
	/** @brief The same, in place of what it owns. @param other  owns nothing afterwards @return itself */
	skeleton &operator=(skeleton &&other) noexcept
	{
		if (this != &other)
			reset(other.release());
		return *this;
	}
	skeleton(const skeleton &) = delete;
	skeleton &operator=(const skeleton &) = delete;
	~skeleton() { T::destroy(skel_); }

	/** @brief NAME__open_opts(). @param opts  NULL for defaults @return the owner, false with errno */
	static skeleton open(const struct mem_open_opts *opts = nullptr)
	{
		return skeleton(T::open(opts));
	}
	/** @brief NAME__open_and_load(). @return the owner, false with errno */
	static skeleton open_and_load() { return skeleton(T::open_and_load()); }
	/** @brief NAME__prepare(). @return 0 or a negative errno */
	int prepare() { return skel_ ? T::prepare(skel_) : no_skel; }
	/** @brief NAME__load(). @return 0 or a negative errno */
	int load() { return skel_ ? T::load(skel_) : no_skel; }
	/** @brief NAME__attach(). @return 0 or a negative errno */
	int attach() { return skel_ ? T::attach(skel_) : no_skel; }
	/** @brief NAME__detach(). */
	void detach()
	{
		if (skel_)
			T::detach(skel_);
	}

	/** @brief The struct. @return NULL if it owns none */
	T *get() const noexcept { return skel_; }
	/** @brief Its members; there must be a struct. @return the struct */
	T *operator->() const noexcept { return skel_; }
	/** @brief The struct; there must be one. @return a reference to it */
	T &operator*() const noexcept { return *skel_; }
	/** @brief Whether it owns a struct. @return true or false */
	explicit operator bool() const noexcept { return skel_ != nullptr; }
	/** @brief Gives the struct away. @return it, to be destroyed by the caller */
	T *release() noexcept
	{
		T *skel = skel_;

		skel_ = nullptr;
		return skel;
	}
	/** @brief Destroys what it owns, and takes another one over. @param skel  NULL for none */
	void reset(T *skel = nullptr)
	{
		T *old = skel_;

		skel_ = skel;
		T::destroy(old);
	}

private:
	enum { no_skel = -9 }; /* -EBADF */
	T *skel_;
};

} // namespace mem
#endif

#endif /* MEM_MEM_H */
