// SPDX-License-Identifier: BSD-2-Clause
/* Prints a number: what every program has in it. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	sleep(1);
	printf("%llu\n", (unsigned long long)getpid());
	return 0;
}
