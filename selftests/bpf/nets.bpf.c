/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs for sockets in a map and for netkit devices; each counts its runs. */
#include <mem/bpf.h>

__u64 messages, streams, packets;

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

SEC("?sk_msg")
int on_message(struct sk_msg_md *msg)
{
	__sync_fetch_and_add(&messages, 1);
	return SK_PASS;
}

SEC("?sk_skb/stream_verdict")
int on_stream(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&streams, 1);
	return SK_PASS;
}

SEC("?netkit/primary")
int on_netkit(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return 0; /* NETKIT_PASS */
}

char LICENSE[] SEC("license") = "GPL";
