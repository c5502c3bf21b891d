/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/**
 * @file
 * @brief Counters and histograms that many CPUs add to, and the application reads as they are.
 *
 *     MEM_ARENA_VAR struct mem_counter packets;
 *     MEM_ARENA_VAR struct mem_histogram latency;
 *
 *     mem_counter_add(&packets, 1);                  in programs of every kind, and in applications
 *     mem_histogram_add(&latency, ns);
 *     mem_counter_sum(&packets);                     the total, at about this moment
 *     mem_histogram_quantile(&latency, 0.99);        application
 *
 * A counter has 16 lanes in cache lines of their own, 1 KiB: CPUs with different numbers modulo 16 never
 * wait for each other. A histogram has 256 counters, 2 KiB: four to each power of two, so a quantile is
 * off by less than an eighth. Adding is one atomic instruction on either; nothing is lost, nothing has
 * to be recovered. Both are zero at first, need no heap, and may be plain `.bss` variables as well: the
 * functions are macros that take either kind of pointer.
 */
#ifndef MEM_COUNTER_H
#define MEM_COUNTER_H

#include <mem/lock.h>

#ifndef MEM_TYPE_struct_mem_counter
#define MEM_TYPE_struct_mem_counter
/** A counter. */
struct mem_counter {
	unsigned long long lane[128]; /**< every eighth is used */
};
#endif

#ifndef MEM_TYPE_struct_mem_histogram
#define MEM_TYPE_struct_mem_histogram
/** A histogram of 64-bit values. */
struct mem_histogram {
	unsigned long long count[256]; /**< by mem_histogram_bucket() */
};
#endif

/** @cond */
/*
 * In programs a function of its own, not static: what the verifier knows of a value, as of a loop's counter, it
 * would follow through each bit of this, round by round.
 */
#ifdef __bpf__
#define MEM__BUCKET __attribute__((weak, noinline))
#else
#define MEM__BUCKET MEM_INLINE
#endif
/** @endcond */

/**
 * @brief The bucket that counts a value.
 * @param value  any
 * @return 0 to 251: values below 4 have their own, then there are four to each power of two
 */
MEM__BUCKET unsigned int mem_histogram_bucket(unsigned long long value)
{
	unsigned int top;

	if (value < 4)
		return (unsigned int)value;
	top = 63 - (unsigned int)__builtin_clzll(value);
	return (top - 1) * 4 + ((value >> (top - 2)) & 3);
}

/**
 * @brief The smallest value that a bucket counts.
 * @param bucket  0 to 251
 * @return the value
 */
MEM_INLINE unsigned long long mem_histogram_start(unsigned int bucket)
{
	return bucket < 4 ? bucket : (4ULL + bucket % 4) << (bucket / 4 - 1);
}

/** Add to a counter. */
#define mem_counter_add(counter, n)                                                                \
	((void)mem_add(&(counter)->lane[mem__lock_self() % 16 * 8], (unsigned long long)(n)))

/** Count a value. */
#define mem_histogram_add(histogram, value)                                                        \
	((void)mem_add(&(histogram)->count[mem_histogram_bucket(value) & 255], 1ULL))

/** The sum of a counter's lanes. */
#define mem_counter_sum(counter)                                                                   \
	__extension__({                                                                            \
		unsigned long long sum_ = 0;                                                       \
		for (int lane_ = 0; lane_ < 128; lane_ += 8)                                       \
			sum_ += mem_load(&(counter)->lane[lane_]);                                 \
		sum_;                                                                              \
	})

#ifndef __bpf__
/**
 * @brief The value that a share of all values is below.
 * @param histogram  filled by either side
 * @param share      0.5 for the median, 0.99 ...
 * @return the start of the bucket that it is in; 0 if nothing was counted, or there is no histogram
 */
MEM_INLINE unsigned long long mem_histogram_quantile(const struct mem_histogram *histogram, double share)
{
	unsigned long long count[256], all = 0, below = 0;
	unsigned int i;

	for (i = 0; histogram && i < 256; i++)
		all += count[i] = mem_load(&histogram->count[i]);
	for (i = 0; all && i < 251; i++) {
		below += count[i];
		if (below && (double)below >= share * (double)all)
			break;
	}
	return all ? mem_histogram_start(i) : 0;
}
#endif

#endif /* MEM_COUNTER_H */
