/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking over what an earlier process has pinned: nothing is made, nothing stops, no event is lost.
 *
 * Everything is compared with what this program would have made: the maps with their declarations and
 * types, the programs with the record and with each map that they must be using, the links with the
 * programs. One pin that somebody replaced is enough to refuse, for a program that counts into another
 * map than the application reads looks like one to which nothing happens.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "live_map.h"
#include "pinned.h"
#include "sys.h"

/* --- maps --- */

/* The application may have chosen other sizes than the object's when it was loaded. */
static int settle_sizes(struct mem_map *map, const struct bpf_map_info *info)
{
	bool section = map->region && map->image->flags & MEM_MAP_INTERNAL &&
		       map->region->image->kind != MEM_REGION_KCONFIG;

	if (section && info->value_size > map->value_size)
		return mem_region_size_set(map->region, info->value_size);
	if (!(map->image->flags & MEM_MAP_INTERNAL) && info->max_entries != map->max_entries)
		return mem_map_max_entries_set(map, info->max_entries);
	return 0;
}

/* The layout of a struct_ops map is the kernel's, and it has no memory to share. */
static int take_ops(struct mem_map *map, int *fd, const struct bpf_map_info *info, const char *who)
{
	if (info->type != map->image->type || strncmp(info->name, map->image->kernel_name, sizeof(info->name)))
		return mem__error(EINVAL, "%s: map id %u ('%.15s') is another", who, info->id, info->name);
	map->fd = *fd;
	map->reused = true;
	*fd = -1;
	return 0;
}

static int take_map(struct mem_map *map, const char *path)
{
	char who[256];
	struct mem_source source;
	struct bpf_map_info info;
	int fd, err;

	snprintf(who, sizeof(who), "%s: map '%s' can't be taken over", map->obj->name, map->image->name);
	source = mem_source_pin(path);
	fd = live_map_open(&source, who);
	if (fd < 0)
		return fd;
	err = live_map_info(fd, who, &info);
	if (!err && map->image->type == BPF_MAP_TYPE_STRUCT_OPS) {
		err = take_ops(map, &fd, &info, who);
	} else if (!err) {
		err = settle_sizes(map, &info);
		err = err ?: mem_map_reuse(map, mem_source_fd(fd));
	}
	sys_close(&fd);
	return err;
}

/* Each map, or none where there was none: which these were is on record. */
static int take_maps_of(struct mem_object *obj, bool arenas, uint64_t left_out, const char *dir)
{
	char path[PINNED_PATH_MAX];
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.map_count; i++) {
		struct mem_map *map = &obj->maps[i];

		if (!pinned_has_pin(map->image) || (map->image->type == MEM_BPF_MAP_TYPE_ARENA) != arenas)
			continue;
		err = pinned_path(path, dir, "map", map->image->name);
		if (!err && left_out && !(map->image->flags & MEM_MAP_INTERNAL) && access(path, F_OK))
			err = mem_map_autocreate_set(map, 0);
		else if (!err)
			err = take_map(map, path);
	}
	return err;
}

/*
 * Arenas have to be where they are, so they come first, and nothing that this object has put anywhere may
 * be in their way: nobody has seen these addresses.
 */
static int take_maps(struct mem_object *obj, uint64_t left_out, const char *dir)
{
	int err;

	for (uint32_t i = 0; i < obj->image.region_count; i++) {
		struct mem_region *region = &obj->regions[i];

		if (pinned_has_pin(region->map->image) && region->map->image->type != BPF_MAP_TYPE_STRUCT_OPS)
			region_unmap(region);
	}
	err = take_maps_of(obj, true, left_out, dir);
	err = err ?: take_maps_of(obj, false, left_out, dir);
	if (!err && left_out != pinned_left_out(obj))
		err = mem__error(ENOENT, "%s: other maps are pinned in '%s' than were: some are missing",
				 obj->name, dir);
	return err;
}

/* --- programs --- */

static int open_prog(const struct mem_prog *prog, const char *dir)
{
	char path[PINNED_PATH_MAX];
	int err = pinned_path(path, dir, "prog", prog->image->name);
	BPF_ATTR(attr);

	if (err)
		return err;
	attr.pathname = sys_pointer(path);
	err = sys_bpf_fd(BPF_OBJ_GET, &attr, BPF_ATTR_UPTO(file_flags));
	if (err >= 0)
		return err;
	return mem__error(-err, "%s: program '%s' can't be taken over: can't open pin '%s': %s",
			  prog->obj->name, prog->image->name, path, strerror(-err));
}

static bool is_in(uint32_t id, const uint32_t *ids, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* The map that a function of the program refers to and that the program in the kernel does not have. */
static const struct mem_map *missing_map(const struct mem_prog *prog, const uint32_t *ids, uint32_t count)
{
	const struct mem_object *obj = prog->obj;
	const struct image_view *image = &obj->image;

	for (uint32_t f = 0; f < prog->image->funcs.count; f++) {
		const struct mem_func_image *func =
			&image->funcs[image->prog_funcs[prog->image->funcs.first + f]];

		for (uint32_t r = 0; r < func->relocs.count; r++) {
			const struct mem_reloc_image *reloc = &image->relocs[func->relocs.first + r];
			uint32_t row = reloc->kind == MEM_RELOC_MAP ? reloc->target
				     : reloc->kind == MEM_RELOC_REGION ? image->regions[reloc->target].map
								       : MEM_NONE;

			if (row != MEM_NONE && pinned_has_pin(&image->maps[row]) &&
			    !map_left_out(&obj->maps[row]) && !is_in(mem_map_id(&obj->maps[row]), ids, count))
				return &obj->maps[row];
		}
	}
	return NULL;
}

static int check_prog(const struct mem_prog *prog, int fd, const struct pinned_prog *row)
{
	const char *object = prog->obj->name, *name = prog->image->name;
	uint32_t count = prog->obj->image.map_count + 1;
	uint32_t *ids = calloc(count, sizeof(*ids));
	const struct mem_map *missing;
	struct bpf_prog_info info;
	int err;

	if (!ids)
		return mem__error(ENOMEM, "%s: no memory to take program '%s' over", object, name);
	err = pinned_prog_info(fd, &info, ids, &count);
	if (err)
		err = mem__error(-err, "%s: can't learn about program '%s': %s", object, name, strerror(-err));
	else if (info.id != row->id || info.type != row->type || memcmp(info.tag, row->tag, sizeof(row->tag)) ||
		 strncmp(info.name, name, sizeof(info.name) - 1))
		err = mem__error(EINVAL, "%s: program '%s' can't be taken over: what is pinned is program id %u "
				 "('%.15s'), not the one that was", object, name, info.id, info.name);
	missing = err ? NULL : missing_map(prog, ids, count);
	if (missing)
		err = mem__error(EINVAL, "%s: program '%s' can't be taken over: it uses another map '%s' than "
				 "the one that is pinned", object, name, missing->image->name);
	free(ids);
	return err;
}

static int take_prog(struct mem_prog *prog, const struct pinned_prog *row, const char *dir)
{
	int fd, err;

	if (!row->id) { /* it was not loaded then */
		prog->autoload = false;
		return 0;
	}
	fd = open_prog(prog, dir);
	if (fd < 0)
		return fd;
	err = check_prog(prog, fd, row);
	if (err)
		sys_close(&fd);
	else
		prog->fd = fd;
	return err;
}

/* --- links --- */

enum { LINK_TYPE_STRUCT_OPS = 9 }; /* BPF_LINK_TYPE_STRUCT_OPS */

/* mem_link_update_map() may have put another of the object's maps in the first one's place. */
static bool is_of_ops(const struct mem_object *obj, const struct bpf_link_info *info)
{
	uint32_t id;

	/* struct_ops.map_id, the first of the union's bytes (Linux 6.4): older headers lack it */
	memcpy(&id, &info->raw_tracepoint, sizeof(id));
	for (uint32_t i = 0; info->type == LINK_TYPE_STRUCT_OPS && i < obj->image.map_count; i++)
		if (obj->image.maps[i].type == BPF_MAP_TYPE_STRUCT_OPS && mem_map_id(&obj->maps[i]) == id)
			return id != 0;
	return false;
}

static int check_link(const struct mem_object *obj, uint32_t i, const struct mem_link *link,
		      const struct pinned_prog *rows)
{
	struct bpf_link_info info;
	int err;

	memset(&info, 0, sizeof(info));
	err = sys_info(link->fd, &info, sizeof(info));
	if (err)
		return mem__error(-err, "%s: can't learn about a link: %s", obj->name, strerror(-err));
	if (i < obj->image.prog_count && info.prog_id != rows[i].id)
		return mem__error(EINVAL, "%s: the link of program '%s' can't be taken over: it runs program "
				  "id %u, not %u", obj->name, obj->image.progs[i].name, info.prog_id,
				  rows[i].id);
	if (i >= obj->image.prog_count && !is_of_ops(obj, &info))
		return mem__error(EINVAL, "%s: the link of struct_ops map '%s' can't be taken over: it is another "
				  "map's", obj->name, skeleton_link_map(obj, i)->image->name);
	return 0;
}

/* All parts of one member, each behind the one before. */
static int take_link(void *skel, const struct mem_skeleton_layout *layout, uint32_t i,
		     const struct pinned_prog *rows, const char *dir)
{
	struct mem_object *obj = skeleton_object(skel, layout);
	struct mem_link *last = NULL;
	char path[PINNED_PATH_MAX];
	int err = 0;

	for (uint32_t count = 0; !err; count++) {
		struct mem_link *link;

		err = pinned_link_path(path, dir, obj, i, count);
		if (err || access(path, F_OK))
			return err;
		link = mem_link_open(path);
		if (!link) {
			err = -errno;
			mem__error_prefix("%s: ", obj->name);
			return err;
		}
		if (last)
			last->next = link;
		else
			skeleton_link_set(skel, layout, i, link);
		last = link;
		err = check_link(obj, i, link, rows);
	}
	return err;
}

/* What a struct_ops map is to hold went with who loaded it: it can be kept in use, not be put to use. */
static void leave_detached(void *skel, const struct mem_skeleton_layout *layout)
{
	struct mem_object *obj = skeleton_object(skel, layout);

	for (uint32_t i = obj->image.prog_count; i < skeleton_link_count(obj); i++)
		if (!skeleton_link(skel, layout, i))
			obj->maps[skeleton_link_map(obj, i) - obj->maps].stays_detached = true;
}

/* --- all of it --- */

static int take_all(void *skel, const struct mem_skeleton_layout *layout, const struct pinned_prog *rows,
		    uint64_t left_out, const char *dir)
{
	struct mem_object *obj = skeleton_object(skel, layout);
	int err = take_maps(obj, left_out, dir);

	for (uint32_t i = 0; !err && i < obj->image.prog_count; i++)
		err = take_prog(&obj->progs[i], &rows[i], dir);
	for (uint32_t i = 0; !err && i < skeleton_link_count(obj); i++)
		err = take_link(skel, layout, i, rows, dir);
	if (!err)
		obj->phase = PHASE_LOADED;
	leave_detached(skel, layout);
	/* what has no pin, because the kernel has none for it or it was detached then */
	return err ?: mem_skeleton_attach(skel, layout);
}

void *mem_skeleton_open_pinned(const struct mem_image *image, const struct mem_skeleton_layout *layout,
			       const struct mem_open_opts *opts, const char *dir)
{
	struct pinned_prog *rows;
	void *skel = mem_skeleton_open(image, layout, opts);
	uint64_t left_out = 0;
	int err;

	if (!skel)
		return NULL;
	rows = pinned_record_read(skeleton_object(skel, layout), dir, &left_out);
	err = rows ? take_all(skel, layout, rows, left_out, dir) : -errno;
	free(rows);
	if (!err)
		return skel;
	mem_skeleton_destroy(skel, layout);
	errno = -err;
	return NULL;
}
