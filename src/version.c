/* SPDX-License-Identifier: BSD-2-Clause */
#include <mem/mem.h>

#define TEXT(x) #x
#define VERSION_TEXT(major, minor) TEXT(major) "." TEXT(minor)

const char *mem_version(void)
{
	return VERSION_TEXT(MEM_VERSION_MAJOR, MEM_VERSION_MINOR);
}
