/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SYSLAT_JSON_H
#define SYSLAT_JSON_H

#include "sample.h"
#include "../common/text.h"

/*
 * One JSON object on one line: everything in the sample, rows sorted by `sort`, at most `top` of
 * each kind (0: all). README.md describes the members.
 */
void json_print(struct text *text, struct sample *sample, enum sort_key sort, size_t top);

#endif /* SYSLAT_JSON_H */
