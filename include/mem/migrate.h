/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief Upgrading pinned memory: carry what a region holds into another layout, and lose nothing.
 *
 * A new version of a tool finds the memory of the old one at its pin, and has added a field, made a
 * counter larger, or changed an order. With mem_map_migrate_set(), mem_object_prepare() then makes a
 * new map, carries each field over by its name and path, and puts the new map's pin in the place of
 * the old one in a single step: at every moment, and if the process is killed at any moment, the
 * pin is one of the two, whole. Who has the old memory open keeps it.
 *
 * Fields are matched by name, in structs inside structs and in the elements of arrays as well; a
 * renamed one by the name in its mark MEM_WAS("old_name") (mem/bpf.h). Then
 *
 *     integers, bool    keep their value, which has to fit: any larger type has room for it
 *     enums             keep the name of their value
 *     floating point    keep their value, which has to fit exactly
 *     arrays            keep their elements; those that a shorter array has no room for must be 0
 *     structs           member by member; unions as a whole, if both are laid out the same
 *     pointers          keep their value: where they lead to is the application's business
 *     removed fields    must be 0
 *     new fields        have the initial values of the new program
 *
 * What breaks a rule is the application's to decide (mem_migrate_opts.field), or dropped if it says
 * so (MEM_MIGRATE_LOSSY); otherwise the migration is refused, and the message names the field.
 *
 * Programs of the old version that are still attached write to the old memory: detach them first, or
 * what they write during the change is not carried over.
 */
#ifndef MEM_MIGRATE_H
#define MEM_MIGRATE_H

#include <mem/mem.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup migrate Migration
 * @{
 */

/** Flags of mem_migrate_opts. */
enum mem_migrate_flag {
	MEM_MIGRATE_LOSSY = 1 /**< what can't be carried over is lost, with a warning in the log */
};

/** A field that no rule carries over. */
struct mem_migrate_field {
	const char *region;    /**< name of the region */
	const char *path;      /**< "conf.limits[3].max", by its new name if it has one; "" is all of it */
	const char *problem;   /**< why no rule is enough, for a message */
	const char *from_type; /**< C type; NULL if it is not known */
	const char *to_type;   /**< C type; NULL if the field is gone */
	const void *from;      /**< where the old value begins, to be read only */
	void *to;              /**< where the new value begins, with its initial value; NULL if it is gone */
	uint64_t from_size;    /**< bytes at from */
	uint64_t to_size;      /**< bytes at to; 0 if the field is gone */
	uint32_t from_bit;     /**< of a bit-field: number of its first bit in the byte at from */
	uint32_t from_bits;    /**< of a bit-field: its bits, else 0 */
	uint32_t to_bit;       /**< of a bit-field, as from_bit */
	uint32_t to_bits;      /**< of a bit-field, as from_bits */
};

/**
 * @brief Decides what becomes of a field that no rule carries over.
 * @param ctx    mem_migrate_opts.ctx
 * @param field  valid during the call only
 * @return 1 it is taken care of (@p field->to is written, or nothing has to be), 0 treat it as without
 *         this function, or a negative errno that ends the migration
 */
typedef int mem_migrate_field_fn(void *ctx, const struct mem_migrate_field *field);

/** An arena to be carried over. */
struct mem_migrate_arena {
	struct mem_region *from;    /**< the old arena, mapped read-only at its address */
	struct mem_region *to;      /**< the new one, mapped, with its variables' initial values */
	const void *from_variables; /**< the old one's variables; NULL if it has none */
	uint64_t from_size;         /**< bytes of these */
	uint64_t from_version;      /**< mem_arena_version() of the old one */
};

/**
 * @brief Copies what an arena holds: pointers in it have to lead into the new one.
 * @param ctx    mem_migrate_opts.ctx
 * @param arena  valid during the call only
 * @return 0, or a negative errno that ends the migration
 */
typedef int mem_migrate_arena_fn(void *ctx, const struct mem_migrate_arena *arena);

/** Options of a migration. Zero means the default for every member but sz. */
struct mem_migrate_opts {
	size_t sz;                   /**< sizeof(struct mem_migrate_opts) */
	uint32_t flags;              /**< MEM_MIGRATE_* */
	uint32_t reserved;           /**< 0 */
	mem_migrate_field_fn *field; /**< decides where no rule does; NULL refuses */
	mem_migrate_arena_fn *arena; /**< copies arenas; NULL refuses */
	void *ctx;                   /**< passed to both */
};

/**
 * @brief Let mem_object_prepare() migrate what it finds at a map's pin path, if the layout differs.
 *
 * Without a difference the map is taken on as it is. Reading the old layout takes CAP_SYS_ADMIN. The
 * pin keeps its mode and owner. When prepare or load fails, the old map is back at the path. Where
 * several processes do this at once, one does, and the others take on its result.
 *
 * @param map   with a pin path (mem_map_pin_path_set(), or LIBBPF_PIN_BY_NAME in its declaration), of
 *              variables, an array that can be mapped, or an arena; of an opened, not prepared object
 * @param opts  NULL for defaults; copied
 * @return 0, or -EBUSY the map exists, -EINVAL constants or no region, -ENOMEM. mem_object_prepare() then
 *         returns, besides what it does anyway, -EDOM something would be lost (the message names the
 *         field and why), -ENODATA or -EPERM the old layout is not to be had, -EINVAL another kind of
 *         map, -EBUSY others change the pin all the time
 */
int mem_map_migrate_set(struct mem_map *map, const struct mem_migrate_opts *opts);

/**
 * @brief mem_map_migrate_set() of all maps of an object that have a pin path and a region to migrate.
 * @param obj   opened, not prepared
 * @param opts  NULL for defaults; copied
 * @return as mem_map_migrate_set()
 */
int mem_object_migrate_set(struct mem_object *obj, const struct mem_migrate_opts *opts);

/**
 * @brief Carry the fields of another map into a region now, by the same rules. Pins stay as they are.
 * @param region  variables or an array, writable, of a prepared object or attached. After a failure
 *                part of it may be written.
 * @param source  the map to copy from; reading its layout takes CAP_SYS_ADMIN
 * @param opts    NULL for defaults
 * @return 0, or -EBADF before mem_object_prepare(), -EACCES the region is read-only, -EDOM something
 *         would be lost, -EINVAL an arena, constants, or another kind of map, -ENODATA the types of one side
 *         are not known, -EPERM no privilege, or as mem_region_attach()
 */
int mem_region_migrate(struct mem_region *region, struct mem_source source,
		       const struct mem_migrate_opts *opts);

/**
 * @brief Say which version of its contents an arena has, for those who find it later.
 *
 * The types of what is allocated in an arena are not known to the kernel: change the number when they
 * change. An object takes an arena on only if both have the same number. It is kept beside the
 * arena's variables, of which there must be at least one.
 *
 * @param region   an arena of an opened, not prepared object
 * @param version  any number; 0 unless this function was called
 * @return 0, or -EBUSY its map exists, -EINVAL not an arena, or one without variables
 */
int mem_arena_version_set(struct mem_region *region, uint64_t version);

/**
 * @brief The version of an arena's contents.
 * @param region  an arena of an object in any phase, or attached
 * @return the number; 0 if there is none
 */
uint64_t mem_arena_version(const struct mem_region *region);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_MIGRATE_H */
