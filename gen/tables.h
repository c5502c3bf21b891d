/* SPDX-License-Identifier: BSD-2-Clause */
/* The image as C tables: positional initialisers, which C++17 accepts as well. */
#ifndef MEMGEN_TABLES_H
#define MEMGEN_TABLES_H

#include "image.h"
#include "writer.h"

/* "static const" tables for the scope of a function, the last one `struct mem_image image`. */
void tables_emit(struct writer *w, const struct image_view *view);

/* What BPF_MAP_TYPE_* and BPF_PROG_TYPE_* are called, without that; "?" if not known. */
const char *tables_map_type(uint32_t type);
const char *tables_prog_type(uint32_t type);

#endif /* MEMGEN_TABLES_H */
