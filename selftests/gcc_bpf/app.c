/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs globals.bpf.c and looks at each of its variables: prints "ok", or what is not as it should be. */
#include <mem/mem.h>
#include <stdio.h>
#include <string.h>

#include "globals.skel.h"

static int wrong;

#define IS(what, value)                                                                            \
	do {                                                                                       \
		long long is = (what);                                                             \
		if (is != (value))                                                                 \
			wrong = printf(#what " is %lld, not %lld\n", is, (long long)(value));      \
	} while (0)

int main(void)
{
	struct mem_run_opts opts = { .sz = sizeof(opts) };
	struct globals *skel = globals__open();
	struct pair pair;
	unsigned int key = 1;

	if (!skel)
		return !puts(mem_error_message());
	IS(skel->data->first, 10);
	IS(skel->data->second, 20);
	IS(skel->data->third, 30);
	IS(strcmp(skel->data->fourth.name, "four"), 0);
	IS(skel->rodata->factors[3], 7);
	skel->data->first = 100;
	if (globals__load(skel) || mem_prog_run(skel->progs.add_up, &opts) || mem_prog_run(skel->progs.add_up, &opts) ||
	    mem_map_lookup(skel->maps.pairs, &key, &pair, 0))
		return !puts(mem_error_message());
	IS(opts.retval, 152);
	IS(skel->bss->sum, 152);
	IS(skel->bss->calls, 2);
	IS(skel->bss->none[2], 2);
	IS(skel->bss->left[3], 50);
	IS(skel->bss->right[3], 60);
	IS(skel->data->third, 32);
	IS(pair.a, 42);
	IS(pair.b, -2);
	IS(pair.c, 140);
	if (!wrong)
		puts("ok");
	globals__destroy(skel);
	return wrong != 0;
}
