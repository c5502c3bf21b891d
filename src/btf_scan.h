/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids of types by name in BTF of megabytes, without an index. BTF has each name once among its strings: where
 * the names are is found out first, by looking them up or by one pass for all of them. A second pass counts
 * types and compares offsets.
 */
#ifndef LIBMEM_BTF_SCAN_H
#define LIBMEM_BTF_SCAN_H

#include "btf_view.h"
#include "kernel_btf.h"

/* Beside the loops that count: these files are not compiled for size, unlike most others. */
#define COLD __attribute__((cold, noinline))

/*
 * btf_names.c: where strings begin that seem to be in order up to the end, or NULL; and the one that is a name,
 * or NULL if it is not met, in which case it may be anywhere or nowhere.
 */
const char *btf_names_start(const struct btf_view *view);
const char *btf_names_find(const struct btf_view *view, const char *start, const char *name);

/* btf_strings.c: set name_off of all wants, 0 for names that do not occur. 0 or -ENOMEM. */
int btf_strings_find(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count);

/*
 * btf_scan.c: set the ids of the wants whose name_off is known and that have none yet, to the first type of
 * that name and kind. The number of types and 1 for void; less, but not 0, if every want has its id; 0 there
 * is a kind of type that is not known here, or the last one is cut off; or -ENOMEM.
 */
int64_t btf_scan(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count);

#endif /* LIBMEM_BTF_SCAN_H */
