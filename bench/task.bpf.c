/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Loops around one access to per-thread memory, and around what they are compared with. */
#include <mem/task.h>

struct request {
	__u64 id;
	__u64 hits;
};

MEM_TASK(struct request, request);

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct request);
} storage SEC(".maps");

/* not constants, which the verifier would count up to */
__u64 rounds = 200000;
__u64 sink;

SEC("syscall")
int empty(void *ctx)
{
	__u64 i;

	for (i = 0; i < rounds && mem_can_loop; i++)
		sink++;
	return i == rounds;
}

SEC("syscall")
int by_storage(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u64 i;

	if (!bpf_task_storage_get(&storage, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE))
		return 0;
	for (i = 0; i < rounds && mem_can_loop; i++) {
		struct request *r = bpf_task_storage_get(&storage, bpf_get_current_task_btf(), 0, 0);

		if (!r)
			return 0;
		r->hits++;
	}
	return i == rounds;
}

SEC("syscall")
int by_task(void *ctx)
{
	__u64 i;

	for (i = 0; i < rounds && mem_can_loop; i++) {
		struct request *r = mem_task_get(request);

		if (!r)
			return 0;
		r->hits++;
	}
	return i == rounds;
}

char LICENSE[] SEC("license") = "GPL";
