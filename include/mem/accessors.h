/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Atomic access to variables, by functions: what `memgen skeleton --accessors` makes.
 *
 * For a variable `hits` of .bss in the skeleton `tool`:
 *
 *     tool__bss_hits_load(skel)                 its value
 *     tool__bss_hits_load_acquire(skel)         ... and what was written before mem_store_release()
 *     tool__bss_hits_store(skel, 7)
 *     tool__bss_hits_store_release(skel, 7)     ... after everything that was written before
 *     tool__bss_hits_exchange(skel, 0)          the value before
 *     tool__bss_hits_exchange_acq_rel(skel, 0)  ... with both orders
 *     tool__bss_hits_add(skel, -1)              the value before; integers only
 *     tool__bss_hits_add_acq_rel(skel, -1)      ... with both orders
 *
 * Those without a name of an order are relaxed: one access, whole, and no order among several. Programs
 * use `__sync_fetch_and_add()` and its like, or mem/atomic.h.
 */
#ifndef MEM_ACCESSORS_H
#define MEM_ACCESSORS_H

#ifdef __bpf__
#error "mem/accessors.h is for applications; programs have mem/atomic.h"
#endif

/** Load, store and exchange; prefix: of the functions, type: of the variable, place: its member. */
#define MEM_ACCESSORS(skeleton, prefix, type, place)                                               \
	static inline type prefix##_load(const struct skeleton *skel)                             \
	{                                                                                          \
		type value;                                                                        \
		__atomic_load(&skel->place, &value, __ATOMIC_RELAXED);                             \
		return value;                                                                      \
	}                                                                                          \
	static inline type prefix##_load_acquire(const struct skeleton *skel)                     \
	{                                                                                          \
		type value;                                                                        \
		__atomic_load(&skel->place, &value, __ATOMIC_ACQUIRE);                             \
		return value;                                                                      \
	}                                                                                          \
	static inline void prefix##_store(const struct skeleton *skel, type value)                \
	{                                                                                          \
		__atomic_store(&skel->place, &value, __ATOMIC_RELAXED);                            \
	}                                                                                          \
	static inline void prefix##_store_release(const struct skeleton *skel, type value)        \
	{                                                                                          \
		__atomic_store(&skel->place, &value, __ATOMIC_RELEASE);                            \
	}                                                                                          \
	static inline type prefix##_exchange(const struct skeleton *skel, type value)             \
	{                                                                                          \
		type old;                                                                          \
		__atomic_exchange(&skel->place, &value, &old, __ATOMIC_RELAXED);                   \
		return old;                                                                        \
	}                                                                                          \
	static inline type prefix##_exchange_acq_rel(const struct skeleton *skel, type value)     \
	{                                                                                          \
		type old;                                                                          \
		__atomic_exchange(&skel->place, &value, &old, __ATOMIC_ACQ_REL);                   \
		return old;                                                                        \
	}

/** Add, for integers. */
#define MEM_ACCESSORS_ADD(skeleton, prefix, type, place)                                           \
	static inline type prefix##_add(const struct skeleton *skel, type value)                  \
	{                                                                                          \
		return (type)__atomic_fetch_add(&skel->place, value, __ATOMIC_RELAXED);            \
	}                                                                                          \
	static inline type prefix##_add_acq_rel(const struct skeleton *skel, type value)          \
	{                                                                                          \
		return (type)__atomic_fetch_add(&skel->place, value, __ATOMIC_ACQ_REL);            \
	}

#endif /* MEM_ACCESSORS_H */
