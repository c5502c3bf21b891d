/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sheet.h"

/* Decimal digits of any uint64_t, and a NUL. */
#define NUMBER_SIZE 24

static uint32_t count_columns(const struct sheet *sheet)
{
	uint32_t n = 0;

	while (sheet->columns[n])
		n++;
	return n;
}

static const struct cell *row_at(const struct sheet *sheet, uint32_t row)
{
	return (const struct cell *)sheet->rows.data + (size_t)row * count_columns(sheet);
}

void sheet_add(struct sheet *sheet, const struct cell *cells)
{
	size_t size = count_columns(sheet) * sizeof(*cells);
	struct cell *row = rows_add(sheet->pool, &sheet->rows, 1, size);

	if (row)
		memcpy(row, cells, size);
	else
		sheet->failed = true;
}

uint32_t sheet_visible(struct writer *w, const char *text)
{
	uint32_t width = 0;

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = *c >= ' ' && *c < 0x7f;

		width += plain ? 1 : 4;
		if (w && plain)
			writer_bytes(w, (const char *)c, 1);
		else if (w)
			writer_part(w, "\\x%02x", *c);
	}
	return width;
}

void sheet_json_string(struct writer *w, const char *text)
{
	if (!text) {
		writer_part(w, "null");
		return;
	}
	writer_part(w, "\"");
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			writer_part(w, "\\%c", *c);
		else if (*c < ' ' || *c >= 0x7f)
			writer_part(w, "\\u%04x", *c);
		else
			writer_bytes(w, (const char *)c, 1);
	}
	writer_part(w, "\"");
}

static const char *cell_text(const struct cell *cell, char number[NUMBER_SIZE])
{
	if (cell->kind == CELL_FLAG)
		return cell->number ? "yes" : "-";
	if (cell->kind == CELL_TEXT)
		return cell->text ? cell->text : "-";
	snprintf(number, NUMBER_SIZE, "%" PRIu64, cell->number);
	return number;
}

static uint32_t column_width(const struct sheet *sheet, uint32_t column)
{
	uint32_t width = sheet_visible(NULL, sheet->columns[column]);

	for (uint32_t i = 0; i < sheet->rows.count; i++) {
		char number[NUMBER_SIZE];
		uint32_t cell = sheet_visible(NULL, cell_text(&row_at(sheet, i)[column], number));

		if (cell > width)
			width = cell;
	}
	return width;
}

/* Numbers to the right, as in any table; nothing behind the last column. */
static void print_cell(struct writer *w, const char *text, uint32_t width, bool right, bool last)
{
	int gap = (int)(width - sheet_visible(NULL, text));

	writer_part(w, "  %*s", right ? gap : 0, "");
	sheet_visible(w, text);
	if (!right && !last)
		writer_part(w, "%*s", gap, "");
}

void sheet_print(struct writer *w, const struct sheet *sheet)
{
	uint32_t columns = count_columns(sheet), *widths;

	if (!sheet->rows.count)
		return;
	widths = pool_alloc(sheet->pool, columns, sizeof(*widths));
	if (!widths) {
		w->error = w->error ? w->error : -ENOMEM;
		return;
	}
	writer_blank(w);
	writer_line(w, "%s", sheet->name);
	for (uint32_t c = 0; c < columns; c++) {
		widths[c] = column_width(sheet, c);
		print_cell(w, sheet->columns[c], widths[c],
			   row_at(sheet, 0)[c].kind == CELL_NUMBER, c + 1 == columns);
	}
	writer_end(w);
	for (uint32_t i = 0; i < sheet->rows.count; i++) {
		const struct cell *cells = row_at(sheet, i);
		char number[NUMBER_SIZE];

		for (uint32_t c = 0; c < columns; c++)
			print_cell(w, cell_text(&cells[c], number), widths[c],
				   cells[c].kind == CELL_NUMBER, c + 1 == columns);
		writer_end(w);
	}
}

static void print_json_cell(struct writer *w, const struct cell *cell)
{
	if (cell->kind == CELL_TEXT)
		sheet_json_string(w, cell->text);
	else if (cell->kind == CELL_FLAG)
		writer_part(w, cell->number ? "true" : "false");
	else
		writer_decimal(w, cell->number);
}

void sheet_print_json(struct writer *w, const struct sheet *sheet)
{
	uint32_t columns = count_columns(sheet);

	writer_begin(w);
	sheet_json_string(w, sheet->name);
	writer_part(w, ": [");
	for (uint32_t i = 0; i < sheet->rows.count; i++) {
		writer_part(w, i ? ",\n" : "\n");
		writer_begin(w);
		writer_part(w, "\t{");
		for (uint32_t c = 0; c < columns; c++) {
			writer_part(w, c ? ", " : "");
			sheet_json_string(w, sheet->columns[c]);
			writer_part(w, ": ");
			print_json_cell(w, &row_at(sheet, i)[c]);
		}
		writer_part(w, "}");
	}
	if (sheet->rows.count) {
		writer_end(w);
		writer_begin(w);
	}
	writer_part(w, "]");
}
