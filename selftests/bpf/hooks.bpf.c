/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* A program for each hook that the tests attach to; each counts its runs. */
#include <mem/bpf.h>

struct task_struct;
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} __attribute__((preserve_access_index));

__u64 tracepoints, raw_tracepoints, btf_tracepoints, events, packets_xdp, packets_in, packets_out;

SEC("tracepoint/syscalls/sys_enter_getppid")
int on_tracepoint(void *ctx)
{
	__sync_fetch_and_add(&tracepoints, 1);
	return 0;
}

SEC("tp/raw_syscalls/sys_enter")
int on_short_name(void *ctx)
{
	__sync_fetch_and_add(&tracepoints, 1);
	return 0;
}

SEC("raw_tp/sys_enter")
int on_raw_tracepoint(void *ctx)
{
	__sync_fetch_and_add(&raw_tracepoints, 1);
	return 0;
}

SEC("raw_tp")
int on_any_raw_tracepoint(void *ctx)
{
	__sync_fetch_and_add(&raw_tracepoints, 1);
	return 0;
}

SEC("tp_btf/sys_enter")
int on_btf_tracepoint(__u64 *ctx)
{
	__sync_fetch_and_add(&btf_tracepoints, 1);
	return 0;
}

SEC("perf_event")
int on_event(void *ctx)
{
	__sync_fetch_and_add(&events, 1);
	return 0;
}

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&packets_xdp, 1);
	return XDP_PASS;
}

SEC("tcx/ingress")
int on_ingress(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets_in, 1);
	return 0;
}

SEC("tc")
int on_tc(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets_out, 1);
	return 0;
}

SEC("iter/task")
int dump_tasks(struct bpf_iter__task *ctx)
{
	static const char line[] = "task\n";

	if (ctx->task)
		bpf_seq_write(ctx->meta->seq, line, sizeof(line) - 1);
	return 0;
}

SEC("?iter/bpf_map_elem")
int dump_elements(struct bpf_iter__bpf_map_elem *ctx)
{
	static const char line[] = "element\n";

	if (ctx->value)
		bpf_seq_write(ctx->meta->seq, line, sizeof(line) - 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
