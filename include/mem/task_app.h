/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief Per-thread memory, the application's side; mem/task.h declares the structs. Part of <mem/mem.h>.
 */
#ifndef MEM_TASK_APP_H
#define MEM_TASK_APP_H

#include <mem/object.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup task Per-thread memory
 * @{
 */

/** Where programs find a thread's structs. */
enum mem_task_back {
	MEM_TASK_BACK_AUTO = 0,  /**< the first of the following that the kernel has */
	MEM_TASK_BACK_UPTR = 1,  /**< a pointer in task storage to memory of the application: Linux 6.13 */
	MEM_TASK_BACK_ARENA = 2, /**< a slot of an arena: Linux 6.9 */
	MEM_TASK_BACK_ARRAY = 3  /**< a slot of a mappable array */
};

/** Options of mem_task_setup(). Zero means the default for every member but sz. */
struct mem_task_opts {
	size_t sz;               /**< sizeof(struct mem_task_opts) */
	enum mem_task_back back; /**< which one, instead of the best */
	uint32_t threads;        /**< slots of an arena (65536) or array (4096): threads at a time */
	uint32_t block_size;     /**< bytes for all structs of a thread: a power of two up to 1 MiB. 4096,
				      or what the first object needs; with an array 1024. More than 4096
				      rules task storage out. */
};

/** A struct that each thread has one of, as generated headers keep it. Zero at first. */
struct mem_task {
	uint32_t offset; /**< bytes into a thread's block; 0: not known yet */
};

/** A thread-local variable of generated headers: what the fast path reads. Zero at first. */
struct mem_task_cell {
	void *data;                 /**< the thread's struct; NULL: call mem_task_register() */
	struct mem_task_cell *next; /**< another one of this thread; libmem's */
	struct mem_task *task;      /**< whose struct it is; NULL: not known to libmem */
};

/**
 * @brief Looks at one thread's struct in a walk.
 *
 * @param ctx   as given to mem_task_each()
 * @param tid   of the thread, as gettid(2) has it
 * @param data  its struct, valid during the call; the thread may be writing to it
 * @return 0 goes on; anything else ends the walk
 */
typedef int mem_task_fn(void *ctx, int tid, void *data);

/**
 * @brief Choose where threads' structs are, for the whole process.
 *
 * @param opts  what differs from the defaults; NULL for all defaults
 * @return 0, or -EBUSY an object with such structs is prepared or a thread has used one, -EINVAL
 *         a value out of range, -ENOTSUP @p opts need a newer libmem
 */
int mem_task_setup(const struct mem_task_opts *opts);

/**
 * @brief Where threads' structs are now.
 * @return MEM_TASK_BACK_AUTO as long as no object with such structs is prepared
 */
enum mem_task_back mem_task_back_used(void);

/**
 * @brief Register the calling thread, and find its struct: the slow path of generated accessors.
 *
 * The thread stays registered until it ends or calls mem_task_unregister(). Not to be called for the
 * first time in a signal handler.
 *
 * @param cell   of this thread: receives the result, and NULL again when that is no longer valid
 * @param task   the struct's place, to be kept by the caller
 * @param image  that declares the struct
 * @param row    of its tasks table
 * @return the struct, zero at first, valid until the thread ends or the last object with such structs
 *         is closed. Programs see it if an object is loaded and a slot was free, else it is private
 *         memory (a warning says so once). NULL with errno ENOMEM; ENOSPC the structs of all
 *         objects together are too large; EINVAL another object declares it differently (the message
 *         has the fields); ESHUTDOWN the thread is ending.
 */
void *mem_task_register(struct mem_task_cell *cell, struct mem_task *task,
			const struct mem_image *image, uint32_t row);

/**
 * @brief Forget all cells of a struct, because the code they belong to is being unloaded.
 *
 * Generated headers arrange for it to be called by dlclose(3).
 *
 * @param task  struct mem_task *, as given to mem_task_register()
 */
void mem_task_forget(void *task);

/**
 * @brief Give up the calling thread's structs, as its end does.
 *
 * Pointers to them are invalid afterwards. The next use starts from zero.
 */
void mem_task_unregister(void);

/**
 * @brief Register all threads that the process has now, ahead of their first use.
 *
 * Where there is no way to do this for other threads, they are registered by their next use as ever: with an
 * arena or array, in a pid namespace, and threads that had private structs before there was an object.
 *
 * @return number of threads that are registered; -EINVAL no object with such structs is loaded, -ENOMEM,
 *         or what reading /proc/self/task answered
 */
int mem_task_register_all(void);

/**
 * @brief Walk the structs of all registered threads of the process.
 *
 * No thread can register or end meanwhile: @p fn has to be quick, and must not use libmem, fork(2) or end its thread.
 *
 * @param task   as for mem_task_register()
 * @param image  as for mem_task_register()
 * @param row    as for mem_task_register()
 * @param fn     called for each thread
 * @param ctx    passed to @p fn
 * @return 0, what @p fn returned, or a negative errno as mem_task_register() has it
 */
int mem_task_each(struct mem_task *task, const struct mem_image *image, uint32_t row, mem_task_fn *fn,
		  void *ctx);

/**
 * @brief Let threads of other processes be seen by the programs of this one.
 *
 * What they need is pinned in a folder of a BPF file system. Which structs there are, and which fields they
 * have, is settled by this: objects that declare others can't be loaded in any of these processes.
 * The pins stay until mem_task_unshare(), or until another process shares its structs there; a process
 * that has joined keeps what it has.
 *
 * All processes that can open the pins can change each other's structs, and no program should
 * take more from them than it would from any user.
 *
 * @param folder  made, if it is missing, so that whom @p mode lets open the pins can enter it
 * @param mode    of the pins, of which a process needs to read and write; 0: 0600
 * @return 0, or -EINVAL no object with such structs is loaded, or @p folder is not in a BPF file system,
 *         -EPERM, -ENOMEM
 */
int mem_task_share(const char *folder, unsigned int mode);

/**
 * @brief Remove the pins that mem_task_share() made, and the folder if nothing else is in it.
 * @param folder  as given to mem_task_share(); nothing of it need be there
 * @return 0, or -EINVAL it is no folder of a BPF file system, -EACCES and what else unlink(2) answered
 */
int mem_task_unshare(const char *folder);

/**
 * @brief Let another process' programs see the threads of this one.
 *
 * From now on threads' structs are where that process has them. Threads that have used theirs keep what is
 * in them, as when the first object is loaded. It takes no privilege but to open the pins, and can be
 * repeated, to join whoever has come to share its structs there instead; then the calling thread starts from
 * zero. If it is still the same one, the call does nothing.
 *
 * @param folder  as given to mem_task_share() there
 * @return 1; 0 it was joined already; or -ENOENT nothing is shared there, -EACCES this user may not open it,
 *         -EBUSY this process has objects with such structs loaded, or has used structs that are to have
 *         another place, -EADDRINUSE it has something else at the arena's address, -EINVAL a struct or field
 *         is not the one it is there (the message says how), or what is there was not made by
 *         mem_task_share(), -ESTALE it is being replaced
 */
int mem_task_join(const char *folder);

/**
 * @brief Be seen by the other process' programs no longer.
 *
 * As if the last object had been closed: the calling thread's structs are gone, others go on in private
 * memory. Does nothing in a process that has not joined. Where this process has loaded objects since, the
 * structs stay shared until those are closed.
 */
void mem_task_leave(void);

/**
 * @brief Walk the structs of the threads of all processes that share them.
 *
 * Only where they are in an arena or array. Threads may register, end and write meanwhile. A thread
 * that was killed is left out; until its slot is taken back it may be mistaken for another with its id.
 *
 * @param task   as for mem_task_register()
 * @param image  as for mem_task_register()
 * @param row    as for mem_task_register()
 * @param fn     called for each thread, with its id in the initial pid namespace; must not use libmem
 * @param ctx    passed to @p fn
 * @return 0, what @p fn returned, -ENOTSUP they are in task storage: use an iterator program, -EINVAL no
 *         object is loaded and no process joined, or a negative errno as mem_task_register() has it
 */
int mem_task_each_shared(struct mem_task *task, const struct mem_image *image, uint32_t row,
			 mem_task_fn *fn, void *ctx);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_TASK_APP_H */
