/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables without a byte, of which the kernel's BTF knows nothing, and a map that needs that BTF. */
#include <mem/bpf.h>

__u64 first;
int middle[0];
__u64 last;
__u64 behind[0];

int no_bytes[0] SEC(".data.empty");
__u64 full SEC(".data.empty") = 3;

/* compilers leave such a section empty, too */
int alone[0] SEC(".bss.alone");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} kept SEC(".maps");

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

SEC("raw_tp/sys_enter")
int on_enter(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 pid = 0; /* sign extension is not for older kernels */

	bpf_probe_read_kernel(&pid, sizeof(pid), &task->pid);
	first = pid;
	last += 1;
	full += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
