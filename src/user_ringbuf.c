/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Producing into a user ring buffer: the pages of a ring buffer with the roles exchanged. The kernel
 * writes the consumer's position, the producer's and the data are ours.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>

#include <mem/ringbuf.h>

#include "object.h"
#include "ringbuf.h"
#include "sys.h"

/* BPF_MAP_TYPE_USER_RINGBUF announces drained records as EPOLLOUT. */
struct mem_user_ringbuf {
	const struct mem_map *map;
	const unsigned long *consumer_pos;
	unsigned long *producer_pos;
	char *data;
	size_t size; /* bytes of data, a power of two */
	int epoll_fd;
};

static int ring_error(const struct mem_map *map, int err, const char *what)
{
	return object_result(map->obj,
			     mem__error(err, "%s: user ring buffer '%s': %s: %s", map->obj->name,
					map->image->name, what, strerror(err)));
}

static int ring_map(struct mem_user_ringbuf *ringbuf)
{
	const struct mem_map *map = ringbuf->map;
	size_t page = sys_page_size();
	void *consumer, *producer;
	int err;

	consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, map->fd, 0);
	if (consumer == MAP_FAILED)
		return ring_error(map, errno, "can't map the consumer's page");
	producer = mmap(NULL, page + 2 * ringbuf->size, PROT_READ | PROT_WRITE, MAP_SHARED, map->fd,
			(off_t)page);
	if (producer == MAP_FAILED) {
		err = ring_error(map, errno, "can't map its data");
		munmap(consumer, page);
		return err;
	}
	ringbuf->consumer_pos = consumer;
	ringbuf->producer_pos = producer;
	ringbuf->data = (char *)producer + page;
	return 0;
}

static int ring_watch(struct mem_user_ringbuf *ringbuf)
{
	struct epoll_event event = { .events = EPOLLOUT };

	ringbuf->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (ringbuf->epoll_fd < 0 ||
	    epoll_ctl(ringbuf->epoll_fd, EPOLL_CTL_ADD, ringbuf->map->fd, &event))
		return ring_error(ringbuf->map, errno, "can't wait for it");
	return 0;
}

struct mem_user_ringbuf *mem_user_ringbuf_new(const struct mem_map *map)
{
	struct mem_user_ringbuf *ringbuf;
	int err;

	if (map->image->type != BPF_MAP_TYPE_USER_RINGBUF || map->fd < 0) {
		ring_error(map, EINVAL, "not a user ring buffer of a prepared object");
		return NULL;
	}
	ringbuf = calloc(1, sizeof(*ringbuf));
	if (!ringbuf) {
		ring_error(map, ENOMEM, "no memory to write to it");
		return NULL;
	}
	ringbuf->map = map;
	ringbuf->size = map->max_entries;
	ringbuf->epoll_fd = -1;
	err = ring_map(ringbuf);
	err = err ?: ring_watch(ringbuf);
	if (err) {
		mem_user_ringbuf_free(ringbuf);
		errno = -err;
		return NULL;
	}
	return ringbuf;
}

/* A full buffer is an everyday answer: no message is made. */
void *mem_user_ringbuf_reserve(struct mem_user_ringbuf *ringbuf, uint32_t size)
{
	unsigned long at = *ringbuf->producer_pos; /* nobody else writes it */
	unsigned long consumed = __atomic_load_n(ringbuf->consumer_pos, __ATOMIC_ACQUIRE);
	size_t bytes = record_bytes(size);
	char *record = ringbuf->data + (at & (ringbuf->size - 1));

	if (size & (RECORD_BUSY | RECORD_DISCARDED) || bytes > ringbuf->size) {
		ring_error(ringbuf->map, E2BIG, "the record never fits");
		return NULL;
	}
	if (bytes > ringbuf->size - (at - consumed)) {
		errno = ENOSPC;
		return NULL;
	}
	__atomic_store_n((uint32_t *)record, size | RECORD_BUSY, __ATOMIC_RELAXED);
	__atomic_store_n((uint32_t *)record + 1, 0, __ATOMIC_RELAXED);
	/* the kernel sees the position only after a header that says busy */
	position_set(ringbuf->producer_pos, at + bytes);
	return record + RECORD_HEADER;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void *mem_user_ringbuf_reserve_blocking(struct mem_user_ringbuf *ringbuf, uint32_t size,
					int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms;
	struct epoll_event event;

	for (;;) {
		void *record = mem_user_ringbuf_reserve(ringbuf, size);
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();

		if (record || errno != ENOSPC)
			return record;
		if ((timeout_ms >= 0 && left <= 0) ||
		    epoll_wait(ringbuf->epoll_fd, &event, 1, (int)left) < 0) {
			ring_error(ringbuf->map, errno, "no room for a record");
			return NULL;
		}
	}
}

static void ring_commit(void *record, uint32_t flags)
{
	uint32_t *head = (uint32_t *)((char *)record - RECORD_HEADER);

	__atomic_store_n(head, (*head & ~RECORD_BUSY) | flags, __ATOMIC_RELEASE);
}

void mem_user_ringbuf_submit(struct mem_user_ringbuf *ringbuf, void *record)
{
	(void)ringbuf;
	ring_commit(record, 0);
}

void mem_user_ringbuf_discard(struct mem_user_ringbuf *ringbuf, void *record)
{
	(void)ringbuf;
	ring_commit(record, RECORD_DISCARDED);
}

void mem_user_ringbuf_free(struct mem_user_ringbuf *ringbuf)
{
	size_t page = sys_page_size();
	int saved_errno = errno;

	if (!ringbuf)
		return;
	if (ringbuf->data) {
		munmap((void *)ringbuf->consumer_pos, page);
		munmap(ringbuf->producer_pos, page + 2 * ringbuf->size);
	}
	sys_close(&ringbuf->epoll_fd);
	free(ringbuf);
	errno = saved_errno;
}
