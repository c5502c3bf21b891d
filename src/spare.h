/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of small objects: the rest of the page that the library's variables are in, which the process has anyway.
 * The first malloc() of a process costs as much as making a map: three system calls and the first page of a heap.
 */
#ifndef LIBMEM_SPARE_H
#define LIBMEM_SPARE_H

#include <stddef.h>

/* As calloc(), which it calls when there is no room. */
void *spare_calloc(size_t count, size_t size);

/* NULL and memory of the heap, too. */
void spare_free(void *memory);

#endif /* LIBMEM_SPARE_H */
