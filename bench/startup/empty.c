// SPDX-License-Identifier: BSD-2-Clause
/* Loads nothing: the memory that every program has. */
#include "phases.h"

static void live(void)
{
	bench_start();
	bench_phase("load");
	bench_phase("close");
}

int main(void)
{
	bench_live(live);
	return 0;
}
