/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A region alone: no program, no privilege, just the memory that another object made.
 *
 * The region needs a map and an object around it, as everything that works on regions expects them.
 * With an image they are made from its rows, of which only this region's come to life. Without one,
 * two rows are made up from what the kernel says of the map.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "live_map.h"
#include "object.h"
#include "opts.h"
#include "region_attach.h"
#include "reuse.h"
#include "schema.h"
#include "sys.h"

/* Who has a source of that kind has called mem_source_socket(), and so has the rest. */
#pragma weak mem_region_receive

/* --- without an image --- */

struct made_up {
	struct mem_image image;
	struct mem_map_image map;
	struct mem_region_image region;
	char name[64];
	char kernel_name[16];
};

static void made_up_free(struct mem_image *image)
{
	free(image); /* the first member */
}

static struct mem_table one_row(const void *row, size_t size)
{
	struct mem_table table = { row, 1, (uint32_t)size };

	return table;
}

static void make_up(struct made_up *made, const struct bpf_map_info *info, const char *name)
{
	snprintf(made->name, sizeof(made->name), "%s", name ? name : info->name);
	snprintf(made->kernel_name, sizeof(made->kernel_name), "%s", info->name);
	made->map.name = made->name;
	made->map.kernel_name = made->kernel_name;
	made->map.type = info->type;
	made->map.key_size = info->key_size;
	made->map.value_size = info->value_size;
	made->map.max_entries = info->max_entries;
	made->map.map_flags = info->map_flags;
	made->map.map_extra = info->type == MEM_BPF_MAP_TYPE_ARENA ? 0 : info->map_extra;
	made->map.inner_map = MEM_NONE;
	made->region.name = made->name;
	made->region.align = 8;
	made->region.kind = info->type == MEM_BPF_MAP_TYPE_ARENA ? MEM_REGION_ARENA : MEM_REGION_ARRAY;
	made->image.abi = MEM_IMAGE_ABI;
	made->image.size = sizeof(made->image);
	made->image.name = made->name;
	made->image.maps = one_row(&made->map, sizeof(made->map));
	made->image.regions = one_row(&made->region, sizeof(made->region));
}

static struct mem_object *object_of_map(int fd, const char *name)
{
	struct bpf_map_info info;
	struct mem_object *obj;
	struct made_up *made;

	if (live_map_info(fd, name ? name : "attaching", &info))
		return NULL;
	if (info.type != MEM_BPF_MAP_TYPE_ARENA &&
	    (info.type != BPF_MAP_TYPE_ARRAY || !(info.map_flags & BPF_F_MMAPABLE))) {
		mem__error(EINVAL, "%s: map id %u ('%.15s', type %u, flags %#x) can't be mapped: it is "
			   "neither an arena nor an array with BPF_F_MMAPABLE",
			   name ? name : "attaching", info.id, info.name, info.type, info.map_flags);
		return NULL;
	}
	made = calloc(1, sizeof(*made));
	if (!made) {
		mem__error(ENOMEM, "%s: no memory to attach", name ? name : info.name);
		return NULL;
	}
	make_up(made, &info, name);
	obj = object_new(&made->image, made->name);
	if (!obj) {
		free(made);
		return NULL;
	}
	obj->owned_image = &made->image;
	obj->release_image = made_up_free;
	return obj;
}

/* --- attaching --- */

static int attach_check(const struct mem_region *region, const struct mem_attach_opts *opts)
{
	if (region->image->kind == MEM_REGION_STRUCT_OPS)
		return mem__error(EINVAL, "%s: region '%s' is the kernel's: it has no memory to attach to",
				  region->obj->name, region->image->name);
	if ((OPTS_GET(opts, first, 0) || OPTS_GET(opts, count, 0)) &&
	    region->image->kind != MEM_REGION_ARRAY)
		return mem__error(EINVAL, "%s: region '%s' is not an array: it has no elements to choose "
				  "from", region->obj->name, region->image->name);
	return 0;
}

/* fd is the map's from here on. */
static int region_attach(struct mem_region *region, int fd, const struct mem_attach_opts *opts)
{
	struct mem_map *map = region->map;
	int writable = OPTS_GET(opts, writable, 0);
	struct bpf_map_info info;
	char who[256];
	int err;

	snprintf(who, sizeof(who), "%s: region '%s' can't be attached to", region->obj->name,
		 region->image->name);
	map->fd = fd;
	if (map->image->flags & MEM_MAP_INTERNAL)
		map->max_entries = map->image->max_entries;
	else /* its maker may have chosen another capacity */
		map->max_entries = 0;
	err = attach_check(region, opts);
	err = err ?: live_map_info(fd, who, &info);
	err = err ?: reuse_check(map, &info, true, who);
	if (err)
		return err;
	map->max_entries = info.max_entries;
	map->value_size = info.value_size;
	map->reused = true;
	region->first = OPTS_GET(opts, first, 0);
	region->count = OPTS_GET(opts, count, 0);
	if (region->first && !region->count)
		region->count = region->first < info.max_entries ? info.max_entries - region->first : 1;
	err = region_adopt(region, &info, PROT_READ | (writable ? PROT_WRITE : 0));
	if (!err && writable && !region->writable)
		return mem__error(EPERM, region->base
						 ? "%s: it is read-only for applications; attach without writable"
						 : "%s: it holds what the kernel shares with no application (a lock, "
						   "timer, list or kernel pointer)", who);
	return err;
}

static struct mem_object *attach_open(const struct mem_image *image, const char *name, int fd)
{
	if (!image)
		return object_of_map(fd, name);
	return mem_image_is_valid(image) ? object_new(image, image->name) : NULL;
}

struct mem_region *region_attach_typed(const struct mem_image *image, const char *name,
				       struct mem_source source, const struct mem_attach_opts *opts,
				       int btf_fd)
{
	struct mem_region *region;
	struct mem_object *obj;
	char who[256];
	int fd, err;

	if (image && !name) {
		mem__error(EINVAL, "%s: which region is to be attached?", image->name);
		return NULL;
	}
	snprintf(who, sizeof(who), "%s%s%s", image && image->name ? image->name : "attaching",
		 name ? ": region " : "", name ? name : "");
	fd = live_map_open(&source, who);
	if (fd < 0)
		return NULL;
	obj = attach_open(image, name, fd);
	if (!obj && name)
		mem__error_prefix("attaching region '%s': ", name);
	region = !obj	? NULL
		 : image ? mem_object_find_region(obj, name)
			 : mem_object_next_region(obj, NULL);
	if (!region) {
		sys_close(&fd);
		mem_object_close(obj);
		return NULL;
	}
	obj->attached = true;
	obj->btf_fd = btf_fd < 0 ? -1 : fcntl(btf_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	obj->pin_source = source.kind == MEM_SOURCE_PIN ? source.path : NULL;
	obj->find_schema = schema_published;
	err = region_attach(region, fd, opts);
	obj->find_schema = NULL;
	obj->pin_source = NULL;
	if (err) {
		mem_object_close(obj);
		errno = -err;
		return NULL;
	}
	return region;
}

struct mem_region *mem_region_attach(const struct mem_image *image, const char *name,
				     struct mem_source source, const struct mem_attach_opts *opts)
{
	if (!OPTS_VALID(opts, mem_attach_opts))
		return NULL;
	if (source.kind == MEM_SOURCE_SOCKET && mem_region_receive)
		return mem_region_receive(source.fd, image, name, opts, OPTS_GET(opts, check, NULL),
					  OPTS_GET(opts, ctx, NULL));
	return region_attach_typed(image, name, source, opts, -1);
}

void mem_region_detach(struct mem_region *region)
{
	if (region && region->obj->attached)
		mem_object_close(region->obj);
}
