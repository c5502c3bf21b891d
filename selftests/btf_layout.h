/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An independent judge of generated headers: compare how two sets of BTF lay out a type.
 *
 * Each type becomes a list of leaves (scalars and pointers at bit offsets), whatever structs are
 * around them. Padding that memgen declares is left out.
 */
#ifndef SELFTESTS_BTF_LAYOUT_H
#define SELFTESTS_BTF_LAYOUT_H

#include <bpf/btf.h>
#include <stddef.h>
#include <stdint.h>

/* One scalar, or an array of them. */
struct leaf {
	uint64_t offset; /* bits */
	uint64_t bits;   /* of one */
	uint64_t count;  /* elements, 1 if it is no array */
	char kind;       /* 'i' signed, 'u' unsigned, 'b' bool, 'e' enum, 'f' float, 'p' pointer,
			    '[' so many structs, '?' bytes in place of what C can't lay out */
	char name[64];
};

struct layout {
	struct leaf *leaves;
	size_t count;
	size_t capacity;
};

/* Append the leaves of a type, or of a section's variables. */
void layout_add(struct layout *layout, const struct btf *btf, uint32_t id, uint64_t offset);
void layout_free(struct layout *layout);

/*
 * 0 if the generated header's layout is the BPF object's; else -1 with the first difference in
 * message. 1 if it is only given as bytes.
 */
int layout_compare(const struct layout *bpf, const struct layout *header, char *message,
		   size_t size);

#endif /* SELFTESTS_BTF_LAYOUT_H */
