/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process uses the blocks of another one, which has pinned all that it takes (task_share.h). To its threads
 * the other's programs are as those of an object of its own.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "live_map.h"
#include "object.h"
#include "sys.h"
#include "task_layout.h"
#include "task_share.h"

#define LAYOUT_SIZE_MAX (1U << 20) /* bytes */

static int open_pin(const char *folder, const char *name)
{
	struct mem_source source;
	char path[PATH_MAX];

	if (!task_share_path(folder, name, path))
		return -errno;
	source = mem_source_pin(path);
	return live_map_open(&source, "per-thread structs");
}

static int read_layout(const char *folder, struct task_bytes *bytes)
{
	struct bpf_map_info info;
	uint32_t key = 0;
	int fd = open_pin(folder, "layout"), err;
	BPF_ATTR(attr);

	if (fd < 0)
		return fd;
	err = live_map_info(fd, "per-thread structs", &info);
	if (!err && (info.type != BPF_MAP_TYPE_ARRAY || info.value_size < sizeof(struct task_shared) ||
		     info.value_size > LAYOUT_SIZE_MAX))
		err = mem__error(EINVAL, "'%s/layout' does not describe per-thread structs", folder);
	/* the kernel writes whole elements */
	bytes->size = info.value_size;
	bytes->data = err ? NULL : calloc(1, bytes->size + 8);
	attr.map_fd = (uint32_t)fd;
	attr.key = sys_pointer(&key);
	attr.value = sys_pointer(bytes->data);
	if (!err && (!bytes->data || sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr))))
		err = mem__error(ENOMEM, "'%s/layout' can't be read", folder);
	close(fd);
	return err;
}

static bool is_valid(const struct task_shared *s)
{
	return s->magic == TASK_SHARED_MAGIC && s->size == sizeof(*s) && s->kind >= MEM_TASK_IN_UPTR &&
	       s->kind <= MEM_TASK_IN_ARRAY && s->block_size >= TASK_BLOCK_MIN &&
	       !(s->block_size & (s->block_size - 1)) && s->block_size <= TASK_BLOCK_MAX &&
	       (s->kind != MEM_TASK_IN_UPTR || s->block_size == MEM_TASK_BLOCK) &&
	       s->count <= TASK_TIDS_MAX && s->map_size <= 1ULL << 32 && s->base % sys_page_size() == 0 &&
	       !s->base == (s->kind != MEM_TASK_IN_ARENA) &&
	       s->map_size % sys_page_size() == 0 && s->used <= s->block_size;
}

static void back_close(struct task_back *back)
{
	sys_close(&back->map_fd);
	sys_close(&back->slots_fd);
	sys_close(&back->self_fd);
	free(back);
}

/* ESTALE: another set is taking this one's place just now. */
static int open_maps(struct task_back *back, const char *folder, const struct task_shared *shared)
{
	back->map_fd = open_pin(folder, "memory");
	if (back->map_fd >= 0 && shared->index)
		back->slots_fd = open_pin(folder, "index");
	if (back->map_fd >= 0 && (!shared->index || back->slots_fd >= 0))
		back->self_fd = open_pin(folder, "self");
	if (back->map_fd < 0 || back->self_fd < 0)
		return -errno;
	if (task_share_map_id(back->map_fd) != shared->memory || task_share_map_id(back->slots_fd) != shared->index ||
	    task_share_prog_id(back->self_fd) != shared->self)
		return mem__error(ESTALE, "the per-thread structs shared in '%s' are being replaced: join "
					  "again", folder);
	return 0;
}

static int adopt(struct task_back *back, const char *folder)
{
	const void *at = back->base;
	int err = task_back_adopt(back);

	if (err == -EEXIST)
		return mem__error(EADDRINUSE, "'%s': this process has something else at the address of the "
					      "arena with the per-thread structs, %p", folder, at);
	return err ? mem__error(-err, "'%s': can't map per-thread structs: %s", folder, strerror(-err)) : 0;
}

static int open_set(const char *folder, const struct task_shared *shared, struct task_back **result)
{
	struct task_back *back = calloc(1, sizeof(*back));
	int err;

	if (!back)
		return mem__error(ENOMEM, "no memory for per-thread structs");
	back->kind = shared->kind;
	back->block_size = shared->block_size;
	back->count = shared->count;
	back->size = shared->map_size;
	back->base = (char *)(uintptr_t)shared->base;
	back->map_fd = back->slots_fd = back->self_fd = -1;
	err = open_maps(back, folder, shared);
	err = err ?: adopt(back, folder);
	if (err)
		back_close(back);
	else
		*result = back;
	return err;
}

/* 1: it is what this process has as `old` already; that may be NULL. */
static int open_shared(const char *folder, const struct task_back *old, uint32_t block_size,
		       struct task_back **back)
{
	struct task_bytes bytes = { .data = NULL };
	struct task_shared shared;
	int err = read_layout(folder, &bytes);

	if (err)
		goto out;
	memcpy(&shared, bytes.data, sizeof(shared));
	bytes.at = sizeof(shared);
	if (!is_valid(&shared))
		err = mem__error(EINVAL, "'%s/layout' does not describe per-thread structs as this libmem, "
					 "version %s, knows them", folder, mem_version());
	else if (old && task_share_map_id(old->map_fd) == shared.memory &&
		 task_share_prog_id(old->self_fd) == shared.self)
		err = 1;
	else if (block_size && (block_size < shared.used ||
				(shared.kind == MEM_TASK_IN_UPTR && block_size != MEM_TASK_BLOCK)))
		err = mem__error(EBUSY, "'%s': threads of this process have blocks of %u bytes for their "
					"structs, too few: join before structs are used", folder, block_size);
	if (!err)
		err = open_set(folder, &shared, back);
	if (!err) {
		err = task_layout_read(&bytes, shared.used);
		if (err) {
			if ((*back)->base)
				munmap((*back)->base, (*back)->size);
			back_close(*back);
		}
	}
out:
	free(bytes.data);
	return err;
}

/* --- the calls --- */

static void leave(void)
{
	struct task_back *back = tasks.back;

	if (!tasks.joined)
		return;
	tasks.joined = false;
	task_programs_leave(back);
}

static int join(const char *folder)
{
	struct task_back *back = NULL;
	int err;

	if (tasks.back && (!tasks.joined || tasks.back->objects > 1))
		return mem__error(EBUSY, "mem_task_join(): this process has objects with per-thread structs "
					 "loaded");
	err = task_threads_start();
	err = err ?: open_shared(folder, tasks.back, tasks.block_size, &back);
	if (err)
		return err < 0 ? err : 0;
	leave();
	back->refs = back->objects = 1;
	tasks.back = back;
	tasks.joined = true;
	if (!tasks.block_size)
		tasks.block_size = back->block_size;
	tasks.reap_at = tasks.reap_at ?: TASK_REAP_MIN;
	task_layout_seal(true);
	err = task_programs_start(folder);
	if (err)
		leave();
	return err ?: 1;
}

int mem_task_join(const char *folder)
{
	int err;

	if (!folder || !*folder)
		return mem__error(EINVAL, "mem_task_join(): no folder");
	task_lock();
	err = join(folder);
	task_unlock();
	return err;
}

void mem_task_leave(void)
{
	task_lock();
	leave();
	task_unlock();
}

static int each_slot(const struct task_back *back, uint32_t offset, mem_task_fn *fn, void *ctx)
{
	int result = 0;

	for (uint32_t slot = 0; !result && slot < back->count; slot++) {
		uint32_t tid = __atomic_load_n(&back->slots->owner[slot], __ATOMIC_ACQUIRE);
		const struct task_head *head;

		if (!tid || (!back->other_ids && kill((pid_t)tid, 0) && errno == ESRCH))
			continue; /* free, or left behind by a process that was killed */
		head = (const struct task_head *)task_back_block(back, slot);
		if (__atomic_load_n(&head->generation, __ATOMIC_ACQUIRE) > MEM_TASK_PENDING)
			result = fn(ctx, (int)tid, task_back_block(back, slot) + offset);
	}
	return result;
}

int mem_task_each_shared(struct mem_task *task, const struct mem_image *image, uint32_t row,
			 mem_task_fn *fn, void *ctx)
{
	int result = 0;

	task_lock();
	if (!tasks.back || !tasks.loaded)
		result = mem__error(EINVAL, "mem_task_each_shared(): load an object with per-thread structs, "
					    "or join a process that has");
	else if (!tasks.back->slots)
		result = mem__error(ENOTSUP, "per-thread structs are memory of their processes: an iterator "
					     "program (SEC(\"iter/task\")) can walk them");
	else
		result = task_back_return(tasks.back);
	if (result < 0 && tasks.back && tasks.back->slots && tasks.loaded)
		mem__error(-result, "mem_task_each_shared(): can't map the threads' memory: %s",
			   strerror(-result));
	if (!result && !__atomic_load_n(&task->offset, __ATOMIC_RELAXED))
		result = task_declare_row(task, image, row);
	if (!result)
		result = each_slot(tasks.back, task->offset, fn, ctx);
	task_unlock();
	return result;
}
