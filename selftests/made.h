/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which BPF objects this test made: it, its threads, the children it forked, and the libraries they use. The
 * kernel lists everybody's objects and does not say whose they are. So syscall(), through which all of these
 * call bpf(2), is made.c's here, and notes the id of each object that the kernel makes.
 *
 * What programs make that a test starts is not noted.
 */
#ifndef SELFTESTS_MADE_H
#define SELFTESTS_MADE_H

#include <stdint.h>

/* Kinds of BPF objects. What has links and programs to it lives longer, so they are listed in this order. */
enum made_kind { MADE_LINK, MADE_PROG, MADE_MAP, MADE_BTF, MADE_KINDS };

/* Note objects from now on, in this process and those that it forks, and forget what was noted. */
void made_start(void);

/* Note nothing any more in this process: it is to count calls, or to be a stranger to the test. */
void made_stop(void);

/* Ids of the objects of a kind that were noted, in the order in which they were. Sets *count. */
const uint32_t *made_ids(enum made_kind kind, uint32_t *count);

/* What syscall() has to pass on, wherever it is defined: its number, first argument and result. */
void made_note(long number, long command, long result);

#endif /* SELFTESTS_MADE_H */
