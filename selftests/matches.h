/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTESTS_MATCHES_H
#define SELFTESTS_MATCHES_H

/* Whether a text begins as a pattern says, in which '*' stands for anything. */
int begins_like(const char *text, const char *pattern);

#endif /* SELFTESTS_MATCHES_H */
