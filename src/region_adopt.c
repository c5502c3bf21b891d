/* SPDX-License-Identifier: BSD-2-Clause */
/* A region over a map that exists already: the map's memory, or an error; never a copy. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "live_map.h"
#include "object.h"
#include "sys.h"

/* Why the memory of an existing map is not to be had. */
static int region_adopt_error(const struct mem_region *region, int err, size_t size)
{
	const char *why = strerror(err);

	if (live_map_fd_is_read_only(region->map->fd))
		why = "the kernel maps no descriptor that was opened BPF_F_RDONLY; open it for reading and "
		      "writing, and map it read-only";
	return mem__error(err, "%s: region '%s': can't map its %zu bytes: %s", region->obj->name,
			  region->image->name, size, why);
}

/* The pages of the elements that are wanted; false if there are no such elements. */
static bool region_window(struct mem_region *region, size_t *offset, size_t *size)
{
	size_t stride = map_stride(region->map), page = sys_page_size();
	uint64_t from = (uint64_t)region->first * stride;
	uint64_t to = from + (uint64_t)region->count * stride;

	*offset = from & ~(uint64_t)(page - 1);
	region->lead = from - *offset;
	*size = sys_page_round(to - *offset);
	return region->first < region->map->max_entries && *size &&
	       region->count <= region->map->max_entries - region->first;
}

/* What may be had of prot: a frozen map, and one that programs only read, is not to be written to. */
static char *map_existing(int fd, size_t offset, size_t size, int *prot)
{
	char *at = mmap(NULL, size, *prot, MAP_SHARED, fd, (off_t)offset);

	if (at == MAP_FAILED && *prot & PROT_WRITE && (errno == EPERM || errno == EACCES) &&
	    !live_map_fd_is_read_only(fd)) {
		*prot = PROT_READ;
		at = mmap(NULL, size, *prot, MAP_SHARED, fd, (off_t)offset);
	}
	return at;
}

/* Mapped elsewhere first: the region keeps what it has if that fails, and its address if it can. */
static int adopt_array(struct mem_region *region, int prot)
{
	size_t size = region_mapping_size(region), offset = 0;
	char *at;

	if (!size)
		return region_adopt_error(region, E2BIG, size);
	if (region->count && !region_window(region, &offset, &size))
		return mem__error(ERANGE, "%s: region '%s' has %u elements, not %u from number %u on",
				  region->obj->name, region->image->name, region->map->max_entries,
				  region->count, region->first);
	at = map_existing(region->map->fd, offset, size, &prot);
	if (at == MAP_FAILED && region_is_kernels(region, errno)) {
		region_unmap(region);
		region->live = true;
		return 0;
	}
	if (at == MAP_FAILED)
		return region_adopt_error(region, errno, size);
	if (region->base && region->size == size) {
		if (mremap(at, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, region->base) == MAP_FAILED) {
			int err = errno;

			munmap(at, size);
			return region_adopt_error(region, err, size);
		}
		at = region->base;
	} else {
		region_unmap(region);
	}
	region->base = at;
	region->size = size;
	region->writable = prot & PROT_WRITE;
	if (region->image->kind != MEM_REGION_ARRAY)
		region->variables = at;
	return 0;
}

/* Make region the memory of the map that its map's descriptor is now; on failure it stays as it was. */
int region_adopt(struct mem_region *region, const struct bpf_map_info *info, int prot)
{
	bool constant = region->image->kind == MEM_REGION_RODATA ||
			region->image->kind == MEM_REGION_KCONFIG;
	int err;

	if (region->unmapped)
		return 0;
	if (constant)
		prot = PROT_READ;
	err = region->image->kind == MEM_REGION_ARENA ? arena_adopt(region, info, prot)
						      : adopt_array(region, prot);
	if (err)
		return err;
	region->live = true;
	skeleton_show_region(region);
	return 0;
}
