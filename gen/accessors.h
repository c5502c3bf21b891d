/* SPDX-License-Identifier: BSD-2-Clause */
/* Functions for single variables, and copies of structs with a sequence counter: --accessors. */
#ifndef MEMGEN_ACCESSORS_H
#define MEMGEN_ACCESSORS_H

#include "skeleton.h"

/* What such headers include. */
void accessors_emit_include(struct writer *w, const struct skeleton *skeleton);
void accessors_emit(struct writer *w, const struct skeleton *skeleton);

#endif /* MEMGEN_ACCESSORS_H */
