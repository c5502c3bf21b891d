/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Per-thread memory: each thread shares a struct of its own with the programs.
 *
 * The BPF side declares it and looks at the current thread's, or another one's:
 *
 *     struct request { __u64 id; int phase; };
 *     MEM_TASK(struct request, request);
 *
 *     struct request *r = mem_task_get(request);
 *     if (r)
 *             seen = r->id;
 *
 * The application has the calling thread's from the generated header, `NAME__task_request()`, as fast
 * as a thread-local variable: no system call, no lock. The first use in a thread registers it.
 *
 * A thread's structs of all objects and libraries of its process lie together in its *block*, a page
 * at most. Where the block is depends on the kernel; the programs are the same: docs/task.md.
 */
#ifndef MEM_TASK_H
#define MEM_TASK_H

/** @cond */
/* What lies in front of a thread's structs. Both sides, and every version of them, share it. */
#define MEM_TASK_HEAD 64   /* bytes */
#define MEM_TASK_BLOCK 4096 /* bytes of a block that task storage can point to */

/* Numbers that the loader puts into the programs as mem_task_back. */
#define MEM_TASK_IN_NONE 0
#define MEM_TASK_IN_UPTR 1
#define MEM_TASK_IN_ARENA 2
#define MEM_TASK_IN_ARRAY 3

/* Generations of a block: no thread's; that of the first program of thread tid to come. */
#define MEM_TASK_FREE 0
#define MEM_TASK_PENDING 1
/** @endcond */

#ifdef __bpf__

#include <mem/bpf.h>

/** @cond */
struct mem_task_head {
	__u64 generation; /* of the thread that has the block: see mem_task__generation() */
	__u32 tid, tgid;  /* of that thread, in the initial pid namespace */
	__u64 execs;      /* programs it has executed: self_exec_id */
	char rest[MEM_TASK_HEAD - 24];
};

struct mem_task_page {
	struct mem_task_head head;
	char structs[MEM_TASK_BLOCK - MEM_TASK_HEAD];
};

struct mem_task_pointer {
	struct mem_task_page __attribute__((btf_type_tag("uptr"))) *page;
};

/* What of the kernel's struct is used, whatever else declares it. */
struct task_struct;
struct task_struct___mem_task {
	int pid;
	int tgid;
	__u64 start_boottime;
	__u64 self_exec_id;
} __attribute__((preserve_access_index));

/*
 * One map for each back. The process has one set for all its objects, of which the loader makes those
 * that the chosen back needs; sizes are its as well.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct mem_task_pointer);
} mem_task_pages SEC(".maps") __weak;

/*
 * By thread id, the element of mem_task_blocks. Not in task storage: before Linux 6.2 a program finds
 * nothing there while another thread of its CPU has been interrupted in any task storage of the system.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} mem_task_slots SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, MEM_TASK_BLOCK);
} mem_task_blocks SEC(".maps") __weak;

struct {
	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} mem_task_arena SEC(".maps") __weak;

/* Chosen by the loader. The verifier sees constants and never looks at the other backs' code. */
extern const void mem_task_back __ksym __weak;  /* MEM_TASK_IN_* */
extern const void mem_task_index __ksym __weak; /* address in the arena: blocks by thread id */

/* Makes the compiler describe the page in full; nothing of it is ever in memory. */
struct mem_task_page *mem_task_page_type __attribute__((section(".mem_tasks"), weak, used));

/*
 * A task's start alone tells threads apart that had the same id one after the other; the other number
 * changes when one executes another program, which must not inherit what the first one left.
 */
static __always_inline __u64 mem_task__generation(struct task_struct *task)
{
	struct task_struct___mem_task *t = (struct task_struct___mem_task *)task;

	return t->start_boottime + (t->self_exec_id << 48);
}

static __always_inline struct mem_task_head *mem_task__block(struct task_struct *task)
{
	__u64 back = (__u64)&mem_task_back;

	if (back == MEM_TASK_IN_UPTR) {
		struct mem_task_pointer *p = bpf_task_storage_get(&mem_task_pages, task, 0, 0);
		struct mem_task_page *page = p ? p->page : 0;

		return page ? &page->head : 0;
	}
#ifdef __BPF_FEATURE_ADDR_SPACE_CAST
	if (back == MEM_TASK_IN_ARENA) {
		struct task_struct___mem_task *t = (struct task_struct___mem_task *)task;
		__u64 index = (__u64)&mem_task_index;
		__u32 block;

		MEM_ARENA_USE(mem_task_arena);
		/* or compilers move the cast to where programs without an arena pass too */
		asm volatile("" : "+r"(index));
		block = ((__u32 __arena *)index)[(__u32)t->pid];
		return block ? (struct mem_task_head *)(struct mem_task_head __arena *)(__u64)block : 0;
	}
#endif
	if (back == MEM_TASK_IN_ARRAY) {
		struct task_struct___mem_task *t = (struct task_struct___mem_task *)task;
		__u32 tid = (__u32)t->pid;
		__u32 *element = bpf_map_lookup_elem(&mem_task_slots, &tid);

		return element ? bpf_map_lookup_elem(&mem_task_blocks, element) : 0;
	}
	return 0;
}

/* Whether a block is this task's; the first program to see one registered ahead makes it so. */
static __always_inline int mem_task__owns(struct mem_task_head *head, struct task_struct *task)
{
	struct task_struct___mem_task *t = (struct task_struct___mem_task *)task;
	__u64 generation = mem_task__generation(task);

	if (head->generation == generation)
		return 1;
	if (head->generation != MEM_TASK_PENDING || head->tid != (__u32)t->pid ||
	    head->tgid != (__u32)t->tgid || head->execs != t->self_exec_id)
		return 0;
	head->generation = generation;
	return 1;
}

static __always_inline void *mem_task__at(struct task_struct *task, __u64 offset)
{
	struct mem_task_head *head = mem_task__block(task);

	if (!head || !mem_task__owns(head, task))
		return 0;
	return (char *)head + offset;
}

/* What a thread runs, by BPF_PROG_TEST_RUN, to be registered; the context is struct task_self. */
struct mem_task_self_ctx {
	__u64 generation;
	__u32 tid, tgid;
	__u64 execs;
	__u64 element; /* array: of the thread's block; 0: leave it as it is */
};

SEC("syscall") __weak int mem_task_self(struct mem_task_self_ctx *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_struct___mem_task *t = (struct task_struct___mem_task *)task;

	ctx->generation = mem_task__generation(task);
	ctx->tid = (__u32)t->pid;
	ctx->tgid = (__u32)t->tgid;
	ctx->execs = t->self_exec_id;
	if ((__u64)&mem_task_back == MEM_TASK_IN_ARRAY && ctx->element) {
		__u32 tid = ctx->tid, element = (__u32)ctx->element;

		return (int)bpf_map_update_elem(&mem_task_slots, &tid, &element, 0);
	}
	return 0;
}
/** @endcond */

/**
 * After the closing brace of a per-thread struct: its fields are found by name, wherever an application
 * that was built with another version of it has them, if that has used it before this object is loaded.
 *
 * Programs then access the struct field by field, never as a whole. Bit-fields and members of unnamed
 * unions stay where they are.
 */
#define MEM_MOVABLE __attribute__((preserve_access_index))

/**
 * Declare a struct that each thread has one of. At file scope.
 *
 * type  of the struct: complete, at most a page together with the other structs of the process where
 *       the kernel's task storage holds it, otherwise of any size (docs/task.md)
 * name  by which program and application call it, and which objects of one process that share it
 *       must agree on
 */
#define MEM_TASK(type, name)                                                                       \
	extern const void mem_task_offset_of_##name __ksym __weak;                                 \
	/* not of the variable: another one may have its name where it is asked for */            \
	typedef type mem_task_type_of_##name;                                                      \
	type name __attribute__((section(".mem_tasks"), weak, used))

/**
 * The struct of a task, NULL if that thread has not been registered.
 *
 * name  as in MEM_TASK()
 * task  a struct task_struct * that the verifier trusts, as bpf_get_current_task_btf() returns and
 *       iterators and tracepoints pass
 */
#define mem_task_get_of(name, task)                                                                \
	((mem_task_type_of_##name *)mem_task__at(task, (__u64)&mem_task_offset_of_##name))

/**
 * The struct of the current thread, NULL if it has not been registered.
 *
 * Always NULL in programs that run for no thread in particular (XDP, tc and other packet filters). A
 * tracing program that an interrupt runs sees the thread that was interrupted.
 *
 * name  as in MEM_TASK()
 */
#define mem_task_get(name) mem_task_get_of(name, bpf_get_current_task_btf())

#else /* application */

#include <mem/mem.h>

/** @cond */
#define MEM_MOVABLE /* a matter of programs */
/** @endcond */

#ifdef __cplusplus
extern "C" {
#endif

/** @cond */
int __cxa_atexit(void (*fn)(void *), void *arg, void *dso);
extern void *__dso_handle __attribute__((visibility("hidden")));
/** @endcond */

/** @cond */
/*
 * Apart and cold, or compilers put it in the middle of the caller's loop; and yet inline, or without optimization
 * whoever includes this has it, and with it a use of what it calls.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wattributes" /* gcc's, of noinline beside inline */
__attribute__((noinline, cold)) static inline void *mem_task_find_first(struct mem_task_cell *cell,
									struct mem_task *task,
									const struct mem_image *(*image)(void),
									uint32_t row)
{
	/* cells are gone when a library is unloaded */
	if (!__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		__cxa_atexit(mem_task_forget, task, &__dso_handle);
	return mem_task_register(cell, task, image(), row);
}
#pragma GCC diagnostic pop
/** @endcond */

/**
 * @brief The calling thread's struct: a load and a test, but for the first time.
 * @param cell   a thread-local variable
 * @param task   a variable of the same code
 * @param image  makes the image that declares the struct
 * @param row    of its tasks table
 * @return the struct; NULL with errno as mem_task_register() has it
 */
static inline void *mem_task_find(struct mem_task_cell *cell, struct mem_task *task,
				  const struct mem_image *(*image)(void), uint32_t row)
{
	void *data = __atomic_load_n(&cell->data, __ATOMIC_RELAXED);

	if (__builtin_expect(data != NULL, 1))
		return data;
	return mem_task_find_first(cell, task, image, row);
}

#ifdef __cplusplus
}

namespace mem {
/**
 * @brief A thread's instance that reads like a C++ thread_local variable.
 *
 *     static mem::task_local<struct request, server__task_request> request;
 *     request->id = 7;
 *
 * @tparam T    the struct
 * @tparam get  the generated accessor
 */
template <typename T, T *(*get)()> struct task_local {
	/** @brief The calling thread's instance. @return as the accessor */
	T *operator->() const { return get(); }
	/** @brief The calling thread's instance; there must be one. @return a reference to it */
	T &operator*() const { return *get(); }
	/** @brief Whether there is an instance: not if memory has run out. @return true or false */
	explicit operator bool() const { return get() != nullptr; }
};
} // namespace mem
#endif

#endif /* __bpf__ */
#endif /* MEM_TASK_H */
