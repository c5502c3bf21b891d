/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps that begin with others in them. What is static has no symbol that its relocation could name. */
#include <mem/bpf.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

static struct inner first SEC(".maps");
static struct inner second SEC(".maps");
struct inner third SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps") = {
	.values = { [0] = (void *)&second, [2] = (void *)&first, [3] = &third },
};

static int put(__u32 slot, __u32 value)
{
	__u32 key = 0;
	void *inner = bpf_map_lookup_elem(&outer, &slot);

	return inner ? (int)bpf_map_update_elem(inner, &key, &value, 0) : -1;
}

SEC("xdp")
int put_all(struct xdp_md *ctx)
{
	(void)ctx;
	return put(0, 10) | put(2, 12) | put(3, 13);
}

/* so that those without a symbol are used by name as well */
SEC("xdp")
int get_all(struct xdp_md *ctx)
{
	__u32 key = 0, *a, *b, *c;

	(void)ctx;
	a = bpf_map_lookup_elem(&first, &key);
	b = bpf_map_lookup_elem(&second, &key);
	c = bpf_map_lookup_elem(&third, &key);
	return a && b && c ? (int)(*a << 16 | *b << 8 | *c) : -1;
}

char LICENSE[] SEC("license") = "GPL";
