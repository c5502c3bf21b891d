/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at BTF that may be anybody's: every access is checked. */
#ifndef LIBMEM_BTF_WALK_H
#define LIBMEM_BTF_WALK_H

#include <linux/btf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct btf_walk {
	const char *strings;   /* strings[strings_size - 1] is NUL */
	uint32_t strings_size; /* bytes */
	uint32_t count;        /* ids, 0 (void) included */
	const struct btf_type **types; /* by id; [0] is NULL */
};

/* data must outlive the walk. 0, -EINVAL a part is inconsistent or of an unknown kind, -ENOMEM. */
int btf_walk_init(struct btf_walk *walk, const void *data, size_t size);
void btf_walk_free(struct btf_walk *walk);

/* NULL for void and for an id that does not exist. */
const struct btf_type *btf_walk_type(const struct btf_walk *walk, uint32_t id);
/* "" for an offset that is not there. */
const char *btf_walk_name(const struct btf_walk *walk, uint32_t offset);
/* Behind typedefs, qualifiers and tags; 0 for void and for a chain without an end. */
uint32_t btf_walk_strip(const struct btf_walk *walk, uint32_t id);
/* Bytes; 0 if it has none or too many. */
uint64_t btf_walk_size(const struct btf_walk *walk, uint32_t id);


/*
 * What comes behind prefix in the next tag of a type, or of its member (component, -1: of itself), after
 * the one with id *at; NULL after the last. id 0: of any. Looks at every type.
 */
const char *btf_walk_tag(const struct btf_walk *walk, uint32_t id, int32_t component, const char *prefix,
			 uint32_t *at);

#define BTF_WAS "mem:was=" /* MEM_WAS() of mem/bpf.h */

#endif /* LIBMEM_BTF_WALK_H */
