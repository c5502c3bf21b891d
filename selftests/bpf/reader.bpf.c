/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A bit of everything that an object file can hold: read by test_reader, never loaded. */
#include <mem/bpf.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	int pid;
	struct task_struct *parent;
} __attribute__((preserve_access_index));

struct sample {
	__u64 when;
	__u32 what;
};

/* .data and .bss, visible, hidden and static */
int counter = 5;
static volatile __u64 total = 7;
struct sample samples[3];
int concealed __attribute__((visibility("hidden")));

/* .rodata, a section of its own, and strings that the compiler merges */
const volatile __u32 limit = 9;
__u32 limits[2] SEC(".data.limits") = { 1, 2 };

/* locks can't be mapped */
struct {
	struct bpf_spin_lock lock;
	int guarded;
} locked SEC(".bss.locked");

MEM_ARENA(arena, 16);
MEM_ARENA_VAR int in_arena = 3;
MEM_ARENA_VAR long long zero_in_arena;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct sample);
} shared_samples SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
};

struct inner first SEC(".maps"), second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = &first, [3] = &second },
};

int target(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, int(void *));
} jumps SEC(".maps") = {
	.values = { [2] = (void *)&target },
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 100);
	__uint(map_flags, BPF_F_NUMA_NODE);
	__uint(numa_node, 1);
	__uint(pinning, 1);
	__uint(key_size, 6);
	__uint(value_size, 10);
} plain_sizes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 5);
	__type(value, __u64);
} queue SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig;
extern _Bool CONFIG_BPF __kconfig __weak;
extern const char CONFIG_TEXT[10] __kconfig __weak;
extern struct task_struct *bpf_task_acquire___new(struct task_struct *task) __ksym __weak;
extern void bpf_task_release(struct task_struct *task) __ksym;
extern const struct task_struct init_task __ksym;
extern const void jiffies __ksym;

static __attribute__((noinline)) int in_file(int n)
{
	static volatile int calls;

	calls += n;
	return calls;
}

__attribute__((noinline)) int for_all(int n)
{
	return in_file(n) + total;
}

__attribute__((noinline, visibility("hidden"))) int for_friends(int n)
{
	concealed += n;
	return counter;
}

static long callback(__u32 i, void *ctx)
{
	samples[1].what += i;
	return 0;
}

SEC("xdp")
int target(void *ctx)
{
	bpf_loop(4, callback, ctx, 0);
	return for_all(limit) + for_friends(1) + LINUX_KERNEL_VERSION;
}

SEC("?tp_btf/sched_switch")
int on_switch(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[1], *held = 0;
	struct sample *sample;
	__u32 key = 0;

	sample = bpf_map_lookup_elem(&shared_samples, &key);
	if (sample)
		sample->what = BPF_CORE_READ(task, parent, pid);
	in_arena++;
	zero_in_arena++;
	if (bpf_task_acquire___new)
		held = bpf_task_acquire___new(task);
	if (held)
		bpf_task_release(held);
	bpf_printk("%d %d %d", CONFIG_BPF, CONFIG_TEXT[2], limits[1]);
	bpf_map_push_elem(&queue, &key, 0);
	bpf_map_delete_elem(&plain_sizes, ctx);
	bpf_map_lookup_elem(&outer, &key);
	return (long)&init_task + (long)&jiffies;
}

SEC("tracepoint/syscalls/sys_enter_read")
int on_read(void *ctx)
{
	bpf_spin_lock(&locked.lock);
	locked.guarded++;
	bpf_spin_unlock(&locked.lock);
	bpf_tail_call(ctx, &jumps, 2);
	return 0;
}

SEC("iter.s/task")
int on_task(void *ctx)
{
	return 0;
}

char license_text[] SEC("license") = "Dual BSD/GPL";
__u32 kernel_version SEC("version") = 0x60c00;
