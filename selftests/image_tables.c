/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "harness.h"
#include "image_tables.h"

uint32_t row_of(const struct mem_table *table, const char *name)
{
	for (uint32_t i = 0; i < table->count; i++) {
		const char *const *row = (const void *)((const char *)table->rows + i * table->row_size);

		if (!strcmp(*row, name))
			return i;
	}
	ck_abort_msg("there is no %s", name);
}

void assert_same_table(const char *name, const struct mem_table *a, const struct mem_table *b)
{
	ck_assert_msg(a->count == b->count && a->row_size == b->row_size, "%s differs", name);
	ck_assert_msg(!memcmp(a->rows, b->rows, (size_t)a->count * a->row_size), "%s differs", name);
}
