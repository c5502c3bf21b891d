/* SPDX-License-Identifier: BSD-2-Clause */
/* The places that probe sections name: "function+0x10", "libc.so.6:malloc", "/bin/bash:0x1234". */
#ifndef LIBMEM_PROBE_TARGET_H
#define LIBMEM_PROBE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

struct probe_target {
	char binary[512];   /* "" for the kernel */
	char function[256]; /* "" when only an offset is given */
	uint64_t offset;    /* bytes, from the function or into the file */
};

/* 0, or -EINVAL with a message. */
int probe_target_parse(struct probe_target *target, const char *text, bool in_binary);

/*
 * Add to offset where a function is in a file. 0, or -errno with a message: ENOENT no such function,
 * EEXIST several of that name.
 */
int probe_function_offset(const char *path, const char *function, uint64_t *offset);

#endif /* LIBMEM_PROBE_TARGET_H */
