/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Variables that implement kernel interfaces. Never loaded: test_memgen.c reads it. */
#include <mem/bpf.h>

struct module;
struct task;

struct limits {
	int low : 4;
	int high : 12;
};

struct some_ops {
	int (*select)(struct task *task, int cpu);
	void (*enter)(void);
	void *data;
	struct module *owner;
	struct limits limits;
	union {
		long l;
		char c;
	};
	unsigned int flags;
	char name[16];
};

SEC("struct_ops/select")
int select(unsigned long long *ctx)
{
	return 0;
}

SEC("struct_ops/enter")
int enter(unsigned long long *ctx)
{
	return 0;
}

SEC(".struct_ops")
struct some_ops first = {
	.select = (void *)select,
	.enter = (void *)enter,
	.flags = 3,
	.name = "first",
};

SEC(".struct_ops.link")
struct some_ops second = {
	.select = (void *)select,
	.name = "second",
};

char _license[] SEC("license") = "GPL";
