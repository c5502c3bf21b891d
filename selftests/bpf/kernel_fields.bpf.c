/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Sections with what the kernel manages itself, as many as there are ways to write them. */

/* The packaged header may have them or not: these are ours. */
#define bpf_list_head uapi_list_head
#define bpf_list_node uapi_list_node
#include <mem/bpf.h>
#undef bpf_list_head
#undef bpf_list_node

struct bpf_list_head {
	__u64 opaque[2];
};

struct bpf_list_node {
	__u64 opaque[3];
};

struct task_struct;
struct unknown_struct;

#define private(name) SEC(".bss." #name) __attribute__((visibility("hidden"), aligned(8)))
#define private_data(name) SEC(".data." #name) __attribute__((visibility("hidden"), aligned(8)))
#define kptr __attribute__((btf_type_tag("kptr")))
#define contains(type, member) __attribute__((btf_decl_tag("contains:" #type ":" #member)))

struct node {
	struct bpf_list_node link;
	int value;
};

/* What the kernel makes something of. */
private(locked) struct bpf_spin_lock lock;
private(listed) struct bpf_spin_lock list_lock;
private(listed) struct bpf_list_head head contains(node, link);
private_data(pointed) struct task_struct kptr *task;
private_data(pointed) long pointed_value = 7;

/* What it makes nothing of: two locks, a node in no list, a pointer to something that it does not know. */
private_data(locks) struct bpf_spin_lock first_lock;
private_data(locks) struct bpf_spin_lock second_lock;
private_data(locks) long locks_value = 8;
struct node loose SEC(".bss.loose");
struct unknown_struct kptr *stranger SEC(".bss.stranger");
const struct bpf_list_node fixed_node SEC(".rodata.fixed") = {};
const long fixed_value SEC(".rodata.fixed") = 9;

long seen;

SEC("syscall")
int add(void *ctx)
{
	seen = *(volatile long *)&pointed_value + *(const volatile long *)&fixed_value;
	*(volatile long *)&pointed_value += 1;
	*(volatile int *)&loose.value += 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
