/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Most of the time that loading takes is the verifier's, and it verifies programs on all CPUs at once. Threads
 * take one program after the other, and say nothing: what they could not load, the caller loads in its turn,
 * for the same message in the same order as without them.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "object.h"

#define PROG_COST 200         /* what a program takes besides its instructions, in instructions */
#define COST_PER_THREAD 8000  /* less is done sooner than a thread gets a CPU */
#define HELPERS_MAX 15

/* Static programs that start no threads themselves don't have these, and load one after the other. */
#pragma weak pthread_create
#pragma weak pthread_join
#pragma weak pthread_sigmask
#pragma weak pthread_setcancelstate

struct work {
	struct mem_object *obj;
	uint32_t next; /* program that nobody has taken yet */
};

static void *load_some(void *arg)
{
	struct work *work = arg;
	uint32_t i;

	error_quiet(true);
	while ((i = __atomic_fetch_add(&work->next, 1, __ATOMIC_RELAXED)) < work->obj->image.prog_count)
		if (work->obj->progs[i].autoload && work->obj->progs[i].fd < 0)
			prog_try(&work->obj->progs[i]);
	error_quiet(false);
	return NULL;
}

static uint64_t prog_cost(const struct mem_prog *prog)
{
	const struct image_view *image = &prog->obj->image;
	const struct mem_range funcs = prog->image->funcs;
	uint64_t cost = PROG_COST;

	for (uint32_t i = 0; i < funcs.count; i++)
		cost += image->funcs[image->prog_funcs[funcs.first + i]].insns.count;
	return cost;
}

/* Threads that are worth starting beside the caller's. */
static uint32_t helper_count(const struct mem_object *obj)
{
	uint64_t cost = 0, helpers, cpus;
	cpu_set_t set;

	for (uint32_t i = 0; i < obj->image.prog_count; i++)
		cost += obj->progs[i].autoload ? prog_cost(&obj->progs[i]) : 0;
	if (cost < 2 * COST_PER_THREAD || sched_getaffinity(0, sizeof(set), &set))
		return 0;
	helpers = cost / COST_PER_THREAD - 1;
	cpus = (uint64_t)CPU_COUNT(&set);
	if (helpers > cpus - 1)
		helpers = cpus - 1;
	return helpers < HELPERS_MAX ? (uint32_t)helpers : HELPERS_MAX;
}

/* As many as can be had; the application's signals are not for them. */
static uint32_t start_helpers(pthread_t *threads, uint32_t count, struct work *work)
{
	uint32_t started = 0;
	sigset_t all, old;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &old))
		return 0;
	while (started < count && !pthread_create(&threads[started], NULL, load_some, work))
		started++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return started;
}

void load_ahead(struct mem_object *obj)
{
	struct work work = { .obj = obj };
	pthread_t threads[HELPERS_MAX];
	bool threaded = pthread_create && pthread_join && pthread_sigmask && pthread_setcancelstate;
	uint32_t count = threaded ? helper_count(obj) : 0;
	int cancel;

	if (!count)
		return;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel); /* helpers use what is on this stack */
	count = start_helpers(threads, count, &work);
	load_some(&work);
	for (uint32_t i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_setcancelstate(cancel, NULL);
}
