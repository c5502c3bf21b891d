/* SPDX-License-Identifier: BSD-2-Clause */
#include "matches.h"

int begins_like(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++) {
		if (*pattern == '*') {
			do
				if (begins_like(text, pattern + 1))
					return 1;
			while (*text++);
			return 0;
		}
		if (*text != *pattern)
			return 0;
	}
	return 1;
}
