/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The running kernel's BTF, and ids in it by name: one look at /sys/kernel/btf/vmlinux for all the
 * names that an object wants. Nothing is kept; an object that needs no id never opens the file.
 */
#ifndef LIBMEM_KERNEL_BTF_H
#define LIBMEM_KERNEL_BTF_H

#include <stdbool.h>
#include <stdint.h>

#include "btf_view.h"

/* The whole of the kernel's BTF in memory. */
struct kernel_btf {
	const char *data;
	size_t size; /* bytes */
	bool mapped; /* else read into the heap */
	struct btf_view view;
};

/* 0, or -errno with a message (object says for whom); closed by the caller. */
int kernel_btf_open(struct kernel_btf *btf, const char *object);

void kernel_btf_close(struct kernel_btf *btf);

/* A type that is looked for, and where its id goes. */
struct kernel_btf_want {
	const char *name;   /* without its prefix; "MODULE:name" looks in that module only */
	const char *prefix; /* put before name: "btf_trace_", or "" */
	uint32_t kind;      /* BTF_KIND_* */
	uint32_t *id;       /* receives the id; left alone if the kernel has no such type */
	uint32_t *module;   /* receives the index of its module in the object's list, 0: the kernel */
	uint32_t name_off;  /* 0 at first; then where the name is among the kernel's strings, if it is met */
};

struct module_fds;

/*
 * Fill in the ids, of the kernel or else of its modules, whose BTF is then kept open in modules
 * (NULL: the kernel's only).
 * Types that are not found are no error: who wanted them knows what that means. 0, or -errno with a
 * message (object says for whom) when the kernel's BTF can't be read.
 */
int kernel_btf_find(struct kernel_btf_want *wants, uint32_t count, struct module_fds *modules,
		    const char *object);

#endif /* LIBMEM_KERNEL_BTF_H */
