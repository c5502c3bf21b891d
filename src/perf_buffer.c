/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Consuming perf event arrays, what programs used before ring buffers: a perf event with a buffer of
 * its own for each CPU. A record that wraps around the end of its buffer is put together elsewhere.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <mem/ringbuf.h>

#include "object.h"
#include "sys.h"

/* One CPU's buffer. */
struct cpu_buffer {
	int cpu;
	int fd;
	struct perf_event_mmap_page *page; /* NULL: not mapped */
	char *wrapped;                     /* room for records that wrap, grows */
	size_t wrapped_size;
};

struct mem_perf_buffer {
	const struct mem_map *map;
	mem_sample_fn *sample;
	mem_lost_fn *lost;
	void *ctx;
	size_t size; /* bytes of a buffer's data, a power of two */
	struct cpu_buffer *cpus;
	struct epoll_event *events;
	uint32_t count;
	int epoll_fd;
};

static int perf_error(const struct mem_map *map, int err, const char *what)
{
	return object_result(map->obj,
			     mem__error(err, "%s: perf event array '%s': %s: %s", map->obj->name,
					map->image->name, what, strerror(err)));
}

/* 0, 1 for a CPU that is offline, or -errno with a message. */
static int cpu_open(struct mem_perf_buffer *buffer, struct cpu_buffer *cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.wakeup_events = 1,
	};
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)(cpu - buffer->cpus) };
	size_t page = sys_page_size();
	uint32_t key = (uint32_t)cpu->cpu;
	void *pages;

	cpu->fd = sys_perf_event_open(&attr, -1, cpu->cpu);
	if (cpu->fd == -ENODEV)
		return 1;
	if (cpu->fd < 0)
		return perf_error(buffer->map, -cpu->fd, "can't open the event of a CPU");
	pages = mmap(NULL, page + buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu->fd, 0);
	if (pages == MAP_FAILED)
		return perf_error(buffer->map, errno, "can't map the buffer of a CPU");
	cpu->page = pages;
	if (mem_map_update(buffer->map, &key, &cpu->fd, 0))
		return -errno;
	if (epoll_ctl(buffer->epoll_fd, EPOLL_CTL_ADD, cpu->fd, &event))
		return perf_error(buffer->map, errno, "can't wait for a CPU");
	return 0;
}

static void cpu_close(const struct mem_perf_buffer *buffer, struct cpu_buffer *cpu)
{
	if (cpu->page)
		munmap(cpu->page, sys_page_size() + buffer->size);
	sys_close(&cpu->fd);
	free(cpu->wrapped);
}

static int open_cpus(struct mem_perf_buffer *buffer, int cpus)
{
	/* a program can reach the elements of the map, CPUs beyond them it can't */
	if ((uint32_t)cpus > buffer->map->max_entries)
		cpus = (int)buffer->map->max_entries;
	buffer->cpus = calloc((size_t)cpus + 1, sizeof(*buffer->cpus));
	buffer->events = calloc((size_t)cpus + 1, sizeof(*buffer->events));
	if (!buffer->cpus || !buffer->events)
		return perf_error(buffer->map, ENOMEM, "no memory for its buffers");
	for (int i = 0; i < cpus; i++) {
		struct cpu_buffer *cpu = &buffer->cpus[buffer->count];
		int err;

		*cpu = (struct cpu_buffer){ .cpu = i, .fd = -1 };
		err = cpu_open(buffer, cpu);
		if (err < 0) {
			cpu_close(buffer, cpu);
			return err;
		}
		buffer->count += !err;
	}
	return 0;
}

struct mem_perf_buffer *mem_perf_buffer_new(const struct mem_map *map, uint32_t pages,
					    mem_sample_fn *sample, mem_lost_fn *lost, void *ctx)
{
	struct mem_perf_buffer *buffer = calloc(1, sizeof(*buffer));
	int cpus = sys_possible_cpus(), err = 0;

	if (!buffer) {
		perf_error(map, ENOMEM, "no memory for its buffers");
		return NULL;
	}
	*buffer = (struct mem_perf_buffer){ .map = map, .sample = sample, .lost = lost, .ctx = ctx,
					    .size = pages * sys_page_size(), .epoll_fd = -1 };
	if (map->image->type != BPF_MAP_TYPE_PERF_EVENT_ARRAY || map->fd < 0 || !pages ||
	    pages & (pages - 1))
		err = perf_error(map, EINVAL, "not a perf event array of a prepared object, or the pages are "
					      "not a power of two");
	else if (cpus < 0)
		err = perf_error(map, -cpus, "can't count the CPUs");
	if (!err) {
		buffer->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		err = buffer->epoll_fd < 0 ? perf_error(map, errno, "can't wait for it")
					   : open_cpus(buffer, cpus);
	}
	if (!err)
		return buffer;
	mem_perf_buffer_free(buffer);
	errno = -err;
	return NULL;
}

/* The record at an offset in one piece; NULL if there is no memory for that. */
static const struct perf_event_header *whole_record(struct cpu_buffer *cpu, size_t size, uint64_t at)
{
	const char *data = (const char *)cpu->page + sys_page_size();
	size_t offset = at & (size - 1);
	/* a header of 8 bytes never wraps: records are multiples of 8 */
	const struct perf_event_header *header = (const void *)(data + offset);

	if (header->size <= size - offset)
		return header;
	if (cpu->wrapped_size < header->size) {
		char *grown = realloc(cpu->wrapped, header->size);

		if (!grown)
			return NULL;
		cpu->wrapped = grown;
		cpu->wrapped_size = header->size;
	}
	memcpy(cpu->wrapped + (size - offset), data, header->size - (size - offset));
	memcpy(cpu->wrapped, data + offset, size - offset);
	return (const void *)cpu->wrapped;
}

/* What follows the header of a raw sample, and of a report of losses. */
struct sample_record {
	struct perf_event_header header;
	uint32_t size;
	char data[];
};
struct lost_record {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

static void hand_out(const struct mem_perf_buffer *buffer, int cpu,
		     const struct perf_event_header *header)
{
	const struct sample_record *sample = (const void *)header;
	const struct lost_record *lost = (const void *)header;

	if (header->type == PERF_RECORD_SAMPLE)
		buffer->sample(buffer->ctx, cpu, sample->data, sample->size);
	else if (header->type == PERF_RECORD_LOST && buffer->lost)
		buffer->lost(buffer->ctx, cpu, lost->lost);
}

static void cpu_consume(const struct mem_perf_buffer *buffer, struct cpu_buffer *cpu)
{
	uint64_t head = __atomic_load_n(&cpu->page->data_head, __ATOMIC_ACQUIRE);
	uint64_t tail = cpu->page->data_tail; /* nobody else writes it */

	while (tail != head) {
		const struct perf_event_header *header = whole_record(cpu, buffer->size, tail);

		if (header) {
			hand_out(buffer, cpu->cpu, header);
			tail += header->size;
		} else { /* give up on all that is there rather than never move */
			mem__log(MEM_LOG_WARN, "no memory for a record: records of CPU %d are lost", cpu->cpu);
			tail = head;
		}
		__atomic_store_n(&cpu->page->data_tail, tail, __ATOMIC_RELEASE);
	}
}

int mem_perf_buffer_consume(struct mem_perf_buffer *buffer)
{
	for (uint32_t i = 0; i < buffer->count; i++)
		cpu_consume(buffer, &buffer->cpus[i]);
	return 0;
}

int mem_perf_buffer_poll(struct mem_perf_buffer *buffer, int timeout_ms)
{
	int ready = epoll_wait(buffer->epoll_fd, buffer->events, (int)buffer->count, timeout_ms);

	if (ready < 0)
		return perf_error(buffer->map, errno, "can't wait for records");
	for (int i = 0; i < ready; i++)
		cpu_consume(buffer, &buffer->cpus[buffer->events[i].data.u32]);
	return ready;
}

int mem_perf_buffer_fd(const struct mem_perf_buffer *buffer)
{
	return buffer->epoll_fd;
}

void mem_perf_buffer_free(struct mem_perf_buffer *buffer)
{
	int saved_errno = errno;

	if (!buffer)
		return;
	for (uint32_t i = 0; i < buffer->count; i++) {
		uint32_t key = (uint32_t)buffer->cpus[i].cpu;

		mem_map_delete(buffer->map, &key);
		cpu_close(buffer, &buffer->cpus[i]);
	}
	sys_close(&buffer->epoll_fd);
	free(buffer->events);
	free(buffer->cpus);
	free(buffer);
	errno = saved_errno;
}
