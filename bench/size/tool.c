// SPDX-License-Identifier: BSD-2-Clause
/* A tool as small as one can be that is of use: loads OBJECT, runs its programs, says what they counted. */
#include <errno.h> /* the light skeleton counts on it */
#include <stdio.h>
#include <unistd.h>

#include SKELETON

#define TOOL_JOIN(object, function) object##__##function
#define TOOL_CALL(object, function) TOOL_JOIN(object, function)

int main(void)
{
	struct OBJECT *skel = TOOL_CALL(OBJECT, open_and_load)();

	if (!skel || TOOL_CALL(OBJECT, attach)(skel)) {
		perror("tool");
		return 1;
	}
	sleep(1);
	printf("%llu\n", (unsigned long long)skel->bss->seen);
	TOOL_CALL(OBJECT, destroy)(skel);
	return 0;
}
