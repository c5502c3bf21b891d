/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What can't move although the struct may: a bit-field, and a field of another type. */
#include <mem/task.h>

struct request {
	__u32 urgent : 1, rest : 31; /* where an application of task_basic has its id */
	__u32 phase;
	__u64 seen;
	__s64 id;
} MEM_MOVABLE;

MEM_TASK(struct request, request);

SEC("syscall")
int moved(void *ctx)
{
	struct request *r = mem_task_get(request);

	return r ? (int)r->phase : 0;
}

char LICENSE[] SEC("license") = "GPL";
