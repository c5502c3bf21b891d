/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several processes use one set of blocks: one of them, which has the programs, pins in a folder
 *
 *     memory   task storage of pointers (uptr), the arena, or the array of blocks
 *     index    array: how programs find a thread's block
 *     self     the program mem_task_self
 *     layout   this struct, and what is declared: frozen
 *
 * and the others open that. They need no programs, and no privilege but to open the pins: all that a
 * thread does to be registered is done with these descriptors. The layout is pinned last and has the
 * others' ids, so whoever comes while a set takes another one's place notices it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live_map.h"
#include "object.h"
#include "pin.h"
#include "sys.h"
#include "task.h"

#define MAGIC 0x6b736174656d656dULL /* "memetask" */
#define LAYOUT_SIZE_MAX (1U << 20) /* bytes */

struct shared {
	uint64_t magic;
	uint32_t size;       /* bytes of this struct */
	uint32_t kind;       /* as in struct task_back, from here on */
	uint32_t block_size;
	uint32_t count;
	uint64_t map_size;
	uint64_t base;       /* arena: its address; else 0 */
	uint32_t memory;     /* ids in the kernel */
	uint32_t index;      /* 0: there is none */
	uint32_t self;
	uint32_t used;       /* bytes of a block */
};

static const char *const names[] = { "layout", "memory", "index", "self" };

static const char *path_of(const char *folder, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ? path : NULL;
}

static uint32_t map_id(int fd)
{
	struct bpf_map_info info;

	return fd >= 0 && !live_map_info(fd, "per-thread structs", &info) ? info.id : 0;
}

static uint32_t prog_id(int fd)
{
	struct bpf_prog_info info;
	BPF_ATTR(attr);

	memset(&info, 0, sizeof(info));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = sizeof(info);
	attr.info.info = sys_pointer(&info);
	return sys_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof(attr)) ? 0 : info.id;
}

/* --- publishing --- */

static struct task_bytes describe(const struct task_back *back)
{
	struct shared shared = {
		.magic = MAGIC,
		.size = sizeof(shared),
		.kind = back->kind,
		.block_size = back->block_size,
		.count = back->count,
		.map_size = back->size,
		.base = back->kind == MEM_TASK_IN_ARENA ? sys_pointer(back->base) : 0,
		.memory = map_id(back->map_fd),
		.index = map_id(back->slots_fd),
		.self = prog_id(back->self_fd),
		.used = task_declared_size(),
	};
	struct task_bytes bytes = { .at = sizeof(shared) };

	task_layout_write(&bytes);
	bytes.size = bytes.at;
	bytes.at = sizeof(shared);
	bytes.data = calloc(1, bytes.size);
	if (bytes.data) {
		memcpy(bytes.data, &shared, sizeof(shared));
		task_layout_write(&bytes);
	}
	return bytes;
}

/* A map of one element that nobody changes any more. */
static int make_frozen(const struct task_bytes *bytes)
{
	uint32_t key = 0;
	int fd, err;
	BPF_ATTR(attr);
	BPF_ATTR(update);
	BPF_ATTR(freeze);

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(key);
	attr.value_size = (uint32_t)bytes->size;
	attr.max_entries = 1;
	memcpy(attr.map_name, "mem_task_layout", sizeof("mem_task_layout"));
	fd = sys_bpf_fd(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return fd;
	update.map_fd = (uint32_t)fd;
	update.key = sys_pointer(&key);
	update.value = sys_pointer(bytes->data);
	freeze.map_fd = (uint32_t)fd;
	err = sys_bpf(BPF_MAP_UPDATE_ELEM, &update, sizeof(update));
	err = err ?: sys_bpf(BPF_MAP_FREEZE, &freeze, sizeof(freeze));
	if (err)
		close(fd);
	return err ?: fd;
}

/* Whoever may open the pins may also go through the folder, if this makes it; nobody else changes it. */
static void make_folder(const char *folder, unsigned int mode)
{
	unsigned int readers = mode & 0444;

	if (!mkdir(folder, 0700) && chmod(folder, 0700 | readers | readers >> 2))
		mem__log(MEM_LOG_WARN, "'%s': can't set its mode: %s", folder, strerror(errno));
}

static int pin(int fd, const char *folder, const char *name, unsigned int mode)
{
	char path[PATH_MAX], who[64];

	snprintf(who, sizeof(who), "per-thread structs: %s", name);
	return fd < 0 ? 0
		      : pin_create(fd, path_of(folder, name, path) ?: folder, mode, true, who);
}

int task_share(const struct task_back *back, const char *folder, unsigned int mode)
{
	char path[PATH_MAX], why[PATH_MAX] = "";
	struct task_bytes bytes;
	int layout, err;

	if (!path_of(folder, names[0], path) || pin_explain_mount(path, why, sizeof(why)))
		return mem__error(EINVAL, "per-thread structs can't be shared: %s", *why ? why : "no folder");
	bytes = describe(back);
	layout = bytes.data ? make_frozen(&bytes) : -ENOMEM;
	free(bytes.data);
	if (layout < 0)
		return mem__error(-layout, "per-thread structs can't be shared: %s", strerror(-layout));
	make_folder(folder, mode);
	err = pin(back->map_fd, folder, "memory", mode);
	err = err ?: pin(back->slots_fd, folder, "index", mode);
	err = err ?: pin(back->self_fd, folder, "self", mode);
	err = err ?: pin(layout, folder, "layout", mode);
	close(layout);
	return err;
}

int mem_task_unshare(const char *folder)
{
	char path[PATH_MAX], why[PATH_MAX];
	int err = 0;

	if (!folder || !path_of(folder, names[0], path))
		return mem__error(EINVAL, "mem_task_unshare(): no folder");
	if (pin_explain_mount(path, why, sizeof(why)))
		return mem__error(EINVAL, "mem_task_unshare(): %s", why);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (path_of(folder, names[i], path) && unlink(path) && errno != ENOENT && !err)
			err = mem__error(errno, "can't unpin '%s': %s", path, strerror(errno));
	if (!err && rmdir(folder) && errno != ENOENT && errno != ENOTEMPTY)
		err = mem__error(errno, "can't remove '%s': %s", folder, strerror(errno));
	if (err)
		errno = -err;
	return err;
}

/* --- joining --- */

static int open_pin(const char *folder, const char *name)
{
	struct mem_source source;
	char path[PATH_MAX];

	source = mem_source_pin(path_of(folder, name, path));
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
	if (!err && (info.type != BPF_MAP_TYPE_ARRAY || info.value_size < sizeof(struct shared) ||
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

static bool is_valid(const struct shared *s)
{
	return s->magic == MAGIC && s->size == sizeof(*s) && s->kind >= MEM_TASK_IN_UPTR &&
	       s->kind <= MEM_TASK_IN_ARRAY && s->block_size >= 256 &&
	       !(s->block_size & (s->block_size - 1)) && s->block_size <= 1U << 20 &&
	       (s->kind != MEM_TASK_IN_UPTR || s->block_size == MEM_TASK_BLOCK) &&
	       s->count <= 1U << 22 && s->map_size <= 1ULL << 32 && s->base % sys_page_size() == 0 &&
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
static int open_maps(struct task_back *back, const char *folder, const struct shared *shared)
{
	back->map_fd = open_pin(folder, "memory");
	if (back->map_fd >= 0 && shared->index)
		back->slots_fd = open_pin(folder, "index");
	if (back->map_fd >= 0 && (!shared->index || back->slots_fd >= 0))
		back->self_fd = open_pin(folder, "self");
	if (back->map_fd < 0 || back->self_fd < 0)
		return -errno;
	if (map_id(back->map_fd) != shared->memory || map_id(back->slots_fd) != shared->index ||
	    prog_id(back->self_fd) != shared->self)
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

static int open_set(const char *folder, const struct shared *shared, struct task_back **result)
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

int task_join(const char *folder, const struct task_back *old, uint32_t block_size,
	      struct task_back **back)
{
	struct task_bytes bytes = { .data = NULL };
	struct shared shared;
	int err = read_layout(folder, &bytes);

	if (err)
		goto out;
	memcpy(&shared, bytes.data, sizeof(shared));
	bytes.at = sizeof(shared);
	if (!is_valid(&shared))
		err = mem__error(EINVAL, "'%s/layout' does not describe per-thread structs as this libmem, "
					 "version %s, knows them", folder, mem_version());
	else if (old && map_id(old->map_fd) == shared.memory && prog_id(old->self_fd) == shared.self)
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
			munmap((*back)->base, (*back)->size);
			back_close(*back);
		}
	}
out:
	free(bytes.data);
	return err;
}
