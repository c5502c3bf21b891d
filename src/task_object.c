/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects whose programs use per-thread structs. The first one chooses where they find the blocks, the last one
 * takes that along: threads then go on with private memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "sys.h"
#include "task_registry.h"

/* Whoever has such objects has all of this. */
void mem_task_use(void)
{
}

static int declare_all(struct mem_object *obj)
{
	const struct image_view *image = &obj->image;
	bool fixed = tasks.back || tasks.thread_count || tasks.opts.block_size;
	uint32_t size = fixed ? task_block_room() : TASK_BLOCK_MAX;

	obj->task_offsets = calloc(image->task_count + image->task_field_count, sizeof(*obj->task_offsets));
	if (!obj->task_offsets)
		return mem__error(ENOMEM, "%s: no memory for per-thread structs", obj->name);
	obj->task_fields_at = obj->task_offsets + image->task_count;
	for (uint32_t i = 0; i < image->task_count; i++) {
		const struct mem_task_image *task = &image->tasks[i];
		struct task_programs programs = { .movable = task_is_movable(image, task->type),
						  .at = obj->task_fields_at + task->fields.first };
		int offset = task_declare(obj->name, task, image->task_fields + task->fields.first, size,
					  &programs);

		if (offset < 0)
			return offset;
		obj->task_offsets[i] = (uint32_t)offset;
	}
	if (!fixed) {
		tasks.block_size = 0;
		size = task_block_size();
		while (size < task_declared_size())
			size *= 2;
		tasks.block_size = size;
	}
	return 0;
}

static int share_maps(struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++) {
		struct mem_map *map = &obj->maps[i];
		int fd;

		if (!(map->image->flags & MEM_MAP_TASK))
			continue;
		fd = task_back_map(tasks.back, map->image->name);
		map->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (fd >= 0 && map->fd < 0)
			return mem__error(errno, "%s: no descriptor is left: %s", obj->name,
					  strerror(errno));
	}
	return 0;
}

static int prepare(struct mem_object *obj)
{
	int err = task_threads_start();

	err = err ?: declare_all(obj);
	if (!err && !tasks.back) {
		err = task_back_choose(obj, &tasks.opts, tasks.block_size, &tasks.back);
		tasks.loaded = false;
	}
	if (err)
		return err;
	tasks.back->refs++;
	tasks.back->objects++;
	obj->task_back = tasks.back;
	err = task_back_return(obj->task_back);
	if (err)
		return mem__error(-err, "%s: can't map per-thread structs: %s", obj->name, strerror(-err));
	return share_maps(obj);
}

int task_prepare(struct mem_object *obj)
{
	int err = 0;

	if (obj->image.task_count) {
		task_lock();
		err = prepare(obj);
		task_unlock();
	}
	return err;
}

static int find_self_prog(const struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.prog_count; i++)
		if (!strcmp(obj->progs[i].image->name, "mem_task_self"))
			return obj->progs[i].fd;
	return -1;
}

int task_programs_start(const char *who)
{
	struct task_self self = { 0 };
	int err = task_back_self(tasks.back, &self);

	if (err)
		return mem__error(-err, "%s: program mem_task_self does not run: %s", who, strerror(-err));
	tasks.loaded = true;
	task_threads_show();
	return 0;
}

static int start_object(struct mem_object *obj)
{
	int fd = find_self_prog(obj);

	if (fd < 0)
		return mem__error(EINVAL, "%s: program mem_task_self is needed: don't switch it off",
				  obj->name);
	tasks.back->self_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (tasks.back->self_fd < 0)
		return mem__error(errno, "%s: no descriptor is left: %s", obj->name, strerror(errno));
	return task_programs_start(obj->name);
}

int task_load(struct mem_object *obj)
{
	int err = 0;

	if (obj->task_back) {
		task_lock();
		if (!tasks.loaded)
			err = start_object(obj);
		task_unlock();
	}
	return err;
}

/* The last object is gone: threads go on with private memory. */
static void stop(struct task_back *back)
{
	task_threads_hide(back);
	tasks.back = NULL;
	tasks.loaded = false;
	tasks.joined = false;
	task_layout_seal(false);
	sys_close(&back->map_fd);
	sys_close(&back->slots_fd);
	sys_close(&back->self_fd);
	task_blocks_trim();
	if (!tasks.thread_count)
		tasks.block_size = 0;
}

void task_programs_leave(struct task_back *back)
{
	if (!--back->objects && tasks.back == back)
		stop(back);
	task_back_put(back);
}

void task_close(struct mem_object *obj)
{
	struct task_back *back = obj->task_back;

	free(obj->task_offsets);
	if (!back)
		return;
	task_lock();
	task_programs_leave(back);
	task_unlock();
}

/* Programs that run for packets, not for a thread, though some thread is always current. */
static bool has_task(uint32_t prog_type)
{
	switch (prog_type) {
	case BPF_PROG_TYPE_XDP:
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT:
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_SK_MSG:
	case BPF_PROG_TYPE_SK_LOOKUP:
	case BPF_PROG_TYPE_SK_REUSEPORT:
	case BPF_PROG_TYPE_FLOW_DISSECTOR:
	case BPF_PROG_TYPE_SOCK_OPS:
	case 32: /* BPF_PROG_TYPE_NETFILTER */
		return false;
	default:
		return true;
	}
}

uint64_t task_number(const struct mem_object *obj, const struct mem_extern_image *ext,
		     uint32_t prog_type)
{
	const struct task_back *back = obj->task_back;

	if (!back)
		return 0;
	switch (ext->kcfg_kind) {
	case MEM_TASK_NUMBER_BACK:
		return has_task(prog_type) ? back->kind : MEM_TASK_IN_NONE;
	case MEM_TASK_NUMBER_INDEX:
		return sys_pointer(back->index);
	default:
		return obj->task_offsets[ext->kcfg_offset];
	}
}

