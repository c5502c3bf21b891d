/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* More than a page for each thread. */
#include <mem/task.h>

struct trace {
	__u32 next;
	__u64 events[1500];
};

MEM_TASK(struct trace, trace);

SEC("syscall")
int add(void *ctx)
{
	struct trace *t = mem_task_get(trace);

	if (!t)
		return -1;
	t->events[1499] = t->events[0] + 1;
	return (int)++t->next;
}

char LICENSE[] SEC("license") = "GPL";
