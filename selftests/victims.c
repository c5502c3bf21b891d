/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mem/mem.h>

#include "harness.h"
#include "victims.h"

void victim_map_arena(struct mem_object *obj)
{
	struct mem_region *arena = mem_object_find_region(obj, "arena");
	size_t size;
	void *base = mem_region_data(arena, &size);

	if (mmap(base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 mem_map_fd(mem_region_map(arena)), 0) == MAP_FAILED)
		_exit(1);
}

void victim_kill(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a victim ended by itself: %#x",
		      status);
}

int victim_kill_at(void (*process)(void), int nth)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		process();
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	for (int stop = 0; stop < nth && WIFSTOPPED(status); stop++) {
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	}
	if (WIFEXITED(status)) {
		ck_assert_int_eq(WEXITSTATUS(status), 0);
		return 1;
	}
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return 0;
}
