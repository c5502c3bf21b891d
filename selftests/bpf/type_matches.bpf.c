/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Does the kernel have a type as it is declared here? bpf_core_type_matches() with all sorts of them. */
#include <mem/bpf.h>

/* What libbpf's bpf_core_read.h calls BPF_TYPE_MATCHES. */
#define MATCHES(type) __builtin_preserve_type_info(*(type *)0, 2)

typedef struct {
	int counter;
} atomic_t;
struct list_head {
	struct list_head *next;
};
struct list_head___one {
	struct list_head___one *next, *only_here;
};
struct refcount_struct {
	atomic_t refs;
};
typedef struct refcount_struct refcount_t;
struct kref {
	refcount_t refcount;
};
/* four structs deep */
struct kobject {
	struct kref kref;
	struct list_head entry;
	struct kobject *parent;
	struct kset *kset;
};
struct kobject___sign {
	struct kref___sign {
		struct refcount_struct___sign {
			struct {
				unsigned int counter;
			} refs;
		} refcount;
	} kref;
};
struct kobject___pointer {
	const int *name;
};
struct kobject___missing {
	struct kref kref;
	int no_such_member;
};
struct libmem_no_such_type {
	int a;
};
enum pid_type {
	PIDTYPE_PID = 77,
};
enum pid_type___missing {
	PIDTYPE_PID___1,
	PIDTYPE_LIBMEM,
};

unsigned int answers[16]; /* in the order of the questions */
unsigned int count;

#define ASK(type) answers[count++ & 15] = MATCHES(type)

SEC("syscall") int deep(void *ctx)
{
	count = 0;
	ASK(struct kobject);
	ASK(struct kobject___sign);
	ASK(struct kobject___missing);
	ASK(struct kobject___pointer);
	ASK(struct list_head);
	ASK(struct list_head___one);
	ASK(struct libmem_no_such_type);
	ASK(enum pid_type);
	ASK(enum pid_type___missing);
	ASK(refcount_t);
	return 0;
}

/* What the kernel can answer itself. */
SEC("syscall") int shallow(void *ctx)
{
	count = 0;
	ASK(struct list_head);
	ASK(struct list_head___one);
	ASK(enum pid_type);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
