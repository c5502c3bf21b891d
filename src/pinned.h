/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An object in a folder of the BPF file system: its maps, programs and links, each under a name that
 * follows from its own, and a record of what they are.
 *
 * The record is a frozen array. Its first element says what it is, the others are one for each
 * program, in the order of the image. It is pinned last and read first, so that a folder in which a
 * process was killed is not taken for a whole one.
 */
#ifndef LIBMEM_PINNED_H
#define LIBMEM_PINNED_H

#include "object.h"
#include "skeleton.h"

#define PINNED_MAGIC   0x504d454d42494cULL /* "LIBMEMP", little endian */
#define PINNED_VERSION 1

enum { PINNED_PATH_MAX = 4096 };

struct pinned_head {
	uint64_t magic;    /* PINNED_MAGIC */
	uint32_t version;  /* PINNED_VERSION */
	uint32_t programs; /* elements that follow */
	uint64_t left_out; /* pinned_left_out() */
	uint64_t maps;     /* hash of what the image says of maps and regions */
};

struct pinned_prog {
	uint64_t hash;     /* of what the image says of the program */
	uint32_t id;       /* in the kernel; 0: it was not loaded */
	uint32_t type;     /* BPF_PROG_TYPE_* */
	uint8_t tag[8];    /* of the instructions, as the kernel has it */
	uint64_t reserved; /* 0 */
};

_Static_assert(sizeof(struct pinned_head) == sizeof(struct pinned_prog), "elements of one array");

/* Path of what is pinned in dir: "dir/KIND_NAME", '.' in the name becoming '-'. 0 or -ENAMETOOLONG, message. */
int pinned_path(char *path, const char *dir, const char *kind, const char *name);

/* Of link i of a struct: "link" and the program's name, "ops" and the map's. count: its nth part. */
int pinned_link_path(char *path, const char *dir, const struct mem_object *obj, uint32_t i, uint32_t count);

/* Whether a map has a pin of its own. */
bool pinned_has_pin(const struct mem_map_image *map);

/* Which maps the object does without: 0 if none, any other choice gives another number. */
uint64_t pinned_left_out(const struct mem_object *obj);

/* What the kernel says of a program; ids: up to *count of its maps, NULL for none. -errno, no message. */
struct bpf_prog_info;
int pinned_prog_info(int fd, struct bpf_prog_info *info, uint32_t *ids, uint32_t *count);

int pinned_record_write(const struct mem_object *obj, const char *dir);

/* One element for each program, to be freed; left_out: of the maps then. NULL with errno and a message. */
struct pinned_prog *pinned_record_read(const struct mem_object *obj, const char *dir, uint64_t *left_out);

#endif /* LIBMEM_PINNED_H */
