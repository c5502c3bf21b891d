/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps: creating them as declared, their initial elements, and access by system call. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "explain.h"
#include "object.h"
#include "struct_ops.h"
#include "sys.h"

/* What each map type is called and which kernel has it. Index: BPF_MAP_TYPE_*. */
static const struct feature map_types[] = {
	[BPF_MAP_TYPE_HASH] = { "hash maps", 3, 19 },
	[BPF_MAP_TYPE_ARRAY] = { "array maps", 3, 19 },
	[BPF_MAP_TYPE_PROG_ARRAY] = { "program arrays", 4, 2 },
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = { "perf event arrays", 4, 3 },
	[BPF_MAP_TYPE_PERCPU_HASH] = { "per-CPU hash maps", 4, 6 },
	[BPF_MAP_TYPE_PERCPU_ARRAY] = { "per-CPU arrays", 4, 6 },
	[BPF_MAP_TYPE_STACK_TRACE] = { "stack trace maps", 4, 6 },
	[BPF_MAP_TYPE_CGROUP_ARRAY] = { "cgroup arrays", 4, 8 },
	[BPF_MAP_TYPE_LRU_HASH] = { "LRU hash maps", 4, 10 },
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = { "per-CPU LRU hash maps", 4, 10 },
	[BPF_MAP_TYPE_LPM_TRIE] = { "LPM tries", 4, 11 },
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = { "arrays of maps", 4, 12 },
	[BPF_MAP_TYPE_HASH_OF_MAPS] = { "hashes of maps", 4, 12 },
	[BPF_MAP_TYPE_DEVMAP] = { "devmaps", 4, 14 },
	[BPF_MAP_TYPE_SOCKMAP] = { "sockmaps", 4, 14 },
	[BPF_MAP_TYPE_CPUMAP] = { "cpumaps", 4, 15 },
	[BPF_MAP_TYPE_XSKMAP] = { "AF_XDP maps", 4, 18 },
	[BPF_MAP_TYPE_SOCKHASH] = { "sockhashes", 4, 18 },
	[BPF_MAP_TYPE_CGROUP_STORAGE] = { "cgroup storage", 4, 19 },
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = { "reuseport socket arrays", 4, 19 },
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = { "per-CPU cgroup storage", 4, 20 },
	[BPF_MAP_TYPE_QUEUE] = { "queues", 4, 20 },
	[BPF_MAP_TYPE_STACK] = { "stacks", 4, 20 },
	[BPF_MAP_TYPE_SK_STORAGE] = { "socket storage", 5, 2 },
	[BPF_MAP_TYPE_DEVMAP_HASH] = { "devmap hashes", 5, 4 },
	[BPF_MAP_TYPE_STRUCT_OPS] = { "struct_ops", 5, 6 },
	[BPF_MAP_TYPE_RINGBUF] = { "ring buffers", 5, 8 },
	[BPF_MAP_TYPE_INODE_STORAGE] = { "inode storage", 5, 10 },
	[BPF_MAP_TYPE_TASK_STORAGE] = { "task storage", 5, 11 },
	[BPF_MAP_TYPE_BLOOM_FILTER] = { "bloom filters", 5, 16 },
	[BPF_MAP_TYPE_USER_RINGBUF] = { "user ring buffers", 6, 1 },
	[MEM_BPF_MAP_TYPE_CGRP_STORAGE] = { "cgroup local storage", 6, 2 },
	[MEM_BPF_MAP_TYPE_ARENA] = { "arenas", 6, 9 },
};

static const struct feature mappable_arrays = { "BPF_F_MMAPABLE arrays", 5, 5 };

static bool map_explain_missing(const struct mem_map *map, char *text, size_t size)
{
	uint32_t type = map->image->type;
	bool known = type < sizeof(map_types) / sizeof(map_types[0]) && map_types[type].name;

	if (known && explain_missing(text, size, &map_types[type]))
		return true;
	return map->image->map_flags & BPF_F_MMAPABLE && explain_missing(text, size, &mappable_arrays);
}

/* What the kernel says itself of a map that it does not take (Linux 7.1). */
static bool map_kernel_words(const union bpf_attr *attr, char *text, size_t size)
{
	int fd = sys_bpf_logged(BPF_MAP_CREATE, attr, sizeof(*attr), text, (uint32_t)size);

	sys_close(&fd);
	text[strcspn(text, "\n")] = '\0';
	return text[0];
}

/* The rules that declarations break. */
static const char *map_broken_rule(const struct mem_map *map)
{
	const struct mem_map_image *image = map->image;

	switch (image->type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return image->key_size != 4 ? "keys of arrays are 4 bytes" : NULL;
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		if (image->inner_map == MEM_NONE)
			return "it needs a model of the maps in it: __array(values, struct OF_AN_INNER_MAP)";
		return image->type == BPF_MAP_TYPE_ARRAY_OF_MAPS && image->key_size != 4 ?
			       "keys of arrays are 4 bytes" : NULL;
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return !image->key_size || !image->value_size ? "it needs a key and a value" : NULL;
	case BPF_MAP_TYPE_LPM_TRIE:
		return image->map_flags & BPF_F_NO_PREALLOC ? NULL : "it needs BPF_F_NO_PREALLOC";
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
		return image->map_flags & BPF_F_NO_PREALLOC && !map->max_entries
			       ? NULL
			       : "it needs BPF_F_NO_PREALLOC and no max_entries";
	default:
		return NULL;
	}
}

/* What is kept with something of the kernel has no number of elements. */
static bool is_storage(uint32_t type)
{
	return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE ||
	       type == BPF_MAP_TYPE_TASK_STORAGE || type == MEM_BPF_MAP_TYPE_CGRP_STORAGE ||
	       type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

static int map_create_error(const struct mem_map *map, const union bpf_attr *attr, int err)
{
	const struct mem_map_image *image = map->image;
	char why[256], words[160];

	if (explain_refusal(err, why, sizeof(why))) {
		; /* said */
	} else if (err == EINVAL && map_explain_missing(map, why, sizeof(why))) {
		err = ENOTSUP;
	} else if (!map->max_entries && err == EINVAL && !is_storage(image->type) && !map_broken_rule(map)) {
		snprintf(why, sizeof(why),
			 "max_entries is 0: set it in the program or by mem_map_max_entries_set()");
	} else {
		const char *rule = err == EINVAL || err == EBADF ? map_broken_rule(map) : NULL;

		if (!rule && map_kernel_words(attr, words, sizeof(words)))
			rule = words;
		snprintf(why, sizeof(why),
			 "%s%s%s (type %u, key %u bytes, value %u bytes, %u entries, flags %#x)",
			 strerror(err), rule ? ": " : "", rule ?: "", image->type, image->key_size,
			 map->value_size, map->max_entries, image->map_flags);
	}
	return mem__error(err, "%s: can't create map '%s': %s", map->obj->name, image->name, why);
}

static void map_attr(const struct mem_map *map, union bpf_attr *attr)
{
	const struct mem_map_image *image = map->image;

	attr->map_type = image->type;
	attr->key_size = image->key_size;
	attr->value_size = map->value_size;
	attr->max_entries = map->max_entries;
	attr->map_flags = image->map_flags;
	attr->numa_node = image->map_flags & BPF_F_NUMA_NODE ? image->numa_node : 0;
	attr->map_extra = image->map_extra;
	sys_set_name(attr->map_name, image->kernel_name);
	if (map->obj->btf_fd >= 0 && !map->ops && (image->key_type || image->value_type)) {
		attr->btf_fd = (uint32_t)map->obj->btf_fd;
		attr->btf_key_type_id = image->key_type;
		attr->btf_value_type_id = image->value_type;
	}
	if (map->ops) { /* the kernel's layout, not the object's */
		attr->btf_fd = map->obj->btf_fd < 0 ? 0 : (uint32_t)map->obj->btf_fd;
		attr->btf_vmlinux_value_type_id = map->ops->value_type;
		attr->value_size = map->ops->value_size;
	}
	if (image->type == MEM_BPF_MAP_TYPE_ARENA && map->region)
		attr->map_extra = sys_pointer(map->region->base);
}

/*
 * The best form first. Kernels before 5.11 count maps against RLIMIT_MEMLOCK and say EPERM; some
 * types and older kernels don't take BTF and say EINVAL.
 */
static int map_create_fd(const struct mem_map *map, union bpf_attr *attr)
{
	const struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = sys_bpf_fd(BPF_MAP_CREATE, attr, sizeof(*attr));

	if (fd == -EPERM && kernel_older_than(5, 11) && !setrlimit(RLIMIT_MEMLOCK, &unlimited))
		fd = sys_bpf_fd(BPF_MAP_CREATE, attr, sizeof(*attr));
	if ((fd == -EINVAL || fd == -ENOTSUP) && attr->btf_fd && !map->ops) {
		attr->btf_fd = attr->btf_key_type_id = attr->btf_value_type_id = 0;
		fd = sys_bpf_fd(BPF_MAP_CREATE, attr, sizeof(*attr));
		if (fd >= 0)
			mem__log(MEM_LOG_INFO, "%s: map '%s' has no type information in this kernel",
				 map->obj->name, map->image->name);
	}
	return fd;
}

/* The smallest size of a ring buffer that the kernel takes: a power of two, of whole pages. */
static uint32_t ring_size(uint32_t bytes)
{
	uint64_t size = sys_page_size();

	while (size < bytes)
		size *= 2;
	return size <= UINT32_MAX ? (uint32_t)size : bytes;
}

/* One element per CPU where the source leaves the size open; ring buffers as large as they must be. */
int map_settle_size(struct mem_map *map)
{
	uint32_t type = map->image->type;
	int cpus;

	if (map->max_entries && (type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF))
		map->max_entries = ring_size(map->max_entries);
	if (map->max_entries || type != BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return 0;
	cpus = sys_possible_cpus();
	if (cpus < 0)
		return mem__error(-cpus, "%s: map '%s': can't count the CPUs: %s", map->obj->name,
				  map->image->name, strerror(-cpus));
	map->max_entries = (uint32_t)cpus;
	return 0;
}

int map_create(struct mem_map *map)
{
	struct mem_object *obj = map->obj;
	int inner_fd = -1, err;
	BPF_ATTR(attr);

	if (map->fd >= 0) /* reused */
		return 0;
	err = map_settle_size(map);
	if (err)
		return err;
	map_attr(map, &attr);
	if (map->image->inner_map != MEM_NONE) {
		err = map_create(&obj->maps[map->image->inner_map]);
		if (err)
			return err;
		inner_fd = obj->maps[map->image->inner_map].fd;
		attr.inner_map_fd = (uint32_t)inner_fd;
	}
	map->fd = map_create_fd(map, &attr);
	if (inner_fd >= 0 && obj->maps[map->image->inner_map].image->flags & MEM_MAP_PROTOTYPE)
		sys_close(&obj->maps[map->image->inner_map].fd);
	if (map->fd >= 0)
		return 0;
	err = -map->fd;
	map->fd = -1;
	return map_create_error(map, &attr, err);
}

/* Whether prepare does without the map: programs that reach it can't be loaded. */
bool map_left_out(const struct mem_map *map)
{
	return !map->autocreate && map->fd < 0;
}

int map_freeze(struct mem_map *map)
{
	int err;
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)map->fd;
	err = sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr));
	if (!err)
		return 0;
	return mem__error(-err, "%s: can't freeze map '%s': %s", map->obj->name, map->image->name,
			  strerror(-err));
}

static int map_init_element(struct mem_map *map, const struct mem_init_image *init)
{
	const struct mem_object *obj = map->obj;
	bool is_map = init->kind == MEM_INIT_MAP;
	int fd = is_map ? obj->maps[init->target].fd : obj->progs[init->target].fd, err;

	if (fd < 0) /* a program left out */
		return 0;
	err = mem_map_update(map, &init->slot, &fd, 0);
	if (!err)
		return 0;
	return mem__error(-err, "%s: map '%s': element %u can't be %s '%s': %s", obj->name, map->image->name,
			  init->slot, is_map ? "map" : "program",
			  is_map ? obj->maps[init->target].image->name : obj->progs[init->target].image->name,
			  err == -EINVAL && !is_map ? "the array's programs are not all of one type, or some take "
						      "fragments (xdp.frags) and some don't"
						    : strerror(-err));
}

/* target: MEM_NONE for all */
static int map_init_elements_of(struct mem_object *obj, enum mem_init_kind kind, uint32_t target)
{
	int err = 0;

	for (uint32_t m = 0; m < obj->image.map_count; m++) {
		const struct mem_range inits = obj->maps[m].image->inits;

		if (obj->maps[m].reused || map_left_out(&obj->maps[m]))
			continue;
		for (uint32_t i = 0; !err && i < inits.count; i++) {
			const struct mem_init_image *init = &obj->image.inits[inits.first + i];

			if (init->kind == kind && (target == MEM_NONE || init->target == target))
				err = map_init_element(&obj->maps[m], init);
		}
	}
	return err;
}

/* Put maps (at prepare) or programs (at load) into the elements that the source fills. */
int map_init_elements(struct mem_object *obj, enum mem_init_kind kind)
{
	return map_init_elements_of(obj, kind, MEM_NONE);
}

/* A map has become another: put it into the elements again. */
int map_init_again(struct mem_map *map)
{
	return map_init_elements_of(map->obj, MEM_INIT_MAP, (uint32_t)(map - map->obj->maps));
}

int mem_map_fd(const struct mem_map *map)
{
	return map->fd >= 0 ? map->fd : -EBADF;
}

const char *mem_map_name(const struct mem_map *map)
{
	return map->image->name;
}

uint32_t mem_map_type(const struct mem_map *map)
{
	return map->image->type;
}

uint32_t mem_map_key_size(const struct mem_map *map)
{
	return map->image->key_size;
}

uint32_t mem_map_value_size(const struct mem_map *map)
{
	return map->value_size;
}

int mem_map_autocreate(const struct mem_map *map)
{
	return map->autocreate;
}

uint32_t mem_map_max_entries(const struct mem_map *map)
{
	return map->max_entries;
}

/* An element command; a failure is the caller's to interpret, so only the message is made here. */
static int map_element(const struct mem_map *map, enum bpf_cmd cmd, const void *key,
		       const void *value, uint64_t flags, const char *verb)
{
	int err;
	BPF_ATTR(attr);

	attr.map_fd = (uint32_t)map->fd;
	attr.key = sys_pointer(key);
	attr.value = sys_pointer(value); /* a union with next_key */
	attr.flags = flags;
	err = map->fd < 0 ? -EBADF : sys_bpf(cmd, &attr, sizeof(attr));
	if (err >= 0)
		return 0;
	/* ENOENT is an answer; making up a message each time would slow every walk of a map */
	if (err == -ENOENT) {
		errno = ENOENT;
		return err;
	}
	return mem__error(-err, "%s: map '%s': can't %s: %s", map->obj->name, map->image->name, verb,
			  map->fd < 0	  ? "it does not exist before mem_object_prepare()"
			  : err == -E2BIG ? "no more than max_entries fit into it"
					  : strerror(-err));
}

int mem_map_lookup(const struct mem_map *map, const void *key, void *value, uint64_t flags)
{
	return map_element(map, BPF_MAP_LOOKUP_ELEM, key, value, flags, "look up an element");
}

int mem_map_update(const struct mem_map *map, const void *key, const void *value, uint64_t flags)
{
	return map_element(map, BPF_MAP_UPDATE_ELEM, key, value, flags, "update an element");
}

int mem_map_delete(const struct mem_map *map, const void *key)
{
	return map_element(map, BPF_MAP_DELETE_ELEM, key, NULL, 0, "delete an element");
}

int mem_map_next_key(const struct mem_map *map, const void *key, void *next)
{
	return map_element(map, BPF_MAP_GET_NEXT_KEY, key, next, 0, "walk the keys");
}
