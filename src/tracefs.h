/* SPDX-License-Identifier: BSD-2-Clause */
/* The files of tracefs, whether it is mounted or not. */
#ifndef LIBMEM_TRACEFS_H
#define LIBMEM_TRACEFS_H

#include <stdio.h>

#define TRACEFS_USUAL "/sys/kernel/tracing"

/* fd of its root, or -errno. */
int tracefs_open(void);

/* A file in it, to be read; NULL with errno. */
FILE *tracefs_fopen(const char *path);

#endif /* LIBMEM_TRACEFS_H */
