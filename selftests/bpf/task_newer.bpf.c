/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* task_basic's struct request some versions later: fields were added at its end. */
#include <mem/task.h>

struct request {
	__u64 id;
	__u64 seen;
	__u32 phase;
	char name[12];
	__u64 deadline;
	__u32 retries;
};

MEM_TASK(struct request, request);

/* What an application without the new fields leaves in them, and that they are kept. */
SEC("syscall")
int newer(void *ctx)
{
	struct request *r = mem_task_get(request);

	if (!r)
		return -1;
	r->seen = r->id;
	return (int)(r->deadline + r->retries++);
}

char LICENSE[] SEC("license") = "GPL";
