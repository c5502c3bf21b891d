/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF's strings are in the order in which types were added. Newer versions of pahole add functions last and by
 * name: their names are the last strings then, nearly in order, and can be looked up as in a dictionary. What is
 * met is the name that is wanted or it is not, so nothing has to be believed. In older kernels, and for names
 * that something else had before, nothing is met.
 */
#include <string.h>

#include "btf_scan.h"

#define RUN 8	  /* strings in order that make one believe that those behind them are, too */
#define NEAR 4096 /* bytes: how exactly it is found out where they begin */

/* Whether the strings behind a place are in order. */
static bool is_ordered(const struct btf_view *view, const char *at)
{
	at += strlen(at);
	if (at + 1 == view->strings_end)
		return false;
	for (int run = 0; run < RUN; run++) {
		const char *next = at + 1 + strlen(at + 1);

		if (next + 1 == view->strings_end || strcmp(at + 1, next + 1) > 0)
			return false;
		at = next;
	}
	return true;
}

const char *btf_names_start(const struct btf_view *view)
{
	const char *low = view->strings, *high = view->strings_end;

	if (high - low < NEAR || high[-1])
		return NULL;
	while (high - low > NEAR) {
		const char *middle = low + (high - low) / 2;

		if (is_ordered(view, middle))
			high = middle;
		else
			low = middle;
	}
	return high < view->strings_end ? high + strlen(high) + 1 : NULL;
}

const char *btf_names_find(const struct btf_view *view, const char *start, const char *name)
{
	const char *low = start, *high = view->strings_end;

	while (low < high) {
		const char *string = low + (high - low) / 2;
		int order;

		while (string > low && string[-1])
			string--;
		order = strcmp(string, name);
		if (!order)
			return string;
		if (order < 0)
			low = string + strlen(string) + 1;
		else
			high = string;
	}
	return NULL;
}
