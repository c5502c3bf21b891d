/* SPDX-License-Identifier: BSD-2-Clause */
/* Global functions with an argument that is tagged as the program's context (__arg_ctx), before Linux 6.8. */
#ifndef LIBMEM_CONTEXT_ARGUMENTS_H
#define LIBMEM_CONTEXT_ARGUMENTS_H

#include "object.h"
#include "parts.h"

/*
 * BTF for a program alone, in which tagged arguments point to what the kernel calls the context of such programs.
 * Its descriptor, to be closed; 0 if there is nothing to say; -errno with a message.
 */
int context_arguments_load(const struct mem_prog *prog) PART;

#endif /* LIBMEM_CONTEXT_ARGUMENTS_H */
