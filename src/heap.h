/* SPDX-License-Identifier: BSD-2-Clause */
/* Heaps, between the files that make up the application's side of mem/alloc.h. */
#ifndef LIBMEM_HEAP_H
#define LIBMEM_HEAP_H

#include <stddef.h>

#include <mem/alloc.h>

/* heap.c */
/* Check a heap's layout and describe it for a thread without a cache: 0 or -EINVAL with a message. */
int heap_describe(struct mem_heap *heap, struct mem_heap_view *view);

/* heap_recover.c */
/* Put all of the cache of view->self into the depots. The caller owns it. */
void heap_cache_empty(const struct mem_heap_view *view);

#endif /* LIBMEM_HEAP_H */
