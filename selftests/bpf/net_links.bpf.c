/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Programs at hooks of the network that take more than one step to reach. */
#include <mem/bpf.h>

__u64 filtered, messages, segments, primaries, peers, flows, other_flows;
__u32 flow_offset, flow_protocol; /* where on_flow() was told to begin: bytes, as in the packet */
int drop; /* 1: let nothing through */

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} sockets_by_key SEC(".maps");

SEC("?sk_msg")
int on_message(struct sk_msg_md *msg)
{
	__sync_fetch_and_add(&messages, 1);
	return drop ? SK_DROP : SK_PASS;
}

SEC("?sk_skb/verdict")
int on_segment(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&segments, 1);
	return SK_PASS;
}

SEC("?socket")
int on_packet(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&filtered, 1);
	return drop ? 0 : skb->len;
}

SEC("?netkit/primary")
int on_primary(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&primaries, 1);
	return 0; /* NETKIT_PASS */
}

SEC("?netkit/peer")
int on_peer(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&peers, 1);
	return 0;
}

SEC("?flow_dissector")
int on_flow(struct __sk_buff *skb)
{
	struct bpf_flow_keys *keys = skb->flow_keys;

	flow_offset = keys->nhoff;
	flow_protocol = keys->n_proto;
	__sync_fetch_and_add(&flows, 1);
	return BPF_OK;
}

SEC("?flow_dissector")
int other_on_flow(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&other_flows, 1);
	return BPF_DROP;
}

char LICENSE[] SEC("license") = "GPL";
