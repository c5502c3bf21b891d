/* SPDX-License-Identifier: BSD-2-Clause */
/* Records in ring buffers of both directions. */
#ifndef LIBMEM_RINGBUF_H
#define LIBMEM_RINGBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_HEADER 8            /* bytes: length and flags, and the kernel's own */
#define RECORD_BUSY (1U << 31)     /* BPF_RINGBUF_BUSY_BIT */
#define RECORD_DISCARDED (1U << 30) /* BPF_RINGBUF_DISCARD_BIT */

/* Bytes that a record takes. */
static inline size_t record_bytes(size_t size)
{
	return (size + RECORD_HEADER + 7) & ~(size_t)7;
}

/*
 * A position that is ours to write, forward by less than 4 GiB. It is the kernel's unsigned long: where that has
 * more bits than ours, the rest is counted on. The lower half first: for a moment the kernel sees a position
 * far behind, which is a full buffer to its producers and an empty one to its consumers, never old records.
 */
static inline void position_set(unsigned long *position, unsigned long at)
{
	bool carry = sizeof(at) == 4 && at < *position;

	__atomic_store_n(position, at, __ATOMIC_RELEASE);
	if (carry)
		__atomic_store_n(position + 1, position[1] + 1, __ATOMIC_RELEASE);
}

#endif /* LIBMEM_RINGBUF_H */
