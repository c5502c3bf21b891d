/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Generated headers before a judge: what gcc and pahole make of a header against the BTF of the object
 * it was made from. memgen has no part in either.
 */
#ifndef SELFTESTS_JUDGE_H
#define SELFTESTS_JUDGE_H

#include <bpf/btf.h>
#include <mem/image.h>
#include <stddef.h>

struct judge {
	const struct mem_image *image; /* of the object */
	struct btf *bpf;               /* its types */
	struct btf *header;            /* those of the header, by pahole --btf_encode_detached */
	const char *name;              /* of the skeleton */
	int bytes;                     /* the header may have bytes for what C can't lay out */
	int narrow;                    /* made with --pointers=32 */
	int sections, types;           /* how many were compared */
};

/*
 * Compare the structs of sections, and every struct and union that both sides define by name. 0, or -1 with
 * the first difference in message.
 */
int judge_all(struct judge *judge, char *message, size_t size);

#endif /* SELFTESTS_JUDGE_H */
