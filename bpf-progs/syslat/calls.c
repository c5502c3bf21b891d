/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <sys/syscall.h>
#include "calls.h"
#include "syslat.h"

/*
 * Made at build time from <sys/syscall.h>: the numbers differ from machine to machine. Arrays, not
 * pointers, which would have to be relocated when the program starts.
 */
static const char names[CALL_NUMBERS][24] = {
#define CALL(number, name) [(number) < CALL_NUMBERS ? (number) : CALL_OTHER] = name,
#include "call_names.inc"
#undef CALL
};

void call_name(char *buffer, size_t size, unsigned int number)
{
	if (number >= CALL_OTHER)
		snprintf(buffer, size, "other");
	else if (*names[number])
		snprintf(buffer, size, "%s", names[number]);
	else
		snprintf(buffer, size, "call %u", number);
}
