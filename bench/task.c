/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-thread memory against thread_local variables (application) and against task storage (programs),
 * and what registering a thread costs. One back for each run: task uptr|arena|array.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "task.skel.h"

#define ROUNDS 200000
#define REPEAT 15
#define THREADS 1001

static __thread struct request variable;
static __thread struct request *pointer;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The compiler is to find the variable each time, as in code that calls other code in between. */
#define FORGET() __asm__ volatile("" ::: "memory")

__attribute__((noinline)) static void add_to_variable(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct request *r = &variable;

		r->hits++;
		FORGET();
	}
}

__attribute__((noinline)) static void add_to_pointer(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct request *r = pointer;

		if (!r)
			exit(1);
		r->hits++;
		FORGET();
	}
}

__attribute__((noinline)) static void add_to_task(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		struct request *r = task__task_request();

		r->hits++;
		FORGET();
	}
}

static void *new_thread(void *arg)
{
	double start = now();

	if (!task__task_request())
		exit(1);
	*(double *)arg = now() - start;
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

/* The median of many new threads' first use, ns. */
static double time_of_registering(void)
{
	double took[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, new_thread, &took[i]))
			exit(1);
		pthread_join(thread, NULL);
	}
	qsort(took, THREADS, sizeof(took[0]), by_value);
	return took[THREADS / 2];
}

/* The fastest of some runs, ns for each round. */
static double time_of(void (*fn)(void), int rounds)
{
	double best = 1e18;

	for (int i = 0; i < REPEAT; i++) {
		double start = now(), took;

		for (int n = 0; n < rounds; n++)
			fn();
		took = (now() - start) / rounds;
		best = took < best ? took : best;
	}
	return best;
}

static double program_time(const struct mem_prog *prog)
{
	double best = 1e18;

	for (int i = 0; i < REPEAT; i++) {
		struct mem_run_opts opts = {.sz = sizeof(opts)};
		double start = now(), took;

		if (mem_prog_run(prog, &opts) || opts.retval != 1) {
			fprintf(stderr, "task: %s: %s\n", mem_prog_name(prog), mem_error_message());
			exit(1);
		}
		took = (now() - start) / ROUNDS;
		best = took < best ? took : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	static const char *const backs[] = {"auto", "uptr", "arena", "array"};
	struct mem_task_opts opts = {.sz = sizeof(opts)};
	double variable_ns, pointer_ns, task_ns, loop, storage, program;
	struct task *skel;

	for (unsigned int i = 0; argc > 1 && i < 4; i++)
		if (!strcmp(argv[1], backs[i]))
			opts.back = (enum mem_task_back)i;
	skel = mem_task_setup(&opts) ? NULL : task__open_and_load();
	if (!skel || !task__task_request()) {
		printf("%-5s not here: %s\n", backs[opts.back], mem_error_message());
		return 0;
	}
	variable_ns = time_of(add_to_variable, 1) / ROUNDS;
	pointer = &variable;
	pointer_ns = time_of(add_to_pointer, 1) / ROUNDS;
	task_ns = time_of(add_to_task, 1) / ROUNDS;
	loop = program_time(skel->progs.empty);
	storage = program_time(skel->progs.by_storage) - loop;
	program = program_time(skel->progs.by_task) - loop;
	printf("%-5s application %.2fx of a thread_local pointer, %.2fx of a struct by value (%.2f ns), program %.2fx of "
	       "bpf_task_storage_get (%.2f ns), registering a thread %.2f us\n",
	       backs[mem_task_back_used()], task_ns / pointer_ns,
	       task_ns / variable_ns, task_ns, program / storage, program,
	       time_of_registering() / 1000);
	task__destroy(skel);
	return 0;
}
