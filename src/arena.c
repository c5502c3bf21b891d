/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: where they lie, and their variables.
 *
 * The kernel fixes an arena's user address when the map is made (map_extra) and lets every process
 * map it there only, so libmem chooses: a free range, reserved with PROT_NONE at open, that will be
 * free in other processes as well. Three rules limit the choice. The range must not cross a 4 GiB
 * boundary, because BPF computes with the low half of user addresses. Inside BPF the low half of the
 * address is the pointer, so nothing may lie where it is 0, which is NULL: a base with another low half
 * is taken, and an arena of 4 GiB, which has no choice, gets its first page populated and never used, so
 * that no allocator hands it out.
 *
 * Variables lie at the end of the arena, in pages of their own. They are always present: a program's
 * store to an absent page is lost without a word. Kernels before 7.0 refuse a program that names an
 * offset of 512 MiB or more, so in a larger arena the variables end there.
 *
 *     base                                                         base + size
 *     | page | page | ... free for allocation ... | variables, zeroes, record |
 *
 * The record (arena.h) says where they are to whoever finds the arena later: an object that reuses
 * it (arena_record.c, arena_adopt.c), perhaps with another version of libmem.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.h"
#include "contents.h"
#include "object.h"
#include "sys.h"

#define GIB4 (1ULL << 32)

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif

int arena_error(const struct mem_region *region, int err, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return mem__error(err, "%s: arena '%s': %s", region->obj->name, region->map->image->name, text);
}

static bool address_suits(uint64_t base, uint64_t size)
{
	bool crosses = base >> 32 != (base + size - 1) >> 32;
	bool starts_at_null = !(uint32_t)base;

	return !crosses && (!starts_at_null || size == GIB4);
}

/* The first suitable address at or above from. */
static uint64_t next_address(uint64_t from, uint64_t size)
{
	uint64_t boundary = (from + GIB4 - 1) & ~(GIB4 - 1);

	if (address_suits(from, size))
		return from;
	return size == GIB4 ? boundary : boundary + sys_page_size();
}

static char *reserve_anywhere(uint64_t size)
{
	return mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/* The address that the source asks for, if nothing is there; else MAP_FAILED. */
static char *reserve_declared(uint64_t address, uint64_t size)
{
	char *range;

	if (!address || address % sys_page_size() || !address_suits(address, size))
		return MAP_FAILED;
	range = mmap((void *)(uintptr_t)address, size, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
	return range;
}

/*
 * At random where hardly any process has anything, so that others can map it too: below where the kernel
 * puts programs, far from the stack, libraries and what they allocate. Sanitizers let applications have it.
 */
static char *reserve_apart(uint64_t size)
{
	enum { NONBLOCK = 1 }; /* GRND_NONBLOCK; the C library's own function would be one more to link */
	const uint64_t first = 0x5501 * GIB4, room = 0x54 * GIB4 - size;
	uint64_t number;
	char *range = MAP_FAILED;

	for (int tries = 0; tries < 4 && range == MAP_FAILED; tries++) {
		if (sizeof(range) < 8 || syscall(SYS_getrandom, &number, sizeof(number), NONBLOCK) != sizeof(number))
			break;
		number = next_address(first + number % room / sys_page_size() * sys_page_size(), size);
		if (number > first + room)
			continue;
		range = mmap((void *)(uintptr_t)number, size, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
		if (range == MAP_FAILED && errno != EEXIST)
			break;
	}
	return range;
}

/* Or reserve more than needed, keep the part that suits. Returns MAP_FAILED with errno. */
static char *reserve_suitable(uint64_t size)
{
	uint64_t slack = GIB4 + sys_page_size();
	char *range, *base;

	range = reserve_apart(size);
	if (range != MAP_FAILED)
		return range;
	range = reserve_anywhere(size);
	if (range == MAP_FAILED || address_suits((uintptr_t)range, size))
		return range;
	munmap(range, size);
	range = reserve_anywhere(size + slack);
	if (range == MAP_FAILED)
		return range;
	base = (char *)(uintptr_t)next_address((uintptr_t)range, size);
	if (base > range)
		munmap(range, base - range);
	munmap(base + size, range + size + slack - (base + size));
	return base;
}

void *arena_reserve_range(uint64_t size)
{
	char *base = reserve_suitable(size);

	return base == MAP_FAILED ? NULL : base;
}

/* Of the pages that have the variables and the record. */
size_t arena_variables_size(const struct mem_region *region)
{
	uint64_t size = region->image->size;

	return size ? sys_page_round(size + sizeof(struct arena_record)) : 0;
}

size_t arena_variables_end(const struct mem_region *region)
{
	return region->size < DIRECT_OFFSET_LIMIT ? region->size : DIRECT_OFFSET_LIMIT;
}

int arena_check_size(const struct mem_region *region, uint64_t size, uint64_t variables)
{
	if (size > GIB4)
		return arena_error(region, E2BIG, "%u pages are more than 4 GiB, the kernel's limit",
				   region->map->max_entries);
	if (variables > size)
		return arena_error(region, EINVAL,
				   "its variables need %zu pages, max_entries allows %u",
				   (size_t)(variables / sys_page_size()), region->map->max_entries);
	if (variables > DIRECT_OFFSET_LIMIT)
		return arena_error(region, E2BIG, "its variables have %llu bytes, programs reach 512 MiB",
				   (unsigned long long)variables);
	return 0;
}

static void init_variables(struct mem_region *region)
{
	if (region->image->init)
		memcpy(region->variables, region->image->init, region->image->init_size);
}

/* Private memory for them, unless nobody sees the region before it is mapped. */
static int place_variables(struct mem_region *region, size_t pages_size)
{
	char *variables = region->base + arena_variables_end(region) - pages_size;
	bool at_once = region->obj->at_once;

	if (!at_once && mprotect(variables, pages_size, PROT_READ | PROT_WRITE))
		return arena_error(region, errno, "can't reserve its variables: %s", strerror(errno));
	region->variables = variables;
	if (!at_once)
		init_variables(region);
	return 0;
}

static char *reserve(const struct mem_region *region, uint64_t size)
{
	uint64_t declared = region->map->image->map_extra;
	char *base = reserve_declared(declared, size);

	if (base != MAP_FAILED)
		return base;
	base = reserve_suitable(size);
	if (declared && base != MAP_FAILED)
		mem__log(MEM_LOG_WARN, "%s: arena '%s' is at %p: it can't be at %#llx as declared",
			 region->obj->name, region->map->image->name, (void *)base,
			 (unsigned long long)declared);
	return base;
}

int arena_reserve(struct mem_region *region)
{
	uint64_t size = (uint64_t)region->map->max_entries * sys_page_size();
	size_t variables = arena_variables_size(region);
	char *base;
	int err;

	if (!size) /* the application sets the size before prepare */
		return 0;
	err = arena_check_size(region, size, variables);
	if (err)
		return err;
	base = reserve(region, size);
	if (base == MAP_FAILED)
		return arena_error(region, errno, "can't reserve %llu bytes of address space: %s",
				   (unsigned long long)size, strerror(errno));
	region->base = base;
	region->size = size;
	err = variables ? place_variables(region, variables) : 0;
	if (err)
		region_unmap(region);
	else
		mem__log(MEM_LOG_INFO, "%s: arena '%s' at %p, %u pages", region->obj->name,
			 region->map->image->name, (void *)base, region->map->max_entries);
	return err;
}

int arena_populate(struct mem_region *region, char *from, size_t size)
{
	/* nobody writes to a frozen arena but programs: its pages are made by reading */
	if (!madvise(from, size, region->writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ))
		return 0;
	return arena_error(region, errno, "can't populate %zu bytes at offset %zu: %s%s", size,
			   (size_t)(from - region->base), strerror(errno),
			   errno == EFAULT && region->map->image->map_flags & ARENA_SEGV_ON_FAULT
				   ? ": with MEM_ARENA_SEGV_ON_FAULT only programs make its pages; variables "
				     "and heaps need an arena without"
				   : "");
}

/* Pages that must be there before any program runs: what looks like NULL, and the variables. */
static int arena_populate_fixed(struct mem_region *region)
{
	size_t variables = arena_variables_size(region);
	uint32_t low = (uint32_t)(uintptr_t)region->base;
	int err = 0;

	if (!low) /* keep it from every allocator */
		err = arena_populate(region, region->base, sys_page_size());
	if (!err && variables)
		err = arena_populate(region, region->variables, variables);
	return err;
}

static int arena_map_over(struct mem_region *region, int prot)
{
	int err = arena_share_map(region, prot, true);

	if (err) { /* the kernel may have removed what was there */
		region->base = NULL;
		region->size = 0;
		region->variables = NULL;
	}
	return err ?: arena_populate_fixed(region);
}

/* Frozen before any mapping: the kernel lets no process write, and so not libmem either. */
static int arena_map_read_only(struct mem_region *region)
{
	size_t size = arena_variables_size(region);
	int err;

	if (size && contents_any(region->variables, size))
		return arena_error(region, ENOTSUP, "nobody can put initial values into an arena that is "
				   "read-only for applications: leave them 0 and let a program set them");
	err = map_freeze(region->map);
	return err ?: arena_map_over(region, PROT_READ);
}

/* An arena can be mapped at its address only, so the variables' contents have to wait elsewhere. */
static int arena_map_variables(struct mem_region *region)
{
	size_t size = arena_variables_size(region);
	char *aside;
	int err;

	aside = mremap(region->variables, size, size, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	if (aside == MAP_FAILED)
		return arena_error(region, errno, "can't set %zu bytes of variables aside: %s", size,
				   strerror(errno));
	err = arena_map_over(region, PROT_READ | PROT_WRITE);
	if (!err) {
		contents_copy(region->variables, aside, size);
		err = arena_record_write(region);
	}
	munmap(aside, size);
	return err;
}

/* There was no memory that anybody could have put variables into. */
static int arena_map_first(struct mem_region *region)
{
	int err = arena_map_over(region, PROT_READ | PROT_WRITE);

	if (!err && region->variables) {
		init_variables(region);
		err = arena_record_write(region);
	}
	return err;
}

int arena_map(struct mem_region *region)
{
	if (region->read_only)
		return arena_map_read_only(region);
	return region->variables && !region->obj->at_once ? arena_map_variables(region) : arena_map_first(region);
}

void mem_arena_use(void)
{
}
