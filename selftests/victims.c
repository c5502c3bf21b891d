/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
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

/* On by an instruction. 1: it has ended, with 0. */
static int step(pid_t pid)
{
	int status;

	ck_assert_int_eq(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSTOPPED(status) || status == 0, "a victim ended by itself: %#x", status);
	return !WIFSTOPPED(status);
}

/* Add what is different from `seen`, and see it. */
static void note_changes(struct victim_log *log, unsigned long long *seen, const unsigned long long *memory)
{
	int any = 0;

	for (size_t i = 0; i < log->words; i++) {
		if (seen[i] == memory[i])
			continue;
		if (log->count == log->room) {
			log->room = log->room * 2 + 256;
			log->change = assert_ptr(realloc(log->change, log->room * sizeof(*log->change)));
		}
		log->states += !any;
		any = 1;
		log->change[log->count++] = (struct victim_change){log->states, i, memory[i]};
		seen[i] = memory[i];
	}
}

struct victim_log victim_watch(void (*process)(void), const void *memory, size_t size)
{
	struct victim_log log = {.words = size / sizeof(long long)};
	unsigned long long *seen;
	int status;
	pid_t pid = fork();

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		process();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSTOPPED(status), "a victim ended early: %#x", status);
	log.first = assert_ptr(malloc(size));
	seen = assert_ptr(malloc(size));
	memcpy(log.first, memory, size);
	memcpy(seen, memory, size);
	while (!step(pid))
		note_changes(&log, seen, memory);
	free(seen);
	return log;
}

int victim_state(struct victim_log *log, void *memory, size_t state)
{
	for (; log->next < log->count && log->change[log->next].state <= state; log->next++)
		log->first[log->change[log->next].word] = log->change[log->next].value;
	if (state <= log->states) {
		memcpy(memory, log->first, log->words * sizeof(long long));
		return 1;
	}
	free(log->first);
	free(log->change);
	return 0;
}
