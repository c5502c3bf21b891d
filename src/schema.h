/* SPDX-License-Identifier: BSD-2-Clause */
/* Schemas, and where they come from. */
#ifndef LIBMEM_SCHEMA_H
#define LIBMEM_SCHEMA_H

#include <linux/bpf.h>
#include <mem/schema.h>

#include "btf_walk.h"
#include "object.h"
#include "parts.h"

/* schema_build.c: of the type with an id in BTF. NULL with errno; a message if who says whose it is. */
struct mem_schema *schema_build(const void *btf, size_t size, uint32_t type, const char *who);

/* schema_build.c: what a type is called in a schema. */
void schema_type_name(const struct btf_walk *walk, uint32_t id, char *text, size_t size);

/* schema.c: all of a BTF object of the kernel, to be freed. NULL with errno, and no message. */
void *schema_read_btf(uint32_t id, uint32_t *size);

/*
 * schema.c: as the kernel has it. obj: NULL, or whose descriptors help. NULL with errno, and a message if who says
 * whose it is.
 */
struct mem_schema *schema_of_info(const struct bpf_map_info *info, const struct mem_object *obj, const char *who);

/* schema.c: of a region's image. NULL with errno ENODATA without a message: it has no types; or a message. */
struct mem_schema *schema_of_region(const struct mem_region *region);

/* schema.c: whether a descriptor, which may be of anything or -1, is of the BTF with a number. */
bool schema_is_btf(int fd, uint32_t id);

/*
 * schema_publish.c: beside a pin, for those who may not read the kernel's types. Without a message:
 * NULL with errno EPERM if there is none, or it is not of the map with this number.
 */
struct mem_schema *schema_published(const char *pin, uint32_t map_id);

/* schema_hash.c: of a region's row; ENODATA: it has no types. Messages if who says whose it is. */
struct mem_schema *schema_of_row(const struct image_view *view, const struct mem_region_image *row, const char *who);

/*
 * schema_hash.c: *hash is 0 for a region without types, or with too many. 0, or -ENOMEM with a message. No PART, which
 * who calls it for certain would not have in a static program: arena_record.c does without.
 */
int schema_region_hash(const struct mem_region *region, uint64_t *hash) __attribute__((visibility("hidden")));

/* schema_hash.c: the same of a row, without a message; what a row says of itself is taken. */
int schema_row_hash(const struct image_view *view, const struct mem_region_image *row, uint64_t *hash);

/* schema_hash.c: for who has images that no memgen has seen. Does nothing. */
void schema_use(void);

/*
 * schema.c: how what the kernel knows of a map's types relates to what a region's image says, with the
 * differences as text. Equal and "" also if either is unknown or may not be read. No message.
 */
enum mem_schema_relation schema_relate(const struct mem_region *region, const struct bpf_map_info *info,
				       char *text, size_t size);

struct mem_schema {
	struct mem_schema_field *fields;
	uint32_t count;
	uint32_t capacity;
};

#endif /* LIBMEM_SCHEMA_H */
