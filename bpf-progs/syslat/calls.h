/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SYSLAT_CALLS_H
#define SYSLAT_CALLS_H

#include <stddef.h>

/* Name of a system call; "call 500" if this build does not know it, "other" for CALL_OTHER. */
void call_name(char *buffer, size_t size, unsigned int number);

#endif /* SYSLAT_CALLS_H */
