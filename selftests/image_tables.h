/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests look up in the tables of images. */
#ifndef SELFTESTS_IMAGE_TABLES_H
#define SELFTESTS_IMAGE_TABLES_H

#include <mem/image.h>
#include <stdint.h>

/* The row of a name, in a table whose rows begin with it; fails the test if there is none. */
uint32_t row_of(const struct mem_table *table, const char *name);

/* Byte for byte. name: of the table, for messages. */
void assert_same_table(const char *name, const struct mem_table *a, const struct mem_table *b);

#endif /* SELFTESTS_IMAGE_TABLES_H */
