/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The table of bench/arena.bpf.c, for both sides. */
#ifndef BENCH_ARENA_H
#define BENCH_ARENA_H

#include <mem/hash.h>

MEM_HASH(numbers, unsigned long long, unsigned long long)

#endif /* BENCH_ARENA_H */
