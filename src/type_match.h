/* SPDX-License-Identifier: BSD-2-Clause */
/* bpf_core_type_matches(), where the kernel gives up: it follows structs in structs two levels deep. */
#ifndef LIBMEM_TYPE_MATCH_H
#define LIBMEM_TYPE_MATCH_H

#include "insns.h"
#include "parts.h"

/*
 * Answer the program's questions whether a type of the kernel matches, and take their records out. Those about
 * types that only modules have are left to the kernel. The number of answers, or -errno with a message.
 */
int type_match_answer(const struct mem_prog *prog, struct insns *insns) PART;

#endif /* LIBMEM_TYPE_MATCH_H */
