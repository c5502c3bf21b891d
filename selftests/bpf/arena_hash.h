/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The tables of arena_hash.bpf.c, for both sides. */
#ifndef ARENA_HASH_H
#define ARENA_HASH_H

#include <mem/hash.h>

struct wide_key {
	unsigned int a, b, c;
};

struct wide_value {
	unsigned int key_sum, copies[4];
};

MEM_HASH(numbers, unsigned long long, unsigned long long)
MEM_HASH(wide, struct wide_key, struct wide_value)

#endif
