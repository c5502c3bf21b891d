/* SPDX-License-Identifier: BSD-2-Clause */
/* The phases of an object: open, prepare, load, close. Attaching is in link.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "migrate.h"
#include "object.h"
#include "opts.h"
#include "pin.h"
#include "private.h"
#include "reuse.h"
#include "spare.h"
#include "struct_ops.h"
#include "sys.h"
#include "task.h"

#undef object_result

/* Keep the thread's message on the object when a call failed. */
int object_result(struct mem_object *obj, int err)
{
	if (err < 0) {
		free(obj->error);
		obj->error = strdup(mem_error_message());
		errno = -err;
	}
	return err;
}

static void object_link_parts(struct mem_object *obj)
{
	const struct image_view *image = &obj->image;

	for (uint32_t i = 0; i < image->map_count; i++) {
		struct mem_map *map = &obj->maps[i];

		map->obj = obj;
		map->image = &image->maps[i];
		map->max_entries = map->image->max_entries;
		map->value_size = map->image->value_size;
		map->autocreate = !(map->image->flags & MEM_MAP_NO_AUTOCREATE);
		map->fd = -1;
	}
	for (uint32_t i = 0; i < image->region_count; i++) {
		struct mem_region *region = &obj->regions[i];

		region->obj = obj;
		region->image = &image->regions[i];
		region->map = &obj->maps[region->image->map];
		region->map->region = region;
	}
	for (uint32_t i = 0; i < image->prog_count; i++) {
		struct mem_prog *prog = &obj->progs[i];

		prog->obj = obj;
		prog->image = &image->progs[i];
		prog->attach_type = prog->image->expected_attach_type;
		prog->type = prog->image->type;
		prog->target_prog_fd = -1;
		prog->autoload = !(prog->image->flags & MEM_PROG_NO_AUTOLOAD);
		prog->fd = -1;
	}
}

static int object_alloc_parts(struct mem_object *obj, const char *name)
{
	const struct image_view *image = &obj->image;

	/* one element more: calloc(0) may return NULL */
	obj->maps = spare_calloc(image->map_count + 1, sizeof(*obj->maps));
	obj->regions = spare_calloc(image->region_count + 1, sizeof(*obj->regions));
	obj->progs = spare_calloc(image->prog_count + 1, sizeof(*obj->progs));
	obj->externs = spare_calloc(image->extern_count + 1, sizeof(*obj->externs));
	obj->name = spare_calloc(1, strlen(name) + 1);
	if (!obj->maps || !obj->regions || !obj->progs || !obj->externs || !obj->name) {
		/* their descriptors are still 0, which is not theirs to close */
		spare_free(obj->maps);
		spare_free(obj->progs);
		obj->maps = NULL;
		obj->progs = NULL;
		return mem__error(ENOMEM, "%s: no memory for the object", name);
	}
	strcpy(obj->name, name);
	object_link_parts(obj);
	return 0;
}

static int object_point_struct_ops(struct mem_map *map)
{
	if (!struct_ops_point)
		return part_missing(map->obj->name, "struct_ops variables", "mem_struct_ops_use");
	struct_ops_point(map);
	return 0;
}

static int object_reserve_regions(struct mem_object *obj)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.region_count; i++)
		err = region_reserve(&obj->regions[i]);
	for (uint32_t i = 0; !err && i < obj->image.map_count; i++)
		if (obj->maps[i].image->type == BPF_MAP_TYPE_STRUCT_OPS)
			err = object_point_struct_ops(&obj->maps[i]);
	return err;
}

static int object_choose_pins(struct mem_object *obj, const char *folder)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.map_count; i++) {
		if (!obj->maps[i].image->pinning)
			continue;
		if (!reuse_set_default_path)
			return part_missing(obj->name, "maps that are pinned", "mem_pinning_use");
		err = reuse_set_default_path(&obj->maps[i], folder);
	}
	return err;
}

/* An object without memory for its regions; name may be NULL. NULL with errno and a message. */
struct mem_object *object_new(const struct mem_image *image, const char *name)
{
	struct mem_object *obj;
	struct image_view view;
	int err = image_widen(image, &view);

	if (err)
		return NULL;
	name = name ?: image->name;
	obj = spare_calloc(1, sizeof(*obj));
	if (!obj) {
		image_view_free(&view);
		mem__error(ENOMEM, "%s: no memory for the object", name);
		return NULL;
	}
	obj->btf_fd = -1;
	obj->image = view;
	err = object_alloc_parts(obj, name);
	if (err) {
		mem_object_close(obj);
		errno = -err;
		return NULL;
	}
	return obj;
}

struct mem_object *object_open(const struct mem_image *image, const struct mem_open_opts *opts,
			       bool at_once)
{
	const char *name = OPTS_GET(opts, name, NULL);
	struct mem_object *obj;
	int err;

	if (!OPTS_VALID(opts, mem_open_opts))
		return NULL;
	obj = object_new(image, name);
	if (!obj)
		return NULL;
	obj->lenient = OPTS_GET(opts, flags, 0) & MEM_OPEN_LENIENT;
	obj->one_thread = OPTS_GET(opts, flags, 0) & MEM_OPEN_ONE_THREAD;
	obj->at_once = at_once;
	err = image_check ? image_check(&obj->image) : 0;
	err = err ?: object_choose_pins(obj, OPTS_GET(opts, pin_dir, NULL) ?: PIN_DIR_DEFAULT);
	err = err ?: object_reserve_regions(obj);
	if (err) {
		mem_object_close(obj);
		errno = -err;
		return NULL;
	}
	return obj;
}

void mem__object_own_image(struct mem_object *obj, struct mem_image *image,
			   void (*release)(struct mem_image *))
{
	obj->owned_image = image;
	obj->release_image = release;
}

static int object_create_maps(struct mem_object *obj)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.map_count; i++) {
		if (obj->maps[i].image->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK) ||
		    map_left_out(&obj->maps[i]))
			continue;
		err = obj->maps[i].pin_path ? reuse_find_pin(&obj->maps[i]) : 0;
		err = err ?: map_create(&obj->maps[i]);
	}
	return err;
}

/* Where another process was faster, its map is this object's, and that of the maps which hold it. */
static int object_pin_map(struct mem_map *map)
{
	bool reused = map->reused;
	int err = reuse_make_pin(map);

	return err || map->reused == reused ? err : map_init_again(map);
}

static int object_pin_maps(struct mem_object *obj)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.map_count; i++)
		if (obj->maps[i].pin_path)
			err = object_pin_map(&obj->maps[i]);
	return err;
}

static int object_map_regions(struct mem_object *obj)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.region_count; i++)
		err = region_map(&obj->regions[i]);
	return err;
}

static int object_enter(struct mem_object *obj, enum phase phase, enum phase done, const char *verb)
{
	if (obj->failed)
		return mem__error(EINVAL, "%s: an earlier step failed, the object can only be closed",
				  obj->name);
	if (obj->phase >= done)
		return mem__error(EALREADY, "%s: already %s", obj->name, verb);
	obj->phase = phase;
	return 0;
}

/* Whatever goes wrong here, the message is about what went wrong before. */
static void object_undo_pins(struct mem_object *obj)
{
	if (!reuse_undo_pins)
		return;
	error_quiet(true);
	reuse_undo_pins(obj);
	error_quiet(false);
}

static int object_leave(struct mem_object *obj, int err, enum phase done)
{
	if (err) {
		obj->failed = true;
		object_undo_pins(obj);
	} else {
		obj->phase = done;
		for (uint32_t i = 0; done == PHASE_LOADED && i < obj->image.map_count; i++)
			if (obj->maps[i].migration)
				migrate_settle(&obj->maps[i]);
	}
	return object_result(obj, err);
}

static int object_prepare_tasks(struct mem_object *obj)
{
	if (!obj->image.task_count)
		return 0;
	if (!task_prepare)
		return part_missing(obj->name, "per-thread structs", "mem_task_use");
	return task_prepare(obj);
}

int mem_object_prepare(struct mem_object *obj)
{
	int err = object_enter(obj, PHASE_PREPARING, PHASE_PREPARED, "prepared");

	if (err)
		return object_result(obj, err);
	err = err ?: btf_load(obj);
	if (!err && struct_ops_prepare)
		err = struct_ops_prepare(obj);
	err = err ?: object_prepare_tasks(obj);
	err = err ?: object_create_maps(obj);
	err = err ?: map_init_elements(obj, MEM_INIT_MAP);
	err = err ?: object_map_regions(obj);
	err = err ?: object_pin_maps(obj);
	return object_leave(obj, err, PHASE_PREPARED);
}

/* A lenient load leaves out what can't be loaded, unless that is everything. */
static int object_load_progs(struct mem_object *obj)
{
	uint32_t loaded = 0, left_out = 0;
	int err = 0, first_err = 0;

	if (!obj->one_thread)
		load_ahead(obj);
	for (uint32_t i = 0; i < obj->image.prog_count; i++) {
		struct mem_prog *prog = &obj->progs[i];

		err = prog->autoload && prog->fd < 0 ? prog_load(prog) : 0;
		if (err && !obj->lenient)
			return err;
		if (err)
			prog_leave_out(prog);
		first_err = first_err ?: err;
		loaded += prog->fd >= 0;
		left_out += prog->error != NULL;
	}
	if (loaded || !left_out)
		return 0;
	return mem__error(first_err ? -first_err : ENOENT,
			  "%s: none of its programs could be loaded; the last was left out because: %s",
			  obj->name, mem_error_message());
}

/* Whether programs use or attach to what has a name in the kernel. */
static bool object_names_kernel(const struct mem_object *obj)
{
	const struct image_view *image = &obj->image;

	for (uint32_t i = 0; i < image->extern_count; i++)
		if (image->externs[i].kind != MEM_EXTERN_KCONFIG && image->externs[i].kind != MEM_EXTERN_TASK)
			return true;
	for (uint32_t i = 0; i < image->prog_count; i++)
		if (image->progs[i].target_kind != MEM_TARGET_NONE)
			return true;
	return false;
}

static int object_resolve(struct mem_object *obj)
{
	if (!object_names_kernel(obj))
		return 0;
	if (!resolve_kernel_ids)
		return part_missing(obj->name, "names of the kernel", "mem_kernel_names_use");
	return resolve_kernel_ids(obj);
}

int mem_object_load(struct mem_object *obj)
{
	int err = obj->phase < PHASE_PREPARED ? mem_object_prepare(obj) : 0;

	err = err ?: object_enter(obj, PHASE_LOADING, PHASE_LOADED, "loaded");
	if (err)
		return object_result(obj, err);
	err = err ?: object_resolve(obj);
	err = err ?: object_load_progs(obj);
	err = err ?: map_init_elements(obj, MEM_INIT_PROG);
	if (!err && obj->image.task_count && task_load)
		err = task_load(obj);
	return object_leave(obj, err, PHASE_LOADED);
}

void mem_object_close(struct mem_object *obj)
{
	int saved_errno = errno;

	if (!obj)
		return;
	for (uint32_t i = 0; obj->progs && i < obj->image.prog_count; i++)
		prog_close(&obj->progs[i]);
	if (obj->modules.count)
		module_fds_close(&obj->modules);
	for (uint32_t i = 0; obj->regions && i < obj->image.region_count; i++)
		region_unmap(&obj->regions[i]);
	for (uint32_t i = 0; obj->maps && i < obj->image.map_count; i++) {
		sys_close(&obj->maps[i].fd);
		free(obj->maps[i].pin_path);
		if (obj->maps[i].migration)
			migrate_free(&obj->maps[i]);
		if (obj->maps[i].ops)
			struct_ops_free(&obj->maps[i]);
	}
	if (obj->image.task_count && task_close)
		task_close(obj);
	sys_close(&obj->btf_fd);
	spare_free(obj->externs);
	spare_free(obj->progs);
	spare_free(obj->regions);
	spare_free(obj->maps);
	spare_free(obj->name);
	free(obj->error);
	image_view_free(&obj->image);
	if (obj->release_image)
		obj->release_image(obj->owned_image);
	spare_free(obj);
	errno = saved_errno;
}

const char *mem_object_name(const struct mem_object *obj)
{
	return obj->name;
}

const char *mem_object_error(const struct mem_object *obj)
{
	return obj->error ? obj->error : "";
}

struct mem_map *mem_object_next_map(const struct mem_object *obj, const struct mem_map *prev)
{
	uint32_t next = prev ? (uint32_t)(prev - obj->maps) + 1 : 0;

	while (next < obj->image.map_count &&
	       obj->maps[next].image->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK))
		next++;
	return next < obj->image.map_count ? &obj->maps[next] : NULL;
}

struct mem_prog *mem_object_next_prog(const struct mem_object *obj, const struct mem_prog *prev)
{
	uint32_t next = prev ? (uint32_t)(prev - obj->progs) + 1 : 0;

	return next < obj->image.prog_count ? &obj->progs[next] : NULL;
}
