/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Locks between programs and applications: spin lock, sequence lock, reference count.
 *
 * **Spin lock.** One word of 8 bytes, zero when free:
 *
 *     63              32 31              0
 *     | times it was taken | owner         |    owner: 0 nobody, a thread's id,
 *                                                      or MEM_LOCK_PROGRAM + CPU
 *
 * A program never waits for long: mem_lock() gives up after MEM_LOCK_NS with -ETIMEDOUT, and at
 * once with -EDEADLK if a program on the same CPU holds the lock, which can't go on before this one
 * ends. Both must be expected: the owner may be an application's thread that is not running. A loop
 * that the kernel cuts short (250 ms) counts as a time-out, never as success.
 *
 * An application waits until somebody else has had the lock for MEM_LOCK_PATIENCE, all in one go: then
 * it gives up with -ETIMEDOUT as well, for a word in shared memory may say anything. When the owner has
 * died, mem_lock() takes the lock over and returns 1: what the lock protects may be half changed, and
 * is the caller's to repair. Programs do not die with a lock in hand. Threads are told by id, in one
 * pid namespace.
 *
 * Contexts: programs of every kind, NMI included. Linux 6.12 (atomics on arena memory) on x86.
 *
 * **Sequence lock.** The count of the same word lets readers go without the lock: mem_seq_begin(),
 * read with mem_load(), and start again if mem_seq_changed(). A reader writes nothing, so it may be
 * killed, and it may have the memory mapped read-only.
 *
 * **Reference count.** mem_ref_get() fails once the count was 0, so what is found in a structure
 * while its last owner lets go is not revived.
 */
#ifndef MEM_LOCK_H
#define MEM_LOCK_H

#ifdef __bpf__
#include <mem/bpf.h>
#else
#include <errno.h>
#include <linux/types.h>
#include <sched.h>
#include <sys/select.h> /* to sleep: strict C11 has no nanosleep() */
#endif
#include <mem/arena.h>
#include <mem/atomic.h>

#ifndef MEM_TYPE_struct_mem_lock
#define MEM_TYPE_struct_mem_lock
/** A spin lock; zero is free. */
struct mem_lock {
	unsigned long long word; /**< times taken << 32 | owner */
};
#endif

#ifndef MEM_TYPE_struct_mem_ref
#define MEM_TYPE_struct_mem_ref
/** A reference count. */
struct mem_ref {
	unsigned int count; /**< owners; 0: being released */
};
#endif

#ifndef __bpf__
#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)
/**
 * @brief The calling thread's id, as locks have it.
 * @return gettid(2), without a system call
 */
unsigned int mem_thread_id(void);

/**
 * @brief Whether a thread can still run.
 * @param tid  from a lock of this pid namespace
 * @return 0: it ended, or was killed; 1: it may run
 */
int mem_thread_lives(unsigned int tid);
#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif

/** Added to a CPU's number to make an owner of it. */
#define MEM_LOCK_PROGRAM 0x80000000U
/** How long a program waits before -ETIMEDOUT: nanoseconds. */
#define MEM_LOCK_NS 50000

/** How long an application waits for one owner before -ETIMEDOUT: milliseconds. */
#ifndef MEM_LOCK_PATIENCE
#define MEM_LOCK_PATIENCE 2000
#endif

/** @cond */
#ifdef __bpf__
/* Without errno.h. */
#define MEM_EAGAIN 11
#define MEM_ENOMEM 12
#define MEM_EBUSY 16
#define MEM_EEXIST 17
#define MEM_EINVAL 22
#define MEM_ENOSPC 28
#define MEM_EDEADLK 35
#define MEM_ENOENT 2
#define MEM_E2BIG 7
#define MEM_ETIMEDOUT 110
#define MEM_ESTALE 116
#else
#define MEM_EAGAIN EAGAIN
#define MEM_ENOMEM ENOMEM
#define MEM_EBUSY EBUSY
#define MEM_EEXIST EEXIST
#define MEM_EINVAL EINVAL
#define MEM_ENOSPC ENOSPC
#define MEM_EDEADLK EDEADLK
#define MEM_ENOENT ENOENT
#define MEM_E2BIG E2BIG
#define MEM_ETIMEDOUT ETIMEDOUT
#define MEM_ESTALE ESTALE
#endif

#ifdef __bpf__
MEM_INLINE unsigned int mem__lock_self(void)
{
	return MEM_LOCK_PROGRAM + bpf_get_smp_processor_id();
}
#else
#define mem__lock_self() mem_thread_id()
#endif
/** @endcond */

/**
 * @brief Take a lock if nobody has it.
 * @param lock  in memory of both sides
 * @return 0, or -EBUSY somebody has it
 */
MEM_INLINE int mem_trylock(struct mem_lock __arena *lock)
{
	unsigned long long word = mem_load(&lock->word);
	unsigned long long taken = ((word >> 32) + 1) << 32 | mem__lock_self();

	if ((unsigned int)word || mem_cas(&lock->word, word, taken) != word)
		return -MEM_EBUSY;
	mem__write_fence(); /* readers without the lock see that it is taken before they see what its owner does */
	return 0;
}

/**
 * @brief Release a lock.
 * @param lock  taken by the caller
 */
MEM_INLINE void mem_unlock(struct mem_lock __arena *lock)
{
	/* Only the owner changes the word of a lock that is taken. */
	mem_store_release(&lock->word, mem_load(&lock->word) & ~0xffffffffULL);
}

#ifdef __bpf__
/** @cond */
/* A time and no count: the verifier follows a count round by round. Checked once: takes no pointer. */
__attribute__((weak, noinline)) int mem__lock_wait(unsigned long long address)
{
	struct mem_lock __arena *lock = (struct mem_lock __arena *)address;
	unsigned long long end = bpf_ktime_get_ns() + MEM_LOCK_NS;

	while (mem_can_loop && bpf_ktime_get_ns() < end) {
		if ((unsigned int)mem_load(&lock->word) == mem__lock_self())
			return -MEM_EDEADLK;
		if (!mem_trylock(lock))
			return 0;
	}
	return -MEM_ETIMEDOUT;
}
#define mem__lock_slowly(lock) mem__lock_wait((unsigned long long)(lock))
/** @endcond */
#else
/** @cond */
/* The owner has died: take its place. */
MEM_CALLED int mem__lock_inherit(struct mem_lock *lock, unsigned long long word)
{
	unsigned long long taken = ((word >> 32) + 1) << 32 | mem__lock_self();

	if ((unsigned int)word & MEM_LOCK_PROGRAM || mem_thread_lives((unsigned int)word))
		return 0;
	return mem_cas(&lock->word, word, taken) == word;
}

MEM_CALLED int mem__lock_wait(struct mem_lock *lock)
{
	unsigned long long word, seen = 0;
	unsigned int i, slept = 0; /* milliseconds, while the word was the same */

	for (i = 1;; i++) {
		if (!mem_trylock(lock))
			return 0;
		word = mem_load(&lock->word);
		if ((unsigned int)word == mem__lock_self())
			return -MEM_EDEADLK;
		if (i % 64)
			continue;
		if ((unsigned int)word && mem__lock_inherit(lock, word))
			return 1;
		if (word != seen)
			slept = 0;
		seen = word;
		if (i < 4096) {
			sched_yield();
		} else {
			struct timeval pause = {0, 1000};

			if (slept++ >= MEM_LOCK_PATIENCE)
				return -MEM_ETIMEDOUT;
			select(0, NULL, NULL, NULL, &pause);
		}
	}
}
#define mem__lock_slowly(lock) mem__lock_wait(lock)
/** @endcond */
#endif

/**
 * @brief Take a lock, waiting a little (program) or as long as it passes from one to another (application).
 * @param lock  in memory of both sides
 * @return 0; 1 taken over from a thread that died with it (application only); -EDEADLK the caller,
 *         or a program on the same CPU, has it; -ETIMEDOUT its owner did not let go in time
 */
#ifdef __cplusplus /* a function called as its struct is nothing to warn of */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#endif
MEM_INLINE int mem_lock(struct mem_lock __arena *lock)
{
	return mem_trylock(lock) ? mem__lock_slowly(lock) : 0;
}
#ifdef __cplusplus
#pragma GCC diagnostic pop
#endif

/**
 * @brief Begin to read what a lock protects, without taking it.
 *
 * What is read is good once mem_seq_changed() says so; until then the values may contradict each
 * other, and pointers among them may lead anywhere in the arena.
 *
 * @param lock  in memory of both sides
 * @return what mem_seq_changed() wants
 */
MEM_INLINE unsigned long long mem_seq_begin(const struct mem_lock __arena *lock)
{
	return mem_load_acquire(&lock->word);
}

/**
 * @brief Whether to read again: the lock was held at some time since mem_seq_begin().
 * @param lock   as given to mem_seq_begin()
 * @param begun  what that returned
 * @return 0: all values read belong together. A reader gives up after a number of rounds that suits
 *         it: the lock's owner may be stopped
 */
MEM_INLINE int mem_seq_changed(const struct mem_lock __arena *lock, unsigned long long begun)
{
	mem_acquire_fence();
	return (unsigned int)begun || mem_load(&lock->word) != begun;
}

/**
 * @brief Start counting, with the caller as the only owner.
 * @param ref  not yet visible to others
 */
MEM_INLINE void mem_ref_init(struct mem_ref __arena *ref)
{
	mem_store(&ref->count, 1U);
}

/** @cond */
#ifdef __bpf__ /* checked once: takes no pointer */
#define MEM__REF_GET __attribute__((weak, noinline))
#else
#define MEM__REF_GET MEM_INLINE
#endif
MEM__REF_GET int mem__ref_get(unsigned long long address)
{
	struct mem_ref __arena *ref = (struct mem_ref __arena *)(unsigned long)address;
	unsigned int count = mem_load(&ref->count), found;
	int i;

	for (i = 0; i < 64 && count; i++) {
		found = mem_cas(&ref->count, count, count + 1);
		if (found == count)
			return 1;
		count = found;
	}
	return 0;
}
/** @endcond */

/**
 * @brief Become one more owner.
 * @param ref  in an arena, of an object that may be about to go
 * @return 1, or 0: too late, or others did the same 64 times in between
 */
MEM_INLINE int mem_ref_get(struct mem_ref __arena *ref)
{
	return mem__ref_get((unsigned long long)(unsigned long)ref);
}

/**
 * @brief Stop being an owner.
 * @param ref  of an object the caller owns
 * @return 1: the caller was the last one and releases the object
 */
MEM_INLINE int mem_ref_put(struct mem_ref __arena *ref)
{
	return mem_sub(&ref->count, 1U) == 1;
}

#endif /* MEM_LOCK_H */
