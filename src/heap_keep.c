/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A thread that populates a heap's pages ahead of those who allocate.
 *
 * Programs can wake nobody from every context, so it looks: soon again when it had to do something,
 * later and later while nothing is used.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "error.h"
#include "heap.h"

#define BUSY_PAUSE 1000000L  /* nanoseconds */
#define IDLE_PAUSE 64000000L

struct mem_heap_keeper {
	struct mem_heap *heap;
	size_t bytes;
	pid_t pid; /* a forked child has no such thread */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
};

/* Whether pages are missing that there could be. */
static bool is_low(const struct mem_heap_keeper *keeper)
{
	uint32_t present = mem_load(&keeper->heap->present), fresh = mem_load(&keeper->heap->fresh);

	return present < mem_load(&keeper->heap->total) &&
	       (present < fresh || (uint64_t)(present - fresh) * MEM_HEAP_PAGE < keeper->bytes);
}

static void rest(struct mem_heap_keeper *keeper, long ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ns;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(&keeper->wake, &keeper->lock, &until);
}

static void *keep(void *arg)
{
	struct mem_heap_keeper *keeper = arg;
	long pause = BUSY_PAUSE;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->stop) {
		/* twice what is wanted, so that it is not at work all the time */
		if (is_low(keeper) && mem_heap_refill(keeper->heap, keeper->bytes * 2) > 0)
			pause = BUSY_PAUSE;
		else
			pause = pause * 2 < IDLE_PAUSE ? pause * 2 : IDLE_PAUSE;
		rest(keeper, pause);
	}
	pthread_mutex_unlock(&keeper->lock);
	return NULL;
}

static int start(struct mem_heap_keeper *keeper)
{
	pthread_condattr_t attr;
	sigset_t all, before;
	int err;

	pthread_mutex_init(&keeper->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&keeper->wake, &attr);
	pthread_condattr_destroy(&attr);
	/* signals are for the application's own threads */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&keeper->thread, NULL, keep, keeper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}

struct mem_heap_keeper *mem_heap_keep(struct mem_heap *heap, size_t bytes)
{
	struct mem_heap_keeper *keeper;
	struct mem_heap_view view;
	int err;

	if (heap_describe(heap, &view))
		return NULL;
	if (!bytes || bytes > SIZE_MAX / 2) {
		mem__error(EINVAL, "heap at %p: to keep %zu bytes fresh makes no sense", (void *)heap, bytes);
		return NULL;
	}
	err = mem_heap_refill(heap, bytes);
	if (err < 0 && err != -ENOSPC)
		return NULL;
	keeper = calloc(1, sizeof(*keeper));
	if (!keeper) {
		mem__error(ENOMEM, "heap at %p: no memory for a keeper", (void *)heap);
		return NULL;
	}
	keeper->heap = heap;
	keeper->bytes = bytes;
	keeper->pid = getpid();
	err = start(keeper);
	if (err) {
		mem__error(err, "heap at %p: can't start a thread: %s", (void *)heap, strerror(err));
		free(keeper);
		return NULL;
	}
	return keeper;
}

void mem_heap_keep_stop(struct mem_heap_keeper *keeper)
{
	if (!keeper)
		return;
	if (keeper->pid == getpid()) {
		pthread_mutex_lock(&keeper->lock);
		keeper->stop = true;
		pthread_cond_signal(&keeper->wake);
		pthread_mutex_unlock(&keeper->lock);
		pthread_join(keeper->thread, NULL);
		pthread_cond_destroy(&keeper->wake);
		pthread_mutex_destroy(&keeper->lock);
	}
	free(keeper);
}
