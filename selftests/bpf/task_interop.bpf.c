/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Per-thread memory of others beside libmem's.
 *
 * The kernel selftests' task_local_data has two pages for a thread: values, each at a multiple of 8 bytes,
 * and the names and sizes of them. A program looks a name up, and adds the sizes of those before it.
 *
 * OpenTelemetry's thread context is a record with a given layout.
 */
#include <mem/task.h>

#define NAMES 63
#define ROOM (4096 - 8)

struct named_value {
	char name[62];
	__u16 size;
};

struct names_page {
	__u16 count;
	__u16 size;
	struct named_value value[NAMES];
};

struct values_page {
	__u64 start; /* of the first value, in the page */
	char data[ROOM];
};

#define __uptr __attribute__((btf_type_tag("uptr")))

struct two_pages {
	struct values_page __uptr *values;
	struct names_page __uptr *names;
};

/* Both in full, or the kernel does not know how large they are. */
struct values_page *values_type;
struct names_page *names_type;

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct two_pages);
} tld_data_map SEC(".maps");

struct otel_context {
	__u8 trace_id[16], span_id[8]; /* big endian */
	__u8 valid;
	__u8 reserved;
	__u16 attributes_size;
	__u8 attributes[612];
};

struct mine {
	__u64 id;
};

MEM_TASK(struct mine, mine);
MEM_TASK(struct otel_context, otel_context);

static __always_inline int is_wanted(const char *name)
{
	const char wanted[] = "priority";

	for (unsigned int i = 0; i < sizeof(wanted); i++)
		if (name[i] != wanted[i])
			return 0;
	return 1;
}

static __always_inline int *find(struct two_pages *pages)
{
	struct values_page *values = pages->values;
	struct names_page *names = pages->names;
	__u64 at;

	if (!values || !names)
		return 0;
	at = values->start;
	for (unsigned int i = 0; i < 4 && i < names->count; i++) {
		if (is_wanted(names->value[i].name))
			return at >= 8 && at < 4000 ? (int *)((char *)values + at) : 0;
		at += (names->value[i].size + 7U) & ~7U;
	}
	return 0;
}

/* libmem's number plus the other library's, which is answered. */
SEC("syscall")
int add_both(void *ctx)
{
	struct two_pages *pages = bpf_task_storage_get(&tld_data_map, bpf_get_current_task_btf(), 0, 0);
	struct mine *m = mem_task_get(mine);
	int *priority = pages ? find(pages) : 0;

	if (!m || !priority)
		return -1;
	*priority += 1;
	return (int)m->id + *priority;
}

/* The first bytes of trace and span, 0 while the record is being changed. */
SEC("syscall")
int trace_of(void *ctx)
{
	struct otel_context *c = mem_task_get(otel_context);

	return c && c->valid == 1 ? c->trace_id[0] << 8 | c->span_id[0] : 0;
}

char LICENSE[] SEC("license") = "GPL";
