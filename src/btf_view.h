/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking things up in a BTF blob in memory: the kernel's own, or an image's. It checks what it reads
 * and keeps no copy; making C of types is the generator's business, with libbpf.
 */
#ifndef LIBMEM_BTF_VIEW_H
#define LIBMEM_BTF_VIEW_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf_view {
	const char *types, *types_end;
	const char *strings, *strings_end;
	uint32_t *offsets; /* by type id: bytes from types; NULL until btf_view_index() */
	uint32_t count;    /* types, and 1 for void; 0 until btf_view_index() */
};

/* Find types and strings. False if the header is not that of BTF, or lies. */
bool btf_view_init(struct btf_view *view, const char *data, size_t size);

/* Bytes of a type's record; 0 for a kind that is not known here. */
size_t btf_record_size(const struct btf_type *type);

/* The same by kind: for itself, and for each of its parts. */
struct btf_size {
	uint32_t self, part;
};

#define BTF_SIZE_UNKNOWN (1U << 31) /* more than all types have */

extern const struct btf_size btf_sizes[32];

/* Number the types, so that they can be had by id. 0, -ENOMEM, or -EINVAL unknown or cut off. */
int btf_view_index(struct btf_view *view);

void btf_view_free(struct btf_view *view);

/* A type by id, NULL for void and for ids that do not exist. */
const struct btf_type *btf_view_type(const struct btf_view *view, uint32_t id);

/* The same without typedefs and qualifiers. */
const struct btf_type *btf_view_skip(const struct btf_view *view, uint32_t id);

/* A string, "" if the offset lies outside. */
const char *btf_view_string(const struct btf_view *view, uint32_t offset);

/* Id of the type of this kind and name, 0 if there is none. Looks at every type. */
uint32_t btf_view_find(const struct btf_view *view, const char *name, uint32_t kind);

/* Bytes of a value of a type, 0 if it has none. */
uint64_t btf_view_size(const struct btf_view *view, uint32_t id);

static inline uint32_t btf_kind_of(const struct btf_type *type)
{
	return BTF_INFO_KIND(type->info);
}

/* Members of a struct, entries of a section ... 16 bits, 24 from Linux 7.2 on. */
static inline uint32_t btf_length_of(const struct btf_type *type)
{
	return type->info & 0xffffff;
}

/* The records behind a type: struct btf_member, struct btf_array ... */
static inline const void *btf_records(const struct btf_type *type)
{
	return type + 1;
}

#endif /* LIBMEM_BTF_VIEW_H */
