// SPDX-License-Identifier: BSD-2-Clause
/* With memgen's skeleton. */
#include "tool.h"

static const char *tool_error(void)
{
	return mem_error_message();
}

int main(void)
{
	return tool_main();
}
