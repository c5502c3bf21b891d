/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sheet: rows under named columns, printed as aligned text for people or as JSON for programs.
 * What it says comes from object files, so neither form lets through what a terminal or a parser
 * would take for something else.
 */
#ifndef MEMGEN_SHEET_H
#define MEMGEN_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "reader/pool.h"
#include "writer.h"

enum cell_kind {
	CELL_TEXT = 0, /* NULL: nothing, "-" or null */
	CELL_NUMBER = 1,
	CELL_FLAG = 2 /* "yes" and "-", true and false */
};

struct cell {
	enum cell_kind kind;
	const char *text;
	uint64_t number;
};

struct sheet {
	const char *name;           /* heading, and key in JSON */
	const char *const *columns; /* ends with NULL; keys in JSON */
	struct pool *pool;
	struct rows rows;           /* of as many cells as there are columns */
	bool failed;                /* no memory for a row */
};

/* Append a row: a cell for each column, from the left. */
void sheet_add(struct sheet *sheet, const struct cell *cells);

#define SHEET_ADD(sheet, ...) sheet_add(sheet, (const struct cell[]){__VA_ARGS__})
#define TEXT(value)	      {CELL_TEXT, value, 0}
#define NUMBER(value)	      {CELL_NUMBER, NULL, value}
#define FLAG(value)	      {CELL_FLAG, NULL, (value) != 0}

/* A heading and the rows; nothing if there are none. */
void sheet_print(struct writer *w, const struct sheet *sheet);

/* "name": [ {...}, ... ] without what follows it. */
void sheet_print_json(struct writer *w, const struct sheet *sheet);

/* Text that is safe on a terminal; without a writer only its width, in characters. */
uint32_t sheet_visible(struct writer *w, const char *text);

/* A JSON string or null. Bytes that are not ASCII become \u00XX each, whatever they stand for. */
void sheet_json_string(struct writer *w, const char *text);

#endif /* MEMGEN_SHEET_H */
