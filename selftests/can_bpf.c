/* SPDX-License-Identifier: BSD-2-Clause */
/* Exit code 0 if this process may create maps and load programs, else 1 and the reason on stdout. */
#include <stdio.h>
#include <string.h>

#include "rawbpf.h"

int main(void)
{
	int err = raw_bpf_allowed();

	if (err)
		puts(strerror(-err));
	return err != 0;
}
