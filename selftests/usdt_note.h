/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * USDT probes, written out as its assembler would: sys/sdt.h is not everywhere. For use inside a
 * function that is not inlined:
 *
 *     asm volatile(USDT_NOTE("name", "8@%%rdi") : : "D"(value));
 */
#ifndef SELFTESTS_USDT_NOTE_H
#define SELFTESTS_USDT_NOTE_H

/* One place of a probe of the provider "libmem": the instruction, and a note about it. */
#define USDT_NOTE(name, arguments)                                                                 \
	"990: nop\n"                                                                               \
	".pushsection .note.stapsdt,\"?\",\"note\"\n"                                              \
	".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                                              \
	"991: .asciz \"stapsdt\"\n992: .balign 4\n"                                                \
	"993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte 0\n"                                      \
	".asciz \"libmem\"\n.asciz \"" name "\"\n.asciz \"" arguments "\"\n994: .balign 4\n"       \
	".popsection\n"

asm(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
    ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n_.stapsdt.base: .space 1\n.size _.stapsdt.base,1\n"
    ".popsection\n");

#endif /* SELFTESTS_USDT_NOTE_H */
