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
 * btf_scan.c: what is behind a record, end at most; NULL if there can be none. And the first place from at on
 * where many in a row can be, end if there is none.
 */
const char *btf_next(const char *at, const char *end, size_t strings_size);
const char *btf_find_record(const char *at, const char *end, size_t strings_size);

/* A file of BTF that is not in memory. */
struct btf_file {
	int fd;
	uint64_t types, strings; /* where they are */
	uint32_t types_size, strings_size;
};

/* btf_functions.c: all of it; 0, or -errno. */
int btf_file_read(int fd, void *data, size_t size, uint64_t offset);

/* False if it is no BTF. */
bool btf_file_init(struct btf_file *file, int fd);

/*
 * Set name_off and ids of functions as far as they can be told from few short reads. Whether all wants have ids; if
 * not, front is how many bytes of types have all of them, 0 if that is not known.
 */
bool btf_functions_find(const struct btf_file *file, struct kernel_btf_want *wants, uint32_t count, uint32_t *front);

/* The id of the function whose record is there, bytes from the first type; 0 if it can't be told. */
uint32_t btf_function_id(const struct btf_file *file, uint32_t at);

/* btf_strings.c: set name_off of all wants that have none; it stays 0 for names that do not occur. 0 or -ENOMEM. */
int btf_strings_find(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count);

/*
 * btf_scan.c: set the ids of the wants whose name_off is known and that have none yet, to the first type of
 * that name and kind. view may be without strings. The number of types and 1 for void; less, but not 0, if every
 * want has its id; 0 there is a kind of type that is not known here, or the last one is cut off; or -ENOMEM.
 */
int64_t btf_scan(const struct btf_view *view, struct kernel_btf_want *wants, uint32_t count);

#endif /* LIBMEM_BTF_SCAN_H */
