/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Atomic access to shared memory, the same on both sides.
 *
 * Programs and applications run at the same time, on several CPUs, and programs interrupt each
 * other. Four rules cover what libmem does, and what users of these macros need:
 *
 * * A variable that another side may change is read with mem_load() and written with mem_store():
 *   one access, whole, which the compiler neither repeats nor merges with its neighbours. Both take
 *   1, 2, 4 or 8 bytes, aligned.
 * * Who fills in an object and then makes it visible ends with mem_store_release(); who finds it
 *   starts with mem_load_acquire(). What was written before the one is then seen after the other.
 * * mem_cas(), mem_xchg(), mem_add() and mem_sub() (4 or 8 bytes) return the old value and order
 *   everything before with everything after. In a program, a mem_cas() that fails orders nothing, nor do mem_add() and
 *   mem_sub() whose result is not used. mem_and() and mem_or() neither return nor order.
 * * mem_order() orders nothing between CPUs; it keeps the compiler from moving accesses across it,
 *   for memory that is read after its writer was killed, or by a program that interrupts it.
 *
 * In BPF, an acquire or release is an instruction of Linux 6.15, which older kernels refuse. Where
 * the CPU orders loads and stores by itself the compiler only has to leave them alone: compile
 * programs with -D__TARGET_ARCH_x86 (or s390), as libbpf's tracing headers want anyway. Elsewhere a
 * fully ordered atomic instruction stands in. `-mcpu=v4` of a clang that knows the new instructions
 * uses them.
 */
#ifndef MEM_ATOMIC_H
#define MEM_ATOMIC_H

/** Keep the compiler from moving memory accesses across this point. */
#define mem_order() __asm__ volatile("" : : : "memory")

#ifdef __bpf__

/** Read once. */
#define mem_load(p) (*(const volatile __typeof__(*(p)) *)(p))
/** Write once. */
#define mem_store(p, value) ((void)(*(volatile __typeof__(*(p)) *)(p) = (value)))

/** @cond */
#if defined(__TARGET_ARCH_x86) || defined(__TARGET_ARCH_s390)
#define mem__fence() mem_order()
#else
/* A swap: an addition would lose its order together with its result, which nobody wants. */
#define mem__fence()                                                                               \
	({                                                                                         \
		unsigned long long fence_ = 0;                                                     \
		__sync_lock_test_and_set(&fence_, 1);                                              \
		mem_order();                                                                       \
	})
#endif
#define mem__write_fence() mem__fence()
/** @endcond */

#if defined(__BPF_FEATURE_LOAD_ACQ_STORE_REL) && !defined(__TARGET_ARCH_x86)
#define mem_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define mem_store_release(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#define mem_acquire_fence() mem__fence()
#else
/** Read once; later accesses stay behind it. */
#define mem_load_acquire(p)                                                                        \
	({                                                                                         \
		__auto_type loaded_ = mem_load(p);                                                 \
		mem__fence();                                                                      \
		loaded_;                                                                           \
	})
/** Write once; earlier accesses stay before it. */
#define mem_store_release(p, value)                                                                \
	do {                                                                                       \
		mem__fence();                                                                      \
		mem_store(p, value);                                                               \
	} while (0)
/** Loads before it stay before whatever follows. */
#define mem_acquire_fence() mem__fence()
#endif

/** Swap values; the old one. */
#define mem_xchg(p, value) __sync_lock_test_and_set(p, value)
/* The empty instruction keeps clang from making a 0 or 1 of the comparison that follows, and testing that. */
/** Store value if *p is expected; the old value either way. */
#define mem_cas(p, expected, value)                                                                \
	({                                                                                         \
		unsigned long long found_ = __sync_val_compare_and_swap(p, expected, value);       \
		__asm__("" : "+r"(found_));                                                        \
		(__typeof__(*(p)))found_;                                                          \
	})

#else /* application */

#define mem_load(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define mem_store(p, value) __atomic_store_n(p, value, __ATOMIC_RELAXED)
#define mem_load_acquire(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define mem_store_release(p, value) __atomic_store_n(p, value, __ATOMIC_RELEASE)
#if defined(__SANITIZE_THREAD__)
/* ThreadSanitizer knows no fences; what they order is loaded with mem_load(), so nothing is lost. */
#define mem_acquire_fence() mem_order()
#define mem__write_fence() mem_order()
#else
#define mem_acquire_fence() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define mem__write_fence() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif
#define mem_xchg(p, value) __atomic_exchange_n(p, value, __ATOMIC_SEQ_CST)
/** Store value if *p is expected; the old value either way. */
#define mem_cas(p, expected, value) __sync_val_compare_and_swap(p, expected, value)

#endif

/** @cond */
/* A value that the compiler may not combine with what it is computed from: the order of steps is meant. */
#define mem__apart(x) __asm__("" : "+r"(x))
/** @endcond */

/** Add; the old value. */
#define mem_add(p, value) __sync_fetch_and_add(p, value)
/** Subtract; the old value. */
#define mem_sub(p, value) __sync_fetch_and_sub(p, value)
/** Bitwise and, without a result: x86 has none for programs on arena memory. */
#define mem_and(p, value) ((void)__sync_fetch_and_and(p, value))
/** Bitwise or, without a result. */
#define mem_or(p, value) ((void)__sync_fetch_and_or(p, value))

#endif /* MEM_ATOMIC_H */
