/* SPDX-License-Identifier: BSD-2-Clause */
/* Run a program and see its system calls, by ptrace(2). */
#ifndef BENCH_TRACE_H
#define BENCH_TRACE_H

#include <stdint.h>
#include <sys/types.h>

/** A system call that has returned. */
struct trace_call {
	pid_t pid; /**< the process, stopped: its memory can be read */
	uint64_t nr;
	uint64_t args[6];
	int64_t result; /**< or -errno */
	int phase;      /**< calls of getrusage(2) before this one: see bench/startup/phases.h */
};

typedef void trace_fn(void *ctx, const struct trace_call *call);

/** Run argv to its end and call fn for each system call. Returns the exit code, -errno, or 128 + signal. */
int trace_run(char *const *argv, trace_fn *fn, void *ctx);

/** Read the memory of a stopped process; 0 or -errno. */
int trace_read(pid_t pid, uint64_t address, void *to, uint64_t size);

#endif /* BENCH_TRACE_H */
