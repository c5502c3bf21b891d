/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a test may leave behind: nothing.
 *
 * Compared are the process's file descriptors and mappings, and its children. Of the BPF maps, programs,
 * links and BTFs that it made (made.h) none may be alive in the kernel; other processes' are none of its
 * business, however many there are. The kernel frees some of those late (after an RCU grace period), so what
 * seems left over is waited for.
 */
#ifndef SELFTESTS_LEAKS_H
#define SELFTESTS_LEAKS_H

#include <stddef.h>

/*
 * Seconds to wait while the kernel frees nothing of what was let go of: usually one. But programs that struct_ops and
 * trampolines call are freed after the grace periods of RCU tasks, which end when each runnable task has had its turn
 * and is met in user space: on a busy machine one takes over ten seconds, and who has just missed the beginning of one
 * waits for two.
 */
enum { LEAKS_PATIENCE = 120 };
extern double leaks_patience;

/* Remember the state of this process and the kernel. */
void leaks_before(void);

/*
 * Compare with leaks_before(). Returns how many differences there are and describes them in text,
 * one on a line, as far as they fit.
 */
int leaks_after(char *text, size_t size);

#endif /* SELFTESTS_LEAKS_H */
