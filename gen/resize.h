/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions of a skeleton that make sections of variables longer. */
#ifndef MEMGEN_RESIZE_H
#define MEMGEN_RESIZE_H

#include "skeleton.h"

void resize_emit(struct writer *w, const struct skeleton *skeleton);

#endif /* MEMGEN_RESIZE_H */
