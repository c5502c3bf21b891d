/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * syslat, kernel side: how long each system call of each process takes.
 *
 *     sys_enter   notes the time in the thread's own storage
 *     sys_exit    adds the time since then to two histograms: that of the process, in the arena,
 *                 and that of the system call, in a mappable array
 *     exit        marks the record of a process that has ended
 *
 * Records of processes are memory of the arena's heap, found by a hash table (mem/alloc.h, mem/hash.h):
 * programs make them, the application takes them away when it has read what a process that ended left.
 * Each thread remembers its record: the table is searched once per thread, not once per call. A record that
 * was taken away has another id, or none, which the thread's next call notices.
 *
 * The programs are of the tracepoint type, though raw tracepoints cost less: a kernel that preempts
 * a raw tracepoint's program (Linux 7.2 does) skips it for every other thread that the CPU runs in
 * the meantime, and more than half of the calls of a busy CPU would be lost.
 */
#include <stddef.h>
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>
#include "syslat.h"
#include "table.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* One thread that is in a system call, or was. */
struct thread {
	__u64 start; /* nanoseconds of the monotonic clock; 0 not in a call that counts */
	__u32 call;  /* number of the system call, less than CALL_NUMBERS */
	__u32 record; /* low address of the process's record, the last time; 0: none */
};

/* Settings: the application sets them before the programs are loaded. */
const volatile __u32 own_pid;		       /* of the tool, which is not measured; 0: unknown */
const volatile __u32 only_pid;		       /* 0: every process */
const volatile __u64 only_name[NAME_SIZE / 8]; /* all zero: every name */
const volatile __u32 slots;		       /* records that there may be */
const volatile __u32 shards = 1;	       /* copies of the per-call histograms */

/* Counters, and the pause button. */
__u64 unattributed;    /* calls that no process record counts: there was none to be had */
__u64 unmeasured;      /* calls that nothing counts: no memory for the thread's storage */
volatile __u32 paused; /* not 0: calls that start now are not measured */

/*
 * The application makes the heap and the table, all of it present, before anything is attached: in a
 * tracepoint, nobody can add pages. It sizes the arena for it.
 */
MEM_ARENA(arena, 1024);
MEM_ARENA_VAR struct mem_heap heap;
MEM_ARENA_VAR struct mem_hash table;
MEM_ARENA_VAR __u32 in_use; /* records */

/*
 * One histogram per system call, in `shards` copies: CPUs that make the same call all the time
 * would otherwise take turns on one cache line.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, CALL_NUMBERS);
	__type(key, __u32);
	__type(value, struct latency);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

/* The kernel's own types, as far as they are used: it finds the fields by name. */
struct signal_struct {
	struct {
		int counter;
	} live;
} __attribute__((preserve_access_index));

struct thread_info {
	__u32 status; /* x86 only */
} __attribute__((preserve_access_index));

struct task_struct {
	struct thread_info thread_info;
	int tgid;
	__u64 start_time;
	char comm[NAME_SIZE];
	struct task_struct *group_leader;
	struct signal_struct *signal;
} __attribute__((preserve_access_index));

#define TS_COMPAT 2 /* thread_info.status: in a 32-bit system call, which has other numbers */

/*
 * Tells a process from any other since boot: pids are used again, but not within the same
 * microsecond. Not 0, since no process in user space has pid 0.
 */
static __u64 process_id(struct task_struct *task)
{
	return (__u64)(__u32)(task->group_leader->start_time >> 10) << 32 | (__u32)task->tgid;
}

static struct process __arena *record_at(__u32 low)
{
	return mem_at(struct process, &heap, low);
}

/* A new record; 0 if there are as many as there may be. */
static __u32 record_make(__u64 id)
{
	struct process __arena *process = NULL;
	__u32 i;

	if (mem_add(&in_use, 1U) < slots)
		process = mem_new(&heap, struct process);
	if (!process) {
		mem_sub(&in_use, 1U);
		return 0;
	}
	for (i = 0; i < sizeof(*process) / 8; i++)
		mem_store((__u64 __arena *)process + i, 0ULL);
	mem_store(&process->id, id);
	return mem_low(process);
}

/*
 * The record of a process, made now if it has none; 0: it can't have one. Not static: the verifier then
 * checks it once.
 */
__noinline __u32 record_of(__u64 id)
{
	unsigned long long key = id, found, made;
	int err;

	if (!processes_find(&heap, &table, &key, &found))
		return found;
	made = record_make(id);
	if (!made)
		return 0;
	err = processes_set(&heap, &table, &key, &made, MEM_HASH_NOEXIST);
	if (!err)
		return made;
	mem_free(&heap, record_at(made));
	mem_sub(&in_use, 1U);
	/* Another thread of the process was first, or the bucket was busy for too long. */
	return err == -MEM_EEXIST && !processes_find(&heap, &table, &key, &found) ? found : 0;
}

/* The record of the current thread's process, or 0. */
static __u32 current_record(struct task_struct *task, struct thread *thread)
{
	__u64 id = process_id(task);
	__u32 record = thread->record;

	if (record && mem_load(&record_at(record)->id) == id)
		return record;
	record = record_of(id);
	if (!record)
		__sync_fetch_and_add(&unattributed, 1);
	else
		thread->record = record;
	return record;
}

/* A process bears the name of its first thread; it changes with execve() and prctl(). */
static int name_counts(struct task_struct *task)
{
	__u64 *name = (__u64 *)task->group_leader->comm;

	if (!only_name[0])
		return 1;
	return name[0] == only_name[0] && name[1] == only_name[1];
}

static void set_name(struct process __arena *process, struct task_struct *task)
{
	__u64 *name = (__u64 *)task->group_leader->comm;

	if (process->name[0] != name[0])
		process->name[0] = name[0];
	if (process->name[1] != name[1])
		process->name[1] = name[1];
}

/* One macro for two address spaces. The loop ends: a rival either stored more, or is overtaken. */
#define latency_add(latency, ns)                                                                   \
	do {                                                                                       \
		__u64 max_ = (latency)->max;                                                       \
                                                                                                   \
		__sync_fetch_and_add(&(latency)->total, ns);                                       \
		__sync_fetch_and_add(&(latency)->buckets[lat_bucket(ns)], 1);                      \
		for (int i_ = 0; i_ < 8 && (ns) > max_; i_++)                                      \
			max_ = __sync_val_compare_and_swap(&(latency)->max, max_, ns);             \
	} while (0)

static __u32 call_number(struct task_struct *task, __u64 number)
{
	if (bpf_core_field_exists(task->thread_info.status) &&
	    (task->thread_info.status & TS_COMPAT))
		return CALL_OTHER;
	return number < CALL_NUMBERS ? number : CALL_OTHER;
}

/* As /sys/kernel/tracing/events/raw_syscalls/sys_enter/format describes it. */
struct sys_enter_event {
	__u64 common;
	__s64 call;
	__u64 args[6];
};

SEC("tracepoint/raw_syscalls/sys_enter")
int call_starts(struct sys_enter_event *event)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	__u32 pid = task->tgid;
	struct thread *thread;

	if (paused || pid == own_pid || (only_pid && pid != only_pid) || !name_counts(task))
		return 0;
	thread = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!thread) {
		__sync_fetch_and_add(&unmeasured, 1);
		return 0;
	}
	thread->call = call_number(task, event->call);
	thread->start = bpf_ktime_get_ns();
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int call_ends(void *event)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct thread *thread = bpf_task_storage_get(&threads, task, 0, 0);
	struct latency *latency;
	__u32 record, index;
	__u64 ns;

	/* No start: a call that began before us, or the child's side of a fork. */
	if (!thread || !thread->start)
		return 0;
	ns = bpf_ktime_get_ns() - thread->start;
	thread->start = 0;

	record = current_record(task, thread);
	if (record) {
		set_name(record_at(record), task);
		latency_add(&record_at(record)->latency, ns);
	}
	index = bpf_get_smp_processor_id() % shards * CALL_NUMBERS + thread->call;
	latency = bpf_map_lookup_elem(&calls, &index);
	if (latency)
		latency_add(latency, ns);
	return 0;
}

SEC("tracepoint/sched/sched_process_exit")
int process_ends(void *event)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	unsigned long long id = process_id(task), record;

	if (task->signal->live.counter)
		return 0; /* other threads go on */
	if (!processes_find(&heap, &table, &id, &record))
		mem_store(&record_at(record)->ended, 1ULL);
	return 0;
}
