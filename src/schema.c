/* SPDX-License-Identifier: BSD-2-Clause */
/* Schemas: where they come from, and comparing them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_map.h"
#include "schema.h"
#include "sys.h"

const struct mem_schema_field *mem_schema_fields(const struct mem_schema *schema, uint32_t *count)
{
	*count = schema->count;
	return schema->fields;
}

/* --- comparing --- */

static const struct mem_schema_field *find(const struct mem_schema *schema, const char *path)
{
	for (uint32_t i = 0; i < schema->count; i++)
		if (!strcmp(schema->fields[i].path, path))
			return &schema->fields[i];
	return NULL;
}

/* The field at the same index is nearly always the one. */
static const struct mem_schema_field *find_near(const struct mem_schema *schema, uint32_t i,
						const char *path)
{
	if (i < schema->count && !strcmp(schema->fields[i].path, path))
		return &schema->fields[i];
	return find(schema, path);
}

static bool same(const struct mem_schema_field *a, const struct mem_schema_field *b)
{
	return a->offset == b->offset && a->size == b->size && !strcmp(a->type, b->type);
}

/* A field that either side calls what the other did before. */
static const struct mem_schema_field *find_renamed(const struct mem_schema *schema,
						   const struct mem_schema_field *field)
{
	for (uint32_t i = 0; i < schema->count; i++) {
		const struct mem_schema_field *other = &schema->fields[i];

		if ((field->was && !strcmp(field->was, other->path)) ||
		    (other->was && !strcmp(other->was, field->path)))
			return other;
	}
	return NULL;
}

enum mem_schema_relation mem_schema_compare(const struct mem_schema *live,
					    const struct mem_schema *wanted, mem_schema_diff_fn *fn,
					    void *ctx)
{
	enum mem_schema_relation relation = MEM_SCHEMA_EQUAL;

	for (uint32_t i = 0; i < wanted->count; i++) {
		const struct mem_schema_field *field = &wanted->fields[i];
		const struct mem_schema_field *there = find_near(live, i, field->path);
		bool renamed = !there;

		if (renamed)
			there = find_renamed(live, field);
		if (there && same(there, field) && !renamed)
			continue;
		if (!there || !same(there, field))
			relation = MEM_SCHEMA_DIFFERENT;
		else if (relation == MEM_SCHEMA_EQUAL)
			relation = MEM_SCHEMA_COMPATIBLE;
		if (fn)
			fn(ctx, there, field);
	}
	for (uint32_t i = 0; i < live->count; i++) {
		const struct mem_schema_field *field = &live->fields[i];

		if (find_near(wanted, i, field->path) || find_renamed(wanted, field))
			continue;
		if (relation == MEM_SCHEMA_EQUAL)
			relation = MEM_SCHEMA_COMPATIBLE;
		if (fn)
			fn(ctx, field, NULL);
	}
	return relation;
}

struct text {
	char *data;
	size_t size; /* bytes at data */
	size_t len;  /* bytes used */
};

static void write_field(struct text *text, char sign, const struct mem_schema_field *field)
{
	char bits[24] = "";
	int len;

	if (!field || text->len + 1 >= text->size)
		return;
	if (field->offset % 8)
		snprintf(bits, sizeof(bits), ":%u", (unsigned int)(field->offset % 8));
	len = snprintf(text->data + text->len, text->size - text->len, "%s%c %s%s%s @%llu%s",
		       text->len ? "\n" : "", sign, field->type, *field->path ? " " : "", field->path,
		       (unsigned long long)field->offset / 8, bits);
	text->len += (size_t)len < text->size - text->len ? (size_t)len : text->size - text->len - 1;
}

static void write_difference(void *ctx, const struct mem_schema_field *live,
			     const struct mem_schema_field *wanted)
{
	write_field(ctx, '-', live);
	write_field(ctx, '+', wanted);
}

enum mem_schema_relation mem_schema_diff(const struct mem_schema *live, const struct mem_schema *wanted,
					 char *text, size_t size)
{
	struct text to = {text, size, 0};

	if (size)
		text[0] = '\0';
	return mem_schema_compare(live, wanted, write_difference, &to);
}

/* --- where they come from --- */

static const struct mem_region_image *find_region(const struct image_view *view, const char *name)
{
	for (uint32_t i = 0; i < view->region_count; i++)
		if (!strcmp(view->regions[i].name, name))
			return &view->regions[i];
	return NULL;
}

struct mem_schema *mem_schema_of_image(const struct mem_image *image, const char *region)
{
	const struct mem_region_image *row;
	struct mem_schema *schema = NULL;
	struct image_view view;
	char who[256];

	if (!mem_image_is_valid(image) || image_widen(image, &view))
		return NULL;
	snprintf(who, sizeof(who), "%s: region '%s'", image->name, region);
	row = find_region(&view, region);
	if (row)
		schema = schema_of_row(&view, row, who);
	else
		mem__error(ENOENT, "%s: there is none", who);
	image_view_free(&view);
	return schema;
}

/* 0 or -errno; *size is what the kernel has, whatever room there was. */
static int btf_info(int fd, void *data, uint32_t *size, uint32_t *id)
{
	struct bpf_btf_info info = {.btf = sys_pointer(data), .btf_size = data ? *size : 0};
	int err;

	err = sys_info(fd, &info, sizeof(info));
	*size = info.btf_size;
	*id = info.id;
	return err;
}

static void *read_btf_fd(int fd, uint32_t *size)
{
	void *data = NULL;
	uint32_t id;
	int err = btf_info(fd, NULL, size, &id);

	if (!err) {
		data = malloc(*size + 1);
		err = data ? btf_info(fd, data, size, &id) : -ENOMEM;
	}
	if (!err)
		return data;
	free(data);
	errno = -err;
	return NULL;
}

void *schema_read_btf(uint32_t id, uint32_t *size)
{
	int fd = sys_btf_open(id);
	void *data;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	data = read_btf_fd(fd, size);
	sys_close(&fd);
	return data;
}

bool schema_is_btf(int fd, uint32_t id)
{
	char link[40], target[40] = "";
	uint32_t size = 0, found;
	ssize_t len;

	if (fd < 0 || btf_info(fd, NULL, &size, &found) || found != id)
		return false;
	/* the kernel describes maps and programs in the same breath; where /proc is not mounted the number does */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	return len < 0 || strstr(target, "btf");
}

/* With the descriptor that the object has, if it is of these types: that takes no privilege. */
static void *find_btf(const struct bpf_map_info *info, const struct mem_object *obj, uint32_t *size)
{
	if (obj && schema_is_btf(obj->btf_fd, info->btf_id))
		return read_btf_fd(obj->btf_fd, size);
	return schema_read_btf(info->btf_id, size);
}

struct mem_schema *schema_of_info(const struct bpf_map_info *info, const struct mem_object *obj, const char *who)
{
	struct mem_schema *schema;
	uint32_t size = 0;
	void *btf;

	if (!info->btf_id || !info->btf_value_type_id) {
		errno = ENODATA;
		if (who)
			mem__error(ENODATA, "%s: the kernel knows no types of it", who);
		return NULL;
	}
	btf = find_btf(info, obj, &size);
	if (!btf && errno == EPERM && obj && obj->find_schema)
		return obj->find_schema(obj->pin_source, info->id);
	if (!btf) {
		if (who)
			mem__error(errno, "%s: can't read its types: %s", who,
				   errno == EPERM ? "it takes CAP_SYS_ADMIN" : strerror(errno));
		return NULL;
	}
	schema = schema_build(btf, size, info->btf_value_type_id, who);
	free(btf);
	return schema;
}

struct mem_schema *schema_of_region(const struct mem_region *region)
{
	char who[256];

	snprintf(who, sizeof(who), "%s: region '%s'", region->obj->name, region->image->name);
	if (!region->image->type || !region->obj->image.btf_size) {
		errno = ENODATA;
		return NULL;
	}
	return schema_of_row(&region->obj->image, region->image, who);
}

enum mem_schema_relation schema_relate(const struct mem_region *region, const struct bpf_map_info *info,
				       char *text, size_t size)
{
	enum mem_schema_relation relation = MEM_SCHEMA_EQUAL;
	struct mem_schema *live = schema_of_info(info, region->obj, NULL), *wanted = NULL;

	text[0] = '\0';
	if (live)
		wanted = schema_of_row(&region->obj->image, region->image, NULL);
	if (wanted) {
		relation = mem_schema_diff(live, wanted, text, size);
	} else if (live ? region->image->type && region->obj->image.btf_size
			: errno != ENODATA && errno != EPERM) {
		/* known, and only for lack of memory not to this process: no reason to believe anything */
		snprintf(text, size, "(its types can't be compared: %s)", strerror(errno));
		relation = MEM_SCHEMA_DIFFERENT;
	}
	/* a last array that is longer than its type says is more behind the fields */
	if (wanted && relation == MEM_SCHEMA_EQUAL && info->value_size > region->map->value_size)
		relation = MEM_SCHEMA_COMPATIBLE;
	mem_schema_free(live);
	mem_schema_free(wanted);
	return relation;
}
