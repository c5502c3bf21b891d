/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Structs that are read whole while the other side writes them: a sequence counter inside.
 *
 *     struct sample {
 *             __u32 sequence MEM_SEQ;
 *             __u64 reads, writes, bytes;
 *     };
 *
 *     mem_seq_write_begin(&sample.sequence);          the writer: one at a time
 *     sample.reads++;
 *     sample.bytes += n;
 *     mem_seq_write_end(&sample.sequence);
 *
 *     NAME__copy_sample(&copy, &skel->bss->sample);   the reader, of a header made with --accessors
 *
 * The counter, of 4 or 8 bytes, is odd while the struct is being written. A reader copies, and copies
 * again if the counter was odd or has moved: it writes nothing, never holds up the writer, and may
 * have the memory mapped read-only. It works in every shared memory: variables, arrays, arenas.
 *
 * There must be one writer at a time: one side, one CPU, one thread; an element per CPU, say. A program
 * that interrupts another in the middle of writing the same struct is a second writer. Where several
 * write, take a struct mem_lock (mem/lock.h), whose word readers can use the same way.
 */
#ifndef MEM_SEQ_H
#define MEM_SEQ_H

#ifdef __bpf__
#include <mem/bpf.h>
#else
#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#endif
#include <mem/atomic.h>

/** Begin to write a struct; counter: the address of its MEM_SEQ member. */
#define mem_seq_write_begin(counter)                                                               \
	do {                                                                                       \
		mem_store(counter, mem_load(counter) + 1);                                         \
		mem__write_fence();                                                                \
	} while (0)

/** End what mem_seq_write_begin() began. */
#define mem_seq_write_end(counter) mem_store_release(counter, mem_load(counter) + 1)

#ifndef __bpf__
#ifdef __cplusplus
extern "C" {
#endif

/** How often mem_seq_copy() starts again before it gives up. */
#define MEM_SEQ_ROUNDS 100000

/** @cond */
typedef uint64_t __attribute__((may_alias)) mem__seq_word;
typedef uint32_t __attribute__((may_alias)) mem__seq_half;

static inline uint64_t mem__seq_count(const void *counter, size_t bytes)
{
	if (bytes == 4)
		return __atomic_load_n((const mem__seq_half *)counter, __ATOMIC_ACQUIRE);
	return __atomic_load_n((const mem__seq_word *)counter, __ATOMIC_ACQUIRE);
}

/* A writer that was interrupted on this very CPU has to get it back. */
static inline void mem__seq_wait(int round)
{
	if (round % 1024 == 1023)
		sched_yield();
}

/* The writer may be writing: each part is read once, whole. */
static inline void mem__seq_read(void *to, const void *from, size_t size)
{
	size_t words = (uintptr_t)from % 8 || (uintptr_t)to % 8 ? 0 : size / 8;
	size_t at = words * 8;

	for (size_t i = 0; i < words; i++)
		((mem__seq_word *)to)[i] = __atomic_load_n((const mem__seq_word *)from + i, __ATOMIC_RELAXED);
	for (; at < size; at++)
		((char *)to)[at] = __atomic_load_n((const char *)from + at, __ATOMIC_RELAXED);
}
/** @endcond */

/**
 * @brief Copy a struct of which all members belong together.
 * @param to       receives the struct
 * @param from     in shared memory
 * @param size     bytes of the struct
 * @param counter  bytes from its start to its MEM_SEQ member
 * @param width    bytes of that member: 4 or 8
 * @return 0; -EAGAIN: it was written all the time, or its writer was stopped half way; -EINVAL: the
 *         counter is not at a multiple of its size, which can be in a packed struct only
 */
static inline int mem_seq_copy(void *to, const void *from, size_t size, size_t counter, size_t width)
{
	const char *count = (const char *)from + counter;

	if ((uintptr_t)count % width)
		return -EINVAL;
	for (int i = 0; i < MEM_SEQ_ROUNDS; i++) {
		uint64_t before = mem__seq_count(count, width);

		mem__seq_wait(i);
		if (before & 1)
			continue;
		mem__seq_read(to, from, size);
		mem_acquire_fence();
		if (mem__seq_count(count, width) == before)
			return 0;
	}
	return -EAGAIN;
}

/**
 * @brief The same for a struct that a struct mem_lock (mem/lock.h) protects.
 * @param to    receives the struct
 * @param from  in shared memory
 * @param size  bytes of the struct
 * @param lock  bytes from its start to the lock
 * @return as mem_seq_copy()
 */
static inline int mem_seq_copy_locked(void *to, const void *from, size_t size, size_t lock)
{
	const char *word = (const char *)from + lock;

	for (int i = 0; i < MEM_SEQ_ROUNDS; i++) {
		uint64_t before = mem__seq_count(word, 8);

		mem__seq_wait(i);
		if ((uint32_t)before) /* somebody has it */
			continue;
		mem__seq_read(to, from, size);
		mem_acquire_fence();
		if (mem__seq_count(word, 8) == before)
			return 0;
	}
	return -EAGAIN;
}

#ifdef __cplusplus
}
#endif
#endif /* __bpf__ */

#endif /* MEM_SEQ_H */
