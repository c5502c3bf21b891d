/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling in generated structs, whose members are found by offset. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "object.h"
#include "skeleton.h"
#include "spare.h"
#include "struct_ops.h"
#include "sys.h"

/* The pointer at an offset of a generated struct. memcpy: its type is not void *. */
static void *get_member(const void *skel, uint32_t offset)
{
	void *value;

	memcpy(&value, (const char *)skel + offset, sizeof(value));
	return value;
}

static void set_member(void *skel, uint32_t offset, const void *value)
{
	memcpy((char *)skel + offset, &value, sizeof(value));
}

static uint32_t link_offset(const struct mem_skeleton_layout *layout, uint32_t prog)
{
	return layout->links + prog * (uint32_t)sizeof(void *);
}

struct mem_object *skeleton_object(const void *skel, const struct mem_skeleton_layout *layout)
{
	return get_member(skel, layout->obj);
}

struct mem_link *skeleton_link(const void *skel, const struct mem_skeleton_layout *layout, uint32_t i)
{
	return get_member(skel, link_offset(layout, i));
}

void skeleton_link_set(void *skel, const struct mem_skeleton_layout *layout, uint32_t i,
		       const struct mem_link *link)
{
	set_member(skel, link_offset(layout, i), link);
}

void skeleton_show_region(const struct mem_region *region)
{
	const struct mem_object *obj = region->obj;
	uint32_t i = (uint32_t)(region - obj->regions);

	if (!obj->skel)
		return;
	if (obj->layout->variables[i] != MEM_NONE)
		set_member(obj->skel, obj->layout->variables[i], region->variables);
	if (obj->layout->arrays[i] != MEM_NONE)
		set_member(obj->skel, obj->layout->arrays[i], region->base);
}

static void skeleton_fill(struct mem_object *obj)
{
	const struct mem_skeleton_layout *layout = obj->layout;
	struct mem_map *map = NULL;
	struct mem_prog *prog = NULL;
	uint32_t slot;

	set_member(obj->skel, layout->obj, obj);
	for (slot = 0; (map = mem_object_next_map(obj, map)); slot++)
		set_member(obj->skel, layout->maps + slot * (uint32_t)sizeof(void *), map);
	for (slot = 0; (prog = mem_object_next_prog(obj, prog)); slot++)
		set_member(obj->skel, layout->progs + slot * (uint32_t)sizeof(void *), prog);
	for (slot = 0; slot < obj->image.region_count; slot++)
		skeleton_show_region(&obj->regions[slot]);
}

static void *skeleton_open(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			   const struct mem_open_opts *opts, bool at_once)
{
	struct mem_object *obj;
	void *skel;

	if (layout->size < sizeof(*layout)) {
		mem__error(ENOTSUP, "the generated header is older than this libmem can read");
		return NULL;
	}
	obj = object_open(image, opts, at_once);
	if (!obj)
		return NULL;
	skel = spare_calloc(1, layout->skel_size);
	if (!skel) {
		mem__error(ENOMEM, "%s: no memory for the skeleton", mem_object_name(obj));
		mem_object_close(obj);
		return NULL;
	}
	obj->skel = skel;
	obj->layout = layout;
	skeleton_fill(obj);
	return skel;
}

void *mem_skeleton_open(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			const struct mem_open_opts *opts)
{
	return skeleton_open(image, layout, opts, false);
}

void *mem_skeleton_open_and_load(const struct mem_image *image, const struct mem_skeleton_layout *layout)
{
	void *skel = skeleton_open(image, layout, NULL, true);
	int err = skel ? mem_object_load(get_member(skel, layout->obj)) : 0;

	if (err) {
		mem_skeleton_destroy(skel, layout);
		errno = -err;
		return NULL;
	}
	return skel;
}

static bool attaches_by_itself(const struct mem_prog *prog)
{
	return mem_prog_fd(prog) >= 0 && !prog->stays_detached && prog->image->attach_kind != MEM_ATTACH_NONE &&
	       prog->image->attach_kind != MEM_ATTACH_STRUCT_OPS && prog_target(prog);
}

uint32_t skeleton_link_count(const struct mem_object *obj)
{
	uint32_t count = obj->image.prog_count;

	for (uint32_t i = 0; i < obj->image.map_count; i++)
		count += obj->image.maps[i].type == BPF_MAP_TYPE_STRUCT_OPS;
	return count;
}

const struct mem_map *skeleton_link_map(const struct mem_object *obj, uint32_t link)
{
	uint32_t left = link - obj->image.prog_count;

	for (uint32_t i = 0;; i++)
		if (obj->image.maps[i].type == BPF_MAP_TYPE_STRUCT_OPS && !left--)
			return &obj->maps[i];
}

/* 0 with *link set or left NULL, or -errno. */
static int attach_one(const struct mem_object *obj, uint32_t i, struct mem_link **link)
{
	*link = NULL;
	if (i >= obj->image.prog_count) {
		const struct mem_map *map = skeleton_link_map(obj, i);

		if (map->stays_detached || map_left_out(map))
			return 0;
		*link = struct_ops_attach(map);
	} else if (attaches_by_itself(&obj->progs[i])) {
		*link = mem_prog_attach(&obj->progs[i]);
	} else {
		return 0;
	}
	return *link ? 0 : -errno;
}

void mem_prog_autoattach_set(struct mem_prog *prog, int on)
{
	prog->stays_detached = !on;
}

void mem_map_autoattach_set(struct mem_map *map, int on)
{
	map->stays_detached = !on;
}

/* Links that this call made, not those the application had put there. */
static void undo_attach(void *skel, const struct mem_skeleton_layout *layout, uint32_t count,
			const bool *made)
{
	int saved_errno = errno;

	for (uint32_t i = count; i-- > 0;) {
		if (!made[i])
			continue;
		mem_link_destroy(get_member(skel, link_offset(layout, i)));
		set_member(skel, link_offset(layout, i), NULL);
	}
	errno = saved_errno;
}

int mem_skeleton_attach(void *skel, const struct mem_skeleton_layout *layout)
{
	struct mem_object *obj = get_member(skel, layout->obj);
	uint32_t count = skeleton_link_count(obj);
	bool *made;
	int err = 0;

	/* else a tool that ignored what load said would wait for events that never come */
	if (obj->phase != PHASE_LOADED)
		return object_result(obj, mem__error(EBADF, "%s: not loaded, so there is nothing to attach", obj->name));
	made = calloc(count + 1, sizeof(*made));
	if (!made)
		return object_result(obj, mem__error(ENOMEM, "%s: no memory to attach", obj->name));
	for (uint32_t i = 0; !err && i < count; i++) {
		struct mem_link *link;

		if (get_member(skel, link_offset(layout, i)))
			continue;
		err = attach_one(obj, i, &link);
		set_member(skel, link_offset(layout, i), link);
		made[i] = link != NULL;
	}
	if (err)
		undo_attach(skel, layout, count, made);
	free(made);
	return err;
}

void mem_skeleton_detach(void *skel, const struct mem_skeleton_layout *layout)
{
	struct mem_object *obj = get_member(skel, layout->obj);

	for (uint32_t i = 0; i < skeleton_link_count(obj); i++) {
		mem_link_destroy(get_member(skel, link_offset(layout, i)));
		set_member(skel, link_offset(layout, i), NULL);
	}
}

void mem_skeleton_destroy(void *skel, const struct mem_skeleton_layout *layout)
{
	if (!skel)
		return;
	mem_skeleton_detach(skel, layout);
	mem_object_close(get_member(skel, layout->obj));
	spare_free(skel);
}
