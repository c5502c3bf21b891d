/* SPDX-License-Identifier: BSD-2-Clause */
/* What the reader knows of an object's types and the kernel is not told. */
#ifndef LIBMEM_READER_WHOLE_BTF_H
#define LIBMEM_READER_WHOLE_BTF_H

#include <stdint.h>

struct mem_image;

/*
 * The BTF of an image that mem_image_read() has made, with the variables that take no byte: the image's own lacks
 * them (btf_empty.c). Types have the same numbers in both. It lives as long as the image.
 */
const void *image_whole_btf(const struct mem_image *image, uint32_t *size);

#endif /* LIBMEM_READER_WHOLE_BTF_H */
