/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs that a kernel refuses, each for another reason; the tests load one at a time. */
#include <mem/bpf.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} unsized SEC(".maps");

int whole_packets(struct xdp_md *ctx), fragments(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int(struct xdp_md *));
} mixed SEC(".maps") = {
	.values = { (void *)&whole_packets, (void *)&fragments },
};

extern int libmem_no_such_kfunc(void) __attribute__((section(".ksyms")));
extern int libmem_no_such_weak_kfunc(void) __attribute__((section(".ksyms"), weak));

static __attribute__((noinline)) __u64 unchecked(__u32 key)
{
	__u64 *value = bpf_map_lookup_elem(&map, &key);

	return *value; /* may be NULL */
}

SEC("syscall")
int null_dereference(void *ctx)
{
	return (int)unchecked(1);
}

SEC("syscall")
int strong_kfunc(void *ctx)
{
	return libmem_no_such_kfunc();
}

SEC("syscall")
int weak_kfunc(void *ctx)
{
	if (libmem_no_such_weak_kfunc)
		return libmem_no_such_weak_kfunc();
	return 12;
}

SEC("?raw_tp/sys_enter")
int writes_user(void *ctx)
{
	__u32 value = 0;

	return (int)bpf_probe_write_user(ctx, &value, sizeof(value));
}

SEC("no/such/section")
int unknown_section(void *ctx)
{
	return 0;
}

SEC("tp_btf/libmem_no_such_tracepoint")
int unknown_target(void *ctx)
{
	return 0;
}

SEC("syscall")
int uses_unsized(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&unsized, &key) != 0;
}

/* What follows is for one test each. */

struct task_struct {
	int libmem_no_such_member;
	int tgid;
} __attribute__((preserve_access_index));

#define FIELD_EXISTS 2 /* of __builtin_preserve_field_info() */

static __always_inline int read_field(const int *field)
{
	int value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), field);
	return value;
}

SEC("?raw_tp/sys_enter")
int reads_missing_field(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	return read_field(&task->libmem_no_such_member);
}

SEC("?raw_tp/sys_enter")
int tests_for_field(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	if (__builtin_preserve_field_info(task->libmem_no_such_member, FIELD_EXISTS))
		return read_field(&task->libmem_no_such_member);
	return read_field(&task->tgid);
}

SEC("?raw_tp/sys_enter")
int calls_foreign_helper(void *ctx)
{
	return (int)bpf_get_socket_cookie(ctx); /* for programs of the network */
}

SEC("?syscall")
int calls_weak_kfunc(void *ctx)
{
	return libmem_no_such_weak_kfunc(); /* without looking */
}

extern const int libmem_no_such_variable __attribute__((section(".ksyms")));
extern const void libmem_no_such_symbol __attribute__((section(".ksyms")));

SEC("?syscall")
int reads_missing_variable(void *ctx)
{
	return libmem_no_such_variable;
}

SEC("?syscall")
int names_missing_symbol(void *ctx)
{
	return (int)(long)&libmem_no_such_symbol;
}

SEC("?fentry/libmem_no_such_function")
int on_missing_function(void *ctx)
{
	return 0;
}

SEC("?fentry/libmem_no_such_module:its_function")
int on_missing_module(void *ctx)
{
	return 0;
}

SEC("?netfilter")
int on_packet(void *ctx)
{
	return 1;
}

SEC("?fsession/bpf_fentry_test1")
int on_session(void *ctx)
{
	return 0;
}

/* A map that the application leaves out, and a constant that says so. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} optional SEC(".maps");

const volatile int has_optional = 1;

SEC("?syscall")
int reaches_optional(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&optional, &key) ? 1 : 0;
}

SEC("?syscall")
int asks_for_optional(void *ctx)
{
	__u32 key = 0;

	if (!has_optional)
		return 2;
	return bpf_map_lookup_elem(&optional, &key) ? 1 : 0;
}

SEC("?xdp")
int whole_packets(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("?xdp.frags")
int fragments(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
