/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-thread memory, within the library. The story is in docs/task.md.
 *
 *     task.c              what applications call: a thread's structs
 *     task_thread.c       which threads are registered: first use, the end, fork
 *     task_block.c        which memory a thread's block is, and that programs find it
 *     task_back.c         the three places that programs find a block in
 *     task_layout.c       where in a block each struct is, and whether two descriptions of one agree
 *     task_layout_bytes.c that, for another process
 *     task_object.c       objects with such structs come and go
 *     task_relocate.c     programs whose fields are elsewhere
 *     task_share.c        other processes may use the same blocks
 *     task_join.c         this one does so
 */
#ifndef LIBMEM_TASK_H
#define LIBMEM_TASK_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mem/mem.h>
#include <mem/task.h>

#include "error.h"
#include "image.h"
#include "parts.h"

#define TASK_BLOCK_MIN 256        /* bytes */
#define TASK_BLOCK_MAX (1U << 20) /* bytes */
#define TASK_TIDS_MAX (1U << 22)  /* threads that can be told apart: PID_MAX_LIMIT of the kernel */

struct mem_object;

/* The application's view of what is in front of each block: as in mem/task.h for programs. */
struct task_head {
	uint64_t generation;
	uint32_t tid, tgid;
	uint64_t execs;
	char rest[MEM_TASK_HEAD - 24];
};

/* Context of the program mem_task_self. */
struct task_self {
	uint64_t generation;
	uint32_t tid, tgid;
	uint64_t execs;
	uint64_t element; /* array: of the thread's block; 0: leave it as it is */
};

/*
 * In front of the blocks of a back with slots, seen by all processes that have it: whose each slot is.
 */
struct task_slots {
	uint32_t hint;    /* where to look for a free one first */
	uint32_t owner[]; /* thread id in the initial pid namespace; 0: free */
};

/* Where programs find blocks, while there are objects with such structs. */
struct task_back {
	uint32_t kind;      /* MEM_TASK_IN_* */
	uint32_t refs;      /* objects that use it, and threads whose block is in it */
	uint32_t objects;   /* of those, the objects */
	uint32_t block_size; /* bytes, a power of two */
	uint32_t count;     /* slots; 0: not by slots */
	char *base;         /* what is mapped; NULL if nothing is */
	size_t size;        /* bytes at base */
	struct task_slots *slots;
	uint32_t *index;    /* arena: low halves of the blocks' addresses, by thread id */
	char *blocks;       /* slot 0 */
	int map_fd;         /* task storage (uptr), arena, or array of blocks */
	int slots_fd;       /* array: elements by thread id; else -1 */
	int self_fd;        /* program mem_task_self, -1 until an object is loaded */
	uint32_t tgid;      /* of this process in the initial pid namespace; 0: not known yet */
	uint64_t execs;     /* programs this process has executed */
	bool other_ids;     /* this process is in another pid namespace */
	bool elsewhere;     /* after fork: not mapped in this process yet */
};

/* task_layout.c; the caller holds the lock */

/* A struct as programs use it, and not an application. */
struct task_programs {
	bool movable; /* their accesses can be relocated */
	uint32_t *at; /* receives where each field is, bits; an element for each */
};

/*
 * Offset of a struct in every block, agreed upon by all that declare it. Negative errno with a message:
 * -ENOSPC no room, -EINVAL the descriptions contradict each other, -EBUSY programs are to use what the
 * processes that share their blocks have not agreed upon.
 */
int task_declare(const char *who, const struct mem_task_image *task,
		 const struct mem_task_field_image *fields, uint32_t block_size,
		 const struct task_programs *programs);
/* Bytes of a block that are spoken for. */
uint32_t task_declared_size(void);

/* Whether programs must do with what is declared now. */
void task_layout_seal(bool seal);

/* task_back.c; the caller holds the lock */
int task_back_choose(struct mem_object *obj, const struct mem_task_opts *opts, uint32_t block_size,
		     struct task_back **back);
void task_back_put(struct task_back *back);
/* fd of the back's map for a maps row of the object, -1 if programs have no use for it. */
int task_back_map(const struct task_back *back, const char *name);
/* Run mem_task_self in this thread. */
int task_back_self(struct task_back *back, struct task_self *self);
/* A free slot as the calling process's; -ENOSPC. */
int task_back_take(struct task_back *back, uint32_t tid, uint32_t *slot);
void task_back_release(struct task_back *back, uint32_t slot, uint32_t tid);
static inline char *task_back_block(const struct task_back *back, uint32_t slot)
{
	return back->blocks + (size_t)slot * back->block_size;
}
/* Which element of the array a slot is: the first ones are in front of the slots. */
static inline uint32_t task_back_element(const struct task_back *back, uint32_t slot)
{
	return slot + (uint32_t)((uint64_t)(back->blocks - back->base) / back->block_size);
}
/* Let the programs find a thread's block; tid is this process's name for it. */
int task_back_point(struct task_back *back, int tid, const char *block, uint32_t slot);
/* Map the blocks of another process' back: its descriptors, sizes and, for an arena, base are set. */
int task_back_adopt(struct task_back *back);
/* Map it again in a child process. */
int task_back_return(struct task_back *back);
/* In a child process: leave private memory where the parent's was. */
void task_back_leave(struct task_back *back);

/* task_object.c: they take the lock */
int task_prepare(struct mem_object *obj) PART;
int task_load(struct mem_object *obj) PART;
void task_close(struct mem_object *obj) PART;
/* What mem_task_back, mem_task_index and offsets are in programs of this type. */
uint64_t task_number(const struct mem_object *obj, const struct mem_extern_image *ext,
		     uint32_t prog_type) PART;

/* task_relocate.c */

/* Whether the type has preserve_access_index: every access to a field of it has a CO-RE record. */
bool task_is_movable(const struct image_view *image, uint32_t type);
/*
 * Let an instruction access a field of such a struct where it is. 1: done; 0: the record is of another type; or
 * -EINVAL with a message.
 */
int task_relocate(const struct mem_object *obj, const struct bpf_core_relo *relo, struct bpf_insn *insn)
	PART;

#endif /* LIBMEM_TASK_H */
