/* SPDX-License-Identifier: BSD-2-Clause */
/* Records in ring buffers of both directions. */
#ifndef LIBMEM_RINGBUF_H
#define LIBMEM_RINGBUF_H

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

#endif /* LIBMEM_RINGBUF_H */
