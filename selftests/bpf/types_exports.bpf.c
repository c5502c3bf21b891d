/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Types that no variable reaches. Never loaded: test_memgen.c reads it, and test_exports.sh. */
#include <mem/bpf.h>

enum kind { KIND_OPEN = 1, KIND_CLOSE = 2 };

struct endpoint {
	__u8 address[16];
	__u16 port;
};

struct event {
	enum kind kind;
	struct endpoint from;
	__u64 when;
};

struct flow_key {
	struct endpoint from, to;
};

typedef struct {
	__u64 bytes, packets;
} counts_t;

union answer {
	__u32 code;
	char text[12];
};

enum verdict { VERDICT_PASS, VERDICT_DROP = 1ULL << 40 };

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} samples SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct flow_key);
	__type(value, counts_t);
} flows SEC(".maps");

MEM_RECORD(events, struct event);
MEM_RECORD(answers, union answer);
MEM_RECORD(samples, counts_t);
MEM_EXPORT(struct flow_key);
MEM_EXPORT(enum verdict);

int started;

SEC("syscall")
int start(void *ctx)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	started = 1;
	if (!event)
		return 1;
	__builtin_memset(event, 0, sizeof(*event));
	event->when = 5;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
