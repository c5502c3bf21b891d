/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which memory a thread's block is, and that programs find it.
 *
 * With pointers in task storage, and where nothing is loaded or a slot can't be had, it is private memory:
 * then the application works as ever, programs don't see it. Else it is a slot of the back. A block that was
 * given up stays what it is, memory of this thread, until the thread ends: other code of it may be using it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "task_registry.h"

#define SLAB_BLOCKS 16

/* Memory of blocks that are not in a back. */
struct slab {
	struct slab *next;
	char *memory;
	size_t size;
};

struct free_block {
	struct free_block *next;
};

static struct {
	struct slab *slabs;
	struct free_block *first, **last; /* free ones, oldest first */
	uint32_t blocks;                  /* in use */
} private;

uint32_t task_block_size(void)
{
	if (!tasks.block_size) {
		tasks.block_size = tasks.opts.block_size ? tasks.opts.block_size : MEM_TASK_BLOCK;
		while (tasks.block_size < task_declared_size())
			tasks.block_size *= 2;
		tasks.reap_at = tasks.reap_at ?: TASK_REAP_MIN;
	}
	return tasks.block_size;
}

uint32_t task_block_room(void)
{
	uint32_t size = task_block_size();

	return tasks.back && tasks.back->block_size < size ? tasks.back->block_size : size;
}

/* --- private memory --- */

static void slabs_free(void)
{
	while (private.slabs) {
		struct slab *slab = private.slabs;

		private.slabs = slab->next;
		munmap(slab->memory, slab->size);
		free(slab);
	}
	private.first = NULL;
	private.last = NULL;
}

static void private_put(char *memory)
{
	struct free_block *block = (struct free_block *)(memory + MEM_TASK_HEAD);

	/* the longest unused is taken first: whatever still looks at it has had time to end */
	__atomic_store_n(&((struct task_head *)memory)->generation, MEM_TASK_FREE, __ATOMIC_RELAXED);
	block->next = NULL;
	if (private.first)
		*private.last = block;
	else
		private.first = block;
	private.last = &block->next;
}

static bool slab_add(void)
{
	struct slab *slab = malloc(sizeof(*slab));

	if (!slab)
		return false;
	slab->size = (size_t)tasks.block_size * SLAB_BLOCKS;
	slab->memory = mmap(NULL, slab->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (slab->memory == MAP_FAILED) {
		free(slab);
		return false;
	}
	slab->next = private.slabs;
	private.slabs = slab;
	for (size_t i = 0; i < SLAB_BLOCKS; i++)
		private_put(slab->memory + i * tasks.block_size);
	return true;
}

static char *private_take(void)
{
	char *memory;

	if (!private.first && !slab_add())
		return NULL;
	memory = (char *)private.first - MEM_TASK_HEAD;
	private.first = private.first->next;
	memset(memory, 0, tasks.block_size);
	private.blocks++;
	return memory;
}

/* --- blocks --- */

static void block_free(struct task_block *block)
{
	if (block->back) {
		task_back_release(block->back, block->slot, block->tid);
		task_back_put(block->back);
	} else {
		private_put(block->memory);
		private.blocks--;
	}
	free(block);
}

void task_blocks_free(struct task_thread *thread)
{
	while (thread->block) {
		struct task_block *block = thread->block;

		thread->block = block->older;
		block_free(block);
	}
	thread->live = false;
}

void task_blocks_trim(void)
{
	if (!private.blocks && !tasks.back)
		slabs_free();
}

static struct task_block *block_push(struct task_thread *thread, char *memory)
{
	struct task_block *block = calloc(1, sizeof(*block));

	if (!block)
		return NULL;
	block->memory = memory;
	block->older = thread->block;
	thread->block = block;
	return block;
}

static int take_private(struct task_thread *thread)
{
	char *memory = private_take();

	if (!memory || !block_push(thread, memory)) {
		if (memory) {
			private_put(memory);
			private.blocks--;
		}
		return mem__error(ENOMEM, "no memory for a thread's structs");
	}
	return 0;
}

/* A slot for a thread, with what it had in its block so far. */
static int take_slot(struct task_thread *thread, uint32_t tid)
{
	struct task_back *back = tasks.back;
	const struct task_block *old = thread->block;
	struct task_block *block;
	uint32_t slot;
	char *memory;
	int err = task_back_take(back, tid, &slot);

	if (err)
		return err;
	memory = task_back_block(back, slot);
	memset(memory, 0, back->block_size);
	if (old)
		memcpy(memory + MEM_TASK_HEAD, old->memory + MEM_TASK_HEAD,
		       (back->block_size < tasks.block_size ? back->block_size : tasks.block_size) -
			       MEM_TASK_HEAD);
	block = block_push(thread, memory);
	if (!block) {
		task_back_release(back, slot, tid);
		return -ENOMEM;
	}
	block->back = back;
	block->slot = slot;
	block->tid = tid;
	back->refs++;
	return 0;
}

static void set_head(struct task_thread *thread, const struct task_self *self)
{
	struct task_head *head = (struct task_head *)thread->block->memory;

	head->tid = self->tid;
	head->tgid = self->tgid;
	head->execs = self->execs;
	__atomic_store_n(&head->generation, self->generation, __ATOMIC_RELEASE);
}

int task_block_show(struct task_thread *thread, struct task_self *self, bool ahead)
{
	struct task_back *back = tasks.back;
	uint32_t slot;
	int err = 0;

	if (back->kind != MEM_TASK_IN_UPTR)
		err = take_slot(thread, self->tid);
	else if (!thread->block)
		err = take_private(thread);
	if (err)
		return err;
	slot = thread->block->slot;
	set_head(thread, self);
	if (back->kind == MEM_TASK_IN_ARRAY && !ahead) {
		self->element = task_back_element(back, slot);
		err = task_back_self(back, self);
	} else {
		err = task_back_point(back, thread->tid, thread->block->memory, slot);
	}
	thread->live = !err;
	return err;
}

void task_block_warn(int err)
{
	if (tasks.warned)
		return;
	tasks.warned = true;
	mem__log(MEM_LOG_WARN, "programs do not see the per-thread structs of some threads: %s",
		 err == -ENOSPC ? "all slots are taken; ask for more with mem_task_setup()"
				: strerror(-err));
}

/* Registered ahead by another thread: whose data it is depends on who wrote to it since. */
static void adopt(struct task_thread *thread, const struct task_self *self)
{
	const struct task_head *head = (struct task_head *)thread->block->memory;
	uint64_t seen = __atomic_load_n(&head->generation, __ATOMIC_RELAXED);
	const struct task_back *back = thread->block->back; /* whose blocks may be smaller */
	uint32_t size = back ? back->block_size : tasks.block_size;

	if (seen != MEM_TASK_PENDING && seen != self->generation)
		memset(thread->block->memory + MEM_TASK_HEAD, 0, size - MEM_TASK_HEAD);
	set_head(thread, self);
}

/*
 * Task storage belongs to one thread anyhow: it is enough that the first program that looks makes sure
 * of the rest. Asking takes a system call.
 */
static int identify(const struct task_thread *thread, struct task_self *self)
{
	struct task_back *back = tasks.back;

	if (back->kind != MEM_TASK_IN_UPTR || back->other_ids || !back->tgid || thread->live)
		return task_back_self(back, self);
	self->generation = MEM_TASK_PENDING;
	self->tid = (uint32_t)thread->tid;
	self->tgid = back->tgid;
	self->execs = back->execs;
	return 0;
}

int task_block_give(struct task_thread *thread)
{
	struct task_self self = { 0 };
	int err = 0;

	if (tasks.back && tasks.loaded) {
		err = task_back_return(tasks.back);
		err = err ?: identify(thread, &self);
		if (!err && thread->live)
			adopt(thread, &self);
		else if (!err)
			err = task_block_show(thread, &self, false);
		if (err)
			task_block_warn(err);
	}
	if (!thread->block)
		err = take_private(thread);
	if (!thread->block)
		return err;
	thread->current = true;
	return 0;
}
