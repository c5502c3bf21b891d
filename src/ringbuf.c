/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consuming ring buffers.
 *
 * The map's pages are: one with the consumer's position, which is ours to write; one with the
 * producers'; then the data, twice in a row, so that a record that wraps around is still in one piece.
 * Positions count bytes for ever; to 32-bit applications they wrap around, so they are only compared
 * by their difference. A record is a header and its data, rounded up to 8 bytes; while its program is still
 * writing, the header says busy.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include <mem/ringbuf.h>

#include "object.h"
#include "ringbuf.h"
#include "sys.h"

/* One ring buffer. */
struct ring {
	const struct mem_map *map;
	mem_record_fn *fn; /* NULL: mem_ringbuf_next() only */
	void *ctx;
	unsigned long *consumer_pos;
	const unsigned long *producer_pos;
	const char *data;
	size_t size; /* bytes of data, a power of two */
};

struct mem_ringbuf {
	struct ring *rings;
	struct epoll_event *events;
	uint32_t count; /* rings */
	int epoll_fd;
	size_t taken; /* bytes of the record that mem_ringbuf_next() handed out, 0 if none */
};

static int ring_error(const struct mem_map *map, int err, const char *what)
{
	return object_result(map->obj, mem__error(err, "%s: ring buffer '%s': %s: %s", map->obj->name,
						  map->image->name, what, strerror(err)));
}

static int ring_map(struct ring *ring, const struct mem_map *map)
{
	size_t page = sys_page_size();
	void *consumer, *producer;

	if (map->image->type != BPF_MAP_TYPE_RINGBUF || map->fd < 0)
		return ring_error(map, EINVAL, "not a ring buffer of a prepared object");
	ring->map = map;
	ring->size = map->max_entries;
	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd, 0);
	if (consumer == MAP_FAILED)
		return ring_error(map, errno, "can't map the consumer's page");
	producer = mmap(NULL, page + 2 * ring->size, PROT_READ, MAP_SHARED, map->fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int err = ring_error(map, errno, "can't map its data");

		munmap(consumer, page);
		return err;
	}
	ring->consumer_pos = consumer;
	ring->producer_pos = producer;
	ring->data = (const char *)producer + page;
	return 0;
}

static void ring_unmap(struct ring *ring)
{
	size_t page = sys_page_size();

	munmap(ring->consumer_pos, page);
	munmap((void *)ring->producer_pos, page + 2 * ring->size);
}

int mem_ringbuf_add(struct mem_ringbuf *ringbuf, const struct mem_map *map, mem_record_fn *fn,
		    void *ctx)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = ringbuf->count };
	struct ring *rings = realloc(ringbuf->rings, (ringbuf->count + 1) * sizeof(*rings));
	struct epoll_event *events;
	int err;

	if (rings)
		ringbuf->rings = rings;
	events = realloc(ringbuf->events, (ringbuf->count + 1) * sizeof(*events));
	if (events)
		ringbuf->events = events;
	if (!rings || !events)
		return ring_error(map, ENOMEM, "no memory to consume it");
	err = ring_map(&rings[ringbuf->count], map);
	if (err)
		return err;
	if (epoll_ctl(ringbuf->epoll_fd, EPOLL_CTL_ADD, map->fd, &event)) {
		err = ring_error(map, errno, "can't wait for it");
		ring_unmap(&rings[ringbuf->count]);
		return err;
	}
	rings[ringbuf->count].fn = fn;
	rings[ringbuf->count].ctx = ctx;
	ringbuf->count++;
	return 0;
}

struct mem_ringbuf *mem_ringbuf_new(const struct mem_map *map, mem_record_fn *fn, void *ctx)
{
	struct mem_ringbuf *ringbuf = calloc(1, sizeof(*ringbuf));
	int err;

	if (!ringbuf) {
		ring_error(map, ENOMEM, "no memory to consume it");
		return NULL;
	}
	ringbuf->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ringbuf->epoll_fd < 0)
		err = ring_error(map, errno, "can't wait for it");
	else
		err = mem_ringbuf_add(ringbuf, map, fn, ctx);
	if (err) {
		mem_ringbuf_free(ringbuf);
		errno = -err;
		return NULL;
	}
	return ringbuf;
}

/*
 * The record at the consumer's position, skipping those that were thrown away; NULL if there is none
 * yet. *taken: bytes up to the next one.
 */
static const void *ring_next(const struct ring *ring, size_t *size, size_t *taken)
{
	unsigned long at = *ring->consumer_pos; /* nobody else writes it */
	unsigned long end = __atomic_load_n(ring->producer_pos, __ATOMIC_ACQUIRE);

	while (end - at) {
		const char *record = ring->data + (at & (ring->size - 1));
		uint32_t head = __atomic_load_n((const uint32_t *)record, __ATOMIC_ACQUIRE);

		if (head & RECORD_BUSY)
			return NULL;
		*size = head & ~(RECORD_BUSY | RECORD_DISCARDED);
		*taken = record_bytes(*size);
		if (!(head & RECORD_DISCARDED))
			return record + RECORD_HEADER;
		at += *taken;
		position_set(ring->consumer_pos, at);
	}
	return NULL;
}

/* Programs may use the room again; what we read of it must be behind us. */
static void ring_release(const struct ring *ring, size_t taken)
{
	position_set(ring->consumer_pos, *ring->consumer_pos + taken);
}

/* Records handed out, or what the callback said if negative. */
static int ring_consume(const struct ring *ring, uint32_t limit)
{
	size_t size, taken;
	const void *record;
	int count = 0;

	while ((!limit || (uint32_t)count < limit) && (record = ring_next(ring, &size, &taken))) {
		int ret = ring->fn(ring->ctx, record, size);

		ring_release(ring, taken);
		if (ret < 0)
			return ret;
		if (++count == INT32_MAX)
			break;
	}
	return count;
}

int mem_ringbuf_consume(struct mem_ringbuf *ringbuf, uint32_t limit)
{
	uint32_t left = limit;
	int64_t total = 0;

	for (uint32_t i = 0; i < ringbuf->count && (!limit || left); i++) {
		int ret = ringbuf->rings[i].fn ? ring_consume(&ringbuf->rings[i], left) : 0;

		if (ret < 0)
			return ret;
		total += ret;
		left -= limit ? (uint32_t)ret : 0;
	}
	return total > INT32_MAX ? INT32_MAX : (int)total;
}

int mem_ringbuf_poll(struct mem_ringbuf *ringbuf, int timeout_ms)
{
	int ready = epoll_wait(ringbuf->epoll_fd, ringbuf->events, (int)ringbuf->count, timeout_ms);
	int64_t total = 0;

	if (ready < 0)
		return ring_error(ringbuf->rings[0].map, errno, "can't wait for records");
	for (int i = 0; i < ready; i++) {
		const struct ring *ring = &ringbuf->rings[ringbuf->events[i].data.u32];
		int ret = ring->fn ? ring_consume(ring, 0) : 0;

		if (ret < 0)
			return ret;
		total += ret;
	}
	return total > INT32_MAX ? INT32_MAX : (int)total;
}

int mem_ringbuf_fd(const struct mem_ringbuf *ringbuf)
{
	return ringbuf->epoll_fd;
}

const void *mem_ringbuf_next(struct mem_ringbuf *ringbuf, size_t *size)
{
	return ring_next(&ringbuf->rings[0], size, &ringbuf->taken);
}

void mem_ringbuf_release(struct mem_ringbuf *ringbuf)
{
	ring_release(&ringbuf->rings[0], ringbuf->taken);
	ringbuf->taken = 0;
}

void mem_ringbuf_free(struct mem_ringbuf *ringbuf)
{
	int saved_errno = errno;

	if (!ringbuf)
		return;
	for (uint32_t i = 0; i < ringbuf->count; i++)
		ring_unmap(&ringbuf->rings[i]);
	sys_close(&ringbuf->epoll_fd);
	free(ringbuf->events);
	free(ringbuf->rings);
	free(ringbuf);
	errno = saved_errno;
}
