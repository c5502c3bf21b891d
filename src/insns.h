/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's instructions as the kernel gets them: its functions one after the other on a private
 * copy, every relocation applied, with the records that describe them.
 */
#ifndef LIBMEM_INSNS_H
#define LIBMEM_INSNS_H

#include "object.h"
#include "sys.h"

/*
 * Calls that no kernel knows, in place of what is absent but must not be reached: the row that is
 * meant is added. POISON_CORE is what the kernel itself puts where a CO-RE record has no target.
 */
enum { POISON_EXTERN = 0x6e000000, POISON_MAP = 0x6d000000, POISON_CORE = 0xbad2310 };

struct insns {
	struct bpf_insn *code;
	struct bpf_func_info *funcs; /* one per function; NULL if one of them has no type */
	struct bpf_line_info *lines; /* NULL if one of the functions has none */
	struct bpf_core_relo *cores;
	uint32_t *starts;            /* first instruction of each function */
	uint32_t count;              /* instructions */
	uint32_t func_count;
	uint32_t line_count;
	uint32_t core_count;
};

/* Assemble prog. 0, or -errno with a message; out is then empty. */
int insns_build(const struct mem_prog *prog, struct insns *out);

void insns_free(struct insns *insns);

#endif /* LIBMEM_INSNS_H */
