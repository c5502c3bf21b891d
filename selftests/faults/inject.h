/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls that fail on request.
 *
 * inject.c defines the functions through which memory, files and BPF objects are had, in front of
 * the C library's, so that calls made by libelf and libbpf count as well. Linked into a program it
 * is driven by the functions below; as a library for LD_PRELOAD by its environment.
 */
#ifndef FAULTS_INJECT_H
#define FAULTS_INJECT_H

/*
 * Let the nth call of this thread from now on fail (1: the next one); memory calls with ENOMEM, open() and its kin
 * with EMFILE, read() with EIO, write() with ENOSPC, bpf(2) with EPERM, and so on: each with an errno that
 * it may really have.
 */
void inject_arm(unsigned long nth);

/* The same, but count only calls of bpf(2), and let it fail with err. */
void inject_arm_bpf(unsigned long nth, int err);

/* Don't count calls, and let none fail, until on is 0 again: what a test does in between. */
void inject_pause(int on);

/* No call fails any more. Returns the name of the function that did, NULL if none. */
const char *inject_disarm(void);

/* Blocks on the heap that were allocated and not freed, since the program started. */
long inject_blocks(void);

/*
 * Environment of the library. INJECT_NTH as for inject_arm(), counted from the start of main().
 * When the call fails, its function's name is written to the file descriptor INJECT_FD.
 */
#define INJECT_NTH "INJECT_NTH"
#define INJECT_FD "INJECT_FD"

#endif /* FAULTS_INJECT_H */
