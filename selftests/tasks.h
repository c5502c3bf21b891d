/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests of per-thread memory have in common. In a header, and not linked into every test: a program has
 * that part of the library only if it uses it.
 */
#ifndef SELFTESTS_TASKS_H
#define SELFTESTS_TASKS_H

#include <stdint.h>
#include <unistd.h>

#include <mem/mem.h>

#include "harness.h"

/* Use a back for up to so many threads (0: the default); skips the test on kernels that lack it. */
static inline void tasks_use(enum mem_task_back back, uint32_t threads)
{
	struct mem_task_opts opts = {.sz = sizeof(opts), .back = back, .threads = threads};

	need_bpf();
	need_linux(5, 17, "CO-RE by the kernel");
	if (back == MEM_TASK_BACK_UPTR)
		need_linux(6, 13, "__uptr in task storage");
	if (back == MEM_TASK_BACK_ARENA)
		need_linux(6, 9, "arenas");
	assert_ok(mem_task_setup(&opts));
}

/* What an iterator program that gives an id for each thread finds in all of the machine: the sum. */
static inline uint64_t tasks_sum(const struct mem_prog *dump, int *count)
{
	struct mem_link *link = assert_ptr(mem_prog_attach_iter(dump, NULL));
	int fd = mem_iter_create(link);
	uint64_t id, sum = 0;

	assert_ok(fd);
	for (*count = 0; read(fd, &id, sizeof(id)) == sizeof(id); ++*count)
		sum += id;
	close(fd);
	mem_link_destroy(link);
	return sum;
}

#endif /* SELFTESTS_TASKS_H */
