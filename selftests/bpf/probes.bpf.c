/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Probes of functions in programs and in the kernel, and hooks of the network. */
#include <mem/bpf.h>

#ifdef __TARGET_ARCH_arm64
#define SYS "__arm64_sys_"
#else
#define SYS "__x64_sys_"
#endif

__u64 uprobes, uretprobes, multi_uprobes, kprobes, kretprobes, multi_kprobes, syscalls, entries;
__u64 egress, lookups, filtered, cookie;

SEC("uprobe/libc.so.6:getppid")
int on_uprobe(void *ctx)
{
	__sync_fetch_and_add(&uprobes, 1);
	cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("uretprobe/libc.so.6:getppid")
int on_uretprobe(void *ctx)
{
	__sync_fetch_and_add(&uretprobes, 1);
	return 0;
}

SEC("?uprobe.multi/libc.so.6:getppi?")
int on_uprobe_multi(void *ctx)
{
	__sync_fetch_and_add(&multi_uprobes, 1);
	return 0;
}

SEC("kprobe/" SYS "getpgid")
int on_kprobe(void *ctx)
{
	__sync_fetch_and_add(&kprobes, 1);
	return 0;
}

SEC("kretprobe/" SYS "getpgid")
int on_kretprobe(void *ctx)
{
	__sync_fetch_and_add(&kretprobes, 1);
	return 0;
}

SEC("?kprobe.multi/" SYS "getpgi*")
int on_kprobe_multi(void *ctx)
{
	__sync_fetch_and_add(&multi_kprobes, 1);
	return 0;
}

SEC("ksyscall/getpgid")
int on_ksyscall(void *ctx)
{
	__sync_fetch_and_add(&syscalls, 1);
	return 0;
}

SEC("?fentry/" SYS "getpgid")
int on_fentry(void *ctx)
{
	__sync_fetch_and_add(&entries, 1);
	return 0;
}

SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&egress, 1);
	return 1;
}

SEC("sk_lookup")
int on_lookup(struct bpf_sk_lookup *ctx)
{
	__sync_fetch_and_add(&lookups, 1);
	return 1;
}

SEC("?netfilter")
int on_filter(void *ctx)
{
	__sync_fetch_and_add(&filtered, 1);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
