/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief What an application does with a heap besides allocating: make it, let it grow, look at it,
 * recover it. Included by mem/alloc.h.
 *
 * All of it may be called by several threads and processes at once, while programs run.
 */
#ifndef MEM_HEAP_APP_H
#define MEM_HEAP_APP_H

#include <stddef.h>

#include <mem/heap.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)
#ifdef __cplusplus /* functions called as their structs, as stat(2) is, are nothing to warn of */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif

struct mem_region;

/** Options of mem_heap_create() and mem_heap_init(). Zero means the default for all but sz. */
struct mem_heap_opts {
	size_t sz;            /**< sizeof(struct mem_heap_opts) */
	size_t present;       /**< bytes to populate at once; default 64 KiB; more than there is: all */
	unsigned int threads; /**< threads of applications that may use it at once; default 64 */
	unsigned int checks;  /**< enum mem_heap_checks */
	unsigned int cpus;    /**< CPUs; default: those that the kernel may ever have */
};

/**
 * @brief Make a heap of the free pages of an arena.
 *
 * Takes the larger one of the parts before and after the arena's variables. An arena has room for one
 * heap; programs that take pages by kfunc leave it alone if they do so before.
 *
 * @param region  the arena, prepared
 * @param heap    one of its variables
 * @param opts    NULL for defaults
 * @return 0, or -EINVAL not a variable of this arena, not prepared; -EBUSY it is a heap; -ENOSPC
 *         too small: 24 pages are enough; -ENOMEM
 */
int mem_heap_create(struct mem_region *region, struct mem_heap *heap,
		    const struct mem_heap_opts *opts);

/**
 * @brief Make a heap of any memory, shared or not, that lies between two boundaries of 4 GiB together
 * with the heap's own struct. For tests, and for applications that use the structures by themselves.
 *
 * @param heap    zero, or a heap that nobody uses any more
 * @param memory  page aligned, zero; its pages are touched as the heap grows
 * @param size    bytes
 * @param opts    NULL for defaults
 * @return 0, or -EINVAL, -ENOSPC, -ENOMEM as mem_heap_create()
 */
int mem_heap_init(struct mem_heap *heap, void *memory, size_t size, const struct mem_heap_opts *opts);

/**
 * @brief Populate pages until at least some memory is fresh: allocations don't, for programs can't.
 *
 * Call it from time to time, in a thread of its own or between other work, so that programs always
 * find memory: how often, and how much, is what they allocate in between.
 *
 * @param heap   a heap of this process
 * @param bytes  to be there that no span was made of yet
 * @return pages added, 0 if there was enough; -ENOSPC the heap's end is reached, and all of it is
 *         populated; -EDEADLK; -ENOMEM; -EINVAL not a heap; -ESTALE one of another
 *         layout, in all of these functions
 */
int mem_heap_refill(struct mem_heap *heap, size_t bytes);

/** A thread that keeps a heap filled. */
struct mem_heap_keeper;

/**
 * @brief Start a thread that calls mem_heap_refill() whenever too little is fresh.
 *
 * It looks each millisecond while memory is used, less and less often otherwise, up to 16 times a
 * second: `bytes` is what may be allocated in 64 ms. At the heap's end it has nothing more to do.
 *
 * @param heap   a heap of this process
 * @param bytes  to be fresh at all times: the low-water mark; twice as much is populated below it
 * @return the thread, which belongs to the caller and has to be stopped before the arena is unmapped;
 *         NULL with errno EINVAL not a heap, ENOMEM, EAGAIN no more threads. The child of a fork has
 *         no such thread
 */
struct mem_heap_keeper *mem_heap_keep(struct mem_heap *heap, size_t bytes);

/**
 * @brief Stop the thread, and wait for its end.
 * @param keeper  from mem_heap_keep(); NULL does nothing
 */
void mem_heap_keep_stop(struct mem_heap_keeper *keeper);

/** Bytes of a heap, as mem_heap_usage() counts them. */
struct mem_heap_usage {
	size_t size;    /**< address space */
	size_t present; /**< populated, the heap's own books included */
	size_t books;   /**< caches, page table, bits */
	size_t fresh;   /**< populated and never used */
	size_t spans;   /**< cut into blocks */
	size_t depots;  /**< free blocks that everybody can have */
	size_t cached;  /**< free blocks in caches */
	size_t used;    /**< allocated: the rest of the spans */
	size_t caches_dead; /**< caches whose thread is gone: mem_heap_recover() */
	unsigned long long failed;    /**< allocations that got nothing */
	unsigned long long busy;      /**< operations given up after too many tries */
	unsigned long long bad_frees; /**< frees of what was not allocated */
	unsigned int reports;         /**< errors noticed */
};

/**
 * @brief Count a heap's memory. Exact if nobody changes it meanwhile, else a good guess.
 * @param heap   a heap of this process
 * @param usage  filled in
 * @return 0, or -EINVAL not a heap
 */
int mem_heap_usage(struct mem_heap *heap, struct mem_heap_usage *usage);

/**
 * @brief Walk all of a heap that nobody uses at the moment, and see whether its books are in order:
 * every free block in one place only, everything inside.
 * @param heap  a heap of this process
 * @return 1 it is; 0 it isn't, and mem_error_message() says what is wrong
 */
int mem_heap_is_valid(struct mem_heap *heap);

/**
 * @brief Give back what dead threads had in their caches. Any process, at any time.
 * @param heap  a heap of this process
 * @return caches recovered; -EINVAL not a heap
 */
int mem_heap_recover(struct mem_heap *heap);

/**
 * @brief Put the calling thread's cache back for everybody. Done by itself when a thread ends.
 * @param heap  a heap of this process
 */
void mem_heap_leave(struct mem_heap *heap);

/**
 * @brief A line of text about an error that a heap noticed.
 * @param heap    a heap of this process
 * @param number  of the error, from 0; the last 16 are kept
 * @param text    receives the line
 * @param size    bytes of text
 * @return 0, or -ENOENT there is no such error, or not any more; -EINVAL not a heap, no room for text
 */
int mem_heap_report(struct mem_heap *heap, unsigned int number, char *text, size_t size);

/**
 * @brief The calling thread's view of a heap; made at its first call.
 * @param heap  a heap
 * @return the view, which belongs to libmem; NULL with errno EINVAL not a heap, ESTALE one of another
 *         layout (MEM_HEAP_LAYOUT), EUSERS all caches are taken by living threads, ENOMEM
 */
const struct mem_heap_view *mem_heap_view(struct mem_heap *heap);

#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_HEAP_APP_H */
