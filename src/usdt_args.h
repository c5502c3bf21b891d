/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the arguments of a USDT probe are, as libbpf's bpf/usdt.bpf.h reads it in programs. */
#ifndef LIBMEM_USDT_ARGS_H
#define LIBMEM_USDT_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#define USDT_ARGS_MAX 12

/* struct __bpf_usdt_arg_spec of usdt.bpf.h; its layout is an interface. */
struct usdt_arg {
	uint64_t value __attribute__((aligned(8))); /* the constant, or the offset that is added to the register */
	uint8_t type;        /* USDT_ARG_* */
	uint8_t index[2];    /* index register and scale: newer programs, 0 */
	uint8_t reserved;
	int16_t reg_offset;  /* bytes into struct pt_regs */
	uint8_t is_signed;
	int8_t shift;        /* bits above the value */
};

enum usdt_arg_type {
	USDT_ARG_CONST = 0,
	USDT_ARG_REG = 1,
	USDT_ARG_DEREF = 2, /* in memory, at the register plus value */
};

/* struct __bpf_usdt_spec, and in the bytes that pad it whether it is one */
struct usdt_spec {
	struct usdt_arg args[USDT_ARGS_MAX];
	uint64_t cookie __attribute__((aligned(8)));
	int16_t arg_count;
	uint16_t in_use; /* 0: nobody has this number yet; a probe without arguments is zero otherwise */
	uint32_t reserved;
};

/*
 * Read the assembler's words for the arguments, "-4@%edi 8@-16(%rbp)". 0, or -errno: E2BIG too many,
 * EINVAL not understood, ENOTSUP not on this architecture.
 */
int usdt_args_parse(const char *text, struct usdt_spec *spec);

#endif /* LIBMEM_USDT_ARGS_H */
