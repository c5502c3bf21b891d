/* SPDX-License-Identifier: BSD-2-Clause */
/* What is in a folder: names, and the record of programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fnv.h"
#include "live_map.h"
#include "pin.h"
#include "pinned.h"
#include "schema.h"
#include "sys.h"

/* --- names --- */

int pinned_path(char *path, const char *dir, const char *kind, const char *name)
{
	int len = snprintf(path, PINNED_PATH_MAX, "%s/%s%s%s", dir, kind, *name ? "_" : "", name);

	if (len < 0 || len >= PINNED_PATH_MAX)
		return mem__error(ENAMETOOLONG, "the path of '%s' in '%.200s' is too long", name, dir);
	/* no name in a BPF file system has a dot; no name in C has a hyphen */
	for (char *at = path + strlen(dir) + 1; *at; at++)
		if (*at == '.' || *at == '/')
			*at = '-';
	return 0;
}

int pinned_link_path(char *path, const char *dir, const struct mem_object *obj, uint32_t i, uint32_t count)
{
	char kind[24];
	bool ops = i >= obj->image.prog_count;

	snprintf(kind, sizeof(kind), count ? "%s%u" : "%s", ops ? "ops" : "link", count);
	return pinned_path(path, dir, kind, ops ? skeleton_link_map(obj, i)->image->name
						: obj->image.progs[i].name);
}

bool pinned_has_pin(const struct mem_map_image *map)
{
	return !(map->flags & (MEM_MAP_PROTOTYPE | MEM_MAP_TASK));
}

/* --- programs --- */

static uint64_t add_text(uint64_t hash, const char *text)
{
	return fnv_add(hash, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* Rows refer to each other by number and to types by id: an object compiled anew counts as another. */
static uint64_t add_func(uint64_t hash, const struct image_view *image, const struct mem_func_image *func)
{
	hash = add_text(hash, func->name);
	hash = fnv_add(hash, image->insns + func->insns.first, func->insns.count * sizeof(*image->insns));
	hash = fnv_add(hash, image->core_relos + func->cores.first, func->cores.count * sizeof(*image->core_relos));
	for (uint32_t i = 0; i < func->relocs.count; i++) {
		const struct mem_reloc_image *reloc = &image->relocs[func->relocs.first + i];

		hash = fnv_add(hash, reloc, sizeof(*reloc));
		if (reloc->kind == MEM_RELOC_MAP)
			hash = add_text(hash, image->maps[reloc->target].name);
		else if (reloc->kind == MEM_RELOC_REGION)
			hash = add_text(hash, image->regions[reloc->target].name);
		else if (reloc->kind == MEM_RELOC_EXTERN)
			hash = add_text(hash, image->externs[reloc->target].name);
	}
	return hash;
}

static uint64_t hash_prog(const struct mem_object *obj, uint32_t prog)
{
	const struct image_view *image = &obj->image;
	const struct mem_prog_image *row = &image->progs[prog];
	uint64_t hash = add_text(FNV_START, row->name);

	hash = add_text(hash, row->section);
	hash = fnv_add(hash, &row->prog_flags, sizeof(row->prog_flags));
	for (uint32_t i = 0; i < row->funcs.count; i++)
		hash = add_func(hash, image, &image->funcs[image->prog_funcs[row->funcs.first + i]]);
	return hash;
}

/*
 * Of maps, and of what is in regions. Capacities are left out: they may be another process' choice. 0, or -ENOMEM
 * with a message.
 */
static int hash_maps(const struct mem_object *obj, uint64_t *result)
{
	uint64_t hash = FNV_START;
	int err = 0;

	for (uint32_t i = 0; i < obj->image.map_count; i++) {
		const struct mem_map_image *map = &obj->image.maps[i];

		if (!pinned_has_pin(map))
			continue;
		hash = add_text(hash, map->name);
		hash = fnv_add(hash, &map->type, sizeof(map->type));
		hash = fnv_add(hash, &map->key_size, sizeof(map->key_size));
		hash = fnv_add(hash, &map->value_size, sizeof(map->value_size));
		hash = fnv_add(hash, &map->map_flags, sizeof(map->map_flags));
	}
	for (uint32_t i = 0; !err && i < obj->image.region_count; i++) {
		uint64_t schema = 0;

		if (obj->image.regions[i].kind != MEM_REGION_STRUCT_OPS)
			err = schema_region_hash(&obj->regions[i], &schema);
		hash = fnv_add(hash, &schema, sizeof(schema));
	}
	*result = hash;
	return err;
}

uint64_t pinned_left_out(const struct mem_object *obj)
{
	uint64_t hash = 0;

	for (uint32_t i = 0; i < obj->image.map_count; i++)
		if (map_left_out(&obj->maps[i]))
			hash = add_text(hash ?: FNV_START, obj->image.maps[i].name);
	return hash;
}

int pinned_prog_info(int fd, struct bpf_prog_info *info, uint32_t *ids, uint32_t *count)
{
	int err;

	memset(info, 0, sizeof(*info));
	if (ids) {
		info->map_ids = sys_pointer(ids);
		info->nr_map_ids = *count;
	}
	err = sys_info(fd, info, sizeof(*info));
	if (ids && info->nr_map_ids < *count)
		*count = info->nr_map_ids;
	return err;
}

/* --- the record --- */

static int record_error(const struct mem_object *obj, const char *dir, int err)
{
	return mem__error(-err, "%s: can't record in '%s' what is pinned there: %s", obj->name, dir,
			  strerror(-err));
}

static int record_create(uint32_t programs)
{
	BPF_ATTR(attr);

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(uint32_t);
	attr.value_size = sizeof(struct pinned_prog);
	attr.max_entries = programs + 1;
	snprintf(attr.map_name, sizeof(attr.map_name), "libmem_object");
	return sys_bpf_fd(BPF_MAP_CREATE, &attr, sizeof(attr));
}

static int record_put(int fd, uint32_t key, const void *value)
{
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)fd;
	attr.key = sys_pointer(&key);
	attr.value = sys_pointer(value);
	return sys_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

static int record_get(int fd, uint32_t key, void *value)
{
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)fd;
	attr.key = sys_pointer(&key);
	attr.value = sys_pointer(value);
	return sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
}

static int record_fill(int fd, const struct mem_object *obj)
{
	struct pinned_head head = {
		.magic = PINNED_MAGIC, .version = PINNED_VERSION, .programs = obj->image.prog_count,
		.left_out = pinned_left_out(obj),
	};
	int err = hash_maps(obj, &head.maps) ?: record_put(fd, 0, &head);
	BPF_ATTR(attr);

	for (uint32_t i = 0; !err && i < obj->image.prog_count; i++) {
		struct pinned_prog row = {.hash = hash_prog(obj, i)};
		struct bpf_prog_info info;

		if (obj->progs[i].fd < 0)
			continue;
		err = pinned_prog_info(obj->progs[i].fd, &info, NULL, NULL);
		row.id = info.id;
		row.type = info.type;
		memcpy(row.tag, info.tag, sizeof(row.tag));
		err = err ?: record_put(fd, i + 1, &row);
	}
	attr.map_fd = (uint32_t)fd;
	return err ?: sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
}

int pinned_record_write(const struct mem_object *obj, const char *dir)
{
	char path[PINNED_PATH_MAX], who[256];
	int fd, err;

	err = pinned_path(path, dir, "object", "");
	if (err)
		return err;
	fd = record_create(obj->image.prog_count);
	err = fd < 0 ? fd : record_fill(fd, obj);
	snprintf(who, sizeof(who), "%s: the record of its pins", obj->name);
	err = err ? record_error(obj, dir, err) : pin_create(fd, path, PIN_MODE_DEFAULT, true, who);
	sys_close(&fd);
	return err;
}

static int version_error(const char *who)
{
	return mem__error(ESTALE, "%s is another object, or another version of this one", who);
}

static int read_error(const char *who, int err)
{
	return mem__error(-err, "%s: can't read its record: %s", who, strerror(-err));
}

/* What can't be read is not taken for another version: whoever is told so replaces it. */
static int read_head(const struct mem_object *obj, int fd, const struct bpf_map_info *info, struct pinned_head *head,
		     const char *who)
{
	uint64_t maps;
	int err = hash_maps(obj, &maps);

	if (err)
		return err;
	if (info->type != BPF_MAP_TYPE_ARRAY || info->key_size != sizeof(uint32_t) ||
	    info->value_size != sizeof(*head))
		return version_error(who);
	err = record_get(fd, 0, head);
	if (err)
		return read_error(who, err);
	if (head->magic != PINNED_MAGIC || head->version != PINNED_VERSION ||
	    head->programs != obj->image.prog_count || info->max_entries != head->programs + 1 || head->maps != maps)
		return version_error(who);
	return 0;
}

static struct pinned_prog *record_rows(const struct mem_object *obj, int fd, const char *who)
{
	struct pinned_prog *rows = calloc(obj->image.prog_count + 1, sizeof(*rows));
	int err = rows ? 0 : -ENOMEM;

	for (uint32_t i = 0; !err && i < obj->image.prog_count; i++)
		err = record_get(fd, i + 1, &rows[i]);
	if (err)
		read_error(who, err);
	for (uint32_t i = 0; !err && i < obj->image.prog_count; i++)
		if (rows[i].id && rows[i].hash != hash_prog(obj, i))
			err = version_error(who);
	if (!err)
		return rows;
	free(rows);
	return NULL;
}

struct pinned_prog *pinned_record_read(const struct mem_object *obj, const char *dir, uint64_t *left_out)
{
	char path[PINNED_PATH_MAX], who[512];
	struct mem_source source;
	struct pinned_prog *rows = NULL;
	struct pinned_head head;
	struct bpf_map_info info;
	int fd;

	if (pinned_path(path, dir, "object", ""))
		return NULL;
	snprintf(who, sizeof(who), "%s: what is pinned in '%.300s'", obj->name, dir);
	source = mem_source_pin(path);
	fd = live_map_open(&source, who);
	if (fd < 0)
		return NULL;
	if (!live_map_info(fd, who, &info) && !read_head(obj, fd, &info, &head, who)) {
		*left_out = head.left_out;
		rows = record_rows(obj, fd, who);
	}
	sys_close(&fd);
	return rows;
}
