/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One process lets others use its blocks: pins all that they need, in the order that task_share.h tells.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "live_map.h"
#include "object.h"
#include "pin.h"
#include "sys.h"
#include "task_layout.h"
#include "task_share.h"

static const char *const names[] = { "layout", "memory", "index", "self", NULL };

const char *task_share_path(const char *folder, const char *name, char path[PATH_MAX])
{
	if (snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX)
		return path;
	mem__error(ENAMETOOLONG, "per-thread structs: the path of folder '%.80s...' is too long", folder);
	return NULL;
}

uint32_t task_share_map_id(int fd)
{
	struct bpf_map_info info;

	return fd >= 0 && !live_map_info(fd, "per-thread structs", &info) ? info.id : 0;
}

uint32_t task_share_prog_id(int fd)
{
	struct bpf_prog_info info;

	memset(&info, 0, sizeof(info));
	return sys_info(fd, &info, sizeof(info)) ? 0 : info.id;
}

static struct task_bytes describe(const struct task_back *back)
{
	struct task_shared shared = {
		.magic = TASK_SHARED_MAGIC,
		.size = sizeof(shared),
		.kind = back->kind,
		.block_size = back->block_size,
		.count = back->count,
		.map_size = back->size,
		.base = back->kind == MEM_TASK_IN_ARENA ? sys_pointer(back->base) : 0,
		.memory = task_share_map_id(back->map_fd),
		.index = task_share_map_id(back->slots_fd),
		.self = task_share_prog_id(back->self_fd),
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
		      : pin_create(fd, task_share_path(folder, name, path) ?: folder, mode, true, who);
}

static int share(const struct task_back *back, const char *folder, unsigned int mode)
{
	char path[PATH_MAX], why[PATH_MAX];
	struct task_bytes bytes;
	int layout, err;

	if (!task_share_path(folder, names[0], path))
		return -errno;
	if (pin_explain_mount(path, why, sizeof(why)))
		return mem__error(EINVAL, "per-thread structs can't be shared: %s", why);
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
	if (!err)
		pin_remove_temporaries(folder, names, false);
	close(layout);
	return err;
}

int mem_task_share(const char *folder, unsigned int mode)
{
	int err;

	if (!folder || !*folder || mode & ~0777u)
		return mem__error(EINVAL, "mem_task_share(): folder '%s', mode %#o", folder ? folder : "",
				  mode);
	task_lock();
	if (!tasks.back || !tasks.loaded)
		err = mem__error(EINVAL, "mem_task_share(): load an object with per-thread structs first");
	else
		err = share(tasks.back, folder, mode ? mode : 0600);
	if (!err)
		task_layout_seal(true);
	task_unlock();
	return err;
}

int mem_task_unshare(const char *folder)
{
	char path[PATH_MAX], why[PATH_MAX];
	int err = 0;

	if (!folder)
		return mem__error(EINVAL, "mem_task_unshare(): no folder");
	if (!task_share_path(folder, names[0], path))
		return -errno;
	if (pin_explain_mount(path, why, sizeof(why)))
		return mem__error(EINVAL, "mem_task_unshare(): %s", why);
	for (size_t i = 0; names[i]; i++)
		if (task_share_path(folder, names[i], path) && unlink(path) && errno != ENOENT && !err)
			err = mem__error(errno, "can't unpin '%s': %s", path, strerror(errno));
	if (!err)
		pin_remove_temporaries(folder, names, true);
	if (!err && rmdir(folder) && errno != ENOENT && errno != ENOTEMPTY)
		err = mem__error(errno, "can't remove '%s': %s", folder, strerror(errno));
	if (err)
		errno = -err;
	return err;
}
