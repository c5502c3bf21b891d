/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schemas beside pins.
 *
 * The types that the kernel keeps with a map can be read with CAP_SYS_ADMIN only. Who pins a region for
 * others puts its schema beside it, as "PATH~schema": a frozen array of one element, with the number of
 * the map that it is of, so that it is not taken for that of another map which came to the path later.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "explain.h"
#include "live_map.h"
#include "pin.h"
#include "schema.h"
#include "sys.h"

#define SCHEMA_MAGIC   "libmem-s"
#define SCHEMA_VERSION 1

enum { SCHEMA_BYTES_MAX = 1 << 20, PATH_SIZE = 4096 };

struct head {
	char magic[8];    /* SCHEMA_MAGIC without its NUL */
	uint32_t version; /* SCHEMA_VERSION */
	uint32_t map_id;  /* of the map that it is of */
	uint32_t count;   /* fields that follow */
	uint32_t size;    /* bytes, with this */
};

/* Before each field's path and type, which end in NULs. Nothing is aligned. */
struct field_head {
	uint64_t offset; /* bits */
	uint64_t size;   /* bits */
};

/* --- writing --- */

static size_t encoded_size(const struct mem_schema *schema)
{
	size_t size = sizeof(struct head);

	for (uint32_t i = 0; i < schema->count; i++)
		size += sizeof(struct field_head) + strlen(schema->fields[i].path) + 1 +
			strlen(schema->fields[i].type) + 1;
	return size;
}

static void encode(const struct mem_schema *schema, uint32_t map_id, char *to, size_t size)
{
	struct head head = {
		.version = SCHEMA_VERSION, .map_id = map_id, .count = schema->count, .size = (uint32_t)size,
	};

	memcpy(head.magic, SCHEMA_MAGIC, sizeof(head.magic));
	memcpy(to, &head, sizeof(head));
	to += sizeof(head);
	for (uint32_t i = 0; i < schema->count; i++) {
		const struct mem_schema_field *field = &schema->fields[i];
		struct field_head start = {field->offset, field->size};

		memcpy(to, &start, sizeof(start));
		to = stpcpy(to + sizeof(start), field->path) + 1;
		to = stpcpy(to, field->type) + 1;
	}
}

/* A frozen array with these bytes; a descriptor or -errno. */
static int make_map(const void *bytes, size_t size)
{
	uint32_t key = 0;
	int fd, err;
	BPF_ATTR(attr);

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = sizeof(key);
	attr.value_size = (uint32_t)size;
	attr.max_entries = 1;
	snprintf(attr.map_name, sizeof(attr.map_name), PIN_SCHEMA_NAME);
	fd = sys_bpf_fd(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return fd;
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	attr.key = sys_pointer(&key);
	attr.value = sys_pointer(bytes);
	err = sys_bpf(BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)fd;
	err = err ?: sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
	if (err)
		sys_close(&fd);
	return err ?: fd;
}

static int publish(const struct mem_region *region, const struct mem_schema *schema, const char *path,
		   unsigned int mode)
{
	size_t size = encoded_size(schema);
	char who[256], why[256], *bytes;
	int fd, err;

	snprintf(who, sizeof(who), "%s: the schema of region '%s'", region->obj->name, region->image->name);
	if (size > SCHEMA_BYTES_MAX) {
		mem__log(MEM_LOG_WARN, "%s is too long to be pinned: others can't compare it", who);
		return 0;
	}
	bytes = malloc(size);
	if (!bytes)
		return mem__error(ENOMEM, "%s: no memory to pin it", who);
	encode(schema, mem_map_id(region->map), bytes, size);
	fd = make_map(bytes, size);
	free(bytes);
	if (fd == -EPERM)
		explain_eperm(why, sizeof(why));
	else if (fd < 0) /* of anything else, strerror() would say what it says in memory of its own */
		snprintf(why, sizeof(why), "%s", strerror(-fd));
	err = fd < 0 ? mem__error(-fd, "%s can't be pinned: %s", who, why)
		     : pin_create(fd, path, mode, true, who);
	sys_close(&fd);
	return err;
}

static bool schema_path(const char *pin, char *path)
{
	return (size_t)snprintf(path, PATH_SIZE, "%s" PIN_SCHEMA_SUFFIX, pin) < PATH_SIZE;
}

/* For others only: the owner reads the kernel's own. What an arena has it has in its record. */
static int publish_for_others(struct mem_region *region, const char *path, unsigned int mode)
{
	struct mem_schema *schema;
	char beside[PATH_SIZE];
	int err;

	if (!(mode & 0077) || !region->image->type || region->image->kind == MEM_REGION_ARENA ||
	    region->map->fd < 0 || !path || !schema_path(path, beside))
		return 0;
	schema = schema_of_region(region);
	if (!schema)
		return errno == ENODATA ? 0 : -errno;
	err = publish(region, schema, beside, mode);
	mem_schema_free(schema);
	return err;
}

int mem_region_pin(struct mem_region *region, const char *path, unsigned int mode)
{
	char beside[PATH_SIZE];
	int err;

	if (mode & 0022 && region->writable)
		mem__log(MEM_LOG_WARN, "%s: region '%s' is pinned at '%s' for others to change; "
			 "mem_region_readonly_set() lets them read only", region->obj->name,
			 region->image->name, path ? path : "");
	/* first, so that who finds the region finds the schema */
	err = publish_for_others(region, path, mode);
	if (err)
		return object_result(region->obj, err);
	err = mem_map_pin(region->map, path, mode);
	if ((err || !(mode & 0077)) && path && schema_path(path, beside))
		unlink(beside);
	errno = err < 0 ? -err : errno;
	return err;
}

/* --- reading --- */

/* The string at *at, which has to end before end; NULL if it does not. */
static const char *take_string(const char **at, const char *end)
{
	const char *text = *at, *nul = memchr(text, '\0', (size_t)(end - text));

	if (nul)
		*at = nul + 1;
	return nul ? text : NULL;
}

static int decode_field(struct mem_schema *schema, const char **at, const char *end)
{
	struct mem_schema_field *field = &schema->fields[schema->count];
	const char *path, *type;
	struct field_head head;

	if ((size_t)(end - *at) < sizeof(head))
		return -EINVAL;
	memcpy(&head, *at, sizeof(head));
	*at += sizeof(head);
	path = take_string(at, end);
	type = path ? take_string(at, end) : NULL;
	if (!type)
		return -EINVAL;
	*field = (struct mem_schema_field){
		.path = strdup(path), .type = strdup(type), .offset = head.offset, .size = head.size,
	};
	schema->count++;
	return field->path && field->type ? 0 : -ENOMEM;
}

static struct mem_schema *decode(const char *bytes, size_t size, uint32_t map_id)
{
	struct mem_schema *schema = calloc(1, sizeof(*schema));
	const char *at = bytes + sizeof(struct head);
	struct head head;
	int err = schema ? 0 : -ENOMEM;

	memcpy(&head, bytes, sizeof(head));
	if (!err && (memcmp(head.magic, SCHEMA_MAGIC, sizeof(head.magic)) != 0 ||
		     head.version != SCHEMA_VERSION || head.map_id != map_id || head.size != size ||
		     head.count > size / sizeof(struct field_head)))
		err = -EPERM;
	if (!err) {
		schema->fields = calloc(head.count + 1, sizeof(*schema->fields));
		err = schema->fields ? 0 : -ENOMEM;
	}
	for (uint32_t i = 0; !err && i < head.count; i++)
		err = decode_field(schema, &at, bytes + size);
	if (!err)
		return schema;
	mem_schema_free(schema);
	errno = -err;
	return NULL;
}

static int open_beside(const char *pin)
{
	char path[PATH_SIZE];
	BPF_ATTR(attr);

	if (!pin || !schema_path(pin, path))
		return -EPERM;
	attr.pathname = sys_pointer(path);
	attr.file_flags = BPF_F_RDONLY;
	return sys_bpf_fd(BPF_OBJ_GET, &attr, BPF_ATTR_UPTO(file_flags));
}

static bool is_schema(const struct bpf_map_info *info)
{
	return info->type == BPF_MAP_TYPE_ARRAY && info->key_size == sizeof(uint32_t) &&
	       info->max_entries == 1 && info->value_size >= sizeof(struct head) &&
	       info->value_size <= SCHEMA_BYTES_MAX;
}

static struct mem_schema *read_map(int fd, uint32_t map_id)
{
	struct mem_schema *schema = NULL;
	struct bpf_map_info info;
	uint32_t key = 0;
	char *bytes;
	int err;
	BPF_ATTR(attr);

	if (live_map_peek(fd, &info) || !is_schema(&info)) {
		errno = EPERM;
		return NULL;
	}
	/* the kernel copies whole elements, at its own distance between them */
	bytes = calloc(1, (info.value_size + 7) & ~7u);
	if (!bytes)
		return NULL;
	attr.map_fd = (uint32_t)fd;
	attr.key = sys_pointer(&key);
	attr.value = sys_pointer(bytes);
	err = sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr));
	if (!err)
		schema = decode(bytes, info.value_size, map_id);
	else
		errno = -err;
	err = errno;
	free(bytes);
	errno = err;
	return schema;
}

struct mem_schema *schema_published(const char *pin, uint32_t map_id)
{
	struct mem_schema *schema;
	int fd = open_beside(pin), err;

	if (fd < 0) {
		errno = fd == -ENOENT || fd == -EACCES ? EPERM : -fd;
		return NULL;
	}
	schema = read_map(fd, map_id);
	err = errno;
	sys_close(&fd);
	errno = err;
	return schema;
}
