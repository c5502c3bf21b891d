/* SPDX-License-Identifier: BSD-2-Clause */
/* Types of a program that is loaded already. */
#ifndef LIBMEM_PROG_BTF_H
#define LIBMEM_PROG_BTF_H

#include <stdint.h>

/* The BTF id of a function of the program behind a descriptor. 0, or -errno with a message. */
int prog_btf_find(int prog_fd, const char *function, uint32_t *id, const char *object);

#endif /* LIBMEM_PROG_BTF_H */
