/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A security module that asks the threads themselves: no change of priority while one says so. */
#include <mem/task.h>

#define EPERM 1

struct wishes {
	__u32 keep_nice; /* the application's */
	__u32 refused;   /* the program's */
};

MEM_TASK(struct wishes, wishes);

SEC("lsm/task_setnice")
int on_setnice(__u64 *ctx)
{
	struct wishes *w = mem_task_get_of(wishes, (struct task_struct *)ctx[0]);

	if (!w || !w->keep_nice)
		return 0;
	w->refused++;
	return -EPERM;
}

char LICENSE[] SEC("license") = "GPL";
