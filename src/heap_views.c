/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which thread has which cache of which heap.
 *
 * A thread's first use of a heap takes a free cache there and makes a record of it; later uses find
 * the record, the last one used first. Records are in one list, under a lock, so that they can be
 * dropped when the heap's memory goes (heap_forget()) or the thread ends. The child of a fork starts
 * without: its parent goes on using the caches.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "error.h"
#include "heap.h"
#include "object.h"
#include "thread.h"

struct record {
	struct mem_heap_view view;
	uint64_t owner;      /* as in the cache */
	struct record *next; /* of this thread */
	int gone;	     /* not 0: the heap's memory was unmapped */
	struct record *all;  /* of the process */
};

static __thread struct record *records __attribute__((tls_model("initial-exec")));
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct record *all_records;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit;
static int started;

static void record_drop(struct record *record)
{
	struct record **at;

	for (at = &all_records; *at && *at != record; at = &(*at)->all)
		;
	if (*at)
		*at = record->all;
	free(record);
}

/* The cache back to everybody, if it still is ours and there. */
static void record_leave(struct record *record)
{
	if (!record->gone && mem_load(&record->view.cache->owner) == record->owner) {
		heap_cache_empty(&record->view);
		mem_store_release(&record->view.cache->owner, 0ULL);
	}
}

static void leave_all(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&lock);
	while (records) {
		struct record *record = records;

		records = record->next;
		record_leave(record);
		record_drop(record);
	}
	pthread_mutex_unlock(&lock);
}

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void forget_all(void)
{
	while (all_records) {
		struct record *record = all_records;

		all_records = record->all;
		free(record);
	}
	records = NULL;
	pthread_mutex_unlock(&lock);
}

static void start(void)
{
	started = !pthread_key_create(&at_exit, leave_all);
}

/* Before any thread can have the lock while another one forks. */
__attribute__((constructor)) static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, forget_all);
}

/* A library that is unloaded with this one in it must not be called when threads end. */
__attribute__((destructor)) static void end(void)
{
	if (started)
		pthread_key_delete(at_exit);
	started = 0;
}

/* Not weak here: object.h says so for those that can do without. */
void heap_forget(const void *memory, size_t size)
{
	pthread_mutex_lock(&lock);
	for (struct record *record = all_records; record; record = record->all)
		if ((uintptr_t)record->view.heap - (uintptr_t)memory < size)
			record->gone = 1;
	pthread_mutex_unlock(&lock);
}

static int cache_claim(struct mem_heap_view *view, uint64_t owner)
{
	for (unsigned int i = view->cpus; i < view->all; i++) {
		struct mem_cache *cache = &view->caches[i];

		if (mem_load(&cache->owner) || mem_cas(&cache->owner, 0ULL, owner))
			continue;
		view->cache = cache;
		view->self = i + 1;
		return 0;
	}
	return -EUSERS;
}

static struct record *record_make(struct mem_heap *heap)
{
	struct record *record = calloc(1, sizeof(*record));
	int err;

	if (!record) {
		mem__error(ENOMEM, "heap at %p: no memory for a thread's view", (void *)heap);
		return NULL;
	}
	record->owner = thread_owner();
	err = heap_describe(heap, &record->view);
	if (!err && cache_claim(&record->view, record->owner)) {
		mem_heap_recover(heap);
		if (cache_claim(&record->view, record->owner))
			err = mem__error(EUSERS, "heap at %p: all %u caches for threads are taken",
					 (void *)heap, record->view.all - record->view.cpus);
	}
	if (err) {
		free(record);
		return NULL;
	}
	return record;
}

static struct record *record_add(struct mem_heap *heap)
{
	struct record *record;

	pthread_once(&once, start);
	record = record_make(heap);
	if (!record)
		return NULL;
	if (started)
		pthread_setspecific(at_exit, record);
	pthread_mutex_lock(&lock);
	record->all = all_records;
	all_records = record;
	pthread_mutex_unlock(&lock);
	record->next = records;
	records = record;
	return record;
}

/* Take the record of a heap out of the thread's list; drop those that are of no use any more. */
static struct record *record_take(struct mem_heap *heap)
{
	struct record **at = &records, *record, *found = NULL;

	while ((record = *at)) {
		int stale = record->gone || (record->view.heap == heap &&
					     mem_load(&record->view.cache->owner) != record->owner);

		if (!stale && record->view.heap != heap) {
			at = &record->next;
			continue;
		}
		*at = record->next;
		if (!stale) {
			found = record;
			continue;
		}
		pthread_mutex_lock(&lock);
		record_drop(record);
		pthread_mutex_unlock(&lock);
	}
	return found;
}

static const struct mem_heap_view *view_find(struct mem_heap *heap)
{
	struct record *record = record_take(heap);

	if (!record) {
		record = record_add(heap);
		return record ? &record->view : NULL;
	}
	record->next = records;
	records = record;
	return &record->view;
}

const struct mem_heap_view *mem_heap_view(struct mem_heap *heap)
{
	struct record *record = records;

	if (__builtin_expect(record && record->view.heap == heap && !record->gone &&
			     mem_load(&record->view.cache->owner) == record->owner, 1))
		return &record->view;
	return view_find(heap);
}

void mem_heap_leave(struct mem_heap *heap)
{
	struct record *record = record_take(heap);

	if (!record)
		return;
	pthread_mutex_lock(&lock);
	record_leave(record);
	record_drop(record);
	pthread_mutex_unlock(&lock);
}
