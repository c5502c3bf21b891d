/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Migration of pinned maps.
 *
 * At prepare, what is found at the pin path either is what the object declares and is taken on, or
 * a new map is made as if there were none. When that has its initial contents, it is given those of
 * the old one, and then its pin takes the place of the old pin (migrate_pin.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "live_map.h"
#include "migrate.h"
#include "migrate_arena.h"
#include "migrate_pin.h"
#include "migrate_plan.h"
#include "opts.h"
#include "reuse.h"
#include "schema.h"
#include "sys.h"

struct migration {
	struct mem_migrate_opts opts;
	int old_fd;                /* -1: there is nothing to migrate */
	struct bpf_map_info old;
	struct source_layout layout;
	struct mem_region *arena;  /* the old one, of arenas */
	bool carried;              /* ahead of time, because nobody can write to the new one later */
	bool swapped;
};

/* --- layouts --- */

static struct plan_side declared_side(const struct mem_map *map)
{
	const struct mem_region *region = map->region;
	struct plan_side side = {
		.btf = map->obj->image.btf,
		.btf_size = map->obj->image.btf_size,
		.type = region->image->type,
		.size = map->value_size,
		.count = region->image->kind == MEM_REGION_ARRAY ? map->max_entries : 1,
		.stride = map_stride(map),
	};

	return side;
}

static struct plan_side live_side(const struct bpf_map_info *info)
{
	struct plan_side side = {
		.type = info->btf_value_type_id,
		.size = info->value_size,
		.count = info->max_entries,
		.stride = ((uint64_t)info->value_size + 7) & ~7ULL,
	};

	return side;
}

static void layout_free(struct source_layout *layout)
{
	plan_free(&layout->plan);
	free(layout->btf);
	memset(layout, 0, sizeof(*layout));
}

/* 0; -ENODATA if a side's types are unknown, or why they can't be read, without a message. */
static int layout_read(const struct mem_map *map, const struct bpf_map_info *info,
		       struct source_layout *layout)
{
	struct plan_side from = live_side(info), to = declared_side(map);
	uint32_t size = 0;
	int err;

	memset(layout, 0, sizeof(*layout));
	if (!info->btf_id || !from.type || !to.type || !to.btf_size)
		return -ENODATA;
	layout->btf = schema_read_btf(info->btf_id, &size);
	if (!layout->btf)
		return -errno;
	from.btf = layout->btf;
	from.btf_size = size;
	err = plan_make(&layout->plan, &from, &to);
	if (err)
		layout_free(layout);
	return err;
}

/* Nobody knows the types, or this process may not. */
static bool is_unknown(int err)
{
	return err == -ENODATA || err == -EPERM;
}

static int layout_error(int err, const char *who)
{
	const char *why = strerror(-err);

	if (err == -EPERM)
		why = "reading it takes CAP_SYS_ADMIN";
	else if (err == -ENODATA)
		why = "the kernel knows no types of it";
	return mem__error(-err, "%s: its layout is another, and can't be migrated: %s", who, why);
}

/* Where the types are not known the application may still know. */
static int layout_need(const struct mem_map *map, const struct bpf_map_info *info,
		       const struct mem_migrate_opts *opts, struct source_layout *layout, const char *who)
{
	struct plan_side from = live_side(info), to = declared_side(map);
	int err = layout_read(map, info, layout);

	if (is_unknown(err) && opts->field)
		err = plan_make_unknown(&layout->plan, &from, &to);
	return err ? layout_error(err, who) : 0;
}

/* --- carrying over --- */

static int refused_error(const struct mem_map *map, const struct plan_run *run)
{
	char more[40] = "";

	if (run->refused > 1)
		snprintf(more, sizeof(more), " (and %u more)", run->refused - 1);
	return mem__error(EDOM, "%s: region '%s' can't be migrated without loss: %s%s; let a function of the "
			  "application decide, or set MEM_MIGRATE_LOSSY", map->obj->name,
			  map->region->image->name, run->first, more);
}

static char *map_all(int fd, uint64_t size, int prot)
{
	return mmap(NULL, sys_page_round(size), prot, MAP_SHARED, fd, 0);
}

/* The contents of the map from into memory of the layout that map declares. */
static int carry_to(const struct mem_map *map, int from, const struct bpf_map_info *info,
		    const struct plan *plan, const struct mem_migrate_opts *opts, char *to)
{
	struct plan_side side = live_side(info);
	struct plan_run run = {.plan = plan, .to = to, .region = map->region->image->name, .opts = opts};
	char *memory = map_all(from, side.count * side.stride, PROT_READ);
	int err;

	if (memory == MAP_FAILED)
		return mem__error(errno, "%s: region '%s': can't map what it is to be migrated from: %s",
				  map->obj->name, run.region, strerror(errno));
	run.from = memory;
	err = plan_run(&run);
	munmap(memory, sys_page_round(side.count * side.stride));
	return err == -EDOM ? refused_error(map, &run) : err;
}

static int carry(const struct mem_map *map, int from, const struct bpf_map_info *info,
		 const struct plan *plan, const struct mem_migrate_opts *opts)
{
	uint64_t size = map_stride(map) * (uint64_t)map->max_entries;
	char *to = map_all(map->fd, size, PROT_READ | PROT_WRITE);
	int err;

	if (to == MAP_FAILED)
		return mem__error(errno, "%s: region '%s': can't map what it is to be migrated to: %s",
				  map->obj->name, map->region->image->name, strerror(errno));
	err = carry_to(map, from, info, plan, opts, to);
	munmap(to, sys_page_round(size));
	return err;
}

/* --- at the pin --- */

/* Of the kind that has fields: else the usual message says what is there instead. */
static bool is_same_kind(const struct mem_map *map, const struct bpf_map_info *info)
{
	return info->type == map->image->type && info->key_size == map->image->key_size &&
	       info->map_flags == map->image->map_flags;
}

/* The object may leave the number of elements to what it finds. */
static int settle_size(struct mem_map *map, const struct bpf_map_info *info)
{
	if (map->max_entries)
		return 0;
	map->max_entries = info->max_entries;
	return region_resize(map->region);
}

/* Keep *fd for later. */
static int wait(struct mem_map *map, int *fd, const struct bpf_map_info *info)
{
	struct migration *m = map->migration;
	int err = 0;

	if (map->region->read_only && map->region->base)
		err = carry_to(map, *fd, info, &m->layout.plan, &m->opts, map->region->base);
	if (err)
		return err;
	m->carried = map->region->read_only && map->region->base;
	m->old = *info;
	m->old_fd = *fd;
	*fd = -1;
	return 1;
}

static int meet_fields(struct mem_map *map, int *fd, const struct bpf_map_info *info, const char *who)
{
	struct migration *m = map->migration;
	bool fits = reuse_fits(map, info), renumbers;
	int err = fits ? layout_read(map, info, &m->layout) : 0;

	renumbers = m->layout.plan.renumbers;
	layout_free(&m->layout);
	if (err && !is_unknown(err))
		return layout_error(err, who);
	if (fits && (err || !renumbers))
		return 0;
	if (!is_same_kind(map, info))
		return reuse_check(map, info, false, who);
	err = settle_size(map, info);
	err = err ?: layout_need(map, info, &m->opts, &m->layout, who);
	return err ?: wait(map, fd, info);
}

static int meet_arena(struct mem_map *map, int *fd, const struct bpf_map_info *info, const char *who)
{
	struct migration *m = map->migration;
	int err;

	if (!is_same_kind(map, info))
		return reuse_check(map, info, false, who);
	err = migrate_arena_open(map->region, *fd, info, &m->arena);
	if (err <= 0)
		return err;
	if (m->opts.arena && !map->region->read_only)
		return settle_size(map, info) ?: wait(map, fd, info);
	return mem__error(EDOM, "%s: arena '%s' has other contents than this program's (version %llu, not "
			  "%llu), and %s", map->obj->name, map->image->name,
			  (unsigned long long)mem_arena_version(m->arena),
			  (unsigned long long)map->region->version,
			  m->opts.arena ? "nobody can write to one that is read-only for applications"
					: "no function was given that migrates it");
}

int migrate_meet(struct mem_map *map, int *fd, const char *who)
{
	struct bpf_map_info info;
	int ret = live_map_info(*fd, who, &info);

	if (!ret)
		ret = map->region->image->kind == MEM_REGION_ARENA ? meet_arena(map, fd, &info, who)
								   : meet_fields(map, fd, &info, who);
	if (ret < 0)
		sys_close(fd);
	return ret;
}

bool migrate_pending(const struct mem_map *map)
{
	return map->migration->old_fd >= 0;
}

/* --- swapping --- */

static void who_migrates(const struct mem_map *map, char *text, size_t size)
{
	snprintf(text, size, "%s: map '%s' can't be migrated", map->obj->name, map->image->name);
}

static void forget_old(struct migration *m)
{
	mem_region_detach(m->arena);
	m->arena = NULL;
	sys_close(&m->old_fd);
	layout_free(&m->layout);
}

/* Whoever was faster: its map is as good as ours, if it is what we would have made. */
static int take_winner(struct mem_map *map, int fd, const char *who)
{
	struct bpf_map_info info;
	int err = live_map_info(fd, who, &info);

	if (!err && !reuse_fits(map, &info))
		err = mem__error(EBUSY, "%s: another process has put map id %u ('%.15s') at '%s' meanwhile",
				 who, info.id, info.name, map->pin_path);
	if (err) {
		sys_close(&fd);
		return err;
	}
	forget_old(map->migration);
	return reuse_take(map, fd, who);
}

static int swap_own(struct mem_map *map, const char *who)
{
	struct migration *m = map->migration;
	int err = 0;

	if (m->arena)
		err = migrate_arena_carry(map->region, m->arena, &m->opts);
	else if (!m->carried)
		err = carry(map, m->old_fd, &m->old, &m->layout.plan, &m->opts);
	if (!err && map->region->read_only && map->region->unmapped)
		err = map_freeze(map);
	err = err ?: migrate_pin_put(map->fd, map->pin_path, who);
	m->swapped = !err;
	if (!err)
		mem__log(MEM_LOG_INFO, "%s: map '%s' has the contents of map id %u", map->obj->name,
			 map->image->name, m->old.id);
	return err;
}

/* What is at the path now is the old map, or another process was faster. */
static int swap_locked(struct mem_map *map, const char *who)
{
	struct mem_source source = mem_source_pin(map->pin_path);
	int fd = live_map_open(&source, who);

	if (fd < 0)
		return fd;
	if (!live_map_same(fd, map->migration->old_fd))
		return take_winner(map, fd, who);
	sys_close(&fd);
	return swap_own(map, who);
}

int migrate_swap(struct mem_map *map)
{
	int lock, err;
	char who[256];

	who_migrates(map, who, sizeof(who));
	lock = migrate_pin_lock(map->pin_path, who);
	err = lock < 0 ? lock : swap_locked(map, who);
	sys_close(&lock);
	return err;
}

void migrate_undo(struct mem_map *map)
{
	struct migration *m = map->migration;
	struct mem_source source = mem_source_pin(map->pin_path);
	int saved_errno = errno, lock, fd;
	char who[256];

	if (!m->swapped)
		return;
	m->swapped = false;
	who_migrates(map, who, sizeof(who));
	lock = migrate_pin_lock(map->pin_path, who);
	fd = lock < 0 ? -1 : live_map_open(&source, who);
	if (fd >= 0 && live_map_same(fd, map->fd))
		migrate_pin_put(m->old_fd, map->pin_path, who);
	sys_close(&fd);
	sys_close(&lock);
	errno = saved_errno;
}

void migrate_settle(struct mem_map *map)
{
	map->migration->swapped = false;
	forget_old(map->migration);
}

void migrate_free(struct mem_map *map)
{
	forget_old(map->migration);
	free(map->migration);
	map->migration = NULL;
}

/* --- for applications --- */

static void copy_opts(struct mem_migrate_opts *own, const struct mem_migrate_opts *opts)
{
	memset(own, 0, sizeof(*own));
	own->sz = sizeof(*own);
	own->flags = OPTS_GET(opts, flags, 0);
	own->field = OPTS_GET(opts, field, NULL);
	own->arena = OPTS_GET(opts, arena, NULL);
	own->ctx = OPTS_GET(opts, ctx, NULL);
}

static bool can_migrate(const struct mem_map *map)
{
	uint32_t kind = map->region ? map->region->image->kind : 0;

	return kind == MEM_REGION_DATA || kind == MEM_REGION_ARRAY || kind == MEM_REGION_ARENA;
}

int mem_map_migrate_set(struct mem_map *map, const struct mem_migrate_opts *opts)
{
	struct mem_object *obj = map->obj;

	if (!OPTS_VALID(opts, mem_migrate_opts))
		return object_result(obj, -errno);
	if (obj->phase != PHASE_OPEN || map->fd >= 0)
		return object_result(obj, mem__error(EBUSY, "%s: map '%s' exists: mem_region_migrate() copies "
						     "into it", obj->name, map->image->name));
	if (!can_migrate(map))
		return object_result(obj, mem__error(EINVAL, "%s: map '%s' can't be migrated: it is no region "
						     "that an application writes to", obj->name,
						     map->image->name));
	if (!map->migration) {
		map->migration = calloc(1, sizeof(*map->migration));
		if (!map->migration)
			return object_result(obj, mem__error(ENOMEM, "%s: no memory to migrate map '%s'",
							     obj->name, map->image->name));
		map->migration->old_fd = -1;
	}
	copy_opts(&map->migration->opts, opts);
	return 0;
}

int mem_object_migrate_set(struct mem_object *obj, const struct mem_migrate_opts *opts)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < obj->image.map_count; i++)
		if (obj->maps[i].pin_path && can_migrate(&obj->maps[i]))
			err = mem_map_migrate_set(&obj->maps[i], opts);
	return err;
}

static int check_target(const struct mem_region *region)
{
	const char *object = region->obj->name, *name = region->image->name;

	if (region->map->fd < 0)
		return mem__error(EBADF, "%s: region '%s' can't be migrated to: its map does not exist before "
				  "mem_object_prepare()", object, name);
	if (region->image->kind != MEM_REGION_DATA && region->image->kind != MEM_REGION_ARRAY)
		return mem__error(EINVAL, "%s: region '%s' can't be migrated to: it has no fields that an "
				  "application writes to", object, name);
	if (region->unmapped ? region->read_only : !region->writable)
		return mem__error(EACCES, "%s: region '%s' can't be migrated to: it is read-only", object, name);
	return 0;
}

int mem_region_migrate(struct mem_region *region, struct mem_source source,
		       const struct mem_migrate_opts *opts)
{
	struct mem_map *map = region->map;
	struct source_layout layout = {.btf = NULL};
	struct mem_migrate_opts own;
	struct bpf_map_info info;
	int fd = -1, err = 0;
	char who[256];

	if (!OPTS_VALID(opts, mem_migrate_opts))
		return object_result(region->obj, -errno);
	copy_opts(&own, opts);
	who_migrates(map, who, sizeof(who));
	err = check_target(region);
	if (!err)
		err = fd = live_map_open(&source, who);
	if (fd >= 0)
		err = live_map_info(fd, who, &info);
	if (!err && !is_same_kind(map, &info))
		err = reuse_check(map, &info, false, who) ?: -EINVAL;
	err = err ?: layout_need(map, &info, &own, &layout, who);
	err = err ?: carry(map, fd, &info, &layout.plan, &own);
	layout_free(&layout);
	sys_close(&fd);
	return object_result(region->obj, err);
}
