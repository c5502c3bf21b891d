/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What probe.c needs of a loader. Each loader has one file that defines these, so that a program
 * never links two of them.
 */
#ifndef SELFTESTS_PARITY_PROBE_H
#define SELFTESTS_PARITY_PROBE_H

#include <stdbool.h>

extern const char *const probe_loader; /* "libmem", "libbpf" */

/* Open an object file, once in a process: 0 or -errno. */
int probe_open(const char *path);

/* The next program of the opened object, false after the last. */
bool probe_next_prog(const char **name, const char **section, bool *autoload);

/* Load what the object says or, where only is not NULL, just that program: 0 or -errno. */
int probe_load(const char *only);

/* What the loader said since the process began, or "". */
const char *probe_message(void);

#endif /* SELFTESTS_PARITY_PROBE_H */
