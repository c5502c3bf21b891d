/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's idea of a kernel struct and the running kernel's differ: members come and go and
 * move. So the value is laid out anew, member by member, by name. A member that the kernel lacks is
 * left out as long as the source left it zero.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel_btf.h"
#include "link.h"
#include "struct_ops.h"

#define VALUE_PREFIX "bpf_struct_ops_"

static const struct feature struct_ops_links = { "links to struct_ops maps", 6, 4 };

/* What laying out one map needs. */
struct layout {
	struct mem_map *map;
	const struct btf_view *local, *kernel;
	const struct btf_type *local_struct, *kernel_struct;
	char name[200];          /* of the struct, without a flavor */
	uint32_t kernel_id;      /* of the struct */
	uint32_t data_offset;    /* bytes of the struct in the map's value */
};

/* One member, on one side. */
struct member {
	uint32_t type;   /* id */
	uint32_t index;
	uint32_t offset; /* bytes */
	uint64_t size;   /* bytes */
	bool bit_field;
};

/* What a member that is a callback has: at any address, as structs may be packed. */
struct slot {
	struct mem_prog *prog;
};

static struct member read_member(const struct btf_view *view, const struct btf_type *type,
				 uint32_t index)
{
	const struct btf_member *member = (const struct btf_member *)btf_records(type) + index;
	bool sized = type->info >> 31; /* the offset's upper byte is the size of a bit-field */
	uint32_t bits = sized ? member->offset & 0xffffff : member->offset;

	return (struct member){ .type = member->type,
				.index = index,
				.offset = bits / 8,
				.size = btf_view_size(view, member->type),
				.bit_field = bits % 8 || (sized && member->offset >> 24) };
}

static const char *member_name(const struct btf_view *view, const struct btf_type *type,
			       uint32_t index)
{
	const struct btf_member *member = (const struct btf_member *)btf_records(type) + index;

	return btf_view_string(view, member->name_off);
}

static bool find_member(const struct btf_view *view, const struct btf_type *type, const char *name,
			struct member *found)
{
	for (uint32_t i = 0; i < btf_length_of(type); i++) {
		if (strcmp(member_name(view, type, i), name))
			continue;
		*found = read_member(view, type, i);
		return true;
	}
	return false;
}

static bool is_zero(const char *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

static bool is_callback(const struct btf_view *view, uint32_t type)
{
	const struct btf_type *pointer = btf_view_skip(view, type), *target;

	if (!pointer || btf_kind_of(pointer) != BTF_KIND_PTR)
		return false;
	target = btf_view_skip(view, pointer->type);
	return target && btf_kind_of(target) == BTF_KIND_FUNC_PROTO;
}

static int member_error(const struct layout *layout, const char *member, int err, const char *why)
{
	return mem__error(err, "%s: struct_ops map '%s': member '%s' of struct %s %s",
			  layout->map->obj->name, layout->map->image->name, member, layout->name, why);
}

/* The member holds a pointer to one of the object's programs, or NULL. */
static int place_callback(const struct layout *layout, const char *name,
			  const struct member *member, const char *from)
{
	struct mem_object *obj = layout->map->obj;
	struct struct_ops *ops = layout->map->ops;
	struct slot callback;
	struct mem_prog *prog;

	memcpy(&callback, from, sizeof(callback));
	prog = callback.prog;
	if (!prog)
		return 0;
	if (prog < obj->progs || prog >= obj->progs + obj->image.prog_count)
		return member_error(layout, name, EINVAL, "points to no program of this object");
	if (prog->target_id &&
	    (prog->target_id != layout->kernel_id || prog->attach_type != member->index))
		return member_error(layout, name, EINVAL,
				    "shares its program with another member: give each its own");
	prog->autoload = true; /* as its section may not say */
	prog->target_id = layout->kernel_id;
	prog->attach_type = member->index;
	ops->callbacks[ops->callback_count++] = (struct callback){
		.prog = prog,
		.offset = layout->data_offset + member->offset,
	};
	return 0;
}

static int place_member(const struct layout *layout, uint32_t index)
{
	const char *name = member_name(layout->local, layout->local_struct, index);
	struct member here = read_member(layout->local, layout->local_struct, index), there;
	const char *from = layout->map->region->base + here.offset;

	if (here.offset + here.size > layout->map->region->image->size)
		return member_error(layout, name, EINVAL, "lies outside of it");
	if (!find_member(layout->kernel, layout->kernel_struct, name, &there)) {
		if (is_zero(from, here.size))
			return 0;
		return member_error(layout, name, ENOTSUP,
				    "is not in this kernel: leave it zero to do without");
	}
	if (is_callback(layout->kernel, there.type) && here.size == sizeof(void *))
		return place_callback(layout, name, &there, from);
	if (here.bit_field || there.bit_field)
		return is_zero(from, here.size) ? 0 : member_error(layout, name, ENOTSUP,
								   "is a bit-field");
	if (here.size != there.size ||
	    layout->data_offset + there.offset + there.size > layout->map->ops->value_size)
		return member_error(layout, name, EINVAL, "has another size in this kernel");
	memcpy(layout->map->ops->value + layout->data_offset + there.offset, from, here.size);
	return 0;
}

/* The struct in the kernel, and the value that holds it. */
static int find_kernel_types(struct layout *layout)
{
	struct struct_ops *ops = layout->map->ops;
	const struct btf_type *value;
	char name[256];

	layout->kernel_id = btf_view_find(layout->kernel, layout->name, BTF_KIND_STRUCT);
	layout->kernel_struct = btf_view_type(layout->kernel, layout->kernel_id);
	snprintf(name, sizeof(name), VALUE_PREFIX "%s", layout->name);
	ops->value_type = btf_view_find(layout->kernel, name, BTF_KIND_STRUCT);
	value = btf_view_type(layout->kernel, ops->value_type);
	if (!layout->kernel_struct || !value)
		return mem__error(ENOENT, "%s: struct_ops map '%s': in this kernel programs can't implement "
					  "struct %s", layout->map->obj->name, layout->map->image->name,
				  layout->name);
	ops->value_size = value->size;
	for (uint32_t i = 0; i < btf_length_of(value); i++) {
		struct member member = read_member(layout->kernel, value, i);

		if (member.type != layout->kernel_id)
			continue;
		layout->data_offset = member.offset;
		return 0;
	}
	return mem__error(ENOTSUP, "%s: struct_ops map '%s': struct %s has an unknown layout",
			  layout->map->obj->name, layout->map->image->name, name);
}

static int lay_out(struct layout *layout)
{
	struct mem_map *map = layout->map;
	const char *local_name;
	int err;

	layout->local_struct = btf_view_skip(layout->local, map->image->value_type);
	if (!layout->local_struct || btf_kind_of(layout->local_struct) != BTF_KIND_STRUCT)
		return mem__error(EINVAL, "%s: struct_ops map '%s' has no struct type", map->obj->name,
				  map->image->name);
	local_name = btf_view_string(layout->local, layout->local_struct->name_off);
	snprintf(layout->name, sizeof(layout->name), "%s", local_name);
	if (strstr(layout->name, "___")) /* a flavor, as in CO-RE */
		*strstr(layout->name, "___") = '\0';
	map->ops = calloc(1, sizeof(*map->ops));
	err = map->ops ? find_kernel_types(layout) : -ENOMEM;
	if (!err) {
		map->ops->value = calloc(1, map->ops->value_size ?: 1);
		map->ops->callbacks = calloc(btf_length_of(layout->local_struct) + 1,
					     sizeof(*map->ops->callbacks));
	}
	if (err == -ENOMEM || (!err && (!map->ops->value || !map->ops->callbacks)))
		return mem__error(ENOMEM, "%s: no memory for struct_ops map '%s'", map->obj->name,
				  map->image->name);
	for (uint32_t i = 0; !err && i < btf_length_of(layout->local_struct); i++)
		err = place_member(layout, i);
	return err;
}

static bool is_struct_ops(const struct mem_map *map)
{
	return map->image->type == BPF_MAP_TYPE_STRUCT_OPS && map->region;
}

/* A lenient load leaves out what the kernel can't have; its programs keep the reason. */
static void leave_out_map(struct mem_map *map)
{
	const struct mem_range inits = map->image->inits;

	mem__log(MEM_LOG_WARN, "left out: %s", mem_error_message());
	map->autocreate = false;
	for (uint32_t i = 0; i < inits.count; i++) {
		struct mem_prog *prog = &map->obj->progs[map->obj->image.inits[inits.first + i].target];

		if (prog->autoload && !prog->error)
			prog->error = strdup(mem_error_message());
	}
}

/* As before the first layout: a map that was left out may have given places to programs. */
static void forget_layouts(struct mem_object *obj)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++)
		struct_ops_free(&obj->maps[i]);
	for (uint32_t i = 0; i < obj->image.prog_count; i++)
		if (obj->image.progs[i].target_kind == MEM_TARGET_STRUCT_OPS)
			obj->progs[i].target_id = 0;
}

/* 0, -errno with a message, or 1: one was left out, begin again. */
static int lay_out_each(struct mem_object *obj, const struct btf_view *local, const struct btf_view *kernel)
{
	for (uint32_t i = 0; i < obj->image.map_count; i++) {
		struct layout layout = { .map = &obj->maps[i], .local = local, .kernel = kernel };
		int err = 0;

		if (is_struct_ops(layout.map) && !map_left_out(layout.map))
			err = lay_out(&layout);
		if (err && (!obj->lenient || err == -ENOMEM))
			return err;
		if (err) {
			leave_out_map(layout.map);
			forget_layouts(obj);
			return 1;
		}
	}
	return 0;
}

static int lay_out_all(struct mem_object *obj, const struct btf_view *local, const struct btf_view *kernel)
{
	int err;

	do
		err = lay_out_each(obj, local, kernel);
	while (err > 0);
	return err;
}

/* Programs that only maps without a life point to are left out with them. */
static void leave_out_progs(struct mem_object *obj)
{
	for (uint32_t m = 0; m < obj->image.map_count; m++) {
		const struct mem_range inits = obj->maps[m].image->inits;

		if (!is_struct_ops(&obj->maps[m]) || !map_left_out(&obj->maps[m]))
			continue;
		for (uint32_t i = 0; i < inits.count; i++) {
			struct mem_prog *prog = &obj->progs[obj->image.inits[inits.first + i].target];

			prog->autoload &= prog->target_id != 0;
			if (prog->autoload && prog->error) { /* another map has it */
				free(prog->error);
				prog->error = NULL;
			}
		}
	}
}

int struct_ops_prepare(struct mem_object *obj)
{
	struct kernel_btf kernel;
	struct btf_view local;
	bool any = false;
	int err;

	for (uint32_t i = 0; i < obj->image.map_count; i++)
		any |= is_struct_ops(&obj->maps[i]) && !map_left_out(&obj->maps[i]);
	if (!any) {
		leave_out_progs(obj);
		return 0;
	}
	if (!btf_view_init(&local, obj->image.btf, obj->image.btf_size))
		return mem__error(EINVAL, "%s: struct_ops maps need BTF: compile with -g", obj->name);
	err = kernel_btf_open(&kernel, obj->name);
	if (err)
		return err;
	err = btf_view_index(&local) ?: btf_view_index(&kernel.view);
	if (err == -ENOMEM)
		mem__error(ENOMEM, "%s: no memory to number the types of the kernel and the object", obj->name);
	else if (err)
		err = mem__error(ENOTSUP, "%s: can't number the types of the kernel and the object: there is a kind "
					  "of type that libmem %s does not know", obj->name, mem_version());
	else
		err = lay_out_all(obj, &local, &kernel.view);
	leave_out_progs(obj);
	btf_view_free(&local);
	kernel_btf_close(&kernel);
	return err;
}

void struct_ops_point(struct mem_map *map)
{
	const struct mem_range inits = map->image->inits;

	if (!is_struct_ops(map) || !map->region->base)
		return;
	for (uint32_t i = 0; i < inits.count; i++) {
		const struct mem_init_image *init = &map->obj->image.inits[inits.first + i];
		struct slot callback = {&map->obj->progs[init->target]};

		memcpy(map->region->base + init->slot, &callback, sizeof(callback));
	}
}

void struct_ops_free(struct mem_map *map)
{
	if (!map->ops)
		return;
	free(map->ops->value);
	free(map->ops->callbacks);
	free(map->ops);
	map->ops = NULL;
}

/* The programs are known to the value by their descriptors. */
static int place_descriptors(const struct mem_map *map)
{
	for (uint32_t i = 0; i < map->ops->callback_count; i++) {
		const struct callback *callback = &map->ops->callbacks[i];
		uint64_t fd = (uint64_t)callback->prog->fd;

		if (callback->prog->fd < 0)
			return mem__error(EBADF, "%s: struct_ops map '%s': program '%s' is not loaded",
					  map->obj->name, map->image->name, callback->prog->image->name);
		memcpy(map->ops->value + callback->offset, &fd, sizeof(fd));
	}
	return 0;
}

static struct mem_link *attach_error(const struct mem_map *map, int err)
{
	char why[256];

	if (!explain_refusal(err, why, sizeof(why)) &&
	    (err != EINVAL || !explain_missing(why, sizeof(why), &struct_ops_links)))
		snprintf(why, sizeof(why), "%s", strerror(err));
	object_result(map->obj, mem__error(err, "%s: can't attach struct_ops map '%s': %s",
					   map->obj->name, map->image->name, why));
	return NULL;
}

void struct_ops_unregister(int map_fd)
{
	uint32_t key = 0;
	int err;
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)map_fd;
	attr.key = sys_pointer(&key);
	err = sys_bpf(BPF_MAP_DELETE_ELEM, &attr, sizeof(attr));
	if (err && err != -ENOENT) /* it outlives the process then */
		mem__log(MEM_LOG_WARN, "a struct_ops map can't be detached: %s", strerror(-err));
}

int struct_ops_fill(const struct mem_map *map)
{
	uint32_t key = 0;
	int err;

	if (is_struct_ops(map) && map->reused)
		return mem__error(EINVAL, "%s: struct_ops map '%s' is taken over: only who loaded it can attach "
				  "it", map->obj->name, map->image->name);
	if (!map->ops || map->fd < 0)
		return mem__error(EINVAL, "%s: map '%s' is not a prepared struct_ops map", map->obj->name,
				  map->image->name);
	err = place_descriptors(map);
	if (err)
		return err;
	err = mem_map_update(map, &key, map->ops->value, 0);
	/* a map with a link keeps its value: EBUSY when it is attached again */
	if (err == -EBUSY && map->image->map_flags & MEM_BPF_F_LINK)
		return 0;
	if (err)
		attach_error(map, -err);
	return err;
}

/*
 * Before Linux 6.4, and for .struct_ops, the map's element is what registers; deleting it undoes that,
 * but no map registers twice. So what else may fail comes first.
 */
static struct mem_link *register_link(const struct mem_map *map)
{
	int fd = fcntl(map->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1), err;
	struct mem_link *link = fd < 0 ? attach_error(map, errno) : link_new(map->obj, map->image->name, fd, -1);

	if (!link)
		return NULL;
	err = struct_ops_fill(map);
	if (err) {
		mem_link_destroy(link);
		object_result(map->obj, err);
		return NULL;
	}
	link->fd = -1;
	link->map_fd = fd;
	return link;
}

struct mem_link *struct_ops_attach(const struct mem_map *map)
{
	int fd;
	BPF_ATTR(attr);

	if (map->fd >= 0 && !(map->image->map_flags & MEM_BPF_F_LINK))
		return register_link(map);
	fd = struct_ops_fill(map);
	if (fd) {
		object_result(map->obj, fd);
		return NULL;
	}
	attr.link_create.prog_fd = (uint32_t)map->fd;
	attr.link_create.attach_type = MEM_BPF_STRUCT_OPS;
	fd = sys_bpf_fd(BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? attach_error(map, -fd) : link_new(map->obj, map->image->name, fd, -1);
}

struct mem_link *mem_map_attach_struct_ops(const struct mem_map *map)
{
	return struct_ops_attach(map);
}

void mem_struct_ops_use(void)
{
	mem_kernel_names_use(); /* of the interface and of what it is made of */
}
