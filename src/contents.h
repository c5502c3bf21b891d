/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at and copying private memory without touching pages that do not exist. */
#ifndef LIBMEM_CONTENTS_H
#define LIBMEM_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>

/* from: page aligned; size: bytes of whole pages */
bool contents_any(const char *from, size_t size);
void contents_copy(char *to, const char *from, size_t size);

#endif /* LIBMEM_CONTENTS_H */
