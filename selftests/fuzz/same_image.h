/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_SAME_IMAGE_H
#define FUZZ_SAME_IMAGE_H

#include <mem/image.h>

/* Whether two images say the same, pointers followed. */
int same_image(const struct mem_image *a, const struct mem_image *b);

#endif /* FUZZ_SAME_IMAGE_H */
