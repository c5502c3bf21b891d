/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-thread memory against thread_local variables (application) and against task storage (programs),
 * and what registering a thread costs. One back for each run: task uptr|arena|array.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "table.h"
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

/* What the kernel takes to name a thread, which task storage needs from outside of programs. */
static void *open_pidfd(void *arg)
{
	double start = now();
	int fd = (int)syscall(SYS_pidfd_open, syscall(SYS_gettid), O_EXCL);

	close(fd);
	*(double *)arg = now() - start;
	return NULL;
}

/* What many new threads take to do one thing, ns. */
static void time_in_threads(struct bench_series *series, void *(*fn)(void *took))
{
	static double took[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, fn, &took[i]))
			exit(1);
		pthread_join(thread, NULL);
	}
	bench_note(series, bench_stat(took, THREADS).median);
}

static void time_function(struct bench_series *series, void (*fn)(void))
{
	double start = now();

	fn();
	bench_note(series, (now() - start) / ROUNDS);
}

static void time_program(struct bench_series *series, const struct mem_prog *prog)
{
	struct mem_run_opts opts = {.sz = sizeof(opts)};
	double start = now();

	if (mem_prog_run(prog, &opts) || opts.retval != 1) {
		fprintf(stderr, "task: %s: %s\n", mem_prog_name(prog), mem_error_message());
		exit(1);
	}
	bench_note(series, (now() - start) / ROUNDS);
}

static void bench_application(const char *back)
{
	struct bench_series value = {.name = "thread_local struct"}, ptr = {.name = "thread_local pointer"},
			    task = {.name = "per-thread memory"}, first = {.name = "first use by a thread"},
			    pidfd = {.name = "pidfd, opened and closed"};
	char title[64];

	pointer = &variable;
	for (int i = 0; i < REPEAT; i++) {
		time_function(&value, add_to_variable);
		time_function(&ptr, add_to_pointer);
		time_function(&task, add_to_task);
	}
	time_in_threads(&first, new_thread);
	time_in_threads(&pidfd, open_pidfd);
	snprintf(title, sizeof(title), "application, %s", back);
	bench_table("task", title, "ns", ptr.name);
	bench_print_series(&ptr, &ptr, 0);
	bench_print_series(&value, &ptr, 0);
	bench_print_series(&task, &ptr, 0);
	bench_print_series(&first, NULL, 0);
	bench_print_series(&pidfd, NULL, 0);
}

static void bench_program(const char *back, const struct task *skel)
{
	struct bench_series loop = {0}, storage = {.name = "bpf_task_storage_get"};
	struct bench_series task = {.name = "per-thread memory"};
	double around;
	char title[64];

	for (int i = 0; i < REPEAT; i++) {
		time_program(&loop, skel->progs.empty);
		time_program(&storage, skel->progs.by_storage);
		time_program(&task, skel->progs.by_task);
	}
	around = bench_stat(loop.samples, loop.count).min;
	snprintf(title, sizeof(title), "program, %s, without the loop", back);
	bench_table("task", title, "ns", storage.name);
	bench_print_series(&storage, &storage, around);
	bench_print_series(&task, &storage, around);
}

int main(int argc, char **argv)
{
	static const char *const backs[] = {"auto", "uptr", "arena", "array"};
	struct mem_task_opts opts = {.sz = sizeof(opts)};
	struct task *skel;

	for (unsigned int i = 0; argc > 1 && i < 4; i++)
		if (!strcmp(argv[1], backs[i]))
			opts.back = (enum mem_task_back)i;
	skel = mem_task_setup(&opts) ? NULL : task__open_and_load();
	if (!skel || !task__task_request()) {
		printf("%-5s not here: %s\n", backs[opts.back], mem_error_message());
		return 0;
	}
	bench_application(backs[mem_task_back_used()]);
	bench_program(backs[mem_task_back_used()], skel);
	task__destroy(skel);
	return 0;
}
