/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * syslat, kernel side: how long each system call of each process takes.
 *
 *     sys_enter   notes the time in the thread's own storage
 *     sys_exit    adds the time since then to two histograms: that of the process, in the arena,
 *                 and that of the system call, in a mappable array
 *     exit        marks the record of a process that has ended
 *
 * The table of processes is a hash table without chains. A record is found by probing PROBES slots
 * and claimed by one compare-and-swap of its `id`, so any number of CPUs may claim at once; the
 * application gives a slot back, after it has read the record of a process that has ended, by
 * clearing it and then its id. Each thread remembers its slot: the table is searched once per
 * thread, not once per call.
 *
 * The programs are of the tracepoint type, though raw tracepoints cost less: a kernel that preempts
 * a raw tracepoint's program (Linux 7.2 does) skips it for every other thread that the CPU runs in
 * the meantime, and more than half of the calls of a busy CPU would be lost.
 *
 * Two threads of one process that make their first calls at the same moment can claim two slots.
 * Nothing is lost: the application adds up records of the same id.
 */
#include <stddef.h>
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>
#include "syslat.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define PROBES	64 /* slots that a process may use */
#define CLAIMS	4  /* attempts to get one while others do the same */
#define NO_SLOT ~0U

/* How long calls took. The number of calls is the sum of the buckets. */
struct latency {
	__u64 total; /* nanoseconds */
	__u64 max;   /* nanoseconds */
	__u64 buckets[LAT_BUCKETS];
};

/* One process. */
struct process {
	__u64 id;		   /* pid, and when it started: see process_id(); 0 a free slot */
	__u64 name[NAME_SIZE / 8]; /* text: written in two stores, for a reader can't wait */
	__u64 ended; /* not 0: there will be no more calls; the application may reuse the slot */
	struct latency latency;
} __attribute__((aligned(64)));

/* One thread that is in a system call, or was. */
struct thread {
	__u64 start; /* nanoseconds of the monotonic clock; 0 not in a call that counts */
	__u32 call;  /* number of the system call, less than CALL_NUMBERS */
	__u32 slot;  /* where the process's record was the last time */
};

/* Settings: the application sets them before the programs are loaded. */
const volatile __u32 own_pid;		       /* of the tool, which is not measured; 0: unknown */
const volatile __u32 only_pid;		       /* 0: every process */
const volatile __u64 only_name[NAME_SIZE / 8]; /* all zero: every name */
const volatile __u32 slot_mask;		       /* slots of the table - 1: a power of two - 1 */
const volatile __u32 shards = 1;	       /* copies of the per-call histograms */

/* Counters, and the pause button. */
__u64 unattributed;    /* calls that no process record counts: no slot was free */
__u64 unmeasured;      /* calls that nothing counts: no memory for the thread's storage */
volatile __u32 paused; /* not 0: calls that start now are not measured */

/*
 * The application places the table and makes its pages present before anything is attached: here,
 * a store to an absent page would be lost. It sizes the arena for it.
 */
MEM_ARENA(arena, 1);
struct process __arena *MEM_ARENA_VAR table;

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

/* The slot to look at after `tries` others: steps grow, so that runs of used slots are left soon. */
static __u32 probe(__u64 id, __u32 tries)
{
	__u32 hash = (__u32)id * 0x9e3779b1U;

	return ((hash >> 8) + tries * (tries + 1) / 2) & slot_mask;
}

/*
 * The first slot, of those that a process may use, that holds `wanted`: its own id, or 0 for a free
 * one. NO_SLOT if there is none. Not static: the verifier then checks it once, not at every call.
 */
__noinline __u32 find_slot(__u64 id, __u64 wanted)
{
	__u32 tries, slot;

	for (tries = 0; tries < PROBES; tries++) {
		slot = probe(id, tries);
		if (table[slot].id == wanted)
			return slot;
	}
	return NO_SLOT;
}

/* The slot of a process, claimed now if it has none; NO_SLOT if all that it may use are taken. */
static __u32 claim_slot(__u64 id)
{
	__u32 tries, slot;
	__u64 found;

	for (tries = 0; tries < CLAIMS; tries++) {
		slot = find_slot(id, id);
		if (slot != NO_SLOT)
			return slot;
		slot = find_slot(id, 0);
		if (slot == NO_SLOT)
			return slot;
		/* Another process may take it first, or another thread of this one. */
		found = __sync_val_compare_and_swap(&table[slot].id, 0, id);
		if (!found || found == id)
			return slot;
	}
	return NO_SLOT;
}

/* The slot of the current thread's process, or NO_SLOT. */
static __u32 current_slot(struct task_struct *task, struct thread *thread)
{
	__u64 id = process_id(task);
	__u32 slot = thread->slot & slot_mask;

	if (table[slot].id == id)
		return slot;
	slot = claim_slot(id);
	if (slot == NO_SLOT)
		__sync_fetch_and_add(&unattributed, 1);
	else
		thread->slot = slot;
	return slot;
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
	__u32 slot, index;
	__u64 ns;

	/* No start: a call that began before us, or the child's side of a fork. */
	if (!thread || !thread->start)
		return 0;
	ns = bpf_ktime_get_ns() - thread->start;
	thread->start = 0;

	slot = current_slot(task, thread);
	if (slot != NO_SLOT) {
		set_name(&table[slot], task);
		latency_add(&table[slot].latency, ns);
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
	__u64 id = process_id(task);
	__u32 slot;

	if (task->signal->live.counter)
		return 0; /* other threads go on */
	slot = find_slot(id, id);
	if (slot != NO_SLOT)
		table[slot].ended = 1;
	return 0;
}
