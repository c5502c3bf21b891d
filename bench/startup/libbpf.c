// SPDX-License-Identifier: BSD-2-Clause
/* With bpftool's skeleton, or its light one. */
#include <errno.h>

#include "tool.h"

static const char *tool_error(void)
{
	return strerror(errno);
}

int main(void)
{
	return tool_main();
}
