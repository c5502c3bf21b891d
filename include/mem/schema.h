/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief What a region holds: names, types, sizes and offsets, to be compared.
 *
 * A schema is a list of fields with absolute offsets. Types are named by what they are, not by what
 * a program calls them: `__u32` for every unsigned integer of 4 bytes, `struct node *` for a
 * pointer. It comes from the BTF of an image, or from the kernel's of a live map.
 */
#ifndef MEM_SCHEMA_H
#define MEM_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include <mem/mem.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup schema Schemas
 * @{
 */

/** The fields of a region. */
struct mem_schema;

/** A variable, a member of one, or an array of them. */
struct mem_schema_field {
	const char *path;  /**< "hits", "total.count", "table[].key": members of elements follow the
			        array itself, with offsets as in its first element */
	const char *type;  /**< "__u32", "char[16]", "struct node *", "enum state" */
	uint64_t offset;   /**< bits from the start of the variables or element */
	uint64_t size;     /**< bits */
	const char *was;   /**< path with the names that MEM_WAS() (mem/bpf.h) says parts of it had before;
			        NULL if there are none */
};

/** How two schemas relate. */
enum mem_schema_relation {
	MEM_SCHEMA_EQUAL = 0,      /**< the same fields */
	MEM_SCHEMA_COMPATIBLE = 1, /**< one has all fields of the other where they are, and more, or calls
				        them by a name they had before */
	MEM_SCHEMA_DIFFERENT = 2   /**< a field is missing, elsewhere, or of another type */
};

/**
 * @brief The schema of a region as its program was compiled.
 * @param image   whose BTF is read
 * @param region  name of the region
 * @return the schema, to be released by mem_schema_free(); NULL with errno ENOENT no such region, ENODATA
 *         no type is known, EINVAL bad BTF, ENOMEM
 */
struct mem_schema *mem_schema_of_image(const struct mem_image *image, const char *region);

/**
 * @brief The schema of a live map, from the types that its maker gave the kernel.
 * @param source  the map; reading its types takes CAP_SYS_ADMIN
 * @return the schema, to be released by mem_schema_free(); NULL with errno ENODATA the kernel knows no
 *         types (it never does of an arena), EPERM no privilege, or as mem_region_attach()
 */
struct mem_schema *mem_schema_of_map(struct mem_source source);

/**
 * @brief Release a schema.
 * @param schema  NULL does nothing
 */
void mem_schema_free(struct mem_schema *schema);

/**
 * @brief The fields in the order of their offsets.
 * @param schema  a schema
 * @param count   receives their number
 * @return the fields; belong to the schema
 */
const struct mem_schema_field *mem_schema_fields(const struct mem_schema *schema, uint32_t *count);

/**
 * @brief A number that equal schemas have in common, the same on every machine.
 * @param schema  a schema
 * @return the number, never 0
 */
uint64_t mem_schema_hash(const struct mem_schema *schema);

/**
 * @brief Receives one difference: a field that only one side has like this.
 * @param ctx    as given to mem_schema_compare()
 * @param live   the field of the first schema, NULL if it has none of that name
 * @param wanted the field of the second schema, NULL if it has none of that name
 */
typedef void mem_schema_diff_fn(void *ctx, const struct mem_schema_field *live,
				const struct mem_schema_field *wanted);

/**
 * @brief Compare what is there with what is expected.
 * @param live    what is there
 * @param wanted  what is expected
 * @param fn      receives each difference, fields of @p live only included; NULL for none
 * @param ctx     passed to @p fn
 * @return MEM_SCHEMA_COMPATIBLE if @p live has all that is wanted, and more
 */
enum mem_schema_relation mem_schema_compare(const struct mem_schema *live,
					    const struct mem_schema *wanted, mem_schema_diff_fn *fn,
					    void *ctx);

/**
 * @brief The differences as text: "- __u32 hits @8" is there, "+ __u64 hits @8" is expected.
 * @param live    what is there
 * @param wanted  what is expected
 * @param text    receives lines, without a newline at the end, cut to @p size with its NUL
 * @param size    bytes at @p text
 * @return as mem_schema_compare()
 */
enum mem_schema_relation mem_schema_diff(const struct mem_schema *live, const struct mem_schema *wanted,
					 char *text, size_t size);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_SCHEMA_H */
