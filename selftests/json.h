/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTESTS_JSON_H
#define SELFTESTS_JSON_H

/* Where a text stops being JSON (RFC 8259, ASCII only); NULL if it is one whole value. */
const char *json_error(const char *text);

#endif /* SELFTESTS_JSON_H */
