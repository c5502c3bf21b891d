/* SPDX-License-Identifier: BSD-2-Clause */
/* Pinning all of an object, and removing its pins. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "pin.h"
#include "pinned.h"

/* A pin that is no longer of anything in the object. */
static int remove_pin(const char *path)
{
	if (!unlink(path) || errno == ENOENT)
		return 0;
	return mem__error(errno, "can't remove the pin '%s': %s", path, strerror(errno));
}

static int pin_maps(const struct mem_object *obj, const char *dir)
{
	char path[PINNED_PATH_MAX], who[256];
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.map_count; i++) {
		const struct mem_map *map = &obj->maps[i];

		if (!pinned_has_pin(map->image))
			continue;
		snprintf(who, sizeof(who), "%s: map '%s'", obj->name, map->image->name);
		err = pinned_path(path, dir, "map", map->image->name);
		if (!err)
			err = map_left_out(map) ? remove_pin(path)
						: pin_create(map->fd, path, PIN_MODE_DEFAULT, true, who);
	}
	return err;
}

static void remove_temporaries(const char *dir, bool all)
{
	static const char *const kinds[] = {"map_", "prog_", "link", "ops", "object", NULL};

	pin_remove_temporaries(dir, kinds, all);
}

static int pin_programs(const struct mem_object *obj, const char *dir)
{
	char path[PINNED_PATH_MAX], who[256];
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.prog_count; i++) {
		const struct mem_prog *prog = &obj->progs[i];

		snprintf(who, sizeof(who), "%s: program '%s'", obj->name, prog->image->name);
		err = pinned_path(path, dir, "prog", prog->image->name);
		if (!err)
			err = prog->fd < 0 ? remove_pin(path)
					   : pin_create(prog->fd, path, PIN_MODE_DEFAULT, true, who);
	}
	return err;
}

/* The pins of a member's links from the nth on, up to the first that is not there. */
static int remove_link_pins(const struct mem_object *obj, uint32_t i, uint32_t nth, const char *dir)
{
	char path[PINNED_PATH_MAX];
	int err = 0;

	for (; !err; nth++) {
		err = pinned_link_path(path, dir, obj, i, nth);
		if (err || access(path, F_OK))
			return err;
		err = remove_pin(path);
	}
	return err;
}

/* Those of one member: a USDT probe has a link for each of its places. Older ones behind them go. */
static int pin_link(const struct mem_object *obj, uint32_t i, const struct mem_link *link, const char *dir)
{
	const char *name = i < obj->image.prog_count ? obj->image.progs[i].name
						     : skeleton_link_map(obj, i)->image->name;
	char path[PINNED_PATH_MAX], who[256];
	uint32_t count = 0;
	int err = 0;

	snprintf(who, sizeof(who), "%s: the link of '%s'", obj->name, name);
	for (; !err && link; link = link->next) {
		if (link->fd < 0)
			return mem__error(ENOTSUP, "%s: '%s' is attached in a way that ends with the "
					  "process: this kernel has no link for it", obj->name, name);
		err = pinned_link_path(path, dir, obj, i, count++);
		err = err ?: pin_create(link->fd, path, PIN_MODE_DEFAULT, true, who);
	}
	return err ?: remove_link_pins(obj, i, count, dir);
}

int mem_skeleton_pin(void *skel, const struct mem_skeleton_layout *layout, const char *dir)
{
	struct mem_object *obj = skeleton_object(skel, layout);
	int err = 0;

	if (obj->phase != PHASE_LOADED)
		err = mem__error(EBADF, "%s: can't be pinned before it is loaded", obj->name);
	else if (obj->image.task_count)
		err = mem__error(ENOTSUP, "%s: can't be pinned: per-thread structs are their process's",
				 obj->name);
	err = err ?: pin_maps(obj, dir);
	err = err ?: pin_programs(obj, dir);
	for (uint32_t i = 0; !err && i < skeleton_link_count(obj); i++)
		err = pin_link(obj, i, skeleton_link(skel, layout, i), dir);
	err = err ?: pinned_record_write(obj, dir);
	if (!err)
		remove_temporaries(dir, false);
	return object_result(obj, err);
}

/* --- unpinning --- */

/* The record first: what is left after that is no whole object. */
static int remove_all(const struct mem_object *obj, const char *dir)
{
	char path[PINNED_PATH_MAX];
	int err = pinned_path(path, dir, "object", "");

	err = err ?: remove_pin(path);
	for (uint32_t i = 0; !err && i < skeleton_link_count(obj); i++)
		err = remove_link_pins(obj, i, 0, dir);
	for (uint32_t i = 0; !err && i < obj->image.prog_count; i++) {
		err = pinned_path(path, dir, "prog", obj->image.progs[i].name);
		err = err ?: remove_pin(path);
	}
	for (uint32_t i = 0; !err && i < obj->image.map_count; i++) {
		if (!pinned_has_pin(&obj->image.maps[i]))
			continue;
		err = pinned_path(path, dir, "map", obj->image.maps[i].name);
		err = err ?: remove_pin(path);
	}
	return err;
}

int mem_skeleton_unpin(const struct mem_image *image, const char *dir)
{
	struct mem_object *obj = object_new(image, image->name);
	char why[PINNED_PATH_MAX + 128], inside[PINNED_PATH_MAX];
	int err;

	if (!obj)
		return -errno;
	snprintf(inside, sizeof(inside), "%s/object", dir);
	if (!access(dir, F_OK) && pin_explain_mount(inside, why, sizeof(why)))
		err = mem__error(EINVAL, "%s: can't be unpinned: %s", obj->name, why);
	else
		err = remove_all(obj, dir);
	if (!err)
		remove_temporaries(dir, true);
	if (!err && rmdir(dir) && errno != ENOTEMPTY && errno != ENOENT && errno != EBUSY && errno != EEXIST)
		mem__log(MEM_LOG_INFO, "%s: folder '%s' stays: %s", obj->name, dir, strerror(errno));
	mem_object_close(obj);
	return err;
}
