/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ids of types by name in BTF of megabytes, without an index: two passes over it, whatever the number of
 * names. BTF has each name once among its strings, so the first pass finds where the names are, and the
 * second one counts types and compares offsets.
 */
#ifndef LIBMEM_BTF_SCAN_H
#define LIBMEM_BTF_SCAN_H

#include "btf_view.h"
#include "kernel_btf.h"

/* btf_strings.c: set name_off of all wants, 0 for names that do not occur. 0 or -ENOMEM. */
int btf_strings_find(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count);

/*
 * btf_scan.c: set the ids of the wants whose name_off is known and that have none yet, to the first type of
 * that name and kind. The number of types and 1 for void; less, but not 0, if every want has its id; 0 there
 * is a kind of type that is not known here, or the last one is cut off; or -ENOMEM.
 */
int64_t btf_scan(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count);

#endif /* LIBMEM_BTF_SCAN_H */
