/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/ptrace.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "usdt_args.h"

_Static_assert(sizeof(struct usdt_arg) == 16, "as usdt.bpf.h has it");
_Static_assert(offsetof(struct usdt_arg, reg_offset) == 12, "as usdt.bpf.h has it");
_Static_assert(sizeof(struct usdt_spec) == 208, "as usdt.bpf.h has it");

#if defined(__x86_64__)
#define PREFIX '%'
#define CONSTANT '$'

/* The names of its 64, 32, 16 and 8 low bits. */
static const struct {
	const char *names[4];
	int16_t offset;
} registers[] = {
	{ { "rax", "eax", "ax", "al" }, offsetof(struct pt_regs, rax) },
	{ { "rbx", "ebx", "bx", "bl" }, offsetof(struct pt_regs, rbx) },
	{ { "rcx", "ecx", "cx", "cl" }, offsetof(struct pt_regs, rcx) },
	{ { "rdx", "edx", "dx", "dl" }, offsetof(struct pt_regs, rdx) },
	{ { "rsi", "esi", "si", "sil" }, offsetof(struct pt_regs, rsi) },
	{ { "rdi", "edi", "di", "dil" }, offsetof(struct pt_regs, rdi) },
	{ { "rbp", "ebp", "bp", "bpl" }, offsetof(struct pt_regs, rbp) },
	{ { "rsp", "esp", "sp", "spl" }, offsetof(struct pt_regs, rsp) },
	{ { "r8", "r8d", "r8w", "r8b" }, offsetof(struct pt_regs, r8) },
	{ { "r9", "r9d", "r9w", "r9b" }, offsetof(struct pt_regs, r9) },
	{ { "r10", "r10d", "r10w", "r10b" }, offsetof(struct pt_regs, r10) },
	{ { "r11", "r11d", "r11w", "r11b" }, offsetof(struct pt_regs, r11) },
	{ { "r12", "r12d", "r12w", "r12b" }, offsetof(struct pt_regs, r12) },
	{ { "r13", "r13d", "r13w", "r13b" }, offsetof(struct pt_regs, r13) },
	{ { "r14", "r14d", "r14w", "r14b" }, offsetof(struct pt_regs, r14) },
	{ { "r15", "r15d", "r15w", "r15b" }, offsetof(struct pt_regs, r15) },
	{ { "rip", "eip", "ip", "" }, offsetof(struct pt_regs, rip) },
};

/* A register by any of its names; offset in struct pt_regs, or -1. */
static int register_offset(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(registers) / sizeof(registers[0]); i++)
		for (int n = 0; n < 4; n++)
			if (strlen(registers[i].names[n]) == len &&
			    !strncmp(registers[i].names[n], name, len))
				return registers[i].offset;
	return -1;
}

/* "%rdi", "$-9", "-16(%rbp)", "(%rax)" */
static int parse_place(const char *text, size_t len, struct usdt_arg *arg)
{
	const char *open = memchr(text, '(', len);
	char *end = (char *)text;
	int offset;

	if (len && text[0] == CONSTANT) {
		arg->type = USDT_ARG_CONST;
		arg->value = (uint64_t)strtoll(text + 1, &end, 0);
		return end == text + len && len > 1 ? 0 : -EINVAL;
	}
	if (len && text[0] == PREFIX) {
		offset = register_offset(text + 1, len - 1);
		arg->type = USDT_ARG_REG;
	} else if (open && text[len - 1] == ')' && open[1] == PREFIX) {
		arg->type = USDT_ARG_DEREF;
		if (open > text)
			arg->value = (uint64_t)strtoll(text, &end, 0);
		if (end != open)
			return -EINVAL;
		offset = register_offset(open + 2, (size_t)(text + len - 1 - (open + 2)));
	} else {
		return -EINVAL;
	}
	arg->reg_offset = (int16_t)offset;
	return offset < 0 ? -EINVAL : 0;
}

#elif defined(__aarch64__)

/* "x12", "sp" */
static int register_offset(const char *name, size_t len)
{
	char *end;
	long number;

	if (len == 2 && !strncmp(name, "sp", 2))
		return offsetof(struct user_pt_regs, sp);
	if (len < 2 || (name[0] != 'x' && name[0] != 'w'))
		return -1;
	number = strtol(name + 1, &end, 10);
	return end == name + len && number >= 0 && number < 31
		       ? (int)(offsetof(struct user_pt_regs, regs) + 8 * (size_t)number)
		       : -1;
}

/* "x0", "5", "[sp, 60]", "[x19]" */
static int parse_place(const char *text, size_t len, struct usdt_arg *arg)
{
	const char *comma = memchr(text, ',', len);
	size_t name = comma ? (size_t)(comma - text - 1) : len - 2;
	char *end;
	int offset;

	if (!len)
		return -EINVAL;
	if (text[0] == '[' && text[len - 1] == ']') {
		arg->type = USDT_ARG_DEREF;
		if (comma) {
			arg->value = (uint64_t)strtoll(comma + 1, &end, 0);
			if (end == comma + 1 || end != text + len - 1)
				return -EINVAL;
		}
		offset = register_offset(text + 1, name);
	} else if (text[0] == 'x' || text[0] == 'w' || text[0] == 's') {
		arg->type = USDT_ARG_REG;
		offset = register_offset(text, len);
	} else {
		arg->type = USDT_ARG_CONST;
		arg->value = (uint64_t)strtoll(text, &end, 0);
		return end == text + len ? 0 : -EINVAL;
	}
	arg->reg_offset = (int16_t)offset;
	return offset < 0 ? -EINVAL : 0;
}

#else

static int parse_place(const char *text, size_t len, struct usdt_arg *arg)
{
	(void)text, (void)len, (void)arg;
	return -ENOTSUP;
}

#endif

/* Characters of one argument; brackets may hold blanks. */
static size_t arg_length(const char *text)
{
	size_t len = 0;
	bool inside = false;

	for (; text[len] && (inside || text[len] != ' '); len++)
		inside = text[len] == '[' || (inside && text[len] != ']');
	return len;
}

/* "-4@place": four bytes, signed. */
static int parse_arg(const char *text, size_t len, struct usdt_arg *arg)
{
	char *end;
	long size = strtol(text, &end, 10), bytes = size < 0 ? -size : size;

	if (*end != '@' || (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8))
		return -EINVAL;
	arg->is_signed = size < 0;
	arg->shift = (int8_t)(64 - 8 * bytes);
	end++;
	return parse_place(end, len - (size_t)(end - text), arg);
}

int usdt_args_parse(const char *text, struct usdt_spec *spec)
{
	int err = 0;

	spec->arg_count = 0;
	while (!err) {
		size_t len;

		text += strspn(text, " ");
		if (!*text)
			return 0;
		if (spec->arg_count == USDT_ARGS_MAX)
			return -E2BIG;
		len = arg_length(text);
		err = parse_arg(text, len, &spec->args[spec->arg_count++]);
		text += len;
	}
	return err;
}
