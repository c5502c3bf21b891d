/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel contract: what libmem counts on, row by row. Each row has a short name, the same in
 * docs/kernel-contract.md, and the answer of each kernel in one table, in contract.c. The tests in
 * test_contract_*.c ask the kernel, with system calls of their own.
 */
#ifndef SELFTESTS_CONTRACT_H
#define SELFTESTS_CONTRACT_H

#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

/* Answers besides 0 and -errno. */
enum {
	CRASHES = 1000 /* SIGSEGV or SIGBUS */,
	DIFFERS = 1001 /* bytes are not what they should be */
};

/* Fail the test unless this kernel's answer to a row is what the table says. */
void expect(const char *row, long answer);

/* 0 if the mapping can be made (it is removed again), else -errno. */
long try_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);

/* The same, and keeps it. Fails the test if it can't. */
void *must_mmap(void *address, size_t size, int protection, int flags, int fd);

/* Run fn(arg) in a child process. Returns its result, or CRASHES. Nothing in it may assert. */
long in_child(long (*fn)(void *arg), void *arg);

/* In a child: become nobody, with no capability at all. */
void drop_privileges(void);

/* An fd or the failure of the test. */
int must(long fd);

#define PAGE ((size_t)sysconf(_SC_PAGESIZE))

#endif /* SELFTESTS_CONTRACT_H */
