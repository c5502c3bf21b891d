/* SPDX-License-Identifier: BSD-2-Clause */
/* Structs that every thread has one of, in a skeleton: types, accessors, and rows of the image. */
#ifndef MEMGEN_TASK_H
#define MEMGEN_TASK_H

#include "skeleton.h"

/* The types have to be defined. */
int task_reach(struct types *types, const struct image_view *view);

/* What such headers include besides. */
void task_emit_include(struct writer *w, const struct image_view *view);

/* The image's tables, and their rows in the image itself. Nothing at all for objects without. */
void task_emit_tables(struct writer *w, const struct image_view *view);
void task_emit_table_rows(struct writer *w, const struct image_view *view);

/* A statement that links the runtime's part in. */
void task_emit_use(struct writer *w, const struct image_view *view);

/* The accessors. */
void task_emit(struct writer *w, const struct skeleton *skeleton);

#endif /* MEMGEN_TASK_H */
