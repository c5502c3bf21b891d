/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arenas that this process has mapped.
 *
 * An arena has one address in every process, so two objects of one process that use the same arena
 * have the same mapping: it goes when the last of them is closed.
 *
 * A forked child must not have it by accident. Newer kernels leave it out of the child, older ones
 * hand down a mapping whose bookkeeping is broken, and where it is left out the next mmap(2) of the
 * child may land there, so that a pointer into the arena leads into a stranger's memory. Here it is
 * left out on every kernel, and a handler of fork(3) puts an inaccessible range in its place until
 * mem_object_reattach() brings the arena back. A child made without fork(3) (clone(2) by hand) has
 * no such range.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "live_map.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct mem_region *mapped; /* by next_mapped */

bool arena_is_present(const struct mem_region *region)
{
	return region->pid == getpid();
}

/* --- fork --- */

#ifdef __GLIBC__
/*
 * What pthread_atfork(3) consists of. Weak: a static program that never calls fork(3) doesn't have the list of
 * handlers (2.5 KB) and needs none.
 */
extern void *__dso_handle __attribute__((visibility("hidden")));
int __register_atfork(void (*before)(void), void (*parent)(void), void (*child)(void), void *library);
#pragma weak __register_atfork

static bool can_fork(void)
{
	return __register_atfork;
}

static void at_fork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
	__register_atfork(before, parent, child, __dso_handle);
}
#else
static bool can_fork(void)
{
	return true;
}

static void at_fork(void (*before)(void), void (*parent)(void), void (*child)(void))
{
	pthread_atfork(before, parent, child);
}
#endif

static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

/* Keep others out of the range; another region of the same arena may have done so already. */
static void hold_place(struct mem_region *region)
{
	void *place = mmap(region->base, region->size, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	region->placeholder = place == region->base || errno == EEXIST;
}

static void in_forked_child(void)
{
	for (struct mem_region *region = mapped; region; region = region->next_mapped)
		hold_place(region);
	pthread_mutex_unlock(&lock);
}

/* Before any thread can have the lock while another one forks. */
__attribute__((constructor)) static void watch_forks(void)
{
	if (can_fork())
		at_fork(before_fork, after_fork, in_forked_child);
}

/* --- mapping --- */

/* Not weak here: object.h says so for those that can do without. */
int arena_holds(const void *near, const void *memory, uint64_t size)
{
	const struct mem_region *region;
	uint64_t at;
	int inside = -1;

	pthread_mutex_lock(&lock);
	for (region = mapped; region && inside < 0; region = region->next_mapped) {
		at = (uintptr_t)near - (uintptr_t)region->base;
		if (at >= region->size)
			continue;
		at = (uintptr_t)memory - (uintptr_t)region->base;
		inside = at <= region->size && size <= region->size - at;
	}
	pthread_mutex_unlock(&lock);
	return inside;
}

static struct mem_region *find_other(const struct mem_region *region)
{
	struct mem_region *other = mapped;

	while (other && (other == region || other->base != region->base || !arena_is_present(other)))
		other = other->next_mapped;
	return other;
}

static int map_error(const struct mem_region *region, int err)
{
	const char *name = region->map->image->name, *object = region->obj->name;
	char what[256];

	if (err == EEXIST) {
		address_space_describe(region->base, region->size, what, sizeof(what));
		return mem__error(EEXIST, "%s: arena '%s' has to be at %p, %zu bytes, as in every process "
					  "that uses it, where this one has %s", object, name,
				  (void *)region->base, region->size, what);
	}
	if (live_map_fd_is_read_only(region->map->fd))
		return mem__error(err, "%s: arena '%s': the kernel maps no descriptor that was opened "
				  "BPF_F_RDONLY; open it for reading and writing, and map it read-only",
				  object, name);
	return mem__error(err, "%s: arena '%s': can't map it at %p: %s", object, name,
			  (void *)region->base, strerror(err));
}

static int map_here(struct mem_region *region, int prot, int fixed)
{
	char *at = mmap(region->base, region->size, prot, MAP_SHARED | fixed, region->map->fd, 0);

	if (at == MAP_FAILED)
		return -errno;
	region->writable = prot & PROT_WRITE;
	madvise(at, region->size, MADV_DONTFORK);
	return 0;
}

static int map_falling_back(struct mem_region *region, int prot, int fixed)
{
	int err = map_here(region, prot, fixed);

	/* frozen: its maker lets nobody but programs write */
	return err == -EPERM ? map_here(region, PROT_READ, fixed) : err;
}

/* Another region has the range. Same arena: use its mapping, made writable if that is asked for. */
static int share(struct mem_region *region, struct mem_region *other, int prot)
{
	if (other->size != region->size || !live_map_same(region->map->fd, other->map->fd))
		return -EEXIST;
	region->writable = other->writable;
	if (!(prot & PROT_WRITE) || other->writable || live_map_fd_is_read_only(region->map->fd))
		return 0;
	return map_falling_back(region, prot, MAP_FIXED);
}

static int reattach(struct mem_region *region);

/* In a forked child, an arena that the parent had: all that are of it come back with this one. */
static int wake_others(const struct mem_region *region)
{
	struct mem_region *other = mapped;

	while (other && (other == region || other->base != region->base || arena_is_present(other) ||
			 !live_map_same(region->map->fd, other->map->fd)))
		other = other->next_mapped;
	return other ? reattach(other) : 0;
}

static int map_locked(struct mem_region *region, int prot, bool over)
{
	struct mem_region *other;
	int err = over ? 0 : wake_others(region);

	if (err)
		return err;
	other = over ? NULL : find_other(region);
	if (other)
		return share(region, other, prot);
	return over ? map_here(region, prot, MAP_FIXED)
		    : map_falling_back(region, prot, MAP_FIXED_NOREPLACE);
}

static bool is_listed(const struct mem_region *region)
{
	const struct mem_region *at = mapped;

	while (at && at != region)
		at = at->next_mapped;
	return at;
}

int arena_share_map(struct mem_region *region, int prot, bool over)
{
	int err;

	pthread_mutex_lock(&lock);
	err = map_locked(region, prot, over);
	if (!err) {
		region->pid = getpid();
		region->placeholder = false;
		if (!is_listed(region)) {
			region->next_mapped = mapped;
			mapped = region;
		}
	}
	pthread_mutex_unlock(&lock);
	return err ? map_error(region, -err) : 0;
}

static struct mem_region *find_sharer(const struct mem_region *region)
{
	struct mem_region *other = mapped;

	while (other && (other->base != region->base || other->pid != region->pid))
		other = other->next_mapped;
	return other;
}

/* Not so what a child made by hand has there, or any child by MAP_FIXED. */
static bool is_ours(const struct mem_region *region)
{
	if (arena_is_present(region))
		return true;
	return region->placeholder && !address_space_in_use(region->base, region->size);
}

void arena_share_unmap(struct mem_region *region)
{
	struct mem_region **at = &mapped;

	pthread_mutex_lock(&lock);
	while (*at && *at != region)
		at = &(*at)->next_mapped;
	if (*at)
		*at = region->next_mapped;
	if (!find_sharer(region) && is_ours(region))
		munmap(region->base, region->size);
	region->pid = 0;
	region->placeholder = false;
	pthread_mutex_unlock(&lock);
}

/* --- after fork --- */

/* All regions that shared the mapping have it again, writable if it was for one of them. */
static int reattach(struct mem_region *region)
{
	bool writable = region->writable;
	struct mem_region *other;
	pid_t parent = region->pid;
	int err;

	for (other = mapped; other; other = other->next_mapped)
		writable |= other->base == region->base && other->writable;
	/* the kernel puts nothing where the place is held; the application may, by MAP_FIXED */
	if (region->placeholder && address_space_in_use(region->base, region->size))
		return -EEXIST;
	err = map_here(region, PROT_READ | (writable ? PROT_WRITE : 0),
		       region->placeholder ? MAP_FIXED : MAP_FIXED_NOREPLACE);
	if (err) {
		if (region->placeholder) /* a refused mapping may have removed it */
			hold_place(region);
		return err;
	}
	for (other = mapped; other; other = other->next_mapped) {
		if (other->base != region->base || other->pid != parent)
			continue;
		other->pid = getpid();
		other->placeholder = false;
	}
	return 0;
}

int mem_region_reattach(struct mem_region *region)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if (region->pid && !arena_is_present(region))
		err = reattach(region);
	pthread_mutex_unlock(&lock);
	return object_result(region->obj, err ? map_error(region, -err) : 0);
}

int mem_object_reattach(struct mem_object *obj)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.region_count; i++)
		err = mem_region_reattach(&obj->regions[i]);
	return err;
}
