/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_FUZZ_IMAGE_H
#define FUZZ_FUZZ_IMAGE_H

#include <stdint.h>

/* What an edit does with its table; any other number: write a field. */
enum fuzz_edit_kind {
	FUZZ_EDIT_COUNT = 1,    /* fewer rows */
	FUZZ_EDIT_ROW_SIZE = 2, /* longer or shorter rows */
	FUZZ_EDIT_TABLE = 3     /* the row size of an empty table */
};

/* One edit, as it is in an input. */
struct fuzz_edit {
	uint8_t table;  /* modulo the number of tables; one more is the image itself */
	uint8_t kind;   /* FUZZ_EDIT_* */
	uint16_t row;   /* modulo what there is */
	uint32_t offset; /* of a 4-byte field, likewise */
	uint32_t value;
};

#endif /* FUZZ_FUZZ_IMAGE_H */
