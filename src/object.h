/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live side: what an object and its parts consist of. Every file of the loader works on these
 * and owns one concept; prototypes are grouped by the file that has them.
 */
#ifndef LIBMEM_OBJECT_H
#define LIBMEM_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <mem/mem.h>

#include "error.h"
#include "image.h"
#include "module_btf.h"
#include "parts.h"

/* How far an object has got; a phase is entered when it begins, so close knows what may exist. */
enum phase {
	PHASE_OPEN = 0,
	PHASE_PREPARING,
	PHASE_PREPARED,
	PHASE_LOADING,
	PHASE_LOADED,
};

struct bpf_map_info;

struct mem_map {
	struct mem_object *obj;
	const struct mem_map_image *image;
	struct mem_region *region; /* the region over this map, NULL if it has none */
	uint32_t max_entries;      /* elements; what the application may have changed */
	uint32_t value_size;       /* bytes; of a section's variables it may have, too */
	struct struct_ops *ops;    /* struct_ops.c: of a struct_ops map, NULL before prepare */
	char *pin_path;            /* looked for and pinned at prepare; NULL: neither */
	bool autocreate;           /* else prepare leaves it out */
	bool reused;               /* not made by this object: its contents stay as they are */
	bool pinned;               /* at pin_path, by this object */
	bool stays_detached;       /* of struct_ops: NAME__attach() passes it by */
	struct migration *migration; /* migrate.c: what is at pin_path may be migrated; NULL: it may not */
	int fd;                    /* -1 until created or reused */
};

struct mem_region {
	struct mem_object *obj;
	const struct mem_region_image *image;
	struct mem_map *map;
	char *base;       /* first byte of the mapping; NULL if reserved nothing */
	size_t size;      /* bytes mapped at base: whole pages */
	char *variables;  /* first variable, inside the mapping; NULL if there are none */
	bool live;        /* what is at base is the map's memory, or there never will be any */
	bool writable;    /* a live region: for the application */
	bool read_only;   /* asked for: frozen before anybody can map it writable */
	bool unmapped;    /* asked for: it has no memory */
	size_t lead;      /* bytes at base in front of the first element of a window */
	uint32_t first;   /* number of that element */
	uint32_t count;   /* elements of a window; 0: all */
	uint64_t version; /* of an arena's contents, as the application counts them */

	/* arena_share.c: of an arena */
	struct mem_region *next_mapped;
	pid_t pid;        /* process that has the mapping; 0: none yet */
	bool placeholder; /* in a forked child: nothing but reserved */
};

struct mem_prog {
	struct mem_object *obj;
	const struct mem_prog_image *image;
	uint32_t attach_type; /* BPF_* attach type, or the member of a kernel struct */
	uint32_t target_id; /* BTF id in the kernel of what it attaches to, 0 if not needed */
	uint32_t target_module; /* index into the object's modules, 0: the kernel itself */
	uint32_t type;      /* BPF_PROG_TYPE_* */
	uint64_t cookie;    /* of links whose call has none of its own */
	char *target;       /* what the application names instead of the section; NULL: the section */
	int target_prog_fd; /* the program it replaces or traces, -1 if none */
	char *error;        /* why a lenient load left it out, NULL if it did not */
	bool autoload;
	bool stays_detached; /* NAME__attach() passes it by */
	int fd; /* -1 until loaded */
};

/* Where the loader found what an extern names. */
struct resolved_extern {
	bool found;
	bool ambiguous;   /* the kernel has several symbols of this name */
	uint32_t btf_id;  /* kfunc, typed variable: id in the kernel's BTF */
	uint32_t module;  /* index into the object's modules, 0: the kernel itself */
	uint64_t address; /* KSYM_ADDR */
};

struct mem_object {
	struct image_view image; /* rows of this library's size */
	char *name;
	enum phase phase;
	bool failed;        /* a phase failed half way: only close is left */
	bool attached;      /* region_attach.c: just the container of one region */
	char *error;        /* message of the last failed call; NULL if none failed */
	int btf_fd;         /* -1: not loaded, or the kernel has no use for it */
	struct mem_map *maps;
	struct mem_region *regions;
	struct mem_prog *progs;
	struct resolved_extern *externs;
	struct module_fds modules; /* whose BTF externs and targets refer to */
	const char *pin_source; /* region_attach.c, during the call: where the region was found, NULL: elsewhere ... */
	struct mem_schema *(*find_schema)(const char *pin, uint32_t map_id); /* ... and who knows its types */
	bool lenient;              /* a program that can't be loaded is left out */
	bool one_thread;           /* programs are loaded by the caller's alone */
	bool at_once;              /* opened and loaded in one call: nobody sees regions in between */
	struct task_back *task_back; /* where threads' structs are; NULL: none or not prepared */
	uint32_t *task_offsets;      /* bytes into a thread's block, for each tasks row */
	uint32_t *task_fields_at;    /* bits into the struct, for each task_fields row; part of the above */

	void *skel; /* the generated struct that shows this object's regions, NULL if none */
	const struct mem_skeleton_layout *layout;

	struct mem_image *owned_image; /* released at close; NULL: the application's */
	void (*release_image)(struct mem_image *);
};

/* object.c */
int object_result(struct mem_object *obj, int err);
#ifdef LIBMEM_ANALYZE /* see error.h */
#define object_result(obj, err) ({ int err_ = (err); object_result(obj, err_); err_; })
#endif
struct mem_object *object_new(const struct mem_image *image, const char *name);
/* mem_object_open() of an image whose parts are linked in. */
struct mem_object *object_open(const struct mem_image *image, const struct mem_open_opts *opts,
			       bool at_once);

/* region.c */
int region_reserve(struct mem_region *region);
int region_map(struct mem_region *region);
/* Whether err of mmap(2) says that the region's map is not to be mapped by anybody. */
bool region_is_kernels(const struct mem_region *region, int err);
int region_adopt(struct mem_region *region, const struct bpf_map_info *info, int prot);
void region_unmap(struct mem_region *region);
size_t map_stride(const struct mem_map *map);

/* One section's variables, which are one element of an array. */
static inline bool region_is_section(const struct mem_region *region)
{
	return region->image->kind == MEM_REGION_DATA || region->image->kind == MEM_REGION_RODATA;
}

/* region_change.c */
int region_resize(struct mem_region *region);

/* region_adopt.c; a whole map's mapping has a size unless it has no elements, or too many */
size_t region_mapping_size(const struct mem_region *region);

/* arena.c */
int arena_reserve(struct mem_region *region) PART_SHARED;
int arena_map(struct mem_region *region) PART;
/* Address space where an arena may lie; NULL with errno. */
void *arena_reserve_range(uint64_t size);

/* arena_adopt.c */
int arena_adopt(struct mem_region *region, const struct bpf_map_info *info, int prot);

/* heap_views.c */
void heap_forget(const void *memory, size_t size) PART;

/*
 * arena_share.c. Whether memory lies in the arena that `near` is in: 1 yes, 0 no; -1 `near` is in no
 * arena.
 */
int arena_holds(const void *near, const void *memory, uint64_t size) PART_SHARED;

/* map.c */
int map_create(struct mem_map *map);
int map_settle_size(struct mem_map *map);
int map_init_elements(struct mem_object *obj, enum mem_init_kind kind);
int map_init_again(struct mem_map *map);
int map_freeze(struct mem_map *map);
bool map_left_out(const struct mem_map *map);

/* kconfig.c */
int kconfig_fill(struct mem_region *region) PART;

/* percpu.c */
int percpu_fill(struct mem_region *region) PART;

/* btf_load.c */
int btf_load(struct mem_object *obj);

/* resolve.c */
int resolve_kernel_ids(struct mem_object *obj) PART;

/* resolve_addresses.c: of those externs that are used, one or more of them by address */
int resolve_addresses(struct mem_object *obj, const bool *used) PART;

/* prog.c */
int prog_load(struct mem_prog *prog);
void prog_try(struct mem_prog *prog);
void prog_leave_out(struct mem_prog *prog);
void prog_close(struct mem_prog *prog);
/* It is too late to change it: -EBUSY with a message. */
int prog_loaded_error(const struct mem_prog *prog);
const char *prog_target(const struct mem_prog *prog);

/* load_ahead.c: load programs on several threads if they are many; those that fail stay unloaded */
void load_ahead(struct mem_object *obj);

/* skeleton.c */
void skeleton_show_region(const struct mem_region *region);

#endif /* LIBMEM_OBJECT_H */
