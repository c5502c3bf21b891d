/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#include "arena_loops.bpf.c"
