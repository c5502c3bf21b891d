/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test may leave behind: nothing.
 *
 * Compared are the process's file descriptors and mappings, its children, and the BPF maps,
 * programs, links and BTFs that are alive in the kernel. The kernel frees some of those late
 * (after an RCU grace period), so what seems left over is waited for. Ids of BPF objects are
 * never used twice in the time of a test: what was not there before appeared meanwhile. Objects
 * that another process holds are that process's.
 */
#ifndef SELFTESTS_LEAKS_H
#define SELFTESTS_LEAKS_H

#include <stddef.h>

/* Seconds to wait for the kernel to free what was let go of: a busy machine's grace periods are long. */
extern double leaks_patience;

/* Remember the state of this process and the kernel. */
void leaks_before(void);

/*
 * Compare with leaks_before(). Returns how many differences there are and describes them in text,
 * one on a line, as far as they fit.
 */
int leaks_after(char *text, size_t size);

#endif /* SELFTESTS_LEAKS_H */
