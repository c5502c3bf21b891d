/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* task_basic's structs as another version has them: fields in another order, and new ones in between. */
#include <mem/task.h>

struct request {
	__u64 deadline; /* new */
	__u32 phase;
	__u32 retries; /* new */
	char name[12];
	__u64 seen;
	__u64 id;
} MEM_MOVABLE;

struct counters {
	struct {
		__u32 low, high;
	} range;
	struct {
		__u16 from, to;
	} ports; /* new */
	__u64 calls;
} MEM_MOVABLE;

MEM_TASK(struct request, request);
MEM_TASK(struct counters, counters);

/* Reads and writes all fields; what it finds in the new ones. */
SEC("syscall")
int moved(void *ctx)
{
	struct request *r = mem_task_get(request);
	struct counters *c = mem_task_get(counters);

	if (!r || !c)
		return -1;
	r->seen = r->id + r->phase;
	r->name[2] = 'm';
	__builtin_memcpy(&r->name[4], "four", 4);
	c->calls += 3;
	c->range.high = c->range.low + 1;
	c->ports.to++;
	r->retries += 2;
	return (int)(r->deadline++ + r->retries * 10 + c->ports.to * 1000);
}

char LICENSE[] SEC("license") = "GPL";
