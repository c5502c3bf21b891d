/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids in the running kernel's BTF, by name: one scan of /sys/kernel/btf/vmlinux for all the names
 * that an object wants. Nothing is parsed or kept; an object that needs no id never opens the file.
 */
#ifndef LIBMEM_KERNEL_BTF_H
#define LIBMEM_KERNEL_BTF_H

#include <stdint.h>

/* A type that is looked for, and where its id goes. */
struct kernel_btf_want {
	const char *name;   /* without its prefix */
	const char *prefix; /* put before name: "btf_trace_", or "" */
	uint32_t kind;      /* BTF_KIND_* */
	uint32_t *id;       /* receives the id; left alone if the kernel has no such type */
	uint32_t name_off;  /* kernel_btf.c's: where the name is among the strings, 0 if nowhere */
};

/*
 * Fill in the ids. Types that are not found are no error: who wanted them knows what that means.
 * 0, or -errno with a message (object says for whom) when the kernel's BTF can't be read.
 */
int kernel_btf_find(struct kernel_btf_want *wants, uint32_t count, const char *object);

#endif /* LIBMEM_KERNEL_BTF_H */
