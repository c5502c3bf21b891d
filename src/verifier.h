/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a program was refused, in words that point into its source. */
#ifndef LIBMEM_VERIFIER_H
#define LIBMEM_VERIFIER_H

#include "insns.h"

/*
 * Make the message for a program that the kernel refused with err (positive), asking it again with
 * a log when that can tell more. Returns the -errno to hand on.
 */
int verifier_explain(const struct mem_prog *prog, const struct insns *insns, union bpf_attr *attr,
		     int err);

#endif /* LIBMEM_VERIFIER_H */
