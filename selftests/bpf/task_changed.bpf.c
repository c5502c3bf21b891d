/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* task_basic's struct request, changed in ways that no two sides can agree on. */
#include <mem/task.h>

struct request {
	__u64 id;
	__s64 seen;    /* was unsigned */
	char name[12]; /* was behind phase */
	__u32 phase;
};

MEM_TASK(struct request, request);

SEC("syscall")
int changed(void *ctx)
{
	return mem_task_get(request) != 0;
}

char LICENSE[] SEC("license") = "GPL";
