/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* An object that wants something of every kind from the running kernel, and loads on all of them. */
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

extern int LINUX_KERNEL_VERSION __kconfig;
extern int CONFIG_HZ __kconfig __weak;
extern const void schedule __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 type) __ksym __weak;

int version, hz, pid;
__u64 address;

SEC("tp_btf/sys_enter")
int on_enter(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	version = LINUX_KERNEL_VERSION;
	hz = CONFIG_HZ;
	address = (__u64)&schedule;
	pid = BPF_CORE_READ(task, pid);
	return 0;
}

SEC("tp_btf/sys_exit")
int on_exit(__u64 *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (bpf_rdonly_cast) {
		task = bpf_rdonly_cast(task, bpf_core_type_id_kernel(struct task_struct));
		pid = task->pid;
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
