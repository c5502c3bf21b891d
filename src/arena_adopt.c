/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas that exist already: mapping one at its address, and finding its variables in it. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "schema.h"
#include "sys.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

int arena_record_read(const struct mem_region *region, struct arena_record *record)
{
	const struct arena_record *live = arena_record_place(region);
	size_t page = sys_page_size();

	/* of an arena whose absent pages are not to be touched: no SIGSEGV, but an answer */
	if (madvise((void *)((uintptr_t)live & ~(page - 1)), page, MADV_POPULATE_READ))
		return -ENOENT;
	if (__atomic_load_n(&live->magic, __ATOMIC_ACQUIRE) != ARENA_RECORD_MAGIC)
		return -ENOENT;
	memcpy(record, live, sizeof(*record));
	if (record->version != ARENA_RECORD_VERSION || record->size > region->size ||
	    record->offset > region->size - record->size)
		return -ENOENT;
	return 0;
}

static int find_variables(struct mem_region *region)
{
	struct arena_record record;
	uint64_t wanted;
	int err;

	region->variables = NULL;
	if (!region->image->size)
		return 0;
	err = schema_region_hash(region, &wanted);
	if (err)
		return err;
	if (!arena_record_read(region, &record)) {
		if (record.size != region->image->size || record.offset % region->image->align)
			return arena_error(region, EINVAL, "its variables have %llu bytes at offset %#llx, not "
					   "%llu", (unsigned long long)record.size,
					   (unsigned long long)record.offset,
					   (unsigned long long)region->image->size);
		if (record.schema && wanted && record.schema != wanted)
			return arena_error(region, EINVAL, "its variables have another layout than this "
					   "program's (hash %#llx, not %#llx)",
					   (unsigned long long)record.schema, (unsigned long long)wanted);
		if (record.contents != region->version && !region->obj->attached)
			return arena_error(region, EINVAL, "its contents have version %llu, not %llu",
					   (unsigned long long)record.contents,
					   (unsigned long long)region->version);
		region->variables = region->base + record.offset;
		region->version = record.contents;
		return 0;
	}
	if (region->writable)
		return arena_error(region, EINVAL, "libmem has put no variables into it: it was made by "
				   "an object without any, or by another library");
	/* read-only from its beginning: nobody could write a record, and they are where all have them */
	region->variables = region->base + arena_variables_end(region) - arena_variables_size(region);
	return 0;
}

static bool overlap(const struct mem_region *a, const struct mem_region *b)
{
	return a->base && b->base && a->base < b->base + b->size && b->base < a->base + a->size;
}

/* The reservation of the region's own may be in the way of where the arena has to be. */
static int map_instead(struct mem_region *region, struct mem_region *old, int prot)
{
	if (overlap(region, old)) {
		munmap(old->base, old->size);
		old->base = NULL;
	}
	return arena_share_map(region, prot, false);
}

/* Back to what was there before; a reservation that had to go is made anew, perhaps elsewhere. */
static void adopt_undo(struct mem_region *region, const struct mem_region *old, bool had_base)
{
	if (region->pid)
		arena_share_unmap(region);
	*region = *old;
	if (region->base || !had_base)
		return;
	region->size = 0;
	region->variables = NULL;
	arena_reserve(region);
	skeleton_show_region(region);
}

/* Map the arena that region->map->fd is, in place of what region has. */
int arena_adopt(struct mem_region *region, const struct bpf_map_info *info, int prot)
{
	uint64_t size = (uint64_t)info->max_entries * sys_page_size();
	struct mem_region old;
	bool had_base;
	int err = arena_check_size(region, size, arena_variables_size(region));

	if (err)
		return err;
	if (!info->map_extra)
		return arena_error(region, EINVAL, "its maker did not tell the kernel its address "
				   "(map_extra), so that only that process can know it");
	if (region->pid) /* it is the region's own arena that has to go: another process was first */
		region_unmap(region);
	old = *region;
	region->base = (char *)(uintptr_t)info->map_extra;
	region->size = size;
	had_base = old.base;
	err = map_instead(region, &old, prot);
	err = err ?: find_variables(region);
	if (err)
		adopt_undo(region, &old, had_base);
	else if (old.base)
		munmap(old.base, old.size);
	return err;
}
