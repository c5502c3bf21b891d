/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The object's BTF in the kernel: maps refer to it for their types, programs for their functions,
 * lines and CO-RE records.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf_view.h"
#include "explain.h"
#include "object.h"
#include "sys.h"

#define BTF_LOG_SIZE (64 * 1024)

/* Ask again with a log, of which the last line says what is wrong. */
static void btf_reason(struct mem_object *obj, union bpf_attr *attr, char *reason, size_t size)
{
	char *log = calloc(1, BTF_LOG_SIZE), *line = log;
	int fd;

	reason[0] = '\0';
	if (!log)
		return;
	attr->btf_log_buf = sys_pointer(log);
	attr->btf_log_size = BTF_LOG_SIZE;
	attr->btf_log_level = 1;
	fd = sys_bpf(BPF_BTF_LOAD, attr, sizeof(*attr));
	sys_close(&fd);
	mem__log(MEM_LOG_DEBUG, "%s: the kernel's log of the BTF:\n%s", obj->name, log);
	for (char *p = log; *p; p++)
		if (p[0] == '\n' && p[1])
			line = p + 1;
	line[strcspn(line, "\n")] = '\0';
	snprintf(reason, size, "%s", line);
	free(log);
}

/* Says nothing of the BTF, which the kernel may have found good. */
static bool is_shortage(int err)
{
	return err == ENOMEM || err == EMFILE || err == ENFILE;
}

static int btf_load_error(struct mem_object *obj, union bpf_attr *attr, int err)
{
	char why[256] = "";

	if (!is_shortage(err) && !explain_refusal(err, why, sizeof(why)))
		btf_reason(obj, attr, why, sizeof(why));
	return mem__error(err, "%s: the kernel refused the object's BTF: %s%s%s", obj->name,
			  strerror(err), why[0] ? ": " : "", why);
}

/* In a copy of the BTF, sections that were given another size have it. */
static void btf_resize(const struct mem_object *obj, struct btf_view *view)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++) {
		const struct mem_map *map = &obj->maps[i];
		const struct btf_type *type = btf_view_type(view, map->image->value_type);

		if (map->value_size != map->image->value_size && type &&
		    btf_kind_of(type) == BTF_KIND_DATASEC)
			((struct btf_type *)type)->size = map->value_size;
	}
}

/* The BTF to load: the image's own, or a copy for the caller to free. NULL: no memory. */
static const void *btf_to_load(const struct mem_object *obj, void **copy)
{
	struct btf_view view;
	uint32_t resized = 0;
	int err;

	*copy = NULL;
	for (uint32_t i = 0; i < obj->image.map_count; i++)
		resized += obj->maps[i].value_size != obj->maps[i].image->value_size;
	if (!resized)
		return obj->image.btf;
	*copy = malloc(obj->image.btf_size);
	if (!*copy)
		return NULL;
	memcpy(*copy, obj->image.btf, obj->image.btf_size);
	err = btf_view_init(&view, *copy, obj->image.btf_size) ? btf_view_index(&view) : -EINVAL;
	if (!err) {
		btf_resize(obj, &view);
		btf_view_free(&view);
	} else if (err == -ENOMEM) {
		free(*copy);
		*copy = NULL;
	}
	return *copy; /* what libmem can't read it leaves to the kernel to judge */
}

/*
 * Programs without CO-RE records run without BTF as well, on a kernel that does not know some kind
 * of type yet, or finds them nested too deep. With them BTF is a must: the kernel would silently
 * leave the offsets unrelocated.
 */
static int btf_load_from(struct mem_object *obj, const void *btf)
{
	int fd;
	BPF_ATTR(attr);

	attr.btf = sys_pointer(btf);
	attr.btf_size = obj->image.btf_size;
	fd = sys_bpf_fd(BPF_BTF_LOAD, &attr, sizeof(attr));
	if (fd >= 0) {
		obj->btf_fd = fd;
		return 0;
	}
	if (fd != -EPERM && !is_shortage(-fd) && !obj->image.core_relo_count) {
		char why[256];

		btf_reason(obj, &attr, why, sizeof(why));
		mem__log(MEM_LOG_WARN, "%s: going on without BTF, which the kernel refused: %s",
			 obj->name, why);
		return 0;
	}
	return btf_load_error(obj, &attr, -fd);
}

int btf_load(struct mem_object *obj)
{
	const void *btf;
	void *copy;
	int err;

	if (!obj->image.btf_size)
		return 0;
	btf = btf_to_load(obj, &copy);
	if (!btf)
		return mem__error(ENOMEM, "%s: no memory for its BTF", obj->name);
	err = btf_load_from(obj, btf);
	free(copy);
	return err;
}
