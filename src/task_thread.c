/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which threads are registered: they come with their first use of a struct, or ahead of it; they go when
 * they end, however they do, and in children of fork.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "task_registry.h"

struct task_registry tasks = { .lock = PTHREAD_MUTEX_INITIALIZER };

static __thread struct task_thread *this_thread;
static __thread unsigned int ends; /* rounds of destructors in which this thread was unregistered */

void task_lock(void)
{
	int before;

	/* a thread that ended in the middle, at a close(2) say, would leave the lock to nobody */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
	pthread_mutex_lock(&tasks.lock);
	tasks.cancel = before;
}

void task_unlock(void)
{
	int before = tasks.cancel;

	pthread_mutex_unlock(&tasks.lock);
	pthread_setcancelstate(before, NULL);
}

static int current_tid(void)
{
	return (int)syscall(SYS_gettid);
}

static struct task_thread **bucket(int tid)
{
	return &tasks.threads[(uint32_t)tid % TASK_BUCKETS];
}

static struct task_thread *find_thread(int tid)
{
	struct task_thread *thread = *bucket(tid);

	while (thread && thread->tid != tid)
		thread = thread->next;
	return thread;
}

/* The thread has to ask again where its structs are. */
static void cells_empty(struct task_thread *thread)
{
	for (struct mem_task_cell *cell = thread->cells; cell; cell = cell->next)
		__atomic_store_n(&cell->data, NULL, __ATOMIC_RELAXED);
}

static void cells_forget(struct task_thread *thread)
{
	cells_empty(thread);
	while (thread->cells) {
		thread->cells->task = NULL;
		thread->cells = thread->cells->next;
	}
}

/* A dead thread's cells are no longer there: those of a live one are to be forgotten before. */
static void thread_free(struct task_thread *thread)
{
	struct task_thread **at = bucket(thread->tid);

	while (*at != thread)
		at = &(*at)->next;
	*at = thread->next;
	tasks.thread_count--;
	task_blocks_free(thread);
	free(thread);
	task_blocks_trim();
}

/* Threads that ended without running destructors, by a bare exit system call. */
static void reap(void)
{
	for (size_t i = 0; i < TASK_BUCKETS; i++) {
		struct task_thread *next;

		for (struct task_thread *t = tasks.threads[i]; t; t = next) {
			next = t->next;
			if (syscall(SYS_tgkill, getpid(), t->tid, 0) && errno == ESRCH)
				thread_free(t);
		}
	}
	tasks.reap_at = 2 * tasks.thread_count + TASK_REAP_MIN;
}

static struct task_thread *thread_new(int tid)
{
	struct task_thread *thread;

	if (tasks.thread_count >= tasks.reap_at)
		reap();
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	thread->tid = tid;
	thread->next = *bucket(tid);
	*bucket(tid) = thread;
	tasks.thread_count++;
	return thread;
}

static void forget_self(void)
{
	if (this_thread)
		cells_forget(this_thread);
	this_thread = NULL;
}

static void on_thread_exit(void *thread)
{
	task_lock();
	if (this_thread == thread) {
		forget_self();
		thread_free(thread);
		ends++;
	}
	task_unlock();
}

/* --- fork: the child's one thread is a new one --- */

static void before_fork(void)
{
	task_lock();
}

static void after_fork_in_parent(void)
{
	task_unlock();
}

static void after_fork_in_child(void)
{
	forget_self();
	if (tasks.back) {
		task_back_leave(tasks.back);
		tasks.back->tgid = 0;
	}
	for (size_t i = 0; tasks.thread_count && i < TASK_BUCKETS; i++) {
		struct task_thread *thread;

		while ((thread = tasks.threads[i])) {
			for (struct task_block *b = thread->block; b; b = b->older)
				if (b->back && !b->back->elsewhere)
					task_back_leave(b->back);
			thread_free(thread);
		}
	}
	if (tasks.ready)
		pthread_setspecific(tasks.key, NULL);
	task_unlock();
}

/*
 * Early: a thread may be in the middle of fork(3) when another one takes the lock for the first time, and the
 * child that had no handler then would find it taken for ever.
 */
__attribute__((constructor)) static void watch_forks(void)
{
	if (!tasks.watches_forks)
		tasks.watches_forks = !pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

int task_threads_start(void)
{
	if (tasks.ready)
		return 0;
	watch_forks(); /* constructors of a program with the static library come before this one */
	if (!tasks.watches_forks)
		return mem__error(ENOMEM, "no memory for per-thread structs");
	if (pthread_key_create(&tasks.key, on_thread_exit))
		return mem__error(EAGAIN, "no thread-specific key is left for per-thread structs");
	tasks.ready = true;
	return 0;
}

/* A library that is unloaded with this one in it must not be called when threads end. */
__attribute__((destructor)) static void registry_end(void)
{
	task_lock();
	if (tasks.ready)
		pthread_key_delete(tasks.key);
	tasks.ready = false;
	tasks.closed = true;
	task_unlock();
}

/* --- registering --- */

int task_thread_enter(void)
{
	struct task_thread *thread = this_thread;
	int err;

	if (thread && thread->current)
		return 0;
	/* glibc gives destructors four rounds; whoever is registered in the last one stays so for ever */
	if (ends >= PTHREAD_DESTRUCTOR_ITERATIONS - 1)
		return mem__error(ESHUTDOWN, "the thread is ending");
	task_block_size();
	err = task_threads_start();
	if (err)
		return err;
	if (!thread) {
		thread = find_thread(current_tid());
		if (thread && thread->here) { /* ended without a destructor */
			thread_free(thread);
			thread = NULL;
		}
		thread = thread ?: thread_new(current_tid());
	}
	if (!thread || pthread_setspecific(tasks.key, thread))
		return mem__error(ENOMEM, "no memory to register a thread");
	this_thread = thread;
	thread->here = true;
	return task_block_give(thread);
}

struct task_thread *task_thread_self(void)
{
	return this_thread;
}

void task_thread_leave(void)
{
	struct task_thread *thread = this_thread;

	if (!thread)
		return;
	forget_self();
	if (tasks.ready)
		pthread_setspecific(tasks.key, NULL);
	thread_free(thread);
}

static int register_other(int tid)
{
	struct task_self self = { .generation = MEM_TASK_PENDING, .tid = (uint32_t)tid };
	struct task_thread *thread = find_thread(tid);
	int err;

	if (thread)
		return thread->live;
	self.tgid = tasks.back->tgid;
	self.execs = tasks.back->execs;
	thread = thread_new(tid);
	if (!thread)
		return mem__error(ENOMEM, "no memory to register threads");
	err = task_block_show(thread, &self, true);
	if (err)
		thread_free(thread);
	if (err && err != -ESRCH && err != -ENOENT) /* it has ended, before or after its pidfd */
		task_block_warn(err);
	return !err;
}

/* Ahead: with slots only under the ids that programs see, with task storage by pidfd (Linux 6.9). */
int task_threads_register(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0, result = 0;

	if (!dir)
		return mem__error(errno, "can't list the threads of this process: %s", strerror(errno));
	while (result >= 0 && (entry = readdir(dir))) {
		int tid = (int)strtol(entry->d_name, NULL, 10);

		if (!tid)
			continue;
		result = register_other(tid);
		count += result > 0;
	}
	closedir(dir);
	return result < 0 ? result : count;
}

/* --- programs come, and go --- */

/* Its next use of a struct gives it a new block. */
static void thread_come_again(struct task_thread *thread)
{
	thread->current = false;
	if (!syscall(SYS_tgkill, getpid(), thread->tid, 0) || errno != ESRCH)
		cells_empty(thread);
}

/* Threads that came before the programs. Their memory may stay where it is, or they come here again. */
static void show(struct task_thread *thread)
{
	struct task_self self = { .generation = MEM_TASK_PENDING, .tid = (uint32_t)thread->tid };

	if (tasks.back->kind == MEM_TASK_IN_UPTR && !tasks.back->other_ids) {
		self.tgid = tasks.back->tgid;
		self.execs = tasks.back->execs;
		task_block_show(thread, &self, true);
	} else {
		thread_come_again(thread);
	}
}

void task_threads_show(void)
{
	for (size_t i = 0; i < TASK_BUCKETS; i++)
		for (struct task_thread *t = tasks.threads[i]; t; t = t->next)
			show(t);
	/* this one need not be waited for */
	if (this_thread && !this_thread->current)
		task_thread_enter();
}

void task_threads_hide(const struct task_back *back)
{
	reap(); /* nobody else would notice those that are no more */
	task_thread_leave();
	for (size_t i = 0; i < TASK_BUCKETS; i++) {
		struct task_thread *next;

		for (struct task_thread *t = tasks.threads[i]; t; t = next) {
			next = t->next;
			/* other processes' programs may go on */
			if (t->live)
				__atomic_store_n(&((struct task_head *)t->block->memory)->generation,
						 MEM_TASK_FREE, __ATOMIC_RELAXED);
			t->live = false;
			if (!t->here)
				thread_free(t);
			else if (back->kind != MEM_TASK_IN_UPTR)
				thread_come_again(t);
		}
	}
}
