/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maps that an object finds instead of making them: given by the application, or at the path where
 * the object pins its own.
 *
 * Such a map has to be what the object declares. Its region is the map's memory from the moment it
 * is taken on: what is in it stays, and the object's own initial values are dropped. Nobody is left
 * with private memory that looks shared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "live_map.h"
#include "migrate.h"
#include "object.h"
#include "pin.h"
#include "reuse.h"
#include "schema.h"
#include "sys.h"

/* Another process may remove a pin between the two calls that meet it; it can't do so for ever. */
#define PIN_TRIES 10

/* --- does it fit --- */

struct differences {
	char text[1024];
	size_t len; /* bytes, may be more than fit */
	bool fits;  /* there are none, in the types either */
};

static void differ(struct differences *diff, const char *what, uint64_t here, uint64_t there)
{
	if (here == there)
		return;
	if (diff->len < sizeof(diff->text))
		diff->len += (size_t)snprintf(diff->text + diff->len, sizeof(diff->text) - diff->len,
					      "%s%s is %#llx, not %#llx", diff->len ? ", " : "", what,
					      (unsigned long long)there, (unsigned long long)here);
}

static void differ_bytes(struct differences *diff, const char *what, uint32_t here, uint32_t there)
{
	if (here == there)
		return;
	if (diff->len < sizeof(diff->text))
		diff->len += (size_t)snprintf(diff->text + diff->len, sizeof(diff->text) - diff->len,
					      "%s%s is %u, not %u", diff->len ? ", " : "", what, there,
					      here);
}

/* What the kernel adds to the flags of device maps. */
static uint32_t declared_flags(const struct mem_map_image *image, const struct bpf_map_info *info)
{
	bool devices = image->type == BPF_MAP_TYPE_DEVMAP || image->type == BPF_MAP_TYPE_DEVMAP_HASH;

	return image->map_flags | (devices ? info->map_flags & BPF_F_RDONLY_PROG : 0);
}

/* What the kernel has as types of the map, against those of the region over it. */
static enum mem_schema_relation relate(const struct mem_map *map, const struct bpf_map_info *info,
				       char *text, size_t size)
{
	text[0] = '\0';
	if (!map->region || info->type != map->image->type)
		return MEM_SCHEMA_EQUAL;
	return schema_relate(map->region, info, text, size);
}

/* An arena's address is wherever its maker put it. */
static void compare(const struct mem_map *map, const struct bpf_map_info *info, bool may_be_longer,
		    struct differences *diff, char *fields, size_t size)
{
	const struct mem_map_image *image = map->image;
	enum mem_schema_relation relation = relate(map, info, fields, size);
	bool longer = may_be_longer && relation == MEM_SCHEMA_COMPATIBLE &&
		      image->flags & MEM_MAP_INTERNAL && info->value_size > map->value_size;

	differ_bytes(diff, "its type", image->type, info->type);
	differ_bytes(diff, "its key size", image->key_size, info->key_size);
	if (!longer)
		differ_bytes(diff, "its value size", map->value_size, info->value_size);
	if (map->max_entries) /* else whatever it has */
		differ_bytes(diff, "its max_entries", map->max_entries, info->max_entries);
	differ(diff, "its flags", declared_flags(image, info), info->map_flags);
	if (image->type != MEM_BPF_MAP_TYPE_ARENA)
		differ(diff, "its map_extra", image->map_extra, info->map_extra);
	diff->fits = !diff->len && relation != MEM_SCHEMA_DIFFERENT;
}

bool reuse_fits(const struct mem_map *map, const struct bpf_map_info *info)
{
	struct differences diff = {.len = 0};
	char fields[2048];

	compare(map, info, false, &diff, fields, sizeof(fields));
	return diff.fits;
}

int reuse_check(const struct mem_map *map, const struct bpf_map_info *info, bool may_be_longer,
		const char *who)
{
	struct differences diff = {.len = 0};
	char fields[2048];

	compare(map, info, may_be_longer, &diff, fields, sizeof(fields));
	if (diff.fits)
		return 0;
	return mem__error(EINVAL, "%s: map id %u ('%.15s') is another kind of map: %s%s%s%s", who, info->id,
			  info->name, diff.text, diff.len && *fields ? ", and " : "",
			  *fields ? "its layout differs (- there, + expected):\n" : "", fields);
}

/* --- taking it on --- */

/* What holds a lock or the like is neither mapped nor frozen: region_give_up(). */
static bool can_be_mapped(const struct mem_map *map, int fd)
{
	void *at;

	if (map->image->type == MEM_BPF_MAP_TYPE_ARENA)
		return true;
	at = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return !region_is_kernels(map->region, errno);
	munmap(at, 1);
	return true;
}

/* What only programs are to write to, nobody else may be able to. */
static int check_read_only(const struct mem_map *map, int fd, const struct bpf_map_info *info,
			   const char *who)
{
	const struct mem_region *region = map->region;

	if (!region || !region->read_only || live_map_is_frozen(fd) || !can_be_mapped(map, fd))
		return 0;
	if (live_map_fd_is_read_only(fd) && !region->unmapped) /* region_adopt() has words for it */
		return 0;
	return mem__error(EINVAL, "%s: region '%s' is to be read-only, but map id %u ('%.15s') is not frozen: "
			  "applications may write to it", who, region->image->name, info->id, info->name);
}

int reuse_take(struct mem_map *map, int fd, const char *who)
{
	uint32_t max_entries = map->max_entries;
	struct bpf_map_info info;
	int old = map->fd, err;

	err = map_settle_size(map);
	err = err ?: live_map_info(fd, who, &info);
	err = err ?: reuse_check(map, &info, false, who);
	err = err ?: check_read_only(map, fd, &info, who);
	if (!err) {
		map->max_entries = info.max_entries;
		map->fd = fd;
		if (map->region)
			err = region_adopt(map->region, &info, PROT_READ | PROT_WRITE);
	}
	if (err) {
		map->fd = old;
		map->max_entries = max_entries;
		sys_close(&fd);
		return err;
	}
	sys_close(&old);
	map->reused = true;
	mem__log(MEM_LOG_INFO, "%s: uses map id %u", who, info.id);
	return 0;
}

static void reuse_title(const struct mem_map *map, char *text, size_t size)
{
	snprintf(text, size, "%s: map '%s' can't be reused", map->obj->name, map->image->name);
}

int mem_map_reuse(struct mem_map *map, struct mem_source source)
{
	struct mem_object *obj = map->obj;
	char who[256];
	int fd = -1, err;

	reuse_title(map, who, sizeof(who));
	if (obj->phase != PHASE_OPEN || map->fd >= 0)
		err = mem__error(EBUSY, "%s: it %s", who,
				 map->reused ? "was already, by another" : "exists");
	else if (map->image->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK) ||
		 map->image->type == BPF_MAP_TYPE_STRUCT_OPS)
		err = mem__error(EINVAL, "%s: it is made of this object's own programs", who);
	else
		err = fd = live_map_open(&source, who);
	return object_result(obj, err < 0 ? err : reuse_take(map, fd, who));
}

int mem_map_reuse_fd(struct mem_map *map, int fd)
{
	return mem_map_reuse(map, mem_source_fd(fd));
}

int mem_map_is_reused(const struct mem_map *map)
{
	return map->reused;
}

/* --- by name --- */

static int path_memory_error(const struct mem_map *map)
{
	return mem__error(ENOMEM, "%s: map '%s': no memory for a path", map->obj->name, map->image->name);
}

/* LIBBPF_PIN_BY_NAME: in the object's folder, under the map's name, in which '.' is not allowed. */
int reuse_set_default_path(struct mem_map *map, const char *folder)
{
	char *name;

	if (map->image->pinning != MEM_PIN_BY_NAME || map->image->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK))
		return 0;
	if (asprintf(&map->pin_path, "%s/%s", folder, map->image->name) < 0) {
		map->pin_path = NULL;
		return path_memory_error(map);
	}
	for (name = map->pin_path + strlen(folder) + 1; *name; name++)
		if (*name == '.' || *name == '/')
			*name = '_';
	return 0;
}

int mem_map_pin_path_set(struct mem_map *map, const char *path)
{
	struct mem_object *obj = map->obj;
	char *copy = NULL;

	if (obj->phase != PHASE_OPEN || map->fd >= 0)
		return object_result(obj, mem__error(EBUSY, "%s: map '%s' exists: pin it with "
						     "mem_map_pin()", obj->name, map->image->name));
	if (map->image->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK) || (path && !*path))
		return object_result(obj, mem__error(EINVAL, "%s: map '%s' can't be pinned at '%s'",
						     obj->name, map->image->name, path));
	if (path) {
		copy = strdup(path);
		if (!copy)
			return object_result(obj, path_memory_error(map));
	}
	free(map->pin_path);
	map->pin_path = copy;
	return 0;
}

const char *mem_map_pin_path(const struct mem_map *map)
{
	return map->pin_path;
}

/* Take on what is pinned at the map's path. 0 also if nothing is: map->reused tells. */
int reuse_find_pin(struct mem_map *map)
{
	struct mem_source source = mem_source_pin(map->pin_path);
	char who[256];
	int fd;

	if (!map->pin_path || map->fd >= 0 || access(map->pin_path, F_OK))
		return 0;
	reuse_title(map, who, sizeof(who));
	fd = live_map_open(&source, who);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (map->migration) {
		int other = migrate_meet(map, &fd, who);

		if (other) /* it gives its contents to a map to be made */
			return other < 0 ? other : 0;
	}
	return reuse_take(map, fd, who);
}

/*
 * Pin a map where others with its path will look for it, now that its contents are in place. Who
 * loses the race to be first takes on the winner's map instead.
 */
int reuse_make_pin(struct mem_map *map)
{
	struct mem_source source = mem_source_pin(map->pin_path);
	int err = 0, fd;
	char who[256];

	if (!map->pin_path || map->reused || map_left_out(map))
		return 0;
	if (map->migration && migrate_pending(map))
		return migrate_swap(map);
	for (int tries = 0; tries < PIN_TRIES; tries++) {
		snprintf(who, sizeof(who), "%s: map '%s'", map->obj->name, map->image->name);
		err = pin_create(map->fd, map->pin_path, PIN_MODE_DEFAULT, false, who);
		map->pinned = !err;
		if (err != -EEXIST)
			return err;
		reuse_title(map, who, sizeof(who));
		fd = live_map_open(&source, who);
		if (fd != -ENOENT)
			return fd < 0 ? fd : reuse_take(map, fd, who);
	}
	return mem__error(-err, "%s: map '%s': pin '%s' comes and goes", map->obj->name,
			  map->image->name, map->pin_path);
}

/* An object that failed leaves no pin of its own behind. */
void reuse_undo_pins(struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++) {
		struct mem_map *map = &obj->maps[i];

		if (map->pinned)
			unlink(map->pin_path);
		map->pinned = false;
		if (map->migration)
			migrate_undo(map);
	}
}

void mem_pinning_use(void)
{
}
