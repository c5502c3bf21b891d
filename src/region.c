/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A region's memory. At open it is private memory of the right size at the address it will keep;
 * at prepare the map's pages take its place, with the contents that the application left there. Where
 * both are one call there is nothing in between, and the map's memory is all there ever is.
 * Arenas differ in how the address is chosen and in what may be mapped where: arena.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arena.h"
#include "contents.h"
#include "migrate.h"
#include "object.h"
#include "parts.h"
#include "spare.h"
#include "sys.h"

size_t map_stride(const struct mem_map *map)
{
	return ((size_t)map->value_size + 7) & ~(size_t)7;
}

/* The kernel gives nobody a writable mapping of what is read-only for programs: they may count on its contents. */
static bool is_for_reading(const struct mem_region *region)
{
	return region->image->kind == MEM_REGION_RODATA ||
	       region->map->image->map_flags & BPF_F_RDONLY_PROG;
}

/* Bytes of the mapping, 0 if the map has no elements yet or too many. */
size_t region_mapping_size(const struct mem_region *region)
{
	uint64_t stride = map_stride(region->map);

	return sys_page_round(stride * region->map->max_entries);
}

static int region_reserve_private(struct mem_region *region)
{
	const struct mem_region_image *image = region->image;
	size_t size = region_mapping_size(region);
	void *base;

	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	if (base == MAP_FAILED)
		return mem__error(errno, "%s: region '%s': can't reserve %zu bytes of address space: %s",
				  region->obj->name, image->name, size, strerror(errno));
	region->base = base;
	region->size = size;
	if (image->kind != MEM_REGION_ARRAY)
		region->variables = region->base;
	if (image->init)
		memcpy(region->base, image->init, image->init_size);
	return 0;
}

/* Whether the region has no memory before its map does. */
static bool is_mapped_at_once(const struct mem_region *region)
{
	return region->obj->at_once && (region_is_section(region) || region->image->kind == MEM_REGION_ARRAY);
}

int region_reserve(struct mem_region *region)
{
	if (is_mapped_at_once(region))
		return 0;
	if (region->image->kind != MEM_REGION_ARENA) /* without a size, the application sets it before prepare */
		return region_mapping_size(region) ? region_reserve_private(region) : 0;
	if (!arena_map) /* it is this library's own: PART_SHARED */
		return part_missing(region->obj->name, "arenas", "mem_arena_use");
	return arena_reserve(region);
}

/*
 * The kernel refuses what it finds fields of its own in, and arrays that were not declared mappable. The reader
 * declares no section so that has such fields, be they some that this kernel does not know, or counts as none.
 */
bool region_is_kernels(const struct mem_region *region, int err)
{
	return err == ENOTSUPP_KERNEL || (err == EINVAL && !(region->map->image->map_flags & BPF_F_MMAPABLE));
}

/* What can't be mapped at all is no failure: region_map() goes another way. */
static int region_map_error(struct mem_region *region, int err, const char *what)
{
	if (region_is_kernels(region, err))
		return -ENOTSUPP_KERNEL;
	return mem__error(err, "%s: region '%s': can't %s its %zu bytes: %s", region->obj->name,
			  region->image->name, what, region->size, strerror(err));
}

static void region_forget(struct mem_region *region)
{
	region->base = NULL;
	region->size = 0;
	region->variables = NULL;
	region->live = false;
}

static int region_map_over(struct mem_region *region, int prot)
{
	int err;

	if (mmap(region->base, region->size, prot, MAP_SHARED | MAP_FIXED, region->map->fd, 0) !=
	    MAP_FAILED) {
		region->writable = prot & PROT_WRITE;
		return 0;
	}
	err = region_map_error(region, errno, "map");
	/* the kernel has removed what was there, and another thread may have the range already */
	region_forget(region);
	return err;
}

/*
 * A filled second mapping of the map replaces the private memory in one step, so that a thread which
 * reads the region meanwhile sees the same values throughout.
 */
static int region_map_filled(struct mem_region *region)
{
	char *filled = mmap(NULL, region->size, PROT_READ | PROT_WRITE, MAP_SHARED, region->map->fd, 0);
	int err = 0;

	if (filled == MAP_FAILED)
		return region_map_error(region, errno, "map");
	contents_copy(filled, region->base, region->size);
	if (mremap(filled, region->size, region->size, MREMAP_MAYMOVE | MREMAP_FIXED,
		   region->base) == MAP_FAILED) {
		err = region_map_error(region, errno, "move");
		munmap(filled, region->size);
	}
	region->writable = !err;
	return err;
}

static int region_map_writable(struct mem_region *region)
{
	return contents_any(region->base, region->size)
		       ? region_map_filled(region)
		       : region_map_over(region, PROT_READ | PROT_WRITE);
}

static bool element_is_zero(const char *element, size_t size)
{
	return !element[0] && !memcmp(element, element + 1, size - 1);
}

/* Contents for a map that can't be mapped writable, by system calls; all of it is zero by now. */
static int region_update(const struct mem_region *region)
{
	size_t stride = map_stride(region->map), size = region->map->value_size;
	int err = 0;

	if (!contents_any(region->base, region->size))
		return 0;
	for (uint32_t key = 0; !err && key < region->map->max_entries; key++)
		if (!element_is_zero(region->base + key * stride, size))
			err = mem_map_update(region->map, &key, region->base + key * stride, 0);
	return err;
}

/*
 * The kernel maps nothing that holds a lock, a timer, a list head or a pointer of its own. Private
 * memory would look shared and not be, so the region has none from here on.
 */
static int region_give_up(struct mem_region *region)
{
	int err = region->base ? region_update(region) : 0;

	if (err)
		return err;
	mem__log(MEM_LOG_INFO, "%s: region '%s' is what the kernel maps for no application (a lock, timer, list or "
		 "kernel pointer is in it, or its map is BPF_F_RDONLY or BPF_F_WRONLY): only programs and "
		 "mem_map_lookup() reach it", region->obj->name, region->image->name);
	region_unmap(region);
	region->live = true;
	skeleton_show_region(region);
	return 0;
}

/*
 * The kernel gives nobody a writable mapping of a map that is read-only for programs, so constants
 * take a system call to get there.
 */
static int region_map_frozen(struct mem_region *region)
{
	int err = region_update(region);

	err = err ?: map_freeze(region->map);
	return err ?: region_map_over(region, PROT_READ);
}

/* Not frozen: the application goes on changing such an array by mem_map_update(). */
static int region_map_for_reading(struct mem_region *region)
{
	int err = region_update(region);

	return err ?: region_map_over(region, PROT_READ);
}

static int region_map_kconfig(struct mem_region *region)
{
	int err;

	if (!kconfig_fill)
		return part_missing(region->obj->name, ".kconfig values", "mem_kconfig_use");
	err = kconfig_fill(region);
	return err ?: region_map_frozen(region);
}

static int region_map_percpu(struct mem_region *region)
{
	int err;

	if (!percpu_fill)
		return part_missing(region->obj->name, "variables of each CPU", "mem_percpu_use");
	err = percpu_fill(region);
	if (!err) { /* private memory would look shared */
		region_unmap(region);
		skeleton_show_region(region);
	}
	return err;
}

/* The kernel gives nobody a writable mapping of constants: they are handed over whole. */
static int region_fill_constants(const struct mem_region *region)
{
	const struct mem_region_image *image = region->image;
	const uint32_t key = 0;
	char *whole = NULL; /* with the zeroes at the end, which the image leaves out */
	int err = 0;

	if (image->init && image->init_size < region->map->value_size) {
		whole = spare_calloc(1, region->map->value_size);
		if (!whole)
			return mem__error(ENOMEM, "%s: region '%s': no memory for its contents",
					  region->obj->name, image->name);
		memcpy(whole, image->init, image->init_size);
	}
	if (image->init)
		err = mem_map_update(region->map, &key, whole ?: image->init, 0);
	spare_free(whole);
	return err ?: map_freeze(region->map);
}

/* The map's memory is the first that the region has. -ENOTSUPP_KERNEL: it can't be mapped. */
static int region_map_at_once(struct mem_region *region)
{
	const struct mem_region_image *image = region->image;
	bool constant = image->kind == MEM_REGION_RODATA;
	int prot = is_for_reading(region) ? PROT_READ : PROT_READ | PROT_WRITE;
	int err = constant ? region_fill_constants(region) : 0;
	size_t size = region_mapping_size(region);
	void *base;

	if (err)
		return err;
	region->size = size; /* for the message */
	base = mmap(NULL, size, prot, MAP_SHARED, region->map->fd, 0);
	if (base == MAP_FAILED) {
		err = region_map_error(region, errno, "map");
		region->size = 0;
		return err;
	}
	region->base = base;
	region->writable = prot & PROT_WRITE;
	if (image->kind != MEM_REGION_ARRAY)
		region->variables = base;
	if (!constant && image->init)
		memcpy(base, image->init, image->init_size);
	skeleton_show_region(region);
	return 0;
}

/* A new map's descriptor is for one direction if its flags say so, and the kernel maps those that are for both. */
static bool has_half_a_descriptor(const struct mem_region *region)
{
	return region->map->image->map_flags & (BPF_F_RDONLY | BPF_F_WRONLY);
}

static int region_map_new(struct mem_region *region)
{
	int err;

	if (has_half_a_descriptor(region))
		return region_give_up(region);
	if (is_mapped_at_once(region)) {
		err = region_map_at_once(region);
		if (err != -ENOTSUPP_KERNEL)
			return err;
		if (region->image->kind == MEM_REGION_RODATA) /* the map has its values */
			return region_give_up(region);
		err = region_reserve_private(region);
		skeleton_show_region(region);
		if (err)
			return err;
	}

	switch (region->image->kind) {
	case MEM_REGION_ARENA:
		return arena_map(region);
	case MEM_REGION_KCONFIG:
		return region_map_kconfig(region);
	case MEM_REGION_PERCPU:
		return region_map_percpu(region);
	case MEM_REGION_STRUCT_OPS: /* never mapped: what it says was laid out anew */
		return 0;
	default:
		if (region->read_only || region->image->kind == MEM_REGION_RODATA)
			err = region_map_frozen(region);
		else
			err = is_for_reading(region) ? region_map_for_reading(region)
						     : region_map_writable(region);
		return err == -ENOTSUPP_KERNEL ? region_give_up(region) : err;
	}
}

/* What migrates into it comes first: then migrate.c freezes it. */
static int region_freeze_unmapped(const struct mem_region *region)
{
	struct mem_map *map = region->map;

	if (!region->read_only || map->reused || (map->migration && migrate_pending(map)))
		return 0;
	return map_freeze(map);
}

int region_map(struct mem_region *region)
{
	int err;

	if (map_left_out(region->map))
		return 0;
	if (region->unmapped)
		return region_freeze_unmapped(region);
	if (region->live) /* reused */
		return 0;
	err = region_map_new(region);
	region->live = !err;
	return err;
}

void region_unmap(struct mem_region *region)
{
	if (region->base && heap_forget)
		heap_forget(region->base, region->size);
	if (region->pid)
		arena_share_unmap(region);
	else if (region->base)
		munmap(region->base, region->size);
	region_forget(region);
}
