/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three places in which programs find a thread's block.
 *
 *     uptr    task storage holds a pointer to the block, which is memory of the application (6.13)
 *     arena   | owners of slots | index by thread id | slot 0 | slot 1 | ...        (6.9)
 *     array   | owners of slots | slot 0 | slot 1 | ...  and a hash table has the slot by thread id
 *
 * There is one back for all objects of a process, made when the first is prepared, gone when the last is
 * closed and no thread has a slot of it. A slot's owner is claimed by compare-and-swap in the shared
 * memory itself, so that parent and child may share a back after fork.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "explain.h"
#include "object.h"
#include "sys.h"
#include "task.h"

#define PIDFD_THREAD_FLAG O_EXCL /* PIDFD_THREAD, Linux 6.9 */
#define TRIES 100                /* of what fails for a moment only */
#define ARENA_THREADS 65536      /* slots by default: address space, memory comes with use */
#define ARRAY_THREADS 4096       /* slots by default: memory that is taken at once */
#define ARRAY_BLOCK 1024         /* bytes of a block by default, where a slot takes memory unused */

static const char *const names[] = {
	[MEM_TASK_IN_UPTR] = "__uptr in task storage",
	[MEM_TASK_IN_ARENA] = "arena slots",
	[MEM_TASK_IN_ARRAY] = "array slots",
};

static const struct feature features[] = {
	[MEM_TASK_IN_UPTR] = { "__uptr in task storage", 6, 13 },
	[MEM_TASK_IN_ARENA] = { "arenas", 6, 9 },
	[MEM_TASK_IN_ARRAY] = { "syscall programs", 5, 14 },
};

static int open_thread(int tid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD_FLAG);

	return fd < 0 ? -errno : fd;
}

/* What the kernel may say when others are at the same storage, or its allocator is, at this moment. */
static bool is_passing(int err)
{
	return err == -EAGAIN || err == -EBUSY || err == -ENOMEM || err == -EDEADLK ||
	       err == -ETIMEDOUT;
}

/* Put a value into a map, of task storage under a pidfd or of slots under a thread id. */
static int map_update(int map_fd, const void *key, const void *value)
{
	int err;
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)map_fd;
	attr.key = sys_pointer(key);
	attr.value = sys_pointer(value);
	for (int i = 0; i < TRIES; i++) {
		err = sys_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
		if (!is_passing(err))
			break;
		sched_yield();
	}
	return err;
}

/* --- maps --- */

static struct mem_map *find_map(struct mem_object *obj, const char *name)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++)
		if (obj->maps[i].image->flags & MEM_MAP_TASK && !strcmp(obj->maps[i].image->name, name))
			return &obj->maps[i];
	return NULL;
}

static int create_map(struct mem_object *obj, const char *name, uint32_t value_size, uint32_t entries,
		      uint64_t extra)
{
	const struct mem_map *map = find_map(obj, name);
	BPF_ATTR(attr);

	if (!map)
		return -ENOENT;
	attr.map_type = map->image->type;
	attr.key_size = map->image->key_size;
	attr.value_size = value_size;
	attr.max_entries = entries;
	attr.map_flags = map->image->map_flags;
	attr.map_extra = extra;
	sys_set_name(attr.map_name, map->image->kernel_name);
	if (map->image->type == BPF_MAP_TYPE_TASK_STORAGE) {
		if (obj->btf_fd < 0)
			return -ENOTSUP;
		attr.btf_fd = (uint32_t)obj->btf_fd;
		attr.btf_key_type_id = map->image->key_type;
		attr.btf_value_type_id = map->image->value_type;
	}
	return sys_bpf_fd(BPF_MAP_CREATE, &attr, sizeof(attr));
}

/*
 * A kernel without __uptr takes the map, and any number for the pointer. One that knows it finds no
 * page at this address.
 */
static int make_uptr(struct mem_object *obj, struct task_back *back)
{
	const uint64_t nowhere = sys_page_size() - 8;
	int pidfd, err;

	if (back->block_size > MEM_TASK_BLOCK)
		return -E2BIG;
	back->map_fd = create_map(obj, "mem_task_pages", 8, 0, 0);
	if (back->map_fd < 0)
		return back->map_fd;
	pidfd = open_thread((int)syscall(SYS_gettid));
	if (pidfd < 0)
		return pidfd;
	err = map_update(back->map_fd, &pidfd, &nowhere);
	close(pidfd);
	return err ? 0 : -ENOTSUP;
}

/* What is in front of the slots. */
static size_t front_size(const struct task_back *back)
{
	size_t size = sys_page_round(sizeof(struct task_slots) + 4ULL * back->count);

	if (back->kind == MEM_TASK_IN_ARENA)
		size += 4ULL * TASK_TIDS_MAX;
	return (size + back->block_size - 1) / back->block_size * back->block_size;
}

static int map_at(struct task_back *back, void *at)
{
	char *base = mmap(at, back->size, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
			  back->map_fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	back->base = base;
	back->slots = (struct task_slots *)base;
	back->blocks = base + front_size(back);
	if (back->kind == MEM_TASK_IN_ARENA)
		back->index = (uint32_t *)(base + sys_page_round(sizeof(struct task_slots) +
								 4ULL * back->count));
	/* a child's threads are not the parent's: see task_back_leave() */
	return madvise(base, back->size, MADV_DONTFORK) ? -errno : 0;
}

static int make_arena(struct mem_object *obj, struct task_back *back, const struct mem_task_opts *opts)
{
	char *base;

	for (uint32_t i = 0; i < obj->image.map_count; i++)
		if (obj->maps[i].image->type == MEM_BPF_MAP_TYPE_ARENA &&
		    !(obj->maps[i].image->flags & MEM_MAP_TASK))
			return -EEXIST; /* a program can use one arena only */
	if (kernel_older_than(5, 14)) /* nothing to try for */
		return -ENOTSUP;
	back->count = opts->threads ? opts->threads : ARENA_THREADS;
	back->size = sys_page_round(front_size(back) + (uint64_t)back->count * back->block_size);
	if (back->size > 1ULL << 31)
		return -E2BIG;
	base = arena_reserve_range(back->size);
	if (!base)
		return -ENOMEM;
	back->map_fd = create_map(obj, "mem_task_arena", 0, (uint32_t)(back->size / sys_page_size()),
				  sys_pointer(base));
	if (back->map_fd >= 0) /* a refused MAP_FIXED leaves nothing there that would be this one's to unmap */
		return map_at(back, base);
	munmap(base, back->size);
	return back->map_fd;
}

static int make_array(struct mem_object *obj, struct task_back *back, const struct mem_task_opts *opts)
{
	uint32_t size = opts->block_size ? opts->block_size : ARRAY_BLOCK;
	uint32_t front;

	while (size < task_declared_size())
		size *= 2;
	back->block_size = size;
	back->count = opts->threads ? opts->threads : ARRAY_THREADS;
	front = (uint32_t)(front_size(back) / size);
	back->size = sys_page_round(((uint64_t)front + back->count) * size);
	back->map_fd = create_map(obj, "mem_task_blocks", size, front + back->count, 0);
	if (back->map_fd < 0)
		return back->map_fd;
	back->slots_fd = create_map(obj, "mem_task_slots", 4, back->count, 0);
	return back->slots_fd < 0 ? back->slots_fd : map_at(back, NULL);
}

int task_back_adopt(struct task_back *back)
{
	char *at = back->base;
	int err;

	if (back->kind == MEM_TASK_IN_UPTR)
		return 0;
	if (back->size < front_size(back) + (uint64_t)back->count * back->block_size)
		return -EINVAL;
	back->base = NULL;
	if (at && mmap(at, back->size, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != at)
		return -EEXIST;
	err = map_at(back, at);
	if (err && back->base) { /* it is mapped, and still not fit for use */
		munmap(back->base, back->size);
		back->base = NULL;
	}
	return err;
}

static void clear(struct task_back *back)
{
	if (back->base)
		munmap(back->base, back->size);
	sys_close(&back->map_fd);
	sys_close(&back->slots_fd);
	sys_close(&back->self_fd);
	*back = (struct task_back){ .map_fd = -1, .slots_fd = -1, .self_fd = -1 };
}

static int make(struct mem_object *obj, struct task_back *back, uint32_t kind,
		const struct mem_task_opts *opts, uint32_t block_size)
{
	int err;

	*back = (struct task_back){ .kind = kind, .block_size = block_size, .map_fd = -1,
				    .slots_fd = -1, .self_fd = -1 };
	if (kind == MEM_TASK_IN_UPTR)
		err = make_uptr(obj, back);
	else if (kind == MEM_TASK_IN_ARENA)
		err = make_arena(obj, back, opts);
	else
		err = make_array(obj, back, opts);
	if (err)
		clear(back);
	return err;
}

static int choose_error(struct mem_object *obj, uint32_t kind, int err)
{
	char why[256];

	if (err == -EPERM)
		explain_eperm(why, sizeof(why));
	else if (explain_missing(why, sizeof(why), &features[kind]))
		err = -ENOTSUP;
	else if (kind == MEM_TASK_IN_ARENA && err == -EEXIST)
		snprintf(why, sizeof(why), "the object has an arena of its own, and a program can use only one");
	else if (kind == MEM_TASK_IN_UPTR && err == -E2BIG)
		snprintf(why, sizeof(why), "its structs take more than a page");
	else if (err == -E2BIG)
		snprintf(why, sizeof(why), "so many threads with so many bytes each take too much "
					   "(mem_task_setup())");
	else
		snprintf(why, sizeof(why), "%s", strerror(-err));
	return mem__error(-err, "%s: can't keep per-thread structs in %s: %s", obj->name, names[kind],
			  why);
}

int task_back_choose(struct mem_object *obj, const struct mem_task_opts *opts, uint32_t block_size,
		     struct task_back **result)
{
	uint32_t from = opts->back ? opts->back : MEM_TASK_IN_UPTR;
	uint32_t to = opts->back ? opts->back : MEM_TASK_IN_ARRAY;
	struct task_back *back = malloc(sizeof(*back));
	int err = -ENOMEM;

	if (!back)
		return mem__error(ENOMEM, "%s: no memory for per-thread structs", obj->name);
	for (uint32_t kind = from; kind <= to; kind++) {
		err = make(obj, back, kind, opts, block_size);
		if (!err || err == -EPERM) {
			from = kind;
			break;
		}
	}
	if (err) {
		free(back);
		return choose_error(obj, opts->back ? from : to, err);
	}
	mem__log(MEM_LOG_INFO, "%s: per-thread structs are in %s, %u bytes for each thread", obj->name,
		 names[back->kind], back->block_size);
	*result = back;
	return 0;
}

void task_back_put(struct task_back *back)
{
	if (--back->refs)
		return;
	clear(back);
	free(back);
}

int task_back_map(const struct task_back *back, const char *name)
{
	static const struct {
		const char *name;
		uint32_t kind;
		bool slots;
	} maps[] = {
		{ "mem_task_pages", MEM_TASK_IN_UPTR, false },
		{ "mem_task_arena", MEM_TASK_IN_ARENA, false },
		{ "mem_task_blocks", MEM_TASK_IN_ARRAY, false },
		{ "mem_task_slots", MEM_TASK_IN_ARRAY, true },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (back->kind == maps[i].kind && !strcmp(name, maps[i].name))
			return maps[i].slots ? back->slots_fd : back->map_fd;
	return -1;
}

int task_back_self(struct task_back *back, struct task_self *self)
{
	int err;
	BPF_ATTR(attr);

	attr.test.prog_fd = (uint32_t)back->self_fd;
	attr.test.ctx_in = sys_pointer(self);
	attr.test.ctx_size_in = sizeof(*self);
	for (int i = 0; i < TRIES; i++) {
		err = sys_bpf(BPF_PROG_TEST_RUN, &attr, BPF_ATTR_UPTO(test.batch_size));
		/* the program could not make its storage */
		if (err || !attr.test.retval)
			break;
		sched_yield();
	}
	if (err)
		return err;
	back->tgid = self->tgid;
	back->execs = self->execs;
	back->other_ids = self->tid != (uint32_t)syscall(SYS_gettid);
	return attr.test.retval ? -ENOMEM : 0;
}

static bool claim(struct task_back *back, uint32_t slot, uint32_t tid)
{
	uint32_t nobody = 0;

	return !__atomic_load_n(&back->slots->owner[slot], __ATOMIC_RELAXED) &&
	       __atomic_compare_exchange_n(&back->slots->owner[slot], &nobody, tid, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Slots of threads that are no more, having been killed before they could give them back. */
static void reap(struct task_back *back)
{
	for (uint32_t slot = 0; slot < back->count && !back->other_ids; slot++) {
		uint32_t tid = __atomic_load_n(&back->slots->owner[slot], __ATOMIC_RELAXED);

		if (tid && kill((pid_t)tid, 0) && errno == ESRCH)
			task_back_release(back, slot, tid);
	}
}

int task_back_take(struct task_back *back, uint32_t tid, uint32_t *slot)
{
	for (int round = 0; round < 2; round++) {
		uint32_t from = __atomic_load_n(&back->slots->hint, __ATOMIC_RELAXED);

		for (uint32_t i = 0; i < back->count; i++) {
			*slot = (from + i) % back->count;
			if (!claim(back, *slot, tid))
				continue;
			__atomic_store_n(&back->slots->hint, *slot + 1, __ATOMIC_RELAXED);
			return 0;
		}
		reap(back);
	}
	return -ENOSPC;
}

/* Unless another thread has come to have this id, and its own slot. */
static void forget_slot(const struct task_back *back, uint32_t slot, uint32_t tid)
{
	uint32_t element = 0;
	int err;
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)back->slots_fd;
	attr.key = sys_pointer(&tid);
	attr.value = sys_pointer(&element);
	if (sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)) || element != task_back_element(back, slot))
		return;
	attr.value = 0; /* or it is refused */
	for (int i = 0; i < TRIES; i++) {
		err = sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
		if (!is_passing(err))
			break;
		sched_yield();
	}
}

void task_back_release(struct task_back *back, uint32_t slot, uint32_t tid)
{
	struct task_head *head = (struct task_head *)task_back_block(back, slot);
	uint32_t low = (uint32_t)(uintptr_t)head;

	if (back->elsewhere)
		return;
	__atomic_store_n(&head->generation, MEM_TASK_FREE, __ATOMIC_RELAXED);
	if (back->index)
		__atomic_compare_exchange_n(&back->index[tid % TASK_TIDS_MAX], &low, 0, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	else if (back->slots_fd >= 0)
		forget_slot(back, slot, tid);
	__atomic_store_n(&back->slots->owner[slot], 0, __ATOMIC_RELEASE);
	/* low slots first: memory of those above is never touched */
	if (slot < __atomic_load_n(&back->slots->hint, __ATOMIC_RELAXED))
		__atomic_store_n(&back->slots->hint, slot, __ATOMIC_RELAXED);
}

int task_back_point(struct task_back *back, int tid, const char *block, uint32_t slot)
{
	const uint32_t id = ((const struct task_head *)block)->tid;
	const uint64_t address = sys_pointer(block);
	int pidfd, err;

	if (back->kind == MEM_TASK_IN_ARENA) {
		__atomic_store_n(&back->index[id % TASK_TIDS_MAX], (uint32_t)address, __ATOMIC_RELEASE);
		return 0;
	}
	if (back->kind == MEM_TASK_IN_ARRAY) {
		const uint32_t element = task_back_element(back, slot);

		return map_update(back->slots_fd, &id, &element);
	}
	pidfd = open_thread(tid);
	if (pidfd < 0)
		return pidfd;
	err = map_update(back->map_fd, &pidfd, &address);
	close(pidfd);
	return err;
}

int task_back_return(struct task_back *back)
{
	int err = back->elsewhere ? map_at(back, back->base) : 0;

	if (!err)
		back->elsewhere = false;
	return err;
}

void task_back_leave(struct task_back *back)
{
	if (!back->base)
		return;
	if (mmap(back->base, back->size, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED)
		mem__log(MEM_LOG_WARN, "per-thread structs: their address is not kept: %s",
			 strerror(errno));
	back->elsewhere = true;
}
