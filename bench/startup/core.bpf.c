/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sixteen places that depend on the running kernel's structs. */
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>

#define KERNEL __attribute__((preserve_access_index))

struct qstr {
	__u32 hash_len;
} KERNEL;

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
} KERNEL;

struct path {
	struct dentry *dentry;
} KERNEL;

struct file {
	struct path f_path;
	unsigned int f_flags;
} KERNEL;

struct signal_struct {
	int nr_threads;
	int leader;
} KERNEL;

struct mm_struct {
	unsigned long total_vm;
	unsigned long start_code;
	struct file *exe_file;
} KERNEL;

struct task_struct {
	int pid;
	int tgid;
	int prio;
	unsigned int flags;
	__u64 start_time;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct signal_struct *signal;
	struct mm_struct *mm;
} KERNEL;

__u64 sum;

SEC("raw_tp/sched_process_exec")
int on_exec(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	struct file *exe = BPF_CORE_READ(mm, exe_file);

	sum += BPF_CORE_READ(task, pid);
	sum += BPF_CORE_READ(task, tgid);
	sum += BPF_CORE_READ(task, prio);
	sum += BPF_CORE_READ(task, flags);
	sum += BPF_CORE_READ(task, start_time);
	sum += BPF_CORE_READ(task, real_parent, pid);
	sum += BPF_CORE_READ(task, group_leader, tgid);
	sum += BPF_CORE_READ(task, signal, nr_threads);
	sum += BPF_CORE_READ(mm, total_vm);
	sum += BPF_CORE_READ(exe, f_path.dentry, d_name.hash_len);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
