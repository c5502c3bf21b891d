/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads of this process that have blocks, between the files that keep them. There is one registry for
 * the whole process, whatever objects and libraries use it. The caller of the functions below holds its lock.
 */
#ifndef LIBMEM_TASK_REGISTRY_H
#define LIBMEM_TASK_REGISTRY_H

#include <pthread.h>

#include "task.h"

#define TASK_BUCKETS 1024
#define TASK_REAP_MIN 256 /* threads; with fewer nobody looks for those that ended without a word */

/* A block that a thread has, or had. */
struct task_block {
	struct task_block *older;
	char *memory;
	struct task_back *back; /* NULL: private memory, which a pointer in task storage may lead to */
	uint32_t slot;          /* with a back */
	uint32_t tid;           /* that the slot is claimed for */
};

struct task_thread {
	struct task_thread *next;
	int tid;
	struct mem_task_cell *cells; /* of this thread, to be emptied */
	bool here;          /* it has come here itself, and its end will be noticed */
	struct task_block *block; /* the current one, then those before */
	bool live;          /* programs find the current block */
	bool current;       /* ... and if they can't, nothing can be done: the block is the right one */
};

extern struct task_registry {
	pthread_mutex_t lock;       /* by task_lock() */
	int cancel;                 /* whether who has the lock can be cancelled otherwise */
	pthread_key_t key;          /* its destructor sees threads end */
	bool watches_forks;         /* has handlers for them */
	bool ready;                 /* the key exists */
	bool closed;                /* the library is being unloaded */
	struct mem_task_opts opts;  /* mem_task_setup() */
	uint32_t block_size;        /* bytes; 0 until the first block or object needs it */
	struct task_back *back;     /* NULL while no object is prepared */
	bool loaded;                /* ... and its programs can be asked */
	bool joined;                /* it is another process', and counts as an object */
	struct task_thread *threads[TASK_BUCKETS]; /* by thread id */
	uint32_t thread_count;
	uint32_t reap_at;           /* threads at which to look for dead ones */
	bool warned;                /* that programs do not see some threads */
} tasks;

/* task_block.c */

/* Bytes of every block: settled by the first who asks. */
uint32_t task_block_size(void);
/* What all blocks there are, and are about to be, have room for. */
uint32_t task_block_room(void);
/* Let programs find a thread. self: who it is in the initial namespace; ahead: it is not the caller. */
int task_block_show(struct task_thread *thread, struct task_self *self, bool ahead);
/* Why they can't, once for all threads. */
void task_block_warn(int err);
/* The calling thread's block, found by programs if there are any. */
int task_block_give(struct task_thread *thread);
void task_blocks_free(struct task_thread *thread);
/* Without blocks in private memory, without private memory. */
void task_blocks_trim(void);

/* task_thread.c */

/* The registry's lock. Who has it is not cancelled (pthread_cancel(3)). */
void task_lock(void);
void task_unlock(void);
/* See threads end, and forks. */
int task_threads_start(void);
/* Register the calling thread, with a block. */
int task_thread_enter(void);
/* It, if it is registered. */
struct task_thread *task_thread_self(void);
/* ... and no longer so. */
void task_thread_leave(void);
/* Register all threads of this process ahead of their first use; how many programs see. */
int task_threads_register(void);
/* Programs can see threads from now on. */
void task_threads_show(void);
/* No longer: those of `back` are gone, or other processes'. */
void task_threads_hide(const struct task_back *back);

/* task_object.c */

/* Threads are to be seen by the programs of an object or, joined, of another process. */
int task_programs_start(const char *who);
/* An object, or other processes' programs, are done with a back. */
void task_programs_leave(struct task_back *back);

/* task.c */

/* Where a struct is, for an application, into task->offset. */
int task_declare_row(struct mem_task *task, const struct mem_image *image, uint32_t row);

#endif /* LIBMEM_TASK_REGISTRY_H */
