/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What both sides of syslat agree on besides the types: the shape of a latency histogram.
 *
 * A bucket is a quarter of a power of two, so a quantile read from the histogram is off by less
 * than an eighth. Times below LAT_MIN_NS share bucket 0; the last bucket has no upper end.
 *
 *     bucket   0      1      2      3      4      5       ...   127
 *     from     0     64     80     96    112    128             3.4 minutes
 */
#ifndef SYSLAT_H
#define SYSLAT_H

#define LAT_BUCKETS   128
#define LAT_MIN_SHIFT 6 /* the first power of two that is told apart: 64 ns */
#define LAT_MIN_NS    (1ULL << LAT_MIN_SHIFT)

/* System calls told apart by number; the last one stands for all others. */
#define CALL_NUMBERS 512
#define CALL_OTHER   (CALL_NUMBERS - 1)

#define NAME_SIZE 16 /* bytes of a process name, TASK_COMM_LEN of the kernel */

/* The bucket that counts a call of this many nanoseconds. */
static inline unsigned int lat_bucket(unsigned long long ns)
{
	unsigned int shift, bucket;

	if (ns < LAT_MIN_NS)
		return 0;
	shift = 63 - __builtin_clzll(ns);
	bucket = 1 + (shift - LAT_MIN_SHIFT) * 4 + ((ns >> (shift - 2)) & 3);
	return bucket < LAT_BUCKETS ? bucket : LAT_BUCKETS - 1;
}

/* The shortest time that a bucket counts, in nanoseconds; that of bucket LAT_BUCKETS ends the last. */
static inline unsigned long long lat_bucket_start(unsigned int bucket)
{
	if (!bucket)
		return 0;
	return (4ULL + (bucket - 1) % 4) << ((bucket - 1) / 4 + LAT_MIN_SHIFT - 2);
}

#endif /* SYSLAT_H */
