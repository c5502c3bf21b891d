/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-thread structs as an application uses them.
 *
 * Generated headers keep the address of each of a thread's structs in a thread-local variable, a
 * cell, and come here while that is NULL: for the first time, and when the thread's block has to be
 * another one: after fork, and when the first object is loaded whose programs find blocks elsewhere.
 */
#include <errno.h>

#include "opts.h"
#include "task_registry.h"

int task_declare_row(struct mem_task *task, const struct mem_image *image, uint32_t row)
{
	struct image_view view;
	int offset;

	offset = image_widen(image, &view);
	if (offset)
		return offset;
	if (row >= view.task_count)
		offset = mem__error(EINVAL, "%s: per-thread struct %u of %u", image->name, row,
				    view.task_count);
	else
		offset = task_declare(image->name, &view.tasks[row],
				      view.task_fields + view.tasks[row].fields.first, task_block_room(),
				      NULL);
	image_view_free(&view);
	if (offset > 0)
		__atomic_store_n(&task->offset, (uint32_t)offset, __ATOMIC_RELAXED);
	return offset < 0 ? offset : 0;
}

/* The calling thread's struct into its cell. */
static void *fill_cell(struct mem_task_cell *cell, struct mem_task *task)
{
	struct task_thread *thread = task_thread_self();
	void *data = thread->block->memory + __atomic_load_n(&task->offset, __ATOMIC_RELAXED);

	if (!cell->task) {
		cell->task = task;
		cell->next = thread->cells;
		thread->cells = cell;
	}
	__atomic_store_n(&cell->data, data, __ATOMIC_RELAXED);
	return data;
}

void *mem_task_register(struct mem_task_cell *cell, struct mem_task *task,
			const struct mem_image *image, uint32_t row)
{
	void *data = NULL;
	int err = 0;

	task_lock();
	if (tasks.closed)
		err = mem__error(ESHUTDOWN, "libmem is being unloaded");
	else if (!__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		err = task_declare_row(task, image, row);
	err = err ?: task_thread_enter();
	if (!err)
		data = fill_cell(cell, task);
	task_unlock();
	if (err)
		errno = -err;
	return data;
}

void mem_task_forget(void *task)
{
	task_lock();
	for (size_t i = 0; i < TASK_BUCKETS; i++) {
		for (struct task_thread *t = tasks.threads[i]; t; t = t->next) {
			struct mem_task_cell **at = &t->cells;

			while (*at) {
				if ((*at)->task == task)
					*at = (*at)->next;
				else
					at = &(*at)->next;
			}
		}
	}
	task_unlock();
}

void mem_task_unregister(void)
{
	task_lock();
	task_thread_leave();
	task_unlock();
}

int mem_task_setup(const struct mem_task_opts *opts)
{
	struct mem_task_opts given = { .sz = sizeof(given) };
	uint32_t size;
	int err = 0;

	if (!OPTS_VALID(opts, mem_task_opts))
		return -errno;
	given.back = OPTS_GET(opts, back, MEM_TASK_BACK_AUTO);
	given.threads = OPTS_GET(opts, threads, 0);
	size = given.block_size = OPTS_GET(opts, block_size, 0);
	if ((uint32_t)given.back > MEM_TASK_BACK_ARRAY || given.threads > TASK_TIDS_MAX ||
	    (size && (size & (size - 1) || size < TASK_BLOCK_MIN || size > TASK_BLOCK_MAX)))
		return mem__error(EINVAL, "mem_task_setup(): there is no back %u, or not for %u threads, or blocks of "
				  "%u bytes",
				  (uint32_t)given.back, given.threads, size);
	task_lock();
	if (tasks.back || tasks.thread_count)
		err = mem__error(EBUSY, "mem_task_setup(): an object or thread has per-thread structs");
	else if (size && size < task_declared_size())
		err = mem__error(EINVAL, "mem_task_setup(): %u bytes are in use", task_declared_size());
	if (!err) {
		tasks.opts = given;
		tasks.block_size = 0;
	}
	task_unlock();
	return err;
}

enum mem_task_back mem_task_back_used(void)
{
	uint32_t kind;

	task_lock();
	kind = tasks.back ? tasks.back->kind : MEM_TASK_IN_NONE;
	task_unlock();
	return (enum mem_task_back)kind;
}

int mem_task_register_all(void)
{
	int result;

	task_lock();
	if (!tasks.back || !tasks.loaded) {
		result = mem__error(EINVAL, "mem_task_register_all(): load an object with per-thread "
					    "structs first");
	} else {
		result = task_thread_enter();
		if (!result && tasks.back->kind != MEM_TASK_IN_UPTR && tasks.back->other_ids)
			result = task_thread_self()->live; /* others follow on their first use */
		else
			result = result ?: task_threads_register();
	}
	task_unlock();
	return result;
}

int mem_task_each(struct mem_task *task, const struct mem_image *image, uint32_t row, mem_task_fn *fn,
		  void *ctx)
{
	int result = 0;

	task_lock();
	if (!__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		result = task_declare_row(task, image, row);
	for (size_t i = 0; !result && i < TASK_BUCKETS; i++)
		for (struct task_thread *t = tasks.threads[i]; !result && t; t = t->next)
			if (t->block)
				result = fn(ctx, t->tid, t->block->memory + task->offset);
	task_unlock();
	return result;
}

