/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Records to the application through a ring buffer and a perf buffer, and from it. */
#include <mem/bpf.h>

struct record {
	__u64 sequence;
	char text[20];
};

#define LARGE_RECORD ((4 << 20) - 8) /* bytes, 4 MiB with its header */

const volatile __u32 own_pid;
__u64 sequence, full, drained, drained_sum;
__u32 wanted = 1; /* records to make in one run */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} second SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} in SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

MEM_RECORD(out, struct record);
MEM_RECORD(events, struct record);
MEM_RECORD(in, __u64);

static int produce_one(__u32 i, void *ctx)
{
	struct record *record = bpf_ringbuf_reserve(&out, sizeof(*record), 0);

	if (!record) {
		full++;
		return 0;
	}
	record->sequence = sequence++;
	__builtin_memcpy(record->text, "from the program", 17);
	if (record->sequence % 5 == 4)
		bpf_ringbuf_discard(record, 0);
	else
		bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("?syscall")
int produce(void *ctx)
{
	bpf_loop(wanted, produce_one, 0, 0);
	return 0;
}

/* Positions soon pass 4 GiB: the buffer has to have 16 MiB for this. */
SEC("?syscall")
int produce_large(void *ctx)
{
	for (int i = 0; i < 3; i++) {
		__u64 *record = bpf_ringbuf_reserve(&out, LARGE_RECORD, 0);

		if (!record) {
			full++;
			continue;
		}
		*record = sequence++;
		bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

SEC("?syscall")
int produce_second(void *ctx)
{
	__u64 value = 99;

	return bpf_ringbuf_output(&second, &value, sizeof(value), 0);
}

static long drain_one(struct bpf_dynptr *dynptr, void *ctx)
{
	__u64 value = 0;

	bpf_dynptr_read(&value, sizeof(value), dynptr, 0, 0);
	drained++;
	drained_sum += value;
	return 0;
}

SEC("?syscall")
int drain(void *ctx)
{
	return bpf_user_ringbuf_drain(&in, drain_one, 0, 0);
}

SEC("?raw_tp/sys_enter")
int on_enter(void *ctx)
{
	struct record record = { .text = "an event" };

	if (bpf_get_current_pid_tgid() >> 32 != own_pid)
		return 0;
	record.sequence = sequence++;
	bpf_perf_event_output(ctx, &events, 0xffffffffULL /* this CPU */, &record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
