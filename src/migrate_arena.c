/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: libmem can tell that the contents are of another version, and gives both arenas to the
 * application, which alone knows what the pointers in there mean.
 *
 * The old arena has to be at its address, which the new one's reservation may well have taken.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "migrate_arena.h"
#include "schema.h"
#include "sys.h"

static bool overlaps(const struct mem_region *region, uint64_t start, uint64_t size)
{
	uint64_t base = sys_pointer(region->base);

	return region->base && base < start + size && start < base + region->size;
}

/* The old arena first, then the reservation anew, with the variables' initial values. */
static int make_room(struct mem_region *region, int fd, struct mem_region **old)
{
	size_t size = region->variables ? region->image->size : 0;
	char *values = malloc(size + 1);
	int err = 0;

	if (!values)
		return arena_error(region, ENOMEM, "no memory to migrate");
	if (size)
		memcpy(values, region->variables, size);
	region_unmap(region);
	*old = mem_region_attach(NULL, region->image->name, mem_source_fd(fd), NULL);
	if (!*old)
		err = -errno;
	if (arena_reserve(region)) {
		err = err ?: -errno;
		size = 0;
	}
	if (size)
		memcpy(region->variables, values, size);
	free(values);
	skeleton_show_region(region);
	return err;
}

static int attach_old(struct mem_region *region, int fd, const struct bpf_map_info *info,
		      struct mem_region **old)
{
	if (overlaps(region, info->map_extra, (uint64_t)info->max_entries * sys_page_size()))
		return make_room(region, fd, old);
	*old = mem_region_attach(NULL, region->image->name, mem_source_fd(fd), NULL);
	return *old ? 0 : -errno;
}

/* schema: hash of the region's types, 0 unknown */
static bool is_wanted(const struct mem_region *region, const struct mem_region *old, uint64_t schema)
{
	struct arena_record record;

	if (region->map->max_entries && region->map->max_entries != old->map->max_entries)
		return false;
	if (arena_record_read(old, &record))
		return !region->image->size && !region->version;
	return record.contents == region->version && record.size == region->image->size &&
	       (!record.schema || !schema || record.schema == schema);
}

int migrate_arena_open(struct mem_region *region, int fd, const struct bpf_map_info *info,
		       struct mem_region **old)
{
	uint64_t schema;
	int err = attach_old(region, fd, info, old);

	if (err || !*old)
		return err ?: -EINVAL;
	err = schema_region_hash(region, &schema);
	if (!err && !is_wanted(region, *old, schema))
		return 1;
	mem_region_detach(*old);
	*old = NULL;
	return err;
}

int migrate_arena_carry(struct mem_region *region, struct mem_region *old,
			const struct mem_migrate_opts *opts)
{
	struct mem_migrate_arena arena = {.from = old, .to = region};
	struct arena_record record;
	int err;

	if (!arena_record_read(old, &record)) {
		arena.from_variables = old->base + record.offset;
		arena.from_size = record.size;
		arena.from_version = record.contents;
	}
	err = opts->arena(opts->ctx, &arena);
	if (!err)
		return 0;
	return arena_error(region, err < 0 ? -err : EDOM, "the application could not migrate it: %s",
			   strerror(err < 0 ? -err : EDOM));
}

int mem_arena_version_set(struct mem_region *region, uint64_t version)
{
	struct mem_object *obj = region ? region->obj : NULL;

	if (!region)
		return mem__error(EINVAL, "there is no arena that a version could be set of");
	if (region->image->kind != MEM_REGION_ARENA || !region->image->size)
		return object_result(obj, mem__error(EINVAL, "%s: region '%s' can't have a version: it is not "
						     "an arena with variables", obj->name,
						     region->image->name));
	if (obj->phase != PHASE_OPEN || region->live)
		return object_result(obj, mem__error(EBUSY, "%s: region '%s' can't have another version any "
						     "more: its map exists", obj->name,
						     region->image->name));
	region->version = version;
	return 0;
}

uint64_t mem_arena_version(const struct mem_region *region)
{
	struct arena_record record;

	if (!region || region->image->kind != MEM_REGION_ARENA)
		return 0;
	if (region->live && region->base && !arena_record_read(region, &record))
		return record.contents;
	return region->version;
}
