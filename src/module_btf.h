/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of kernel modules. Each module has BTF of its own, which continues the kernel's. */
#ifndef LIBMEM_MODULE_BTF_H
#define LIBMEM_MODULE_BTF_H

#include "kernel_btf.h"
#include "parts.h"

/* Descriptors of the modules' BTF that programs of an object refer to. */
struct module_fds {
	int *fds;       /* [0] stands for the kernel itself and is 0 */
	uint32_t count; /* with [0]; 0 while there are none */
};

/*
 * Look for the wants that are still without an id in all modules. base is the kernel's BTF with
 * base_count types. 0, or -errno with a message.
 */
int module_btf_find(struct kernel_btf_want *wants, uint32_t count, const struct btf_view *base,
		    uint32_t base_count, struct module_fds *modules, const char *object);

void module_fds_close(struct module_fds *modules) PART;

#endif /* LIBMEM_MODULE_BTF_H */
