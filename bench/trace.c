// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace.h"

#define THREADS 64

struct tracer {
	struct trace_call calls[THREADS]; /* begun, by thread */
	pid_t first;
	int phase;
	trace_fn *fn;
	void *ctx;
};

static struct trace_call *call_of(struct tracer *tracer, pid_t tid)
{
	struct trace_call *free_one = NULL;

	for (int i = 0; i < THREADS; i++) {
		if (tracer->calls[i].pid == tid)
			return &tracer->calls[i];
		if (!tracer->calls[i].pid && !free_one)
			free_one = &tracer->calls[i];
	}
	if (free_one)
		free_one->pid = tid;
	return free_one;
}

static void forget(struct tracer *tracer, pid_t tid)
{
	for (int i = 0; i < THREADS; i++)
		if (tracer->calls[i].pid == tid)
			tracer->calls[i].pid = 0;
}

static void syscall_stop(struct tracer *tracer, pid_t tid)
{
	struct __ptrace_syscall_info info;
	struct trace_call *call = call_of(tracer, tid);

	if (!call || ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		call->nr = info.entry.nr;
		for (int i = 0; i < 6; i++)
			call->args[i] = info.entry.args[i];
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
		if (call->nr == SYS_getrusage)
			tracer->phase++;
		call->result = info.exit.rval;
		call->phase = tracer->phase;
		tracer->fn(tracer->ctx, call);
	}
}

static pid_t start(char *const *argv)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* what it prints is not what is wanted */
	if (!freopen("/dev/null", "w", stdout))
		_exit(127);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	execvp(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

int trace_run(char *const *argv, trace_fn *fn, void *ctx)
{
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
	struct tracer tracer = {.fn = fn, .ctx = ctx};
	int status;
	pid_t tid;

	tracer.first = start(argv);
	if (tracer.first < 0 || waitpid(tracer.first, &status, 0) < 0)
		return -errno;
	if (!WIFSTOPPED(status))
		return 127;
	ptrace(PTRACE_SETOPTIONS, tracer.first, NULL, (void *)options);
	ptrace(PTRACE_SYSCALL, tracer.first, NULL, NULL);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		int signal = 0;

		if (WIFEXITED(status) || WIFSIGNALED(status)) {
			if (tid == tracer.first)
				return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			forget(&tracer, tid);
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			syscall_stop(&tracer, tid);
		else if (WSTOPSIG(status) != SIGTRAP && WSTOPSIG(status) != SIGSTOP)
			signal = WSTOPSIG(status);
		ptrace(PTRACE_SYSCALL, tid, NULL, (void *)(long)signal);
	}
	return -errno;
}

int trace_read(pid_t pid, uint64_t address, void *to, uint64_t size)
{
	struct iovec here = {to, size}, there = {(void *)(uintptr_t)address, size};

	if (process_vm_readv(pid, &here, 1, &there, 1, 0) != (ssize_t)size)
		return errno ? -errno : -EFAULT;
	return 0;
}
