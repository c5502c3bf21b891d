/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user namespace may do by a token of a BPF file system. */
#ifndef LIBMEM_TOKEN_H
#define LIBMEM_TOKEN_H

#include <stddef.h>

#define TOKEN_USUAL_PATH "/sys/fs/bpf"

/* The BPF file system that tokens are made from. */
const char *token_place(void);

/* A token, for the caller to close; -errno: -EOPNOTSUPP in the initial namespace, -EINVAL before Linux 6.9. */
int token_open(void);

/*
 * A command that was refused once more, with a token. Its result; what the refusal was, a -errno, if it takes
 * none or there is none.
 */
int token_call(int cmd, const void *attr, size_t size, int refusal);

#endif /* LIBMEM_TOKEN_H */
