/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file
 * @brief Records from programs and to them: ring buffers, user ring buffers, perf buffers.
 *
 * Records are read in place, in memory that the kernel shares; nothing is copied and no system call is
 * made while there are any. Each object here is used by one thread at a time.
 */
#ifndef MEM_RINGBUF_H
#define MEM_RINGBUF_H

#include <mem/mem.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** @defgroup ringbuf Ring buffers
 * @{
 */

/** Consumer of one or several ring buffers. */
struct mem_ringbuf;

/**
 * @brief Receives one record.
 *
 * It may not call functions of the consumer that calls it, and may not free it: a negative value ends the walk,
 * then the caller can.
 *
 * @param ctx   as given with the map
 * @param data  the record, in the ring buffer itself; valid during the call, 8-byte aligned
 * @param size  bytes
 * @return 0 to go on; a negative value ends the walk after this record and is what the walk returns
 */
typedef int mem_record_fn(void *ctx, const void *data, size_t size);

/**
 * @brief Make a consumer of a ring buffer.
 * @param map  of type RINGBUF, of a prepared object that lives longer than the consumer
 * @param fn   receives the records; NULL: they are taken by mem_ringbuf_next()
 * @param ctx  passed to @p fn
 * @return the consumer, to be freed by the caller; NULL with errno EINVAL not a prepared ring buffer,
 *         ENOMEM, or what mmap(2) or epoll(7) answered. Linux 5.8.
 */
struct mem_ringbuf *mem_ringbuf_new(const struct mem_map *map, mem_record_fn *fn, void *ctx);

/**
 * @brief Let a consumer look after one more ring buffer.
 * @param ringbuf  a consumer
 * @param map      as for mem_ringbuf_new()
 * @param fn       receives the records of this one; not NULL
 * @param ctx      passed to @p fn
 * @return 0, or a negative errno as mem_ringbuf_new(); the consumer is then as before
 */
int mem_ringbuf_add(struct mem_ringbuf *ringbuf, const struct mem_map *map, mem_record_fn *fn,
		    void *ctx);

/**
 * @brief Hand out what is there, without waiting.
 * @param ringbuf  a consumer
 * @param limit    records at most, 0: all
 * @return records handed out, or what @p fn returned if negative
 */
int mem_ringbuf_consume(struct mem_ringbuf *ringbuf, uint32_t limit);

/**
 * @brief Wait until programs announce records, and hand out what is there.
 * @param ringbuf     a consumer
 * @param timeout_ms  milliseconds, -1: for ever, 0: not at all
 * @return records handed out (0 after the time), -EINTR a signal came, or what @p fn returned if negative
 */
int mem_ringbuf_poll(struct mem_ringbuf *ringbuf, int timeout_ms);

/**
 * @brief A descriptor that is readable when programs announced records: for an event loop.
 * @param ringbuf  a consumer
 * @return fd of an epoll instance, owned by the consumer
 */
int mem_ringbuf_fd(const struct mem_ringbuf *ringbuf);

/**
 * @brief The next record of the first ring buffer, in place; no callback, no system call.
 * @param ringbuf  a consumer
 * @param size     receives bytes of the record
 * @return the record, valid until mem_ringbuf_release(); NULL if there is none now
 */
const void *mem_ringbuf_next(struct mem_ringbuf *ringbuf, size_t *size);

/**
 * @brief Give the record of the last mem_ringbuf_next() back to the programs.
 * @param ringbuf  a consumer
 */
void mem_ringbuf_release(struct mem_ringbuf *ringbuf);

/**
 * @brief Free a consumer.
 * @param ringbuf  a consumer; NULL does nothing. The maps stay.
 */
void mem_ringbuf_free(struct mem_ringbuf *ringbuf);

/** Producer of a user ring buffer. */
struct mem_user_ringbuf;

/**
 * @brief Make the producer of a user ring buffer, which programs drain by bpf_user_ringbuf_drain().
 * @param map  of type USER_RINGBUF, of a prepared object that lives longer than the producer
 * @return the producer, to be freed by the caller; NULL with errno as mem_ringbuf_new(). Linux 6.1.
 */
struct mem_user_ringbuf *mem_user_ringbuf_new(const struct mem_map *map);

/**
 * @brief Room for a record.
 * @param ringbuf  a producer
 * @param size     bytes
 * @return the room, 8-byte aligned, to be submitted or discarded; NULL with errno ENOSPC it is full now,
 *         E2BIG the record never fits
 */
void *mem_user_ringbuf_reserve(struct mem_user_ringbuf *ringbuf, uint32_t size);

/**
 * @brief Room for a record; waits for a program to drain the buffer while it is full.
 * @param ringbuf     a producer
 * @param size        bytes
 * @param timeout_ms  milliseconds, -1: for ever
 * @return as mem_user_ringbuf_reserve(); ENOSPC after the time, EINTR a signal came
 */
void *mem_user_ringbuf_reserve_blocking(struct mem_user_ringbuf *ringbuf, uint32_t size,
					int timeout_ms);

/**
 * @brief Make a record visible to programs.
 * @param ringbuf  a producer
 * @param record   from one of the reserve functions
 */
void mem_user_ringbuf_submit(struct mem_user_ringbuf *ringbuf, void *record);

/**
 * @brief Give the room back unused; programs skip it.
 * @param ringbuf  a producer
 * @param record   from one of the reserve functions
 */
void mem_user_ringbuf_discard(struct mem_user_ringbuf *ringbuf, void *record);

/**
 * @brief Free a producer.
 * @param ringbuf  a producer; NULL does nothing. The map stays.
 */
void mem_user_ringbuf_free(struct mem_user_ringbuf *ringbuf);

/** Consumer of a perf event array: one buffer for each CPU. */
struct mem_perf_buffer;

/**
 * @brief Receives one record of a perf buffer.
 *
 * It may not call functions of the consumer that calls it, and may not free it.
 *
 * @param ctx   as given to mem_perf_buffer_new()
 * @param cpu   number of the CPU
 * @param data  the record, aligned to 4 bytes; valid during the call
 * @param size  bytes, which the kernel may have rounded up
 */
typedef void mem_sample_fn(void *ctx, int cpu, const void *data, uint32_t size);

/**
 * @brief Receives how many records were lost because a buffer was full.
 * @param ctx    as given to mem_perf_buffer_new()
 * @param cpu    number of the CPU
 * @param count  records
 */
typedef void mem_lost_fn(void *ctx, int cpu, uint64_t count);

/**
 * @brief Make a consumer of a perf event array.
 * @param map     of type PERF_EVENT_ARRAY, of a prepared object that lives longer than the consumer
 * @param pages   of each CPU's buffer, a power of two
 * @param sample  receives the records
 * @param lost    NULL, or receives the losses
 * @param ctx     passed to both
 * @return the consumer, to be freed by the caller; NULL with errno EINVAL not such a map or size, EPERM no
 *         privilege, ENOMEM, or what the kernel answered. CPUs that are offline are left out.
 */
struct mem_perf_buffer *mem_perf_buffer_new(const struct mem_map *map, uint32_t pages,
					    mem_sample_fn *sample, mem_lost_fn *lost, void *ctx);

/**
 * @brief Wait for records, and hand out what is there.
 * @param buffer      a consumer
 * @param timeout_ms  milliseconds, -1: for ever, 0: not at all
 * @return buffers that had records, or -EINTR a signal came
 */
int mem_perf_buffer_poll(struct mem_perf_buffer *buffer, int timeout_ms);

/**
 * @brief Hand out what is there in all buffers, without waiting.
 * @param buffer  a consumer
 * @return 0
 */
int mem_perf_buffer_consume(struct mem_perf_buffer *buffer);

/**
 * @brief A descriptor that is readable when there are records: for an event loop.
 * @param buffer  a consumer
 * @return fd of an epoll instance, owned by the consumer
 */
int mem_perf_buffer_fd(const struct mem_perf_buffer *buffer);

/**
 * @brief Free a consumer.
 * @param buffer  a consumer; NULL does nothing. The map stays.
 */
void mem_perf_buffer_free(struct mem_perf_buffer *buffer);

/** @} */

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* MEM_RINGBUF_H */
